import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as reports from '../../store/reports.ts'
import { testContext, type TestContext } from '../test-context.ts'
import {
  addNode,
  appFields,
  assigned,
  call,
  createApp,
  createVersion,
  pass,
  publish,
  refusal,
  reportAll,
  takeOffline,
} from './door.contract.ts'

let context: TestContext
beforeEach(async () => {
  context = await testContext()
})
afterEach(() => context.close())

const unknownApp = 'app-999999999999999999'

describe('creating an application', () => {
  it('answers an id that can be read back, with the vendor’s defaults', async () => {
    const AppId = await createApp(context)
    expect(AppId).toMatch(/^app-\d{18}$/)
    expect(await call(context, 'GetEdgeContainerApp', { AppId })).toEqual({
      App: {
        AppId,
        CreateTime: '2026-01-05T08:00:00Z',
        DomainName: '',
        GatewayType: 'l7',
        HealthCheck: {
          FailTimes: 5,
          Host: '',
          HttpCode: 'http_2xx',
          Interval: 5,
          Method: 'HEAD',
          Port: 80,
          SuccTimes: 2,
          Timeout: 3,
          Type: '',
          Uri: '/',
        },
        Name: 'shop-frontend',
        QuicCid: 'false',
        Remarks: '',
        ServicePort: 80,
        Status: 'created',
        TargetPort: 3000,
        UpdateTime: '2026-01-05T08:00:00Z',
        VersionCount: 0,
      },
    })
  })

  it('keeps every setting of the health check', async () => {
    const AppId = await createApp(context, {
      HealthCheckFailTimes: '1',
      HealthCheckHost: 'www.example.com',
      HealthCheckHttpCode: 'HTTP_3xx',
      HealthCheckInterval: '50',
      HealthCheckMethod: 'GET',
      HealthCheckPort: '8080',
      HealthCheckSuccTimes: '10',
      HealthCheckTimeout: '100',
      HealthCheckType: 'l7',
      HealthCheckURI: '/healthz',
      Remarks: 'note',
    })
    const { App } = await call(context, 'GetEdgeContainerApp', { AppId })
    expect(App.Remarks).toBe('note')
    expect(App.HealthCheck).toEqual({
      FailTimes: 1,
      Host: 'www.example.com',
      HttpCode: 'http_3xx',
      Interval: 50,
      Method: 'GET',
      Port: 8080,
      SuccTimes: 10,
      Timeout: 100,
      Type: 'l7',
      Uri: '/healthz',
    })
  })

  it.each([
    ['Name', 'short', 'InvalidParameter.Name'],
    ['Name', 'n'.repeat(129), 'InvalidParameter.Name'],
    ['Name', '1-begins-with-a-digit', 'InvalidParameter.Name'],
    ['Name', 'Upper-case', 'InvalidParameter.Name'],
    ['Name', 'ends-in-hyphen-', 'InvalidParameter.Name'],
    ['ServicePort', '0', 'InvalidParameter'],
    ['ServicePort', '65536', 'InvalidParameter'],
    ['ServicePort', 'eighty', 'InvalidParameter'],
    ['TargetPort', '1.5', 'InvalidParameter'],
    ['Remarks', 'r'.repeat(1025), 'InvalidParameter'],
    ['HealthCheckURI', 'healthz', 'InvalidParameter'],
    ['HealthCheckURI', `/${'u'.repeat(80)}`, 'InvalidParameter'],
    ['HealthCheckMethod', 'POST', 'InvalidParameter'],
    ['HealthCheckHttpCode', 'http_4xx', 'InvalidParameter'],
    ['HealthCheckType', 'l5', 'InvalidParameter'],
    ['HealthCheckTimeout', '101', 'InvalidParameter'],
    ['HealthCheckInterval', '51', 'InvalidParameter'],
    ['HealthCheckFailTimes', '11', 'InvalidParameter'],
    ['HealthCheckSuccTimes', '0', 'InvalidParameter'],
    ['HealthCheckPort', '0', 'InvalidParameter'],
  ])('refuses %s %j and names it', async (field, value, code) => {
    const refused = await refusal(context, 'CreateEdgeContainerApp', { ...appFields, [field]: value })
    expect(refused).toMatchObject({ status: 400, code })
    expect(refused.message).toContain(field)
  })

  it.each([
    ['Name', 'InvalidParameter.Name'],
    ['ServicePort', 'InvalidParameter'],
    ['TargetPort', 'InvalidParameter'],
  ])('is not possible without %s', async (field, code) => {
    const { [field as keyof typeof appFields]: _left, ...fields } = appFields
    expect(await refusal(context, 'CreateEdgeContainerApp', fields)).toMatchObject({
      status: 400,
      code,
      message: expect.stringContaining(field),
    })
  })

  it('refuses a name that the account already has, and only there', async () => {
    await createApp(context)
    expect(await refusal(context, 'CreateEdgeContainerApp', appFields)).toMatchObject({ status: 400, code: 'NameAlreadyExists' })
    await createApp(context.as({ accountId: '1000000000000002' }))
  })

  it('stops at the limit of the installation', async () => {
    const small = await testContext({ settings: { limits: { apps: 1 } } })
    const AppId = await createApp(small)
    expect(await refusal(small, 'CreateEdgeContainerApp', { ...appFields, Name: 'another-one' })).toMatchObject({
      status: 400,
      code: 'InternalException',
    })
    await call(small, 'DeleteEdgeContainerApp', { AppId })
    await createApp(small, { Name: 'another-one' })
    await small.close()
  })

  it('only takes 80 and 443 where ports are strict', async () => {
    const strict = await testContext({ settings: { hasStrictServicePorts: true } })
    expect((await refusal(strict, 'CreateEdgeContainerApp', { ...appFields, ServicePort: '8080' })).message).toContain('ServicePort')
    await createApp(strict, { ServicePort: '443' })
    await strict.close()
  })
})

describe('reading applications', () => {
  it.each([undefined, '', 'app-1', 'shop-frontend-of-mine', 'app-12345678901234567x', `app-${'1'.repeat(61)}`])(
    'refuses the id %j on every operation that takes one',
    async (AppId) => {
      const fields = AppId === undefined ? {} : { AppId }
      for (const action of [
        'GetEdgeContainerApp',
        'DeleteEdgeContainerApp',
        'GetEdgeContainerAppStatus',
        'GetEdgeContainerStagingDeployStatus',
      ]) {
        expect(await refusal(context, action, fields)).toMatchObject({ status: 400, code: 'InvalidParameter.appid' })
      }
    },
  )

  it('does not find what is not there, or belongs to somebody else', async () => {
    const AppId = await createApp(context)
    const stranger = context.as({ accountId: '1000000000000002' })
    expect(await refusal(context, 'GetEdgeContainerApp', { AppId: unknownApp })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    for (const action of ['GetEdgeContainerApp', 'DeleteEdgeContainerApp']) {
      expect(await refusal(stranger, action, { AppId })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    }
    expect(await call(stranger, 'ListEdgeContainerApps', {})).toMatchObject({ Apps: [], TotalCount: 0 })
  })
})

describe('listing applications', () => {
  const names = async (fields: Record<string, unknown> = {}) => {
    const { Apps } = await call(context, 'ListEdgeContainerApps', fields)
    return Apps.map((app: { Name: string }) => app.Name)
  }
  beforeEach(async () => {
    for (const Name of ['beta-shop', 'alpha-shop', 'gamma-free']) {
      await createApp(context, { Name })
      context.clock.advance(1000)
    }
  })

  it('shows the newest first, with progress and count of versions', async () => {
    expect(await names()).toEqual(['gamma-free', 'alpha-shop', 'beta-shop'])
    const { Apps, ...rest } = await call(context, 'ListEdgeContainerApps', {})
    expect(rest).toEqual({ PageNumber: 1, PageSize: 20, TotalCount: 3 })
    expect(Apps[0]).toMatchObject({ Percentage: 100, Status: 'created', VersionCount: 0 })
    await createVersion(context, Apps[0].AppId)
    expect((await call(context, 'ListEdgeContainerApps', {}))['Apps'][0].VersionCount).toBe(1)
  })

  it('breaks ties of the time by id', async () => {
    const Name = (n: number) => ({ Name: `same-time-${n}` })
    for (const n of [1, 2]) await createApp(context, Name(n))
    expect((await names()).slice(0, 2)).toEqual(['same-time-2', 'same-time-1'])
    expect((await names({ OrderKey: 'CreateTime', OrderType: 'asc' })).slice(-2)).toEqual(['same-time-1', 'same-time-2'])
  })

  it('sorts as asked, in any letter case of the direction', async () => {
    expect(await names({ OrderKey: 'Name' })).toEqual(['alpha-shop', 'beta-shop', 'gamma-free'])
    expect(await names({ OrderKey: 'Name', OrderType: 'Desc' })).toEqual(['gamma-free', 'beta-shop', 'alpha-shop'])
    for (const OrderKey of ['CreateTime', 'UpdateTime', 'ModifyTime']) {
      expect(await names({ OrderKey, OrderType: 'ASC' })).toEqual(['beta-shop', 'alpha-shop', 'gamma-free'])
    }
    for (const OrderKey of ['name', 'NAME']) expect(await names({ OrderKey })).toEqual(['alpha-shop', 'beta-shop', 'gamma-free'])
    expect(await names({ OrderKey: 'createtime', OrderType: 'asc' })).toEqual(['beta-shop', 'alpha-shop', 'gamma-free'])
    expect(await refusal(context, 'ListEdgeContainerApps', { OrderKey: 'Size' })).toMatchObject({ status: 400, code: 'InvalidParameter' })
    expect((await refusal(context, 'ListEdgeContainerApps', { OrderType: 'up' })).message).toContain('OrderType')
  })

  it('pages, and shows the true count past the end', async () => {
    expect(await names({ PageSize: '2', PageNumber: '2' })).toEqual(['beta-shop'])
    expect(await call(context, 'ListEdgeContainerApps', { PageNumber: '9', PageSize: '500' })).toEqual({
      Apps: [],
      PageNumber: 9,
      PageSize: 500,
      TotalCount: 3,
    })
    for (const [field, value] of [
      ['PageNumber', '0'],
      ['PageNumber', '65536'],
      ['PageSize', '0'],
      ['PageSize', '501'],
    ] as const) {
      expect(await refusal(context, 'ListEdgeContainerApps', { [field]: value })).toMatchObject({
        code: 'InvalidParameter',
        message: expect.stringContaining(field),
      })
    }
  })

  it('searches the named field, or both', async () => {
    expect(await names({ SearchKey: 'shop', SearchType: 'Name' })).toEqual(['alpha-shop', 'beta-shop'])
    expect(await names({ SearchKey: 'shop', SearchType: 'AppId' })).toEqual([])
    const [app] = (await call(context, 'ListEdgeContainerApps', {}))['Apps']
    expect(await names({ SearchKey: app.AppId.slice(6), SearchType: 'Appid' })).toEqual([app.Name])
    expect(await names({ SearchKey: app.AppId })).toEqual([app.Name])
    expect(await call(context, 'ListEdgeContainerApps', { SearchKey: 'shop', PageSize: '1' })).toMatchObject({ TotalCount: 2 })
    for (const SearchKey of ['%', '_', '\\', "'", 'a%p']) expect(await names({ SearchKey })).toEqual([])
  })
})

describe('deleting an application', () => {
  it.each(['was never published', 'no node was told of'])('that %s removes it with its versions at once', async (what) => {
    const AppId = await createApp(context)
    const VersionId = await createVersion(context, AppId)
    if (what === 'no node was told of') {
      for (const environment of ['prod', 'staging'] as const) await publish(context, AppId, VersionId, environment)
      await pass(context)
    }
    expect(await call(context, 'DeleteEdgeContainerApp', { AppId })).toEqual({ State: 'ok' })
    for (const action of ['GetEdgeContainerApp', 'DeleteEdgeContainerApp', 'ListEdgeContainerAppVersions', 'GetEdgeContainerAppStatus']) {
      expect(await refusal(context, action, { AppId })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    }
    await createApp(context)
  })

  it('that runs goes through undeploying, and its name is free at once', async () => {
    const AppId = await createApp(context)
    const VersionId = await createVersion(context, AppId)
    await addNode(context, 'node-a')
    await addNode(context, 'node-lost')
    await publish(context, AppId, VersionId)
    await pass(context)
    await reportAll(context, 'node-a')
    await reportAll(context, 'node-lost')
    await pass(context)

    expect(await call(context, 'DeleteEdgeContainerApp', { AppId })).toEqual({ State: 'ok' })
    expect(await call(context, 'GetEdgeContainerApp', { AppId })).toMatchObject({ App: { Status: 'deleted' } })
    expect(await call(context, 'GetEdgeContainerAppStatus', { AppId })).toMatchObject({ AppStatus: { DeployStatus: 'undeploying' } })
    expect(await call(context, 'ListEdgeContainerApps', {})).toMatchObject({ Apps: [], TotalCount: 0 })
    expect(await refusal(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId, PublishEnv: 'prod' })).toMatchObject({
      status: 404,
    })
    await createApp(context)

    await pass(context)
    expect(await assigned(context, 'node-a')).toEqual({})
    await pass(context)
    expect(await call(context, 'GetEdgeContainerApp', { AppId })).toMatchObject({ App: { Status: 'deleted' } })

    // One node says that it is gone, the other one is away and is not waited for.
    await context.store.write(async (tx) => reports.remove(tx, 'node-a', `app/${AppId}/prod`))
    await takeOffline(context, 'node-lost')
    await pass(context)
    expect(await refusal(context, 'GetEdgeContainerApp', { AppId })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    expect(await pass(context)).toBe(0)
  })

  it('may be asked for twice while it goes on', async () => {
    const AppId = await createApp(context)
    await addNode(context, 'node-a')
    await publish(context, AppId, await createVersion(context, AppId))
    await pass(context)
    for (const _ of [1, 2]) expect(await call(context, 'DeleteEdgeContainerApp', { AppId })).toEqual({ State: 'ok' })
  })
})
