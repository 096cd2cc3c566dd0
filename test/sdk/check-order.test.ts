// The order in which a call is checked (contract: esa-edge-container §6.4): of several things that are wrong, the first of the table is
// answered, and nothing is changed. Every pair of every table is tried. The checks that §13 of the contract asks for stand in:
//
//  1  every operation by the Node client and by a form with older signing   examples.test.ts, journey/publish.test.ts
//  2  a log path with * and blanks                                          log-river.test.ts
//  3  ProbeContent as object and as string                                  operations/edge-container/versions.test.ts, image-secrets.test.ts
//  4  InvalidParameter.appid and .Appid on the right operations             contract.test.ts, this file, faults.test.ts
//  5  the shape of Regions, read back by the client                         journey/releases.test.ts, shape.test.ts
//  6  30 % → 100 % → rollback                                               operations/edge-container/rollback.test.ts, releases.test.ts
//  7  a scheduled release over a restart                                    journey/releases.test.ts
//  8  the password of an image secret in no log and no answer               image-secrets.test.ts, journey/private-image.test.ts
//  9  names twice, an image with @, Lines 0 and 5001                        this file, faults.test.ts, operations/edge-container/*.test.ts
// 10  Terraform's two reads                                                 terraform.test.ts
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, createVersion } from '../../tools/journey/app.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { operations } from '@littoral/contract/edge-container/index'
import { signV1 } from '../signing.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

type Fields = Readonly<Record<string, string>>

/** Something that is wrong: what it changes of a call that is right, and what is answered to it. */
interface Wrong {
  readonly what: string
  readonly fields: Fields
  readonly code: string
  /** A field that the message names, where the code alone says too little. */
  readonly names?: string
}

interface Table {
  readonly action: string
  readonly right: () => Fields
  readonly wrongs: readonly Wrong[]
}

let server: TestServer
let esa: Call
let appId: string
let versionId: string
let siteId: string
beforeAll(async () => {
  server = await openTestServer()
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  appId = await createApp(esa, { name: 'order-app', servicePort: 24_901, targetPort: 8080 })
  versionId = await createVersion(esa, { appId, name: 'version-1', image: 'example:1', port: 8080 })
  siteId = String((await esa('CreateSite', { SiteName: 'order.example', AccessType: 'NS', Coverage: 'global' }))['SiteId'])
  await esa('CreateEdgeContainerAppRecord', { AppId: appId, RecordName: 'taken.order.example', SiteId: Number(siteId) })
  // Under way, as there is no node, so that another one is refused for the state.
  await esa('PublishEdgeContainerAppVersion', { AppId: appId, VersionId: versionId, PublishEnv: 'prod' })
})
afterAll(() => server.close())

async function ask(action: string, fields: Fields): Promise<{ status: number; code: string; message: string }> {
  const query = signV1(server.key, { Action: action, Version: '2024-09-10', Format: 'JSON', ...fields }, 'POST')
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await fetch(`${server.url}/`, { method: 'POST', headers, body: query })
  const { Code, Message } = (await answer.json()) as { Code?: string; Message?: string }
  return { status: answer.status, code: String(Code), message: String(Message) }
}

const badAppId: Wrong = { what: 'AppId of a wrong form', fields: { AppId: 'none' }, code: 'InvalidParameter.appid' }
const noApp: Wrong = { what: 'no such app', fields: { AppId: 'app-999999999999999999' }, code: 'InvalidApp.NotFound' }
const container = { Name: 'web', Image: 'example:1', IsACRImage: false, Spec: '1C2G', Storage: '0.5G', ProbeType: 'tcpSocket' }
const good = { ...container, ProbeContent: { Port: 80 } }

const tables: readonly Table[] = [
  {
    action: 'CreateEdgeContainerAppVersion',
    right: () => ({ AppId: appId, Name: 'version-2', Containers: JSON.stringify([good]) }),
    wrongs: [
      badAppId,
      { what: 'a short name', fields: { Name: 'x' }, code: 'InvalidParameter.Name' },
      { what: 'a long note', fields: { Remarks: 'x'.repeat(1025) }, code: 'InvalidParameter', names: 'Remarks' },
      { what: 'containers that are no JSON', fields: { Containers: '[{' }, code: 'InvalidParameter', names: 'Containers' },
      noApp,
      { what: 'a name that is taken', fields: { Name: 'version-1' }, code: 'NameAlreadyExists' },
    ],
  },
  {
    action: 'CreateEdgeContainerAppVersion',
    right: () => ({ AppId: appId, Name: 'version-2', Containers: JSON.stringify([good]) }),
    wrongs: [
      { what: 'an image with @', fields: { Containers: JSON.stringify([{ ...good, Image: 'a@b' }]) }, code: 'InvalidParameter.Image' },
      noApp,
      { what: 'two containers of one name', fields: { Containers: JSON.stringify([good, good]) }, code: 'ParameterAlreadyExist' },
    ],
  },
  {
    action: 'PublishEdgeContainerAppVersion',
    right: () => ({ AppId: appId, VersionId: versionId, PublishEnv: 'staging' }),
    wrongs: [
      badAppId,
      { what: 'a share of 101', fields: { Percentage: '101' }, code: 'InvalidParameter.Percentage' },
      { what: 'no such environment', fields: { PublishEnv: 'test' }, code: 'InvalidParameter.PublishEnv' },
      { what: 'VersionId of a wrong form', fields: { VersionId: 'none' }, code: 'InvalidParameter.VersionId' },
      { what: 'regions that are no JSON', fields: { Regions: '[', PublishType: 'region' }, code: 'InvalidParameter', names: 'Regions' },
      noApp,
      { what: 'no such version', fields: { VersionId: 'ver-999999999999999999' }, code: 'InvalidVersion.NotFound' },
    ],
  },
  {
    action: 'CreateEdgeContainerAppRecord',
    right: () => ({ AppId: appId, RecordName: 'new.order.example', SiteId: siteId }),
    wrongs: [
      badAppId,
      { what: 'a name of no form', fields: { RecordName: '..' }, code: 'InvalidParameter', names: 'RecordName' },
      noApp,
      { what: 'no such site', fields: { SiteId: '1' }, code: 'SiteNotFound' },
      { what: 'a domain that is bound', fields: { RecordName: 'taken.order.example' }, code: 'ParameterAlreadyExist' },
    ],
  },
  {
    action: 'DeleteEdgeContainerAppVersion',
    right: () => ({ AppId: appId, VersionId: versionId }),
    wrongs: [
      badAppId,
      { what: 'VersionId of a wrong form', fields: { VersionId: 'none' }, code: 'InvalidParameter.VersionId' },
      noApp,
      { what: 'no such version', fields: { VersionId: 'ver-999999999999999999' }, code: 'InvalidVersion.NotFound' },
      { what: 'a version that is being released', fields: {}, code: 'InternalException' },
    ],
  },
  {
    action: 'GetEdgeContainerLogs',
    right: () => ({ AppId: appId, Lines: '5' }),
    wrongs: [
      badAppId,
      { what: 'no line', fields: { Lines: '0' }, code: 'InvalidParameter', names: 'Lines' },
      { what: 'too many lines', fields: { Lines: '5001' }, code: 'InvalidParameter', names: 'Lines' },
      noApp,
    ],
  },
]

/** Every pair, and each alone; wrong things that change one field are one and the same. */
const cases = tables.flatMap(({ action, right, wrongs }) =>
  wrongs.flatMap((first, at) =>
    [undefined, ...wrongs.slice(at + 1)].flatMap((later) => {
      const isOneField = later !== undefined && Object.keys(first.fields).some((name) => name in later.fields)
      return isOneField
        ? []
        : [{ action, right, first, later, what: later === undefined ? first.what : `${first.what} before ${later.what}` }]
    }),
  ),
)

describe('the order of checks', () => {
  it.each(cases)('of $action: $what', async ({ action, right, first, later }) => {
    const { status, code, message } = await ask(action, { ...right(), ...later?.fields, ...first.fields })
    expect({ code, isRefused: status >= 400 && status < 500 }).toEqual({ code: first.code, isRefused: true })
    if (first.names !== undefined) expect(message).toContain(first.names)
  })

  it('changes nothing where anything is wrong', async () => {
    const { TotalCount } = await esa('ListEdgeContainerAppVersions', { AppId: appId })
    expect(TotalCount).toBe(1)
    expect((await esa('ListEdgeContainerAppRecords', { AppId: appId }))['TotalCount']).toBe(1)
  })

  it('begins with the AppId, under the very name that each operation has for it', async () => {
    const withAppId = Object.values(operations).filter(({ input }) => 'AppId' in input.properties)
    expect(withAppId.length).toBeGreaterThan(20)
    for (const { action } of withAppId) {
      const isCapital = /ImageSecret|ResourceReserve/.test(action)
      expect({ action, ...(await ask(action, { AppId: 'App-1' })) }).toMatchObject({
        action,
        status: 400,
        code: isCapital ? 'InvalidParameter.Appid' : 'InvalidParameter.appid',
      })
    }
  })
})
