// What Terraform reads and writes at a site beside its domain: settings and tags.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testContext, type TestContext } from '../test-context.ts'
import { call, createSite, refusal } from './door.contract.ts'

let context: TestContext
let SiteId: string
beforeEach(async () => {
  context = await testContext()
  SiteId = String(await createSite(context, 'example.com'))
})
afterEach(() => context.close())

describe('the settings of a site', () => {
  it('are the usual ones until they are set, and what has no usual one is left out', async () => {
    expect(await call(context, 'GetManagedTransform', { SiteId })).toEqual({ SiteVersion: 0 })
    expect(await call(context, 'GetIPv6', { SiteId })).toEqual({ Enable: 'off', Region: '' })
    expect(await call(context, 'GetTieredCache', { SiteId })).toEqual({ CacheArchitectureMode: 'edge' })
  })

  it('are read back as they were set, each by itself, until they are taken back', async () => {
    await call(context, 'UpdateManagedTransform', { SiteId, AddClientGeolocationHeader: 'on', AddRealClientIpHeader: 'off' })
    await call(context, 'UpdateIPv6', { SiteId, Enable: 'on', Region: 'x.x' })
    await call(context, 'UpdateTieredCache', { SiteId, CacheArchitectureMode: 'edge_smart' })
    await call(context, 'UpdateManagedTransform', { SiteId, RealClientIpHeaderName: 'X-Client', AddRealClientIpHeader: '' })
    expect(await call(context, 'GetManagedTransform', { SiteId })).toEqual({
      AddClientGeolocationHeader: 'on',
      RealClientIpHeaderName: 'X-Client',
      SiteVersion: 0,
    })
    expect(await call(context, 'GetIPv6', { SiteId })).toEqual({ Enable: 'on', Region: 'x.x' })
    expect(await call(context, 'GetTieredCache', { SiteId })).toEqual({ CacheArchitectureMode: 'edge_smart' })
    await call(context, 'UpdateSiteCoverage', { SiteId, Coverage: 'overseas' })
    expect(await call(context, 'GetSite', { SiteId })).toMatchObject({ SiteModel: { Coverage: 'overseas' } })
  })

  it.each([
    ['UpdateManagedTransform', { AddClientGeolocationHeader: 'perhaps' }],
    ['UpdateManagedTransform', { SiteVersion: '1' }],
    ['UpdateIPv6', { Enable: '' }],
    ['UpdateTieredCache', { CacheArchitectureMode: 'deep' }],
    ['UpdateSiteCoverage', { Coverage: 'moon' }],
  ])('%s refuses %j', async (action, fields) => {
    expect(await refusal(context, action, { SiteId, ...fields })).toMatchObject({ status: 400, code: 'InvalidParameter' })
  })

  it.each<[string, Record<string, string>]>([
    ['GetManagedTransform', {}],
    ['UpdateManagedTransform', { AddRealClientIpHeader: 'on' }],
    ['GetIPv6', {}],
    ['UpdateIPv6', { Enable: 'on' }],
    ['GetTieredCache', {}],
    ['UpdateTieredCache', { CacheArchitectureMode: 'edge' }],
    ['UpdateSiteCoverage', { Coverage: 'global' }],
  ])('%s finds no site that is gone or of another account', async (action, fields) => {
    const stranger = context.as({ accountId: '1000000000000002' })
    expect(await refusal(stranger, action, { SiteId, ...fields })).toMatchObject({ status: 404, code: 'SiteNotFound' })
    await call(context, 'DeleteSite', { SiteId })
    expect(await refusal(context, action, { SiteId, ...fields })).toMatchObject({ status: 404, code: 'SiteNotFound' })
  })
})

describe('the tags of sites', () => {
  const of = (...ids: string[]) => ({ RegionId: 'cn-hangzhou', ResourceType: 'Site', ResourceId: JSON.stringify(ids) })
  const tag = (ids: string[], tags: Record<string, string>) =>
    call(context, 'TagResources', { ...of(...ids), Tag: JSON.stringify(Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))) })
  const listed = async (fields: Record<string, unknown>) => {
    const { TagResources, NextToken, TotalCount } = await call(context, 'ListTagResources', fields)
    const texts = (TagResources as Record<string, string>[]).map((row) => `${row['TagKey']}=${row['TagValue']}`)
    return { texts, NextToken: String(NextToken), TotalCount }
  }

  it('are given, changed, shown with the site, found by and taken', async () => {
    const other = String(await createSite(context, 'other.example'))
    await tag([SiteId, other], { team: 'web', stage: 'test' })
    await tag([SiteId], { stage: 'prod' })
    expect(await listed(of(SiteId))).toEqual({ texts: ['stage=prod', 'team=web'], NextToken: '', TotalCount: 2 })
    expect(await call(context, 'GetSite', { SiteId })).toMatchObject({ SiteModel: { Tags: { stage: 'prod', team: 'web' } } })
    const found = async (filter: object[]) =>
      (await call(context, 'ListSites', { TagFilter: JSON.stringify(filter) }))['Sites'].map((site: { SiteName: string }) => site.SiteName)
    expect(await found([{ Key: 'stage', Value: 'prod' }])).toEqual(['example.com'])
    expect(await found([{ Key: 'team' }, { Key: 'stage', Value: 'test' }])).toEqual(['other.example'])
    const { ResourceId: _all, ...everything } = of()
    expect((await listed({ ...everything, Tag: '[{"Key":"stage","Value":"test"}]' })).texts).toEqual(['stage=test', 'team=web'])
    await call(context, 'UntagResources', { ...of(SiteId), TagKey: '["team","none"]' })
    expect((await listed(of(SiteId))).texts).toEqual(['stage=prod'])
    await call(context, 'UntagResources', { ...of(SiteId, other), All: 'true' })
    expect((await listed(everything)).texts).toEqual([])
  })

  it('are listed page by page', async () => {
    await tag([SiteId], Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`key-${index}`, ''])))
    const first = await listed({ ...of(SiteId), MaxItem: '2' })
    const second = await listed({ ...of(SiteId), MaxItem: '2', NextToken: first.NextToken })
    const third = await listed({ ...of(SiteId), MaxItem: '2', NextToken: second.NextToken })
    expect([first, second, third].flatMap(({ texts }) => texts)).toEqual(['key-0=', 'key-1=', 'key-2=', 'key-3=', 'key-4='])
    expect([first.TotalCount, third.NextToken]).toEqual([5, ''])
    const wrong = await refusal(context, 'ListTagResources', { ...of(SiteId), NextToken: 'x' })
    expect(wrong).toMatchObject({ status: 400, code: 'InvalidParameter' })
  })

  it('are twenty at most, with each key once', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, 'x']))
    await tag([SiteId], many(20))
    const more = { ...of(SiteId), Tag: '[{"Key":"one-more","Value":""}]' }
    expect(await refusal(context, 'TagResources', more)).toMatchObject({ status: 400, code: 'InternalException' })
    const twice = { ...of(SiteId), Tag: '[{"Key":"a","Value":"1"},{"Key":"a","Value":"2"}]' }
    expect(await refusal(context, 'TagResources', twice)).toMatchObject({ status: 400, code: 'InvalidParameter' })
  })

  it.each(['ListTagResources', 'TagResources', 'UntagResources'])('%s finds only sites of the account', async (action) => {
    const fields = { ...of(SiteId), ...(action === 'TagResources' && { Tag: '[{"Key":"a","Value":""}]' }) }
    const stranger = context.as({ accountId: '1000000000000002' })
    expect(await refusal(stranger, action, fields)).toMatchObject({ status: 404, code: 'SiteNotFound' })
    expect(await refusal(context, action, { ...fields, ResourceType: 'record' })).toMatchObject({ status: 400, code: 'InvalidParameter' })
  })
})
