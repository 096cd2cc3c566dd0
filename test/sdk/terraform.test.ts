// The requests of the vendor's Terraform provider, byte for byte in the places where it differs from the clients: signed
// with version 1 in the query, arguments in the form body also for reads, an unknown RegionId, and a GET that carries an
// empty form (contract: esa-edge-container §1.5, §11).
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../tools/journey/app.ts'
import { sdkCall } from '../../tools/official-clients.ts'
import { signV1 } from '../signing.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

const version = '2024-09-10'
let server: TestServer
let appId: string
let siteId: number
beforeAll(async () => {
  server = await openTestServer()
  const esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  appId = await createApp(esa, { name: 'terraform-app', servicePort: 20_443, targetPort: 8080 })
  const site = await esa('CreateSite', { SiteName: 'example.com', AccessType: 'CNAME', Coverage: 'overseas', InstanceId: 'plan-1' })
  siteId = Number(site['SiteId'])
})
afterAll(() => server.close())

type Fields = Readonly<Record<string, string>>

/** Arguments in the form, everything that is signed with them in the query. */
async function post(action: string, form: Fields): Promise<{ status: number; body: Record<string, unknown> }> {
  const signed = new URLSearchParams(signV1(server.key, { Action: action, Version: version, Format: 'JSON', ...form }, 'POST'))
  for (const name of Object.keys(form)) signed.delete(name)
  const answer = await fetch(`${server.url}/?${signed}`, { method: 'POST', body: new URLSearchParams(form) })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

/** As the newer reads of the provider go: everything in the query. */
async function get(action: string, query: Fields): Promise<Record<string, unknown>> {
  const signed = signV1(server.key, { Action: action, Version: version, Format: 'JSON', ...query })
  return (await (await fetch(`${server.url}/?${signed}`)).json()) as Record<string, unknown>
}

/** A GET with a form body of no bytes; fetch would not send one. */
function getWithEmptyForm(action: string, query: Fields): Promise<{ status: number; body: Record<string, unknown> }> {
  const signed = signV1(server.key, { Action: action, Version: version, Format: 'JSON', ...query })
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'transfer-encoding': 'chunked' }
  return new Promise((resolve, reject) => {
    const asked = request(`${server.url}/?${signed}`, { method: 'GET', headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

describe('Terraform', () => {
  it('reads an application with its arguments in the form of a POST', async () => {
    const { status, body } = await post('GetEdgeContainerApp', { AppId: appId, RegionId: 'cn-hangzhou' })
    expect({ status, body }).toMatchObject({ status: 200, body: { App: { AppId: appId, Status: 'created', DomainName: '' } } })
    expect(body).not.toHaveProperty('Code')
  })

  it('waits for a site to be pending', async () => {
    const { body } = await post('GetSite', { SiteId: String(siteId) })
    expect(body).toMatchObject({
      SiteModel: { SiteId: siteId, Status: 'pending', AccessType: 'CNAME', Coverage: 'overseas', InstanceId: 'plan-1' },
    })
  })

  it('reads a site with all that belongs to it, and finds nothing that it would want to change', async () => {
    const site = { SiteId: String(siteId), RegionId: 'cn-hangzhou' }
    expect(await get('GetSite', site)).toMatchObject({ SiteModel: { SiteId: siteId, Coverage: 'overseas' } })
    const tags = { 'ResourceId.1': String(siteId), ResourceType: 'Site', RegionId: 'cn-hangzhou' }
    expect(await post('ListTagResources', tags)).toMatchObject({ status: 200, body: { TagResources: [] } })
    // Arguments without a default in the provider: a value that nobody set would be a change in every plan.
    const transform = await get('GetManagedTransform', site)
    expect(transform).toEqual({ SiteVersion: 0, RequestId: transform['RequestId'] })
    expect(await get('GetIPv6', site)).toMatchObject({ Enable: 'off' })
    expect(await get('GetTieredCache', site)).toMatchObject({ CacheArchitectureMode: 'edge' })
  })

  it('writes what its configuration says, and reads it back', async () => {
    const site = { SiteId: String(siteId), RegionId: 'cn-hangzhou' }
    expect(await post('UpdateIPv6', { ...site, Enable: 'on' })).toMatchObject({ status: 200 })
    expect(await post('UpdateTieredCache', { ...site, CacheArchitectureMode: 'edge_smart' })).toMatchObject({ status: 200 })
    expect(await post('UpdateManagedTransform', { ...site, AddRealClientIpHeader: 'on' })).toMatchObject({ status: 200 })
    expect(await post('UpdateSiteCoverage', { ...site, Coverage: 'global' })).toMatchObject({ status: 200 })
    const tags = { 'ResourceId.1': String(siteId), ResourceType: 'Site', RegionId: 'cn-hangzhou' }
    expect(
      await post('TagResources', { ...tags, 'Tag.1.Key': 'team', 'Tag.1.Value': 'web', 'Tag.2.Key': 'x', 'Tag.2.Value': '' }),
    ).toMatchObject({
      status: 200,
    })
    expect(await post('UntagResources', { ...tags, 'TagKey.1': 'x' })).toMatchObject({ status: 200 })
    expect(await get('GetSite', site)).toMatchObject({ SiteModel: { Coverage: 'global', Tags: { team: 'web' } } })
    expect(await get('GetManagedTransform', site)).toMatchObject({ AddRealClientIpHeader: 'on' })
    expect(await get('GetIPv6', site)).toMatchObject({ Enable: 'on' })
    const { body } = await post('ListTagResources', tags)
    expect(body['TagResources']).toEqual([{ ResourceId: String(siteId), ResourceType: 'site', TagKey: 'team', TagValue: 'web' }])
  })

  it('finds a fresh record on the first page of a GET with an empty form, by site and domain as text', async () => {
    for (let count = 0; count < 21; count++) {
      const form = { AppId: appId, RecordName: `shop-${count}.example.com`, SiteId: String(siteId), RegionId: 'cn-hangzhou' }
      expect(await post('CreateEdgeContainerAppRecord', form)).toMatchObject({ status: 200 })
    }
    const { status, body } = await getWithEmptyForm('ListEdgeContainerAppRecords', { AppId: appId, RegionId: 'cn-hangzhou' })
    expect(status).toBe(200)
    expect(body['TotalCount']).toBe(21)
    const rows = body['Records'] as { SiteId: number; RecordName: string }[]
    expect(rows).toHaveLength(20)
    expect(rows.filter((row) => String(row.SiteId) === String(siteId) && row.RecordName === 'shop-20.example.com')).toHaveLength(1)
  })

  it('deletes a record, the site and the application, and takes a 404 for gone', async () => {
    const form = { AppId: appId, SiteId: String(siteId), RegionId: 'cn-hangzhou' }
    expect(await post('DeleteEdgeContainerApp', form)).toMatchObject({ status: 403, body: { Code: 'Record.AlreadyExist' } })
    for (let count = 0; count < 21; count++) {
      const deleted = await post('DeleteEdgeContainerAppRecord', { ...form, RecordName: `shop-${count}.example.com` })
      expect(deleted.status).toBe(200)
    }
    expect(await post('DeleteSite', form)).toMatchObject({ status: 200 })
    expect(await post('GetSite', form)).toMatchObject({ status: 404, body: { Code: 'SiteNotFound' } })
    expect(await post('DeleteEdgeContainerApp', form)).toMatchObject({ status: 200, body: { State: 'ok' } })
    expect(await post('GetEdgeContainerApp', form)).toMatchObject({ status: 404, body: { Code: 'InvalidApp.NotFound' } })
  })
})
