// Every fault of the edge container family and of our own, provoked on a real server and answered with the status and the code of the
// catalogue. A fault that is added there without a case here fails this file; so does a code of the contract that no fault has.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { faultEntry, type FaultName } from '@littoral/contract/errors'
import { edgeContainerFaults } from '@littoral/contract/errors/edge-container'
import { littoralFaults } from '@littoral/contract/errors/littoral'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readContract } from '../../tools/contract-json.ts'
import { createApp, createVersion, publish, waitPublished, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { signV1 } from '../signing.ts'
import type { TestNode } from '../test-node.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

interface Refusal {
  readonly status: number
  readonly code: string
}

type Fields = Readonly<Record<string, string | number>>

/** Faults that no call provokes here, each with the reason. */
const unprovoked: Readonly<Partial<Record<FaultName, string>>> = {
  'Node.Busy': 'takes 256 upgrades at the same moment; the bound is one comparison before the socket is taken',
  'Stream.Busy': 'takes 500 readers of logs at the same moment; the bound is one comparison before the stream is opened',
  'Node.DownloadNotFound': 'takes a package that vanished from the disk; nodes/downloads.test.ts takes it away',
  'Node.SealKeyMissing': 'takes an agent older than sealed logins; nodes/registry-credentials.test.ts plays one',
  'Stream.TerminalsOff': 'takes a server without terminals; test/streams/terminal.test.ts opens one',
  'Upgrade.NotRunning': 'takes an upgrade that has ended; operations/littoral/upgrades.test.ts ends one',
}

/** Codes of the contract that only a defect of the server answers. */
const onlyByDefect: readonly string[] = ['InternalError']

let server: TestServer
let esa: Call
let node: TestNode
let second: TestNode
let app: { appId: string; versionId: string }
let site: number
beforeAll(async () => {
  server = await openTestServer()
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  node = await server.openNode()
  app = await released('faults-main', 'prod')
  await waitPublished(esa, { ...app, environment: 'prod' })
  site = Number((await esa('CreateSite', { SiteName: 'faults.example', AccessType: 'NS', Coverage: 'global' }))['SiteId'])
}, 120_000)
afterAll(() => server.close())

let ports = 24_500
async function newApp(name: string): Promise<{ appId: string; versionId: string }> {
  const appId = await createApp(esa, { name, servicePort: (ports += 1), targetPort: 8080 })
  return { appId, versionId: await createVersion(esa, { appId, name: 'version-1', image: 'example:1', port: 8080 }) }
}

async function released(name: string, environment: 'prod' | 'staging'): Promise<{ appId: string; versionId: string }> {
  const made = await newApp(name)
  await publish(esa, { ...made, environment })
  return made
}

/** One signed call, as far as its refusal. */
async function ask(version: string, action: string, fields: Fields): Promise<Refusal> {
  const texts = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
  const query = signV1(server.key, { Action: action, Version: version, Format: 'JSON', ...texts }, 'POST')
  const answer = await fetch(`${server.url}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: query,
  })
  return { status: answer.status, code: String(((await answer.json()) as { Code?: string }).Code) }
}
const ours = (action: string, fields: Fields) => ask('2026-12-01', action, fields)
const theirs = (action: string, fields: Fields) => ask('2024-09-10', action, fields)

/** At the doors of nodes and streams. */
async function knock(path: string, headers: Record<string, string> = {}): Promise<Refusal> {
  const answer = await fetch(`${server.url}${path}`, { headers })
  return { status: answer.status, code: String(((await answer.json()) as { code?: string }).code) }
}

const container = { Name: 'web', Image: 'example:1', IsACRImage: false, Spec: '1C2G', Storage: '0.5G', ProbeType: 'tcpSocket' }
const probed = { ...container, ProbeContent: { Port: 80 } }
const createWith = (...containers: object[]) =>
  theirs('CreateEdgeContainerAppVersion', { AppId: app.appId, Name: 'version-x', Containers: JSON.stringify(containers) })
const publishWith = (more: Fields) =>
  theirs('PublishEdgeContainerAppVersion', { AppId: app.appId, VersionId: app.versionId, PublishEnv: 'prod', ...more })
const secretOf = async (one: TestNode) => {
  const kept = JSON.parse(await readFile(join(one.dataDir, 'identity.json'), 'utf8')) as { content: { identity: Record<string, string> } }
  const { nodeId, nodeSecret } = kept.content.identity
  return { authorization: `LittoralNode ${nodeId}:${nodeSecret}` }
}

const provoke: Partial<Record<FaultName, () => Promise<Refusal>>> = {
  InvalidParameter: () => theirs('ListEdgeContainerApps', { PageSize: 0 }),
  'InvalidParameter.appid': () => theirs('GetEdgeContainerApp', { AppId: 'none' }),
  'InvalidParameter.Appid': () => theirs('ListEdgeContainerAppImageSecrets', { AppId: 'none' }),
  'InvalidParameter.VersionId': () => theirs('GetEdgeContainerAppVersion', { AppId: app.appId, VersionId: 'none' }),
  'InvalidParameter.Name': () => theirs('CreateEdgeContainerApp', { Name: 'x', ServicePort: 80, TargetPort: 80 }),
  'InvalidParameter.Image': () => createWith({ ...probed, Image: 'web@sha256:aa' }),
  'InvalidParameter.HttpHeaders': () =>
    createWith({ ...container, ProbeType: 'httpGet', ProbeContent: { Port: 80, HttpHeaders: '{"A":"@"}' } }),
  'InvalidParameter.PublishEnv': () => publishWith({ PublishEnv: 'test' }),
  'InvalidParameter.Percentage': () => publishWith({ Percentage: 101 }),
  NameAlreadyExists: () => theirs('CreateEdgeContainerApp', { Name: 'faults-main', ServicePort: 80, TargetPort: 80 }),
  ParameterAlreadyExist: () => createWith(probed, probed),
  InternalException: () => theirs('DeleteEdgeContainerAppVersion', { AppId: app.appId, VersionId: app.versionId }),
  'InvalidApp.NotFound': () => theirs('GetEdgeContainerApp', { AppId: 'app-999999999999999999' }),
  'InvalidVersion.NotFound': () => theirs('GetEdgeContainerAppVersion', { AppId: app.appId, VersionId: 'ver-999999999999999999' }),
  SiteNotFound: () => theirs('GetSite', { SiteId: 1 }),
  SiteNotNamed: () => theirs('CreateEdgeContainerAppRecord', { AppId: app.appId, RecordName: 'www.elsewhere.example' }),
  'Record.AlreadyExist': async () => {
    const { appId } = await newApp('faults-bound')
    await esa('CreateEdgeContainerAppRecord', { AppId: appId, RecordName: 'www.faults.example', SiteId: site })
    return theirs('DeleteEdgeContainerApp', { AppId: appId })
  },
  'EdgeContainer.HasOpened': () => theirs('OpenEdgeContainer', {}),
  StagingUnreachable: async () => {
    const { appId } = await released('faults-staged', 'staging')
    await waitStaging(esa, appId)
    return whileAway(() => theirs('GetEdgeContainerLogs', { AppId: appId, Lines: 5 }))
  },
  'Node.NotFound': () => ours('GetNode', { NodeId: 'node-none' }),
  'Node.InvalidParameter': () => ours('ListNodes', { PageSize: 0 }),
  'Node.Online': () => ours('DeleteNode', { NodeId: node.nodeId }),
  'Node.WorkloadNotFound': () => ours('RetryWorkload', { NodeId: node.nodeId, Workload: 'app/none/prod' }),
  'Node.Unreachable': () => whileAway(() => ours('RetryWorkload', { NodeId: node.nodeId, Workload: `app/${app.appId}/prod` })),
  'Incident.NotFound': () => ours('GetIncident', { IncidentId: 'inc-0000000000000000' }),
  'Upgrade.NotFound': () => ours('GetUpgrade', { UpgradeId: 'none' }),
  'Upgrade.VersionUnknown': () => ours('UpgradeNodes', { AgentVersion: '99.0.0' }),
  'Upgrade.NoNodes': async () => {
    await mkdir(join(server.dataFolder, 'agents'), { recursive: true })
    await writeFile(join(server.dataFolder, 'agents', 'other.mjs'), '// littoral-agent 98.0.0\n')
    return ours('UpgradeNodes', { AgentVersion: '98.0.0', Region: 'atlantis' })
  },
  'Node.BundleNotFound': () => knock('/node/v1/agent?version=99.0.0'),
  'Node.RegionUnknown': () => ours('CreateNodeToken', { Region: 'atlantis' }),
  'Release.NotFound': () => ours('GetRelease', { ReleaseId: 'rel-none' }),
  'Release.NotUnderWay': async () => ours('PauseRelease', { ReleaseId: await releaseOf(app.appId) }),
  'Release.NotHeld': async () => ours('ResumeRelease', { ReleaseId: await releaseOf(app.appId) }),
  'Node.Unauthenticated': () => knock(`/node/v1/objects/${'a'.repeat(64)}`),
  'Node.TokenRefused': () => knock(`/node/v1/objects/${'a'.repeat(64)}`, { authorization: 'Bearer ljt_none' }),
  'Node.DownloadForbidden': async () => knock(`/node/v1/objects/${'a'.repeat(64)}`, await secretOf(node)),
  'Node.CredentialForbidden': async () => knock('/node/v1/registry-credentials?key=app/none/prod&registry=x.example', await secretOf(node)),
  'Stream.TicketRefused': () => knock('/logs/follow?StreamId=none&Token=none'),
  'Stream.WorkloadNotFound': () => ours('ReadLogs', { AppId: 'app-999999999999999999', Environment: 'prod' }),
  'Stream.NodeRequired': async () => {
    second = await server.openNode({ environment: 'prod' })
    await until('the second node', 20_000, () => (second.machine.ports.has(`app/${app.appId}/prod`) ? true : undefined))
    const refused = await ours('ReadLogs', { AppId: app.appId, Environment: 'prod' })
    await second.close()
    return refused
  },
  'Stream.NodeUnreachable': () => whileAway(() => ours('ReadLogs', { AppId: app.appId, Environment: 'prod', NodeId: node.nodeId })),
}

async function releaseOf(appId: string): Promise<string> {
  const { Releases } = (await server.littoral('ListReleases', { AppId: appId })) as { Releases: { ReleaseId: string }[] }
  return Releases[0]?.ReleaseId ?? ''
}

async function whileAway(work: () => Promise<Refusal>): Promise<Refusal> {
  await node.disconnect()
  const refused = await until('the refusal', 10_000, async () => {
    const answer = await work()
    return answer.code === 'undefined' ? undefined : answer
  })
  await node.reconnect()
  await until('the node', 10_000, async () => {
    const { Nodes } = (await server.littoral('ListNodes', { PageSize: 10 })) as { Nodes: { NodeId: string; IsOnline: boolean }[] }
    return Nodes.find(({ NodeId, IsOnline }) => NodeId === node.nodeId && IsOnline)
  })
  return refused
}

const names = [...Object.keys(edgeContainerFaults), ...Object.keys(littoralFaults)] as FaultName[]

describe('each fault of the catalogue', () => {
  it.each(names.filter((name) => !(name in unprovoked)))('%s is answered as the catalogue says', { timeout: 60_000 }, async (name) => {
    const { status, code = name } = faultEntry(name)
    const act = provoke[name]
    expect(act, `no case provokes ${name}`).toBeDefined()
    expect(await act?.()).toEqual({ status, code })
  })

  it('has a case or a reason, and not both', () => {
    expect(names.filter((name) => name in provoke && name in unprovoked)).toEqual([])
    expect(Object.keys(provoke).filter((name) => !names.includes(name as FaultName))).toEqual([])
  })

  it('covers every code that the contract lists', () => {
    const listed = new Set(
      [...readContract('esa-edge-container.json').values()].flatMap(({ errors }) => errors.flatMap(({ code }) => code ?? [])),
    )
    const provoked = new Set<string>(Object.keys(provoke).map((name) => faultEntry(name as FaultName).code ?? name))
    expect(listed.size).toBeGreaterThan(10)
    expect([...listed].filter((code) => !provoked.has(code) && !onlyByDefect.includes(code))).toEqual([])
  })
})
