import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testContext, type TestContext } from '../test-context.ts'
import { call, createApp, createSite, refusal } from './door.contract.ts'

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.close())

const names = async (fields: Record<string, unknown> = {}) => {
  const { Sites } = await call(context, 'ListSites', fields)
  return Sites.map((site: { SiteName: string }) => site.SiteName)
}

describe('creating a site', () => {
  it('answers a number that can be read back, without pretending to serve its DNS', async () => {
    const SiteId = await createSite(context, 'Example.COM', { InstanceId: 'plan-1', ResourceGroupId: 'rg-1' })
    expect(Number.isSafeInteger(SiteId)).toBe(true)
    expect(await call(context, 'GetSite', { SiteId: String(SiteId) })).toEqual({
      SiteModel: {
        AccessType: 'NS',
        Coverage: 'global',
        CreateTime: '2026-01-05T08:00:00Z',
        InstanceId: 'plan-1',
        NameServerList: '',
        ResourceGroupId: 'rg-1',
        SiteId,
        SiteName: 'example.com',
        Status: 'pending',
        Tags: {},
        UpdateTime: '2026-01-05T08:00:00Z',
        VerifyCode: '',
        VersionManagement: false,
      },
    })
  })

  it.each([
    '',
    'localhost',
    'a..example.com',
    '-a.example.com',
    'exam ple.com',
    '192.0.2.1',
    `${'l'.repeat(64)}.com`,
    '*.example.com',
    'x.com.',
  ])('refuses %j as a domain and names the field', async (SiteName) => {
    const refused = await refusal(context, 'CreateSite', { SiteName, AccessType: 'NS', Coverage: 'global' })
    expect(refused).toMatchObject({ status: 400, code: 'InvalidParameter' })
    expect(refused.message).toContain('SiteName')
  })

  it.each([
    ['AccessType', 'A'],
    ['Coverage', 'everywhere'],
  ])('refuses %s %j', async (field, value) => {
    const fields = { SiteName: 'example.com', AccessType: 'NS', Coverage: 'global', [field]: value }
    expect(await refusal(context, 'CreateSite', fields)).toMatchObject({ status: 400, code: 'InvalidParameter' })
  })

  it('refuses a domain that is a site already, whoever has it', async () => {
    await createSite(context, 'example.com')
    const fields = { SiteName: 'EXAMPLE.com', AccessType: 'CNAME', Coverage: 'domestic' }
    for (const caller of [context, context.as({ accountId: '1000000000000002' })]) {
      expect(await refusal(caller, 'CreateSite', fields)).toMatchObject({ status: 400, code: 'ParameterAlreadyExist' })
    }
  })

  it('stops at the limit of the installation', async () => {
    const small = await testContext({ settings: { limits: { sites: 1 } } })
    await createSite(small, 'one.example')
    const refused = await refusal(small, 'CreateSite', { SiteName: 'two.example', AccessType: 'NS', Coverage: 'global' })
    expect(refused).toMatchObject({ status: 400, code: 'InternalException' })
    expect((await call(small, 'ListSites', {}))['TotalCount']).toBe(1)
    await small.close()
  })
})

describe('listing sites', () => {
  beforeEach(async () => {
    for (const name of ['shop.example', 'blog.example', 'shop.test']) {
      await createSite(context, name, name === 'blog.example' ? { AccessType: 'CNAME', Coverage: 'overseas', ResourceGroupId: 'rg-2' } : {})
      context.clock.advance(1000)
    }
  })

  it('is newest first, page by page', async () => {
    expect(await names()).toEqual(['shop.test', 'blog.example', 'shop.example'])
    expect(await call(context, 'ListSites', { PageNumber: '2', PageSize: '2' })).toMatchObject({
      PageNumber: 2,
      PageSize: 2,
      TotalCount: 3,
      Sites: [{ SiteName: 'shop.example' }],
    })
    expect(await call(context, 'ListSites', { PageNumber: '9' })).toMatchObject({ Sites: [], TotalCount: 3, PageSize: 500 })
  })

  it.each([
    [{ SiteName: 'shop.example' }, ['shop.example']],
    [{ SiteName: 'shop' }, []],
    [{ SiteName: 'SHOP', SiteSearchType: 'prefix' }, ['shop.test', 'shop.example']],
    [{ SiteName: '.example', SiteSearchType: 'suffix' }, ['blog.example', 'shop.example']],
    [{ SiteName: 'op.ex', SiteSearchType: 'fuzzy' }, ['shop.example']],
    [{ SiteName: '%', SiteSearchType: 'fuzzy' }, []],
    [{ AccessType: 'CNAME' }, ['blog.example']],
    [{ Coverage: 'overseas' }, ['blog.example']],
    [{ ResourceGroupId: 'rg-2' }, ['blog.example']],
    [{ Status: 'active' }, []],
    [{ OnlyEnterprise: 'true' }, []],
    [{ PlanSubscribeType: 'basicplan' }, []],
    [{ TagFilter: '[{"Key":"team","Value":"a"}]' }, []],
    [{ TagFilter: '[{"Key":"team"}]' }, []],
    [{ Status: 'pending', OnlyEnterprise: 'false', OrderBy: 'visitTime' }, ['shop.test', 'blog.example', 'shop.example']],
  ])('with %j finds %j', async (fields, found) => {
    expect(await names(fields)).toEqual(found)
  })

  it.each([[{ PageSize: '501' }], [{ PageNumber: '0' }], [{ SiteSearchType: 'middle' }], [{ Status: 'asleep' }]])(
    'refuses %j',
    async (fields) => {
      expect(await refusal(context, 'ListSites', fields)).toMatchObject({ status: 400, code: 'InvalidParameter' })
    },
  )
})

describe('a site', () => {
  it('is gone after it was deleted, with the domains that were bound under it', async () => {
    const SiteId = String(await createSite(context, 'example.com'))
    const AppId = await createApp(context)
    await call(context, 'CreateEdgeContainerAppRecord', { AppId, RecordName: 'www.example.com', SiteId })
    expect(await call(context, 'DeleteSite', { SiteId })).toEqual({})
    for (const action of ['GetSite', 'DeleteSite', 'ListEdgeContainerRecords']) {
      expect(await refusal(context, action, { SiteId })).toMatchObject({ status: 404, code: 'SiteNotFound' })
    }
    expect(await call(context, 'ListEdgeContainerAppRecords', { AppId })).toMatchObject({ Records: [], TotalCount: 0 })
    expect(await names()).toEqual([])
  })

  it('of another account is not found', async () => {
    const SiteId = String(await createSite(context, 'example.com'))
    const stranger = context.as({ accountId: '1000000000000002' })
    for (const action of ['GetSite', 'DeleteSite', 'ListEdgeContainerRecords']) {
      expect(await refusal(stranger, action, { SiteId })).toMatchObject({ status: 404, code: 'SiteNotFound' })
    }
    expect((await call(stranger, 'ListSites', {}))['TotalCount']).toBe(0)
  })

  it.each(['0', 'many', '9007199254740993'])('cannot have the id %s', async (SiteId) => {
    expect(await refusal(context, 'GetSite', { SiteId })).toMatchObject({ status: 400, code: 'InvalidParameter' })
  })
})
