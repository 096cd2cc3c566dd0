// Releases by share, region and time, rollbacks and the rebuilding of staging, as the vendor's clients see them.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testContext, type TestContext } from '../test-context.ts'
import {
  addNode,
  type Answer,
  assigned,
  call,
  createApp,
  createVersion,
  pass,
  publish,
  refusal,
  reportAll,
  settle,
} from './door.contract.ts'

let context: TestContext
let AppId: string
let v1: string
let v2: string
let v3: string
const nodes = ['node-a', 'node-b', 'node-c']
beforeEach(async () => {
  const regions = ['zhejiang', 'jiangsu'].map((code) => ({ code, area: 'huadong' }))
  context = await testContext({ settings: { regions } })
  AppId = await createApp(context)
  v1 = await createVersion(context, AppId, 'release-1')
  v2 = await createVersion(context, AppId, 'release-2')
  v3 = await createVersion(context, AppId, 'release-3')
  for (const node of nodes) await addNode(context, node, ['prod'], { region: node === 'node-c' ? 'jiangsu' : 'zhejiang' })
})
afterEach(() => context.close())

const status = async (): Promise<Answer> => (await call(context, 'GetEdgeContainerAppStatus', { AppId }))['AppStatus']
const publishTo = (VersionId: string, more: object) =>
  call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId, PublishEnv: 'prod', ...more })
const rollBack = (VersionId: string, more: object = {}) => call(context, 'RollbackEdgeContainerAppVersion', { AppId, VersionId, ...more })
const refused = (VersionId: string, more: object = {}) => refusal(context, 'RollbackEdgeContainerAppVersion', { AppId, VersionId, ...more })
async function running(): Promise<string[]> {
  const told = await Promise.all(nodes.map((node) => assigned(context, node)))
  return told.map((entry) => entry[`app/${AppId}/prod`] ?? '')
}
const count = async (version: string) => (await running()).filter((id) => id === version).length

describe('a release by percentage', () => {
  it('goes from 30 to 100 to a rollback as the contract’s table says', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publishTo(v2, { Percentage: '30' })
    expect(await status()).toMatchObject({ PublishStatus: 'publishing', ExpectPercentage: 30, PublishPercentage: 0, BaseLineVersion: v1 })
    await settle(context, ...nodes)
    const partly = { BaseLineVersion: v1, DeployedVersion: v2, PublishingVersion: v2, ExpectPercentage: 30, PublishPercentage: 30 }
    expect(await status()).toMatchObject({ DeployStatus: 'deployed', PublishStatus: 'published', ...partly })
    const first = (await running()).indexOf(v2)
    expect(await count(v2)).toBe(1)

    await publishTo(v2, { Percentage: '67' })
    await settle(context, ...nodes)
    expect(await count(v2)).toBe(2)
    expect((await running())[first]).toBe(v2)
    await publishTo(v2, {})
    await settle(context, ...nodes)
    const wholly = { BaseLineVersion: v2, DeployedVersion: v2, PublishingVersion: v2, ExpectPercentage: 100, PublishPercentage: 100 }
    expect(await status()).toMatchObject({ DeployStatus: 'deployed', PublishStatus: 'published', ...wholly })

    context.clock.advance(60_000)
    await rollBack(v1, { Remarks: 'undo' })
    expect(await status()).toMatchObject({ PublishStatus: 'rollbacking', RollbackTime: '2026-01-05T08:01:00Z', PublishingVersion: v1 })
    await settle(context, ...nodes)
    const back = { BaseLineVersion: v1, DeployedVersion: v1, PublishingVersion: v1, ExpectPercentage: 100, PublishPercentage: 100 }
    expect(await status()).toMatchObject({ PublishStatus: 'rollbacked', PublishTime: '2026-01-05T08:00:00Z', ...back })
    expect(await running()).toEqual([v1, v1, v1])
  })

  it('refuses less than is out, and points to the rollback', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publishTo(v2, { Percentage: '50' })
    const less = await refusal(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId: v2, PublishEnv: 'prod', Percentage: '49' })
    expect(less).toMatchObject({ code: 'InvalidParameter.Percentage', message: expect.stringContaining('RollbackEdgeContainerAppVersion') })
  })

  it('takes fresh nodes to the version of their place', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publishTo(v2, { Percentage: '50' })
    await settle(context, ...nodes)
    for (const node of ['node-d', 'node-e', 'node-f']) await addNode(context, node, ['prod'])
    await settle(context, ...nodes, 'node-d', 'node-e', 'node-f')
    const fresh = await Promise.all(['node-d', 'node-e', 'node-f'].map((node) => assigned(context, node)))
    const all = [...(await running()), ...fresh.map((entry) => entry[`app/${AppId}/prod`])]
    expect(all.filter((id) => id === v2)).toHaveLength(3)
    expect(all.filter((id) => id === v1)).toHaveLength(3)
  })
})

describe('a release by region', () => {
  it('moves the nodes of the regions, and the rest with FullRelease', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publishTo(v2, { PublishType: 'region', Regions: '["Jiangsu","JIANGSU"]' })
    await settle(context, ...nodes)
    expect(await running()).toEqual([v1, v1, v2])
    const partly = { PublishType: 'region', FullRelease: false, Regions: { Region: ['jiangsu'] }, BaseLineVersion: v1, DeployedVersion: v2 }
    expect(await status()).toMatchObject({ PublishStatus: 'published', ExpectPercentage: 33, PublishPercentage: 33, ...partly })
    await publishTo(v2, { PublishType: 'region', FullRelease: 'true' })
    await settle(context, ...nodes)
    expect(await running()).toEqual([v2, v2, v2])
    expect(await status()).toMatchObject({ FullRelease: true, BaseLineVersion: v2, ExpectPercentage: 100, PublishPercentage: 100 })
  })
})

describe('a release at a time', () => {
  const at = { StartTime: '2026-01-05T09:00:00Z' }

  it('leaves everything as it is before, begins once, and has its time then', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publishTo(v2, at)
    await addNode(context, 'node-d', ['prod'])
    await settle(context, ...nodes, 'node-d')
    expect(await running()).toEqual([v1, v1, v1])
    expect(await assigned(context, 'node-d')).toEqual({ [`app/${AppId}/prod`]: v1 })
    const waiting = await status()
    expect(waiting).toMatchObject({ PublishStatus: 'publishing', PublishingVersion: v2, PublishPercentage: 0, DeployedVersion: v1 })
    expect(waiting).not.toHaveProperty('PublishTime')
    context.clock.advance(3_600_000 + 5000)
    await settle(context, ...nodes, 'node-d')
    expect(await running()).toEqual([v2, v2, v2])
    expect(await status()).toMatchObject({ PublishStatus: 'published', PublishTime: '2026-01-05T09:00:05Z' })
  })

  it('is cancelled by a rollback before', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publishTo(v2, at)
    await rollBack(v1)
    await settle(context, ...nodes)
    context.clock.advance(2 * 3_600_000)
    await settle(context, ...nodes)
    expect(await running()).toEqual([v1, v1, v1])
    const { Releases } = await call(context, 'ListReleases', { AppId })
    expect(Releases).toMatchObject([{ State: 'rolledBack' }, { State: 'superseded', EndingCode: 'Cancelled' }, { State: 'succeeded' }])
  })

  it('of the same version lets the step before it go on meanwhile', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publishTo(v2, { Percentage: '67' })
    await publishTo(v2, at)
    await settle(context, ...nodes)
    expect(await count(v2)).toBe(2)
    context.clock.advance(3_600_000)
    await settle(context, ...nodes)
    expect(await count(v2)).toBe(3)
  })
})

describe('a rollback', () => {
  it('is refused to what never ran, is malformed, or would be no rollback', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    expect(await refused(v2)).toMatchObject({ status: 400, code: 'InternalException' })
    expect(await refused('ver-999999999999999999')).toMatchObject({ status: 400, code: 'InternalException' })
    await publish(context, AppId, v2, 'staging')
    expect(await refused(v2)).toMatchObject({ code: 'InternalException' })
    expect(await refused('release-1')).toMatchObject({ code: 'InvalidParameter.VersionId' })
    expect(await refused(v1, { UsedPercent: 'true', Percentage: '101' })).toMatchObject({ code: 'InvalidParameter' })
    expect(await refused(v1, { UsedPercent: 'true', Percentage: '50' })).toMatchObject({ code: 'InvalidParameter' })
    const unknown = { AppId: 'app-999999999999999999', VersionId: v1 }
    expect(await refusal(context, 'RollbackEdgeContainerAppVersion', unknown)).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
  })

  it('is possible while another version is being published', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publish(context, AppId, v2)
    await pass(context)
    await rollBack(v1)
    await settle(context, ...nodes)
    expect(await running()).toEqual([v1, v1, v1])
    await publish(context, AppId, v3)
    expect(await status()).toMatchObject({ PublishStatus: 'publishing', PublishingVersion: v3 })
  })

  it('takes a share with UsedPercent alone, and everything for 0', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publish(context, AppId, v2)
    await settle(context, ...nodes)
    await rollBack(v1, { UsedPercent: 'true', Percentage: '34' })
    await settle(context, ...nodes)
    expect([await count(v1), await count(v2)]).toEqual([1, 2])
    expect(await status()).toMatchObject({ PublishStatus: 'rollbacked', BaseLineVersion: v2, DeployedVersion: v1, ExpectPercentage: 34 })
    await rollBack(v1, { UsedPercent: 'true', Percentage: '0' })
    await settle(context, ...nodes)
    expect(await count(v1)).toBe(3)
    await publish(context, AppId, v3)
    await settle(context, ...nodes)
    await rollBack(v1, { Percentage: '34' })
    await settle(context, ...nodes)
    expect(await count(v1)).toBe(3)
  })
})

describe('rebuilding staging', () => {
  const rebuild = () => call(context, 'RebuildEdgeContainerAppStagingEnv', { AppId })
  const staging = () => call(context, 'GetEdgeContainerStagingDeployStatus', { AppId })

  it('needs something that was published there', async () => {
    expect(await refusal(context, 'RebuildEdgeContainerAppStagingEnv', { AppId })).toMatchObject({ status: 400, code: 'InvalidParameter' })
    expect(await refusal(context, 'RebuildEdgeContainerAppStagingEnv', {})).toMatchObject({ code: 'InvalidParameter.appid' })
  })

  it('asks the node for a new instance of the same version, each time', async () => {
    await addNode(context, 'node-s', ['staging'])
    await publish(context, AppId, v1, 'staging')
    await settle(context, 'node-s')
    expect(await staging()).toMatchObject({ Phase: 'Running', CreationTimestamp: '2026-01-05T08:00:00Z' })
    for (const minute of ['01', '02']) {
      context.clock.advance(60_000)
      await rebuild()
      expect(await staging()).toMatchObject({ Phase: 'Pending', Ready: 'unready', PodRestartState: { RestartCount: 0 } })
      expect(await pass(context)).toBe(1)
      expect(await pass(context)).toBe(0)
      expect(await staging()).toMatchObject({ Phase: 'Pending' })
      await reportAll(context, 'node-s')
      expect(await staging()).toMatchObject({ Phase: 'Running', CreationTimestamp: `2026-01-05T08:${minute}:00Z` })
    }
  })
})
