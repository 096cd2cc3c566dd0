import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { db } from '../../store/db.ts'
import * as nodes from '../../store/nodes.ts'
import { testContext, type TestContext } from '../test-context.ts'
import {
  addNode,
  type Answer,
  assigned,
  call,
  container,
  createApp,
  createVersion,
  pass,
  publish,
  refusal,
  reportAll,
  settle as settleAll,
  takeOffline,
} from './door.contract.ts'

let context: TestContext
let AppId: string
let v1: string
let v2: string
beforeEach(async () => {
  context = await testContext()
  AppId = await createApp(context)
  v1 = await createVersion(context, AppId, 'release-1')
  v2 = await createVersion(context, AppId, 'release-2')
})
afterEach(() => context.close())

const unknownApp = 'app-999999999999999999'
const unknownVersion = 'ver-999999999999999999'
const status = async (PublishEnv?: string): Promise<Answer> =>
  (await call(context, 'GetEdgeContainerAppStatus', { AppId, ...(PublishEnv && { PublishEnv }) }))['AppStatus']
const staging = () => call(context, 'GetEdgeContainerStagingDeployStatus', { AppId })
const settle = (...ready: string[]) => settleAll(context, ...ready)

/** Both nodes run the first version and one is told to change to the second: its name. */
async function changing(): Promise<string> {
  for (const node of ['node-a', 'node-b']) await addNode(context, node)
  await publish(context, AppId, v1)
  await settle('node-a', 'node-b')
  await publish(context, AppId, v2)
  await pass(context)
  return (await assigned(context, 'node-a'))[`app/${AppId}/prod`] === v2 ? 'node-a' : 'node-b'
}

describe('publishing', () => {
  const refused = (fields: object) =>
    refusal(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId: v1, PublishEnv: 'prod', ...fields })

  it.each([
    [{ PublishEnv: undefined }, 'InvalidParameter.PublishEnv', 'PublishEnv'],
    [{ PublishEnv: 'test' }, 'InvalidParameter.PublishEnv', 'PublishEnv'],
    [{ Percentage: '0' }, 'InvalidParameter.Percentage', 'Percentage'],
    [{ Percentage: '101' }, 'InvalidParameter.Percentage', 'Percentage'],
    [{ Percentage: 'half' }, 'InvalidParameter.Percentage', 'Percentage'],
    [{ PublishType: 'canary' }, 'InvalidParameter', 'PublishType'],
    [{ PublishType: 'region', Regions: '["zhejiang","atlantis"]' }, 'InvalidParameter', 'atlantis is none of this installation'],
    [{ PublishType: 'region' }, 'InvalidParameter', 'names regions, or sets FullRelease'],
    [{ PublishType: 'region', Regions: '["zhejiang"]', Percentage: '50' }, 'InvalidParameter.Percentage', 'whole regions'],
    [{ Regions: '["zhejiang"]' }, 'InvalidParameter', 'Regions: only together with PublishType region'],
    [{ Regions: 'zhejiang' }, 'InvalidParameter', 'Regions'],
    [{ StartTime: 'tomorrow' }, 'InvalidParameter', 'StartTime'],
    [{ StartTime: '2026-02-30T08:00:00Z' }, 'InvalidParameter', 'StartTime'],
    [{ Remarks: 'r'.repeat(1025) }, 'InvalidParameter', 'Remarks'],
    [{ AppId: 'app' }, 'InvalidParameter.appid', 'AppId'],
    [{ VersionId: 'release-1' }, 'InvalidParameter.VersionId', 'VersionId'],
    [{ VersionId: undefined }, 'InvalidParameter.VersionId', 'VersionId'],
  ])('refuses %j', async (fields, code, words) => {
    const { status: httpStatus, code: actual, message } = await refused(fields)
    expect({ httpStatus, actual }).toEqual({ httpStatus: 400, actual: code })
    expect(message).toContain(words)
    expect(await status()).toMatchObject({ DeployStatus: 'undeploy' })
  })

  it('does not find what is not there', async () => {
    expect(await refused({ AppId: unknownApp })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    expect(await refused({ VersionId: unknownVersion })).toMatchObject({ status: 404, code: 'InvalidVersion.NotFound' })
    const other = await createApp(context, { Name: 'other-app' })
    expect(await refused({ AppId: other })).toMatchObject({ status: 404, code: 'InvalidVersion.NotFound' })
  })

  it('takes what means all of it, now', async () => {
    const whole = { Percentage: '100', PublishType: 'percentage', Regions: '[]', FullRelease: 'False', StartTime: '2026-01-05T08:00:00Z' }
    expect(
      await call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId: v1, PublishEnv: 'prod', Remarks: 'go', ...whole }),
    ).toEqual({})
  })

  it('takes staging whole, whatever share or region is asked for', async () => {
    const shares = { Percentage: '30', PublishType: 'region', Regions: '["jiangsu"]', FullRelease: 'true' }
    await call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId: v1, PublishEnv: 'staging', ...shares })
    expect(await status('staging')).toMatchObject({ PublishStatus: 'publishing', ExpectPercentage: 100, PublishType: 'percentage' })
  })

  it('lets one version at a time through, per environment', async () => {
    await publish(context, AppId, v1)
    expect(await refused({ VersionId: v2 })).toMatchObject({ status: 400, code: 'InternalException', message: expect.stringContaining(v1) })
    await publish(context, AppId, v2, 'staging')
    context.clock.advance(5000)
    await publish(context, AppId, v1)
    expect(await status()).toMatchObject({ PublishingVersion: v1, PublishTime: '2026-01-05T08:00:05Z' })
  })

  it('keeps who published what and when', async () => {
    await publish(context, AppId, v1)
    context.clock.advance(2000)
    await publish(context.as({ accessKeyId: 'LTAIsecond' }), AppId, v1)
    const history = await context.store.read((tx) => tx.all(db.selectFrom('releases').selectAll().orderBy('revision')))
    expect(history).toMatchObject([
      { revision: 1, version_id: v1, status: 'superseded', created_by: 'LTAItestkey', finished_at_ms: context.now() },
      { revision: 2, version_id: v1, status: 'publishing', created_by: 'LTAIsecond', started_at_ms: context.now() },
    ])
  })

  it('dates the version', async () => {
    const read = async () => (await call(context, 'GetEdgeContainerAppVersion', { AppId, VersionId: v1 }))['Version']
    expect(await read()).not.toHaveProperty('PublishTime')
    await publish(context, AppId, v1)
    context.clock.advance(60_000)
    await publish(context, AppId, v1)
    expect(await read()).toMatchObject({ PublishTime: '2026-01-05T08:00:00Z', LastPublishTime: '2026-01-05T08:01:00Z' })
  })
})

describe('the status of production', () => {
  const nothing = {
    DeployStatus: 'undeploy',
    ExpectPercentage: 0,
    FullRelease: false,
    PublishEnv: 'prod',
    PublishPercentage: 0,
    Regions: { Region: [] },
  }

  it('goes through every row of the contract’s table', async () => {
    expect(await status()).toEqual(nothing)
    expect(await status('staging')).toEqual({ ...nothing, PublishEnv: 'staging' })

    for (const node of ['node-a', 'node-b']) await addNode(context, node)
    await publish(context, AppId, v1)
    const running = {
      ...nothing,
      DeployStatus: 'deploying',
      ExpectPercentage: 100,
      PublishStatus: 'publishing',
      PublishTime: '2026-01-05T08:00:00Z',
      PublishType: 'percentage',
      PublishingVersion: v1,
    }
    expect(await status()).toEqual(running)
    await pass(context)
    await reportAll(context, 'node-a')
    expect(await status()).toEqual({ ...running, PublishPercentage: 50 })

    context.clock.advance(30_000)
    await settle('node-a', 'node-b')
    const done = {
      ...running,
      BaseLineVersion: v1,
      DeployStatus: 'deployed',
      DeployTime: '2026-01-05T08:00:30Z',
      DeployedVersion: v1,
      PublishPercentage: 100,
      PublishStatus: 'published',
    }
    expect(await status()).toEqual(done)

    await publish(context, AppId, v2)
    const next = { PublishStatus: 'publishing', PublishTime: '2026-01-05T08:00:30Z', PublishingVersion: v2, PublishPercentage: 0 }
    expect(await status()).toEqual({ ...done, ...next })
    await settle('node-a', 'node-b')
    expect(await status()).toEqual({
      ...done,
      ...next,
      BaseLineVersion: v2,
      DeployedVersion: v2,
      PublishPercentage: 100,
      PublishStatus: 'published',
    })
  })

  it('stays publishing without a node, until one appears', async () => {
    await publish(context, AppId, v1)
    await settle()
    expect(await status()).toMatchObject({ DeployStatus: 'deploying', PublishStatus: 'publishing', PublishPercentage: 0 })
    await addNode(context, 'node-staging', ['staging'])
    await settle('node-staging')
    expect(await status()).toMatchObject({ PublishStatus: 'publishing' })
    await addNode(context, 'node-prod', ['prod'])
    await settle('node-prod')
    expect(await status()).toMatchObject({ DeployStatus: 'deployed', PublishStatus: 'published' })
  })

  it('stays publishing after it stopped on a node, and keeps the version before it as deployed', async () => {
    const told = await changing()
    await reportAll(context, told, { phase: 'failed', reason: { code: 'PortInUse', message: 'port 80 is taken' } })
    await settle()
    expect(await assigned(context, told)).toEqual({ [`app/${AppId}/prod`]: v1 })
    expect(await status()).toMatchObject({
      BaseLineVersion: v1,
      DeployedVersion: v1,
      DeployStatus: 'deployed',
      PublishStatus: 'publishing',
      PublishingVersion: v2,
      PublishPercentage: 0,
    })
  })

  it('goes on with a node that left for a moment while it changed: nothing is taken back', async () => {
    const told = await changing()
    await takeOffline(context, told)
    context.clock.advance(50_000)
    expect(await pass(context)).toBe(0)
    expect(await assigned(context, told)).toEqual({ [`app/${AppId}/prod`]: v2 })
    await context.store.write(async (tx) => nodes.updateSeen(tx, [told], context.now()))
    await settle('node-a', 'node-b')
    expect(await status()).toMatchObject({ PublishStatus: 'published', DeployedVersion: v2 })
    const { Releases } = await call(context, 'ListReleases', { AppId })
    expect(Releases).toMatchObject([{ State: 'succeeded' }, { State: 'succeeded' }])
  })

  it('keeps its version when a node goes offline, and brings late nodes to it', async () => {
    await addNode(context, 'node-a')
    await publish(context, AppId, v1)
    await settle('node-a')
    await takeOffline(context, 'node-a')
    context.clock.advance(7 * 24 * 3600_000)
    await addNode(context, 'node-late')
    await settle()
    expect(await status()).toMatchObject({ DeployStatus: 'deployed', PublishStatus: 'published', PublishPercentage: 100 })
    const key = `app/${AppId}/prod`
    expect(await assigned(context, 'node-a')).toEqual({ [key]: v1 })
    expect(await assigned(context, 'node-late')).toEqual({ [key]: v1 })
  })

  it('refuses an environment that there is not, and what is not found', async () => {
    expect(await refusal(context, 'GetEdgeContainerAppStatus', { AppId, PublishEnv: 'test' })).toMatchObject({
      status: 400,
      code: 'InvalidParameter',
      message: expect.stringContaining('PublishEnv'),
    })
    for (const action of ['GetEdgeContainerAppStatus', 'GetEdgeContainerStagingDeployStatus']) {
      expect(await refusal(context, action, { AppId: unknownApp })).toMatchObject({ status: 404, code: 'InvalidApp.NotFound' })
    }
  })
})

describe('staging', () => {
  it('is one instance that shows what its node reports', async () => {
    const empty = { PodRestartState: { RestartCount: 0 }, VIPs: [], ContainersReady: 'unready', Initialized: 'unready', Ready: 'unready' }
    expect(await staging()).toEqual({ ...empty, Phase: 'NoContainer', Scheduled: 'unready' })
    await publish(context, AppId, v1, 'staging')
    expect(await staging()).toEqual({ ...empty, Phase: 'Pending', Scheduled: 'unready' })
    for (const node of ['node-a', 'node-b', 'node-c']) await addNode(context, node)
    await pass(context)
    expect(await staging()).toEqual({ ...empty, Phase: 'Pending', Scheduled: 'ok' })
    const holders = await holdersOf()
    expect(holders).toHaveLength(1)
    const [holder = ''] = holders

    await reportAll(context, holder, {
      restarts: 2,
      lastRestartReason: 'OOMKilled',
      addresses: [{ host: '192.0.2.7', port: 32768, servicePort: 80 }],
    })
    expect(await staging()).toEqual({
      ContainersReady: 'ok',
      CreationTimestamp: '2026-01-05T08:00:00Z',
      Initialized: 'ok',
      Phase: 'Running',
      PodRestartState: { LastTerminatedReason: 'OOMKilled', RestartCount: 2 },
      Ready: 'ok',
      Scheduled: 'ok',
      VIPs: ['192.0.2.7:32768'],
    })
    await settle(holder)
    expect(await status('staging')).toMatchObject({ DeployStatus: 'deployed', PublishStatus: 'published', DeployedVersion: v1 })
    expect(await status('prod')).toMatchObject({ DeployStatus: 'undeploy' })

    await publish(context, AppId, v2, 'staging')
    expect(await staging()).toMatchObject({ Phase: 'Pending', Ready: 'unready', VIPs: [] })
    await pass(context)
    expect(await holdersOf()).toEqual([holder])
    expect(await staging()).toMatchObject({ Phase: 'Pending', Scheduled: 'ok', Ready: 'unready' })
    await reportAll(context, holder)
    expect(await staging()).toMatchObject({ Phase: 'Running', Ready: 'ok' })
    await takeOffline(context, holder)
    expect(await staging()).toMatchObject({ Phase: 'Unknown', Ready: 'unready', VIPs: [] })
  })

  async function holdersOf() {
    const ids = (await context.store.read((tx) => nodes.list(tx, { accountId: context.principal.accountId }))).map(({ id }) => id)
    const held = await Promise.all(ids.map((id) => assigned(context, id)))
    return ids.filter((_, at) => `app/${AppId}/staging` in (held[at] ?? {}))
  }
})

describe('logs', () => {
  const read = (Lines: unknown = '3') => call(context, 'GetEdgeContainerLogs', { AppId, Lines })

  it('are the last lines of the staging instance', async () => {
    await addNode(context, 'node-a')
    expect(await read()).toEqual({ Items: [] })
    await publish(context, AppId, v1, 'staging')
    await pass(context)
    context.nodes.lines.set('node-a', ['one', 'two', 'three', 'four'])
    expect(await read()).toEqual({ Items: ['two', 'three', 'four'] })
    const request = { kind: 'logs', key: `app/${AppId}/staging`, container: 'web', tailLines: 3, follow: false }
    expect(context.nodes.asked).toEqual([{ nodeId: 'node-a', request, timeoutMs: 2500 }])
  })

  it('come from every container where there are several', async () => {
    await addNode(context, 'node-a')
    await publish(context, AppId, await createVersion(context, AppId, 'release-3', [container, { ...container, Name: 'side' }]), 'staging')
    await pass(context)
    context.nodes.lines.set('node-a', [])
    await read()
    expect(context.nodes.asked[0]?.request).not.toHaveProperty('container')
  })

  it('say so when the node cannot be asked, and are empty when it has nothing', async () => {
    await addNode(context, 'node-a')
    await publish(context, AppId, v1, 'staging')
    await pass(context)
    expect(await refusal(context, 'GetEdgeContainerLogs', { AppId, Lines: '3' })).toEqual({
      status: 500,
      code: 'InternalError',
      message: expect.stringContaining('node-a has no socket here'),
    })
    const nothing = {
      ...context,
      nodes: { ...context.nodes, readLogs: () => Promise.reject(Object.assign(new Error('none'), { code: 'NotFound' })) },
    }
    expect(await call(nothing, 'GetEdgeContainerLogs', { AppId, Lines: '3' })).toEqual({ Items: [] })
  })

  it('and terminals are refused for good, with the reason, once the node has been away for long', async () => {
    await addNode(context, 'node-a')
    await publish(context, AppId, v1, 'staging')
    await settle('node-a')
    await takeOffline(context, 'node-a')
    expect(await refusal(context, 'GetEdgeContainerLogs', { AppId, Lines: '3' })).toMatchObject({ status: 500 })
    context.clock.advance(60_000)
    for (const [action, fields] of [
      ['GetEdgeContainerLogs', { AppId, Lines: '3' }],
      ['GetEdgeContainerTerminal', { AppId }],
    ] as const) {
      const message = expect.stringContaining('its node node-a is away since 2026-01-05T08:00:00Z')
      expect(await refusal(context, action, fields)).toEqual({ status: 400, code: 'InvalidParameter', message })
    }
    context.nodes.lines.set('node-a', ['back again'])
    await context.store.write(async (tx) => nodes.updateSeen(tx, ['node-a'], context.now()))
    expect(await read()).toEqual({ Items: ['back again'] })
  })

  it.each([undefined, '0', '5001', '-1', 'all', '1.5'])('refuses %j lines', async (Lines) => {
    const refused = await refusal(context, 'GetEdgeContainerLogs', { AppId, Lines })
    expect(refused).toMatchObject({ status: 400, code: 'InvalidParameter', message: expect.stringContaining('Lines') })
  })

  it('belong to an application that is there', async () => {
    expect(await refusal(context, 'GetEdgeContainerLogs', { Lines: '1' })).toMatchObject({ code: 'InvalidParameter.appid' })
    expect(await refusal(context, 'GetEdgeContainerLogs', { AppId: unknownApp, Lines: '1' })).toMatchObject({ status: 404 })
    await read('1')
    await read('5000')
  })
})
