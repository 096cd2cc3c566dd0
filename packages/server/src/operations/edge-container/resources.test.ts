import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testContext, type TestContext } from '../test-context.ts'
import { addNode, call, container, createApp, createVersion, pass, publish, refusal, reportAll, takeOffline } from './door.contract.ts'

const regions = [
  { code: 'zhejiang', area: 'huadong', isp: 'cmcc' },
  { code: 'jiangsu', area: 'huadong', isp: 'cmcc' },
  { code: 'fujian', area: 'huadong', isp: 'unicom' },
  { code: 'singapore', area: 'sg' },
]
const gibibyte = 1024 ** 3
let context: TestContext
let AppId: string
beforeEach(async () => {
  context = await testContext({ settings: { regions } })
  AppId = await createApp(context)
})
afterEach(() => context.close())

const unknownApp = 'app-999999999999999999'
const cmcc = { Region: 'huadong', Isp: 'cmcc' }
const unicom = { Region: 'huadong', Isp: 'unicom' }
const sg = { Region: 'sg' }
const capacity = async (app = AppId) => (await call(context, 'GetEdgeContainerAppResourceCapacity', { AppId: app }))['Regions']
const status = async () => (await call(context, 'GetEdgeContainerAppResourceStatus', { AppId }))['Regions']

describe('the regions an application may be released to', () => {
  it('are those of the installation, before and after a release', async () => {
    const Regions = ['zhejiang', 'jiangsu', 'fujian', 'singapore']
    expect(await call(context, 'GetEdgeContainerDeployRegions', { AppId })).toEqual({ Regions })
  })
})

describe('capacity', () => {
  it('has a row for every area and carrier, also where no node stands', async () => {
    expect(await capacity()).toEqual([
      { ...cmcc, Replicas: 0 },
      { ...unicom, Replicas: 0 },
      { ...sg, Replicas: 0 },
    ])
  })

  it('counts what fits on each online production node, by processors and by memory', async () => {
    await addNode(context, 'node-a', ['prod'], { region: 'zhejiang', cpus: 4, memoryBytes: 64 * gibibyte })
    await addNode(context, 'node-b', ['prod', 'staging'], { region: 'jiangsu', cpus: 64, memoryBytes: 7 * gibibyte })
    await addNode(context, 'node-c', ['staging'], { region: 'fujian' })
    await addNode(context, 'node-d', ['prod'], { region: 'singapore' })
    await takeOffline(context, 'node-d')
    expect(await capacity()).toEqual([
      { ...cmcc, Replicas: 4 + 3 },
      { ...unicom, Replicas: 0 },
      { ...sg, Replicas: 0 },
    ])
    await createVersion(context, AppId, 'two-containers', [
      { ...container, Spec: '1C2G' },
      { ...container, Name: 'side', Spec: '1C2G' },
    ])
    expect((await capacity())[0]).toEqual({ ...cmcc, Replicas: 2 + 1 })
    context.clock.advance(1000)
    await createVersion(context, AppId, 'much-larger', [{ ...container, Spec: '8C32G' }])
    expect((await capacity())[0]).toEqual({ ...cmcc, Replicas: 0 })
  })

  it('takes off what workloads were promised', async () => {
    await addNode(context, 'node-a', ['prod'], { region: 'singapore', cpus: 4, memoryBytes: 8 * gibibyte })
    expect((await capacity())[2]).toEqual({ ...sg, Replicas: 4 })
    await publish(context, AppId, await createVersion(context, AppId, 'release-1', [{ ...container, Spec: '2C4G' }]))
    await pass(context)
    expect((await capacity())[2]).toEqual({ ...sg, Replicas: 1 })
    const other = await createApp(context, { Name: 'shop-backend' })
    expect((await capacity(other))[2]).toEqual({ ...sg, Replicas: 2 })
  })

  it('keeps free what others have reserved and do not use, as long as it is reserved', async () => {
    await addNode(context, 'node-a', ['prod'], { region: 'singapore', cpus: 8, memoryBytes: 16 * gibibyte })
    const other = await createApp(context, { Name: 'shop-backend' })
    const versionId = await createVersion(context, other, 'release-1', [{ ...container, Spec: '2C4G' }])
    const ReserveSet = JSON.stringify([{ Region: 'sg', Replicas: 2 }])
    const DurationTime = '2026-01-05T09:00:00Z'
    await call(context, 'UpdateEdgeContainerAppResourceReserve', { AppId: other, Enable: 'true', DurationTime, ReserveSet })
    expect((await capacity())[2]).toEqual({ ...sg, Replicas: 4 })
    expect((await capacity(other))[2]).toEqual({ ...sg, Replicas: 4 })
    await publish(context, other, versionId)
    await pass(context)
    expect((await capacity())[2]).toEqual({ ...sg, Replicas: 4 })
    context.clock.nowMs = Date.parse(DurationTime)
    expect((await capacity())[2]).toEqual({ ...sg, Replicas: 6 })
  })

  it('is that of the account’s own nodes', async () => {
    await addNode(context.as({ accountId: '1000000000000002' }), 'node-a', ['prod'], { region: 'singapore' })
    expect((await capacity())[2]).toEqual({ ...sg, Replicas: 0 })
  })
})

describe('resource status', () => {
  beforeEach(async () => {
    await addNode(context, 'node-a', ['prod'], { region: 'zhejiang' })
    await addNode(context, 'node-b', ['prod'], { region: 'jiangsu' })
    await addNode(context, 'node-c', ['prod', 'staging'], { region: 'singapore' })
  })

  it('has no rows before a release', async () => {
    expect(await status()).toEqual([])
  })

  it('has a row per area and environment, and counts what online nodes say is ready', async () => {
    const versionId = await createVersion(context, AppId)
    await publish(context, AppId, versionId)
    await publish(context, AppId, versionId, 'staging')
    await pass(context)
    const rows = (ready: readonly [number, number, number]) => [
      { IsOffline: false, IsStaging: false, ...cmcc, Ready: ready[0], Total: 2 },
      { IsOffline: false, IsStaging: false, ...sg, Ready: ready[1], Total: 1 },
      { IsOffline: false, IsStaging: true, ...sg, Ready: ready[2], Total: 1 },
    ]
    expect(await status()).toEqual(rows([0, 0, 0]))
    await reportAll(context, 'node-a')
    await reportAll(context, 'node-b', { phase: 'starting' })
    await reportAll(context, 'node-c')
    expect(await status()).toEqual(rows([1, 1, 1]))
    await reportAll(context, 'node-b', { digest: 'of-another-version' })
    await takeOffline(context, 'node-c')
    expect(await status()).toEqual(rows([1, 0, 0]))
  })

  it('shows what is being taken down, until it is gone', async () => {
    await publish(context, AppId, await createVersion(context, AppId))
    await pass(context)
    for (const node of ['node-a', 'node-b', 'node-c']) await reportAll(context, node)
    await call(context, 'DeleteEdgeContainerApp', { AppId })
    const draining = [
      { IsOffline: true, IsStaging: false, ...cmcc, Ready: 2, Total: 2 },
      { IsOffline: true, IsStaging: false, ...sg, Ready: 1, Total: 1 },
    ]
    expect(await status()).toEqual(draining)
    await pass(context)
    expect(await status()).toEqual(draining)
  })

  it('calls a region that the installation gave up by its own name', async () => {
    await addNode(context, 'node-d', ['prod'], { region: 'hainan' })
    await publish(context, AppId, await createVersion(context, AppId))
    await pass(context)
    expect(await status()).toContainEqual({ IsOffline: false, IsStaging: false, Region: 'hainan', Ready: 0, Total: 1 })
  })
})

describe('each of these operations', () => {
  const actions = ['GetEdgeContainerAppResourceCapacity', 'GetEdgeContainerAppResourceStatus', 'GetEdgeContainerDeployRegions']
  it.each(actions)('%s names a wrong application', async (action) => {
    expect(await refusal(context, action, {})).toMatchObject({ status: 400, code: 'InvalidParameter.appid' })
    expect(await refusal(context, action, { AppId: 'app-1' })).toMatchObject({ status: 400, code: 'InvalidParameter.appid' })
    expect(await refusal(context, action, { AppId: unknownApp })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    const stranger = context.as({ accountId: '1000000000000002' })
    expect(await refusal(stranger, action, { AppId })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
  })
})

describe('activation', () => {
  it('has always happened', async () => {
    expect(await call(context, 'GetEdgeContainer', {})).toEqual({
      BillingMode: 'container_95',
      InstanceId: 'esa-1000000000000001',
      Status: 'Running',
    })
    expect(await refusal(context, 'OpenEdgeContainer', {})).toMatchObject({ status: 400, code: 'EdgeContainer.HasOpened' })
  })
})
