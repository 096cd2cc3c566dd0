import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testContext, type TestContext } from '../test-context.ts'
import { call, createApp, createSite, refusal } from './door.contract.ts'

let context: TestContext
let AppId: string
let SiteId: string
beforeEach(async () => {
  context = await testContext()
  AppId = await createApp(context)
  SiteId = String(await createSite(context, 'example.com'))
})
afterEach(() => context.close())

const unknownApp = 'app-999999999999999999'
const bind = (RecordName: string, fields: Record<string, unknown> = {}) =>
  call(context, 'CreateEdgeContainerAppRecord', { AppId, RecordName, SiteId, ...fields })
const bindRefused = (RecordName: string, fields: Record<string, unknown> = {}) =>
  refusal(context, 'CreateEdgeContainerAppRecord', { AppId, RecordName, SiteId, ...fields })
const names = async (action: string, fields: Record<string, unknown>) => {
  const { Records } = await call(context, action, fields)
  return Records.map((record: { RecordName: string }) => record.RecordName)
}

describe('binding a domain', () => {
  it('shows it with every field that clients read', async () => {
    expect(await bind('WWW.example.com')).toEqual({})
    const { Records, ...page } = await call(context, 'ListEdgeContainerAppRecords', { AppId })
    expect(page).toEqual({ PageNumber: 1, PageSize: 20, TotalCount: 1 })
    const [record] = Records
    expect(record).toEqual({
      AppId,
      Cname: 'www.example.com.edge.internal',
      ConfigId: expect.any(Number),
      CreateTime: '2026-01-05T08:00:00Z',
      RecordId: expect.any(Number),
      RecordName: 'WWW.example.com',
      SchemdId: expect.any(Number),
      SiteId: Number(SiteId),
      UpdateTime: '2026-01-05T08:00:00Z',
    })
    for (const id of [record.ConfigId, record.RecordId, record.SchemdId]) expect(Number.isSafeInteger(id)).toBe(true)
    expect(await call(context, 'ListEdgeContainerRecords', { SiteId })).toEqual({
      PageNumber: 1,
      PageSize: 500,
      Records: [
        {
          CreateTime: '2026-01-05T08:00:00Z',
          RecordCname: 'www.example.com.edge.internal',
          RecordName: 'WWW.example.com',
          SiteId: Number(SiteId),
          SiteName: 'example.com',
          UpdateTime: '2026-01-05T08:00:00Z',
        },
      ],
      TotalCount: 1,
    })
  })

  it('is shown as it was written, and is the same domain in any letter case', async () => {
    // Terraform looks for its own spelling among the rows (contract: esa-edge-container §11).
    await bind('App.Example.com')
    expect(await names('ListEdgeContainerAppRecords', { AppId })).toEqual(['App.Example.com'])
    expect(await names('ListEdgeContainerAppRecords', { AppId, SearchKey: 'APP.e' })).toEqual(['App.Example.com'])
    expect(await names('ListEdgeContainerRecords', { SiteId, RecordName: 'app.example.COM' })).toEqual(['App.Example.com'])
    expect((await call(context, 'GetEdgeContainerApp', { AppId }))['App']).toMatchObject({ DomainName: 'App.Example.com' })
    await call(context, 'DeleteEdgeContainerAppRecord', { AppId, RecordName: 'aPP.example.com', SiteId })
    expect(await names('ListEdgeContainerAppRecords', { AppId })).toEqual([])
  })

  it('needs no version, and takes the site’s own domain and wildcards too', async () => {
    for (const name of ['example.com', '*.example.com', 'a.b.example.com']) await bind(name)
    expect(await names('ListEdgeContainerAppRecords', { AppId, OrderType: 'asc', OrderKey: 'CreateTime' })).toHaveLength(3)
  })

  it('finds the site with the longest fitting domain where none is named', async () => {
    const inner = await createSite(context, 'shop.example.com')
    for (const RecordName of ['www.shop.example.com', 'shop.example.com', 'www.example.com', '*.shop.example.com']) {
      await call(context, 'CreateEdgeContainerAppRecord', { AppId, RecordName })
    }
    expect((await names('ListEdgeContainerRecords', { SiteId: String(inner) })).sort()).toEqual([
      '*.shop.example.com',
      'shop.example.com',
      'www.shop.example.com',
    ])
    expect(await names('ListEdgeContainerRecords', { SiteId })).toEqual(['www.example.com'])
    expect(await call(context, 'DeleteEdgeContainerAppRecord', { AppId, RecordName: 'www.example.com' })).toEqual({})
  })

  it('answers InternalError with status 400 where no site fits, as the vendor does without SiteId', async () => {
    const stranger = context.as({ accountId: '1000000000000002' })
    const foreign = await createApp(stranger)
    for (const action of ['CreateEdgeContainerAppRecord', 'DeleteEdgeContainerAppRecord']) {
      expect(await refusal(context, action, { AppId, RecordName: 'www.example.org' })).toMatchObject({ status: 400, code: 'InternalError' })
      const refused = await refusal(stranger, action, { AppId: foreign, RecordName: 'www.example.com' })
      expect(refused).toMatchObject({ status: 400, code: 'InternalError' })
    }
  })

  it.each(['www.example.org', 'notexample.com', 'com', 'www..example.com', `${'l'.repeat(64)}.example.com`, 'www.*.example.com', ''])(
    'refuses %j and names the field',
    async (RecordName) => {
      const refused = await bindRefused(RecordName)
      expect(refused).toMatchObject({ status: 400, code: 'InvalidParameter' })
      expect(refused.message).toContain('RecordName')
    },
  )

  it('refuses a domain that is bound already, to whichever application', async () => {
    await bind('www.example.com')
    const other = await createApp(context, { Name: 'shop-backend' })
    for (const app of [AppId, other]) {
      expect(await bindRefused('Www.Example.Com', { AppId: app })).toMatchObject({ status: 400, code: 'ParameterAlreadyExist' })
    }
  })

  it('stops at the limit of the installation', async () => {
    const small = await testContext({ settings: { limits: { recordsPerApp: 1 } } })
    const app = await createApp(small)
    await createSite(small, 'example.com')
    await call(small, 'CreateEdgeContainerAppRecord', { AppId: app, RecordName: 'a.example.com' })
    const refused = await refusal(small, 'CreateEdgeContainerAppRecord', { AppId: app, RecordName: 'b.example.com' })
    expect(refused).toMatchObject({ status: 400, code: 'InternalException' })
    await small.close()
  })

  it('refuses unknown applications and sites before anything else is looked at', async () => {
    for (const action of ['CreateEdgeContainerAppRecord', 'DeleteEdgeContainerAppRecord']) {
      const fields = { AppId, RecordName: 'www.example.com', SiteId }
      expect(await refusal(context, action, { ...fields, AppId: unknownApp, SiteId: '7' })).toMatchObject({
        status: 404,
        code: 'InvalidApp.NotFound',
      })
      expect(await refusal(context, action, { ...fields, SiteId: '7' })).toMatchObject({ status: 404, code: 'SiteNotFound' })
      expect(await refusal(context, action, { ...fields, AppId: 'app-1' })).toMatchObject({ status: 400, code: 'InvalidParameter.appid' })
      expect(await refusal(context, action, { ...fields, SiteId: 'seven' })).toMatchObject({ status: 400, code: 'InvalidParameter' })
    }
  })
})

describe('releasing a domain', () => {
  it('takes it away, after which it is not there any more', async () => {
    await bind('www.example.com')
    const fields = { AppId, RecordName: 'WWW.example.com', SiteId }
    expect(await call(context, 'DeleteEdgeContainerAppRecord', fields)).toEqual({})
    // With the word by which Terraform knows that nothing is left to delete.
    const again = { status: 400, code: 'InvalidParameter', message: expect.stringContaining('NotFound') }
    expect(await refusal(context, 'DeleteEdgeContainerAppRecord', fields)).toMatchObject(again)
    await bind('www.example.com')
  })

  it('needs no SiteId, whatever sites have come since', async () => {
    await bind('www.shop.example.com')
    const other = await createSite(context, 'shop.example.com')
    const fields = { AppId, RecordName: 'www.shop.example.com' }
    expect(await refusal(context, 'DeleteEdgeContainerAppRecord', { ...fields, SiteId: other })).toMatchObject({ code: 'InvalidParameter' })
    expect(await call(context, 'DeleteEdgeContainerAppRecord', fields)).toEqual({})
  })

  it('does not touch a domain of another application', async () => {
    await bind('www.example.com')
    const other = await createApp(context, { Name: 'shop-backend' })
    const fields = { AppId: other, RecordName: 'www.example.com', SiteId }
    expect(await refusal(context, 'DeleteEdgeContainerAppRecord', fields)).toMatchObject({ status: 400, code: 'InvalidParameter' })
    expect(await names('ListEdgeContainerAppRecords', { AppId })).toEqual(['www.example.com'])
  })
})

describe('listing records', () => {
  const all = ['c.example.com', 'b.example.com', 'a.example.com']
  beforeEach(async () => {
    for (const name of all.toReversed()) {
      await bind(name)
      context.clock.advance(1000)
    }
  })

  it('of an application is newest first, in the order asked for, searched and paged', async () => {
    const list = (fields: Record<string, unknown>) => names('ListEdgeContainerAppRecords', { AppId, ...fields })
    expect(await list({})).toEqual(all)
    for (const OrderKey of ['CreateTime', 'UpdateTime', 'ModifyTime', 'updateTime', 'MODIFYTIME']) {
      expect(await list({ OrderKey, OrderType: 'Asc' })).toEqual(all.toReversed())
    }
    expect(await list({ SearchKey: 'B.EX' })).toEqual(['b.example.com'])
    expect(await list({ PageSize: '2', PageNumber: '2' })).toEqual(['a.example.com'])
    expect(await list({ PageNumber: '100000' })).toEqual([])
  })

  it.each([
    [{ RecordName: 'a.example.com' }, ['a.example.com']],
    [{ RecordName: 'example' }, []],
    [{ RecordName: 'example', RecordMatchType: 'fuzzy' }, all],
    [{ RecordName: 'b.', RecordMatchType: 'prefix' }, ['b.example.com']],
    [{ RecordName: 'a.example.com', RecordMatchType: 'suffix' }, ['a.example.com']],
    [{ RecordName: '_', RecordMatchType: 'fuzzy' }, []],
    [{ RecordMatchType: 'exact', PageSize: '1', PageNumber: '3' }, ['a.example.com']],
  ])('of a site with %j finds %j', async (fields, found) => {
    expect(await names('ListEdgeContainerRecords', { SiteId, ...fields })).toEqual(found)
  })

  it.each([
    ['ListEdgeContainerAppRecords', { PageSize: '501' }],
    ['ListEdgeContainerAppRecords', { PageNumber: '100001' }],
    ['ListEdgeContainerAppRecords', { OrderKey: 'Name' }],
    ['ListEdgeContainerRecords', { RecordMatchType: 'like' }],
    ['ListEdgeContainerRecords', { PageSize: '0' }],
  ])('%s refuses %j', async (action, fields) => {
    const target = action === 'ListEdgeContainerRecords' ? { SiteId } : { AppId }
    expect(await refusal(context, action, { ...target, ...fields })).toMatchObject({ status: 400, code: 'InvalidParameter' })
  })

  it('of an application that is not there is refused', async () => {
    expect(await refusal(context, 'ListEdgeContainerAppRecords', { AppId: unknownApp })).toMatchObject({
      status: 404,
      code: 'InvalidApp.NotFound',
    })
    expect(await refusal(context, 'ListEdgeContainerAppRecords', {})).toMatchObject({ status: 400, code: 'InvalidParameter.appid' })
  })
})

describe('an application with domains', () => {
  const domainOf = async () => (await call(context, 'GetEdgeContainerApp', { AppId }))['App'].DomainName

  it('shows the one that was bound first', async () => {
    expect(await domainOf()).toBe('')
    await bind('b.example.com')
    context.clock.advance(1000)
    await bind('a.example.com')
    expect(await domainOf()).toBe('b.example.com')
    expect((await call(context, 'ListEdgeContainerApps', {}))['Apps'][0].DomainName).toBe('b.example.com')
    await call(context, 'DeleteEdgeContainerAppRecord', { AppId, RecordName: 'b.example.com', SiteId })
    expect(await domainOf()).toBe('a.example.com')
  })

  it('cannot be deleted before they are released', async () => {
    await bind('www.example.com')
    const refused = await refusal(context, 'DeleteEdgeContainerApp', { AppId })
    expect(refused).toMatchObject({ status: 403, code: 'Record.AlreadyExist' })
    expect(refused.message).toContain('www.example.com')
    await call(context, 'DeleteEdgeContainerAppRecord', { AppId, RecordName: 'www.example.com', SiteId })
    expect(await call(context, 'DeleteEdgeContainerApp', { AppId })).toEqual({ State: 'ok' })
  })
})
