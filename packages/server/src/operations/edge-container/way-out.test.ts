// No release may be a dead end: whatever does not get through gives way to the next version, and whatever waits for its time
// takes nothing away before.
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
  takeOffline,
} from './door.contract.ts'

let context: TestContext
let AppId: string
let v1: string
let v2: string
let v3: string
beforeEach(async () => {
  context = await testContext()
  AppId = await createApp(context)
  v1 = await createVersion(context, AppId, 'release-1')
  v2 = await createVersion(context, AppId, 'release-2')
  v3 = await createVersion(context, AppId, 'release-3')
})
afterEach(() => context.close())

const nodes = ['node-a', 'node-b', 'node-c']
const deadlineMs = 600_000
const status = async (PublishEnv = 'prod'): Promise<Answer> =>
  (await call(context, 'GetEdgeContainerAppStatus', { AppId, PublishEnv }))['AppStatus']
const refusedTo = (PublishEnv: string, VersionId: string, more: object = {}) =>
  refusal(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId, PublishEnv, ...more })
const rollBack = (VersionId: string) => call(context, 'RollbackEdgeContainerAppVersion', { AppId, VersionId })
const states = async (): Promise<string[]> =>
  (await call(context, 'ListReleases', { AppId }))['Releases'].map((release: { State: string }) => release.State)
const told = async (node: string, environment: string) => (await assigned(context, node))[`app/${AppId}/${environment}`]

describe('a version that does not run in staging', () => {
  const broken = { reason: { code: 'ImageNotFound', message: 'there is no such image' }, containers: [] }

  it.each<[what: string, report: Parameters<typeof reportAll>[2]]>([
    ['it failed', { phase: 'failed' }],
    ['it crashes', { phase: 'backoff' }],
    ['its image could not be pulled', { phase: 'preparing', failedAttempts: 1 }],
  ])('gives way to the next one as soon as its node says that %s', async (_what, report) => {
    await addNode(context, 'node-s', ['staging'])
    await publish(context, AppId, v1, 'staging')
    await pass(context)
    expect(await refusedTo('staging', v2)).toMatchObject({ status: 400, code: 'InternalException' })
    await reportAll(context, 'node-s', { ...report, ...broken })
    await pass(context)
    // It has no word for failure, so for the vendor's clients it is still under way.
    expect(await status('staging')).toMatchObject({ PublishStatus: 'publishing', PublishingVersion: v1 })
    const [release] = (await call(context, 'ListReleases', { AppId }))['Releases']
    expect(release).toMatchObject({ State: 'stopped', EndingMessage: expect.stringContaining('there is no such image') })
    expect(await pass(context)).toBe(0)
    await publish(context, AppId, v2, 'staging')
    await settle(context, 'node-s')
    expect(await status('staging')).toMatchObject({ PublishStatus: 'published', DeployedVersion: v2 })
    expect(await told('node-s', 'staging')).toBe(v2)
  })

  it('is through after all when it gets ready later', async () => {
    await addNode(context, 'node-s', ['staging'])
    await publish(context, AppId, v1, 'staging')
    await pass(context)
    await reportAll(context, 'node-s', { phase: 'backoff' })
    await pass(context)
    expect(await states()).toEqual(['stopped'])
    await settle(context, 'node-s')
    expect(await status('staging')).toMatchObject({ PublishStatus: 'published', DeployedVersion: v1 })
    expect(await states()).toEqual(['succeeded'])
  })

  it('gives way after its deadline when its node only never gets ready, or there is none', async () => {
    await publish(context, AppId, v1, 'staging')
    context.clock.advance(deadlineMs - 1)
    await pass(context)
    expect(await refusedTo('staging', v2)).toMatchObject({ code: 'InternalException' })
    context.clock.advance(1)
    await pass(context)
    await publish(context, AppId, v2, 'staging')
    await addNode(context, 'node-s', ['staging'])
    await pass(context)
    await reportAll(context, 'node-s', { phase: 'starting' })
    context.clock.advance(deadlineMs)
    await pass(context)
    await publish(context, AppId, v3, 'staging')
    await settle(context, 'node-s')
    expect(await told('node-s', 'staging')).toBe(v3)
  })

  it('is still brought to a node that comes late', async () => {
    await publish(context, AppId, v1, 'staging')
    context.clock.advance(deadlineMs)
    await pass(context)
    expect(await states()).toEqual(['stopped'])
    await addNode(context, 'node-s', ['staging'])
    await settle(context, 'node-s')
    expect(await status('staging')).toMatchObject({ PublishStatus: 'published', DeployedVersion: v1 })
  })

  it('does not stop while it is paused', async () => {
    await publish(context, AppId, v1, 'staging')
    const [{ ReleaseId }] = (await call(context, 'ListReleases', { AppId }))['Releases']
    await call(context, 'PauseRelease', { ReleaseId })
    context.clock.advance(2 * deadlineMs)
    await pass(context)
    expect(await states()).toEqual(['paused'])
  })
})

describe('a rollback that does not get through', () => {
  beforeEach(async () => {
    for (const node of nodes) await addNode(context, node, ['prod'])
    for (const version of [v1, v2]) {
      await publish(context, AppId, version)
      await settle(context, ...nodes)
    }
    await rollBack(v1)
    const refused = await refusedTo('prod', v3)
    if (refused.code !== 'InternalException') throw new Error(`another version was refused with ${refused.code}`)
    for (let passes = 0; passes < 10 && (await states())[0] !== 'stopped'; passes++) {
      for (const node of nodes) await reportAll(context, node, { phase: (await told(node, 'prod')) === v1 ? 'starting' : 'ready' })
      await pass(context)
      context.clock.advance(deadlineMs / 2)
    }
  })

  it('goes on at every node, and gives way to a version that mends it', async () => {
    expect(await Promise.all(nodes.map((node) => told(node, 'prod')))).toEqual([v1, v1, v1])
    expect(await status()).toMatchObject({ PublishStatus: 'rollbacking', PublishingVersion: v1 })
    await publish(context, AppId, v3)
    await settle(context, ...nodes)
    expect(await status()).toMatchObject({ PublishStatus: 'published', BaseLineVersion: v3, DeployedVersion: v3 })
  })

  it('is through after all when its nodes get ready', async () => {
    await settle(context, ...nodes)
    expect(await status()).toMatchObject({ PublishStatus: 'rollbacked', BaseLineVersion: v1 })
  })

  it('leaves its version, and not the one that was fled from, where the next release does not go', async () => {
    for (const Percentage of ['34', '67']) {
      await call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId: v3, PublishEnv: 'prod', Percentage })
      await settle(context, ...nodes)
      const run = await Promise.all(nodes.map((node) => told(node, 'prod')))
      expect(run.filter((version) => version === v2)).toEqual([])
      expect(run).toContain(v1)
    }
  })
})

describe('a first version that no node is there for', () => {
  it('gives way after its deadline, and goes to the first node that comes if nothing takes its place', async () => {
    await publish(context, AppId, v1)
    context.clock.advance(deadlineMs - 1)
    await pass(context)
    expect(await refusedTo('prod', v2)).toMatchObject({ code: 'InternalException' })
    context.clock.advance(1)
    await pass(context)
    expect(await status()).toMatchObject({ PublishStatus: 'publishing', PublishingVersion: v1 })
    await publish(context, AppId, v2)
    context.clock.advance(deadlineMs)
    await pass(context)
    expect(await states()).toEqual(['stopped', 'stopped'])
    await addNode(context, 'node-a')
    await settle(context, 'node-a')
    expect(await told('node-a', 'prod')).toBe(v2)
    expect(await status()).toMatchObject({ PublishStatus: 'published', DeployedVersion: v2 })
  })

  it('gives way after a rollback, too, where all nodes went away', async () => {
    for (const node of nodes) await addNode(context, node)
    for (const version of [v1, v2]) {
      await publish(context, AppId, version)
      await settle(context, ...nodes)
    }
    for (const node of nodes) await takeOffline(context, node)
    context.clock.advance(deadlineMs)
    await rollBack(v1)
    await pass(context)
    expect(await refusedTo('prod', v3)).toMatchObject({ code: 'InternalException' })
    context.clock.advance(deadlineMs)
    await pass(context)
    await publish(context, AppId, v3)
  })
})

describe('a release that waits for its time', () => {
  const later = { StartTime: '2026-01-05T09:00:00Z' }
  const read = async (VersionId: string) => (await call(context, 'GetEdgeContainerAppVersion', { AppId, VersionId }))['Version']

  it('dates its version when it begins, and not before', async () => {
    await call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId: v1, PublishEnv: 'prod', ...later })
    expect(await read(v1)).not.toHaveProperty('PublishTime')
    expect(await status()).toMatchObject({
      DeployStatus: 'undeploy',
      PublishStatus: 'publishing',
      PublishPercentage: 0,
      ExpectPercentage: 100,
    })
    context.clock.advance(3_600_000)
    await pass(context)
    expect(await status()).toMatchObject({ DeployStatus: 'deploying', PublishStatus: 'publishing' })
    expect(await read(v1)).toMatchObject({ PublishTime: '2026-01-05T09:00:00Z', LastPublishTime: '2026-01-05T09:00:00Z' })
  })

  const wait = (VersionId: string, PublishEnv = 'prod') =>
    call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId, PublishEnv, ...later })

  it('is cancelled by a rollback that names it, where nothing was published before', async () => {
    await addNode(context, 'node-a')
    await wait(v1)
    const refused = await refusal(context, 'RollbackEdgeContainerAppVersion', { AppId, VersionId: v2 })
    expect(refused).toMatchObject({ status: 400, code: 'InternalException', message: expect.stringContaining(`names ${v1}`) })
    await call(context, 'RollbackEdgeContainerAppVersion', { AppId, VersionId: v1, Remarks: 'too early' })
    expect(await status()).toEqual({
      ...{ DeployStatus: 'undeploy', PublishEnv: 'prod', ExpectPercentage: 0, PublishPercentage: 0 },
      ...{ FullRelease: false, Regions: { Region: [] } },
    })
    const [{ ReleaseId, ...release }] = (await call(context, 'ListReleases', { AppId }))['Releases']
    expect(release).toMatchObject({
      State: 'superseded',
      EndingCode: 'Cancelled',
      EndingMessage: expect.stringContaining('too early'),
      EndedAt: '2026-01-05T08:00:00Z',
    })
    expect(await refusal(context, 'PauseRelease', { ReleaseId })).toMatchObject({ code: 'Release.NotUnderWay' })
    expect(await call(context, 'ExplainNode', { NodeId: 'node-a', AppId })).toMatchObject({ Causes: [{ Code: 'NothingReleased' }] })
    expect(await refusal(context, 'RollbackEdgeContainerAppVersion', { AppId, VersionId: v1 })).toMatchObject({ code: 'InternalException' })
    context.clock.advance(2 * 3_600_000)
    await settle(context, 'node-a')
    expect(await told('node-a', 'prod')).toBeUndefined()
  })

  it('leaves nothing behind that keeps a version from being deleted, or another one from being published', async () => {
    await addNode(context, 'node-a')
    for (const version of [v1, v2]) {
      await wait(version)
      await rollBack(version)
    }
    await call(context, 'DeleteEdgeContainerAppVersion', { AppId, VersionId: v1 })
    await publish(context, AppId, v3)
    await settle(context, 'node-a')
    expect(await told('node-a', 'prod')).toBe(v3)
    expect(await states()).toEqual(['succeeded', 'superseded', 'superseded'])
  })

  it('gives way in staging, which knows no rollback, to whatever is published there', async () => {
    await addNode(context, 'node-s', ['staging'])
    await wait(v1, 'staging')
    await publish(context, AppId, v2, 'staging')
    await settle(context, 'node-s')
    await wait(v1, 'staging')
    await publish(context, AppId, v2, 'staging')
    context.clock.advance(2 * 3_600_000)
    await settle(context, 'node-s')
    expect(await told('node-s', 'staging')).toBe(v2)
    expect(await states()).toEqual(['succeeded', 'superseded', 'succeeded', 'superseded'])
  })

  it('leaves the terminal of the running staging instance open', async () => {
    await addNode(context, 'node-s', ['staging'])
    await publish(context, AppId, v1, 'staging')
    await settle(context, 'node-s')
    expect(await call(context, 'GetEdgeContainerTerminal', { AppId })).toMatchObject({ Container: 'web' })
    await call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId: v2, PublishEnv: 'staging', ...later })
    expect(await call(context, 'GetEdgeContainerStagingDeployStatus', { AppId })).toMatchObject({ Phase: 'Running' })
    expect(await call(context, 'GetEdgeContainerTerminal', { AppId })).toMatchObject({ Container: 'web' })
  })
})

describe('staging that is made anew', () => {
  it('has no terminal before its new instance runs', async () => {
    await addNode(context, 'node-s', ['staging'])
    await publish(context, AppId, v1, 'staging')
    await settle(context, 'node-s')
    await call(context, 'RebuildEdgeContainerAppStagingEnv', { AppId })
    expect(await call(context, 'GetEdgeContainerStagingDeployStatus', { AppId })).toMatchObject({ Phase: 'Pending' })
    expect(await refusal(context, 'GetEdgeContainerTerminal', { AppId })).toMatchObject({ status: 400, code: 'InvalidParameter' })
  })
})
