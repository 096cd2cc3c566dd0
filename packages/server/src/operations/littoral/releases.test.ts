// History, holding, planning ahead and explaining of releases, and their policy.
import type { WorkloadReport } from '@littoral/contract/node/report'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  addNode,
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
} from '../edge-container/door.contract.ts'
import * as reports from '../../store/reports.ts'
import { testContext, type TestContext } from '../test-context.ts'

let context: TestContext
let AppId: string
let v1: string
let v2: string
const nodes = ['node-a', 'node-b', 'node-c']
beforeEach(async () => {
  context = await testContext()
  AppId = await createApp(context)
  v1 = await createVersion(context, AppId, 'release-1')
  v2 = await createVersion(context, AppId, 'release-2')
  for (const node of nodes) await addNode(context, node, ['prod'])
})
afterEach(() => context.close())

const newest = async () => (await call(context, 'ListReleases', { AppId }))['Releases'][0]
const act = (action: string, ReleaseId: string) => call(context, action, { ReleaseId })
const refusedTo = (action: string, ReleaseId: string) => refusal(context, action, { ReleaseId })
const told = async (node: string) => (await assigned(context, node))[`app/${AppId}/prod`]
async function firstTold(version: string): Promise<string> {
  for (const node of nodes) if ((await told(node)) === version) return node
  throw new Error(`no node is told ${version}`)
}
const codes = async (fields: object) =>
  ((await call(context, 'ExplainNode', { AppId, ...fields }))['Causes'] as { Code: string }[]).map(({ Code }) => Code)

describe('the history of releases', () => {
  it('says who, when, and why each ended, newest first and page by page', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    context.clock.advance(60_000)
    await publish(context.as({ accessKeyId: 'LTAIsecond' }), AppId, v2)
    const all = await call(context, 'ListReleases', { AppId, PublishEnv: 'prod' })
    expect(all).toMatchObject({
      TotalCount: 2,
      Releases: [
        { VersionId: v2, State: 'running', CreatedBy: 'LTAIsecond', CreatedAt: '2026-01-05T08:01:00Z', RestVersionId: v1 },
        { VersionId: v1, State: 'succeeded', EndingCode: 'Completed', EndedAt: '2026-01-05T08:00:00Z' },
      ],
    })
    const second = await call(context, 'ListReleases', { AppId, PageSize: '1', PageNumber: '2' })
    expect(second).toMatchObject({ TotalCount: 2, Releases: [{ VersionId: v1 }] })
    expect(await call(context, 'ListReleases', { AppId, PublishEnv: 'staging' })).toMatchObject({ TotalCount: 0, Releases: [] })
  })

  it('does not know those of somebody else', async () => {
    await publish(context, AppId, v1)
    const { ReleaseId } = await newest()
    const stranger = context.as({ accountId: '2000000000000002' })
    expect(await refusal(stranger, 'GetRelease', { ReleaseId })).toMatchObject({ status: 404, code: 'Release.NotFound' })
    expect(await refusal(stranger, 'PauseRelease', { ReleaseId })).toMatchObject({ code: 'Release.NotFound' })
    expect(await refusal(stranger, 'ListReleases', { AppId })).toMatchObject({ code: 'InvalidApp.NotFound' })
    expect(await refusal(stranger, 'ExplainNode', { AppId, NodeId: 'node-a' })).toMatchObject({ code: 'Node.NotFound' })
  })
})

describe('a release', () => {
  it('shows where each node stands, in line', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publish(context, AppId, v2)
    await pass(context)
    const { Progress, Nodes, TotalCount } = await act('GetRelease', (await newest()).ReleaseId)
    expect(Progress).toMatchObject({ Nodes: 3, Covered: 3, Proven: 0, InDoubt: 1, MayChange: 1, FailureBudget: 1 })
    expect(TotalCount).toBe(3)
    expect(Nodes).toMatchObject([
      { Place: 1, State: 'changing', VersionId: v2 },
      { Place: 2, State: 'waiting', VersionId: v1, Phase: 'ready' },
      { Place: 3, State: 'waiting', VersionId: v1 },
    ])
  })

  it('is held, and goes on', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publish(context, AppId, v2)
    const { ReleaseId } = await newest()
    expect(await act('PauseRelease', ReleaseId)).toMatchObject({ Release: { State: 'paused', PausedBy: 'LTAItestkey' } })
    await settle(context, ...nodes)
    expect(await Promise.all(nodes.map(told))).toEqual([v1, v1, v1])
    expect(await act('ResumeRelease', ReleaseId)).toMatchObject({ Release: { State: 'running' } })
    await settle(context, ...nodes)
    expect(await Promise.all(nodes.map(told))).toEqual([v2, v2, v2])
    expect(await refusedTo('PauseRelease', ReleaseId)).toMatchObject({
      code: 'Release.NotUnderWay',
      message: expect.stringContaining('succeeded'),
    })
    expect(await refusedTo('ResumeRelease', ReleaseId)).toMatchObject({ code: 'Release.NotHeld' })
  })

  it('that stopped is tried again on the nodes where it failed', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publish(context, AppId, v2)
    await pass(context)
    const failing = await firstTold(v2)
    await reportAll(context, failing, { phase: 'failed', reason: { code: 'ImageNotFound', message: 'no such image' } })
    await settle(context)
    const stopped = await newest()
    expect(stopped).toMatchObject({
      State: 'stopped',
      EndingCode: 'FailureBudgetUsedUp',
      EndingMessage: expect.stringContaining('no such image'),
    })
    const { Failures } = await act('GetRelease', stopped.ReleaseId)
    expect(Failures).toMatchObject([{ NodeId: failing, Code: 'ImageNotFound', FailedAt: '2026-01-05T08:00:00Z' }])
    await settle(context, ...nodes)
    expect(await codes({ NodeId: failing })).toEqual(['Released', 'Stopped', 'Failed'])
    await act('ResumeRelease', stopped.ReleaseId)
    await settle(context, ...nodes)
    expect(await newest()).toMatchObject({ State: 'succeeded' })
  })

  it('that stopped gives way to another version', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await publish(context, AppId, v2)
    await pass(context)
    await reportAll(context, await firstTold(v2), { phase: 'failed' })
    await settle(context)
    const v3 = await createVersion(context, AppId, 'release-3')
    await publish(context, AppId, v3)
    await settle(context, ...nodes)
    expect(await Promise.all(nodes.map(told))).toEqual([v3, v3, v3])
    expect((await call(context, 'ListReleases', { AppId }))['Releases']).toMatchObject([
      { State: 'succeeded' },
      { State: 'stopped' },
      { State: 'succeeded' },
    ])
  })

  it('fails by its deadline, which its policy sets', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    await call(context, 'SetReleasePolicy', { AppId, DeadlineSeconds: '30', AutoRollback: 'true' })
    await publish(context, AppId, v2)
    await pass(context)
    const changing = await firstTold(v2)
    await reportAll(context, changing, { phase: 'starting' })
    await pass(context)
    context.clock.advance(29_999)
    expect(await pass(context)).toBe(0)
    context.clock.advance(1)
    await settle(context, ...nodes.filter((node) => node !== changing))
    await settle(context, ...nodes)
    expect((await call(context, 'ListReleases', { AppId }))['Releases']).toMatchObject([
      { Kind: 'revert', State: 'rolledBack', VersionId: v1, CreatedBy: 'littoral', Remarks: expect.stringContaining('rel-') },
      { Kind: 'publish', State: 'stopped', VersionId: v2 },
      { State: 'succeeded' },
    ])
  })
})

describe('a release that is only planned', () => {
  const plan = (fields: object = {}) => call(context, 'PlanRelease', { AppId, VersionId: v2, ...fields })

  it('tells what would change, and changes nothing', async () => {
    expect(await plan({ VersionId: v1 })).toMatchObject({
      Covered: 3,
      Changing: 3,
      AtOnce: 3,
      Nodes: nodes.map(() => ({ Change: 'start', Then: v1 })),
    })
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    const planned = await plan({ Percentage: '34' })
    expect(planned).toMatchObject({ Covered: 1, Changing: 1, AtOnce: 1, RestVersionId: v1, TotalCount: 3 })
    expect(planned['Nodes']).toMatchObject([
      { Place: 1, Now: v1, Then: v2, Change: 'update' },
      { Then: v1, Change: 'none' },
      { Change: 'none' },
    ])
    expect(await newest()).toMatchObject({ VersionId: v1 })
    await call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId: v2, PublishEnv: 'prod', Percentage: '34' })
    await settle(context, ...nodes)
    expect(await told(planned['Nodes'][0].NodeId)).toBe(v2)
  })

  it('is refused where the release would be', async () => {
    expect(await refusal(context, 'PlanRelease', { AppId, VersionId: 'ver-999999999999999999' })).toMatchObject({
      code: 'InvalidVersion.NotFound',
    })
    expect(await refusal(context, 'PlanRelease', { AppId, VersionId: v1, Regions: '["atlantis"]', PublishType: 'region' })).toMatchObject({
      code: 'InvalidParameter',
    })
    await publish(context, AppId, v1)
    expect(await refusal(context, 'PlanRelease', { AppId, VersionId: v2 })).toMatchObject({ code: 'InternalException' })
  })

  it('to staging names the one node', async () => {
    await addNode(context, 'node-s', ['staging'])
    expect(await plan({ PublishEnv: 'staging' })).toMatchObject({ Covered: 1, Nodes: [{ NodeId: 'node-s', Change: 'start' }] })
  })
})

describe('why a node does not run a version', () => {
  it('is told from the intent to the instance', async () => {
    expect(await codes({ NodeId: 'node-a' })).toEqual(['NothingReleased'])
    expect(await codes({ NodeId: 'node-a', PublishEnv: 'staging' })).toEqual(['NotServing'])
    await publish(context, AppId, v1)
    await pass(context)
    expect(await codes({ NodeId: 'node-a' })).toEqual(['Released', 'Told'])
    await reportAll(context, 'node-a', { phase: 'backoff', reason: { code: 'ExitedEarly', message: 'exit code 3' } })
    const { Causes } = await call(context, 'ExplainNode', { AppId, NodeId: 'node-a' })
    expect(Causes[1]).toEqual({ Code: 'NotReady', Message: 'The node says backoff: ExitedEarly: exit code 3.' })
    const progress = { subject: 'web', layersDone: 3, layersTotal: 7, doneBytes: 41_000_000, totalBytes: 120_000_000 }
    await reportAll(context, 'node-a', { phase: 'preparing', progress, observedAtMs: 0, nextAttemptAtMs: 60_000, failedAttempts: 2 })
    const [, pulling] = (await call(context, 'ExplainNode', { AppId, NodeId: 'node-a' }))['Causes'] as { Message: string }[]
    expect(pulling?.Message).toBe(
      'The node says preparing. It brings web here: 3 of 7 layers, 41 of 120 MB. It tries again at 2026-01-05T08:01:00Z after 2 failures; RetryWorkload does not wait for it.',
    )
    await settle(context, ...nodes)
    expect(await call(context, 'ExplainNode', { AppId, NodeId: 'node-a' })).toMatchObject({ IsReady: true, ServingVersionId: v1 })
    expect(await codes({ NodeId: 'node-a', VersionId: v2 })).toEqual(['Released', 'NotReleased'])

    await publish(context, AppId, v2)
    await pass(context)
    const first = await firstTold(v2)
    const later = nodes.filter((node) => node !== first)
    expect(await codes({ NodeId: later[0] })).toEqual(['Released', 'WaitsForTurn'])
    expect(await call(context, 'ExplainNode', { AppId, NodeId: later[0] })).toMatchObject({ IsReady: false, AssignedVersionId: v1 })
    await act('PauseRelease', (await newest()).ReleaseId)
    await takeOffline(context, later[0]!)
    expect(await codes({ NodeId: later[0] })).toEqual(['Released', 'Paused', 'Away'])
  })

  it('may be that another application has its port, which is named', async () => {
    const first = await createApp(context, { Name: 'shop-first' })
    await publish(context, first, await createVersion(context, first))
    await settle(context, ...nodes)
    await publish(context, AppId, v1)
    await pass(context)
    const taken = { code: 'PortInUse', message: 'port 80 of the node is taken by another program' }
    await reportApp('node-a', { phase: 'starting', reason: taken, addresses: [] })
    const { Causes } = await call(context, 'ExplainNode', { AppId, NodeId: 'node-a' })
    expect(Causes.slice(1)).toEqual([
      { Code: 'NotReady', Message: `The node says starting: PortInUse: ${taken.message}.` },
      {
        Code: 'PortTaken',
        Message: `app/${first}/prod has port 80 of the node as well, which leads to one of them; give one another ServicePort.`,
      },
    ])
    for (const node of nodes) await reportApp(node, { phase: 'starting', reason: taken, addresses: [] })
    await pass(context)
    context.clock.advance(600_000)
    await pass(context)
    expect(await newest()).toMatchObject({ State: 'stopped', EndingMessage: expect.stringContaining('port 80') })
    // What had the port goes on as if nothing had happened.
    expect(await call(context, 'ExplainNode', { AppId: first, NodeId: 'node-a' })).toMatchObject({
      IsReady: true,
      Causes: [{ Code: 'Released' }, { Code: 'Ready' }],
    })
  })

  /** The node says something of the application alone, and nothing of what else it has. */
  async function reportApp(nodeId: string, change: Partial<WorkloadReport>): Promise<void> {
    const key = `app/${AppId}/prod`
    const others = await context.store.read(async (tx) => (await reports.listByNode(tx, nodeId)).filter((report) => report.key !== key))
    await reportAll(context, nodeId, change)
    const nowMs = context.now()
    for (const report of others) await context.store.write(async (tx) => reports.update(tx, { nodeId, report, nowMs }))
  }

  it('may be that its time has not come', async () => {
    await publish(context, AppId, v1)
    await settle(context, ...nodes)
    const at = { PublishEnv: 'prod', StartTime: '2026-01-06T08:00:00Z' }
    await call(context, 'PublishEdgeContainerAppVersion', { AppId, VersionId: v2, ...at })
    expect(await codes({ NodeId: 'node-a' })).toEqual(['Scheduled'])
    expect(await codes({ NodeId: 'node-a', VersionId: v1 })).toEqual(['Released', 'Ready'])
  })
})

describe('the policy of releases', () => {
  it('has its defaults in the open, and keeps what is not named', async () => {
    const usual = {
      MaxUnavailable: '25%',
      FailureBudget: '25%',
      CanaryNodes: 1,
      BakeSeconds: 0,
      DeadlineSeconds: 600,
      AutoRollback: false,
      ConfirmSeconds: 600,
    }
    expect(await call(context, 'GetReleasePolicy', { AppId })).toEqual({ Policy: usual })
    const updated = { UpdatedAt: '2026-01-05T08:00:00Z', UpdatedBy: 'LTAItestkey' }
    await call(context, 'SetReleasePolicy', { AppId, MaxUnavailable: '3', BakeSeconds: '60' })
    expect(await call(context, 'SetReleasePolicy', { AppId, AutoRollback: 'true' })).toEqual({
      Policy: { ...usual, MaxUnavailable: '3', BakeSeconds: 60, AutoRollback: true, ...updated },
    })
  })

  it.each([
    { MaxUnavailable: '0' },
    { MaxUnavailable: '101%' },
    { FailureBudget: '-1' },
    { FailureBudget: 'many' },
    { DeadlineSeconds: '0' },
    { CanaryNodes: '-1' },
  ])('refuses %j by name', async (fields) => {
    const { status, message } = await refusal(context, 'SetReleasePolicy', { AppId, ...fields })
    expect(status).toBe(400)
    expect(message).toContain(Object.keys(fields)[0])
  })

  it('belongs to an application that is there', async () => {
    expect(await refusal(context, 'GetReleasePolicy', { AppId: 'app-999999999999999999' })).toMatchObject({ code: 'InvalidApp.NotFound' })
    expect(await refusal(context, 'SetReleasePolicy', { AppId: 'app-999999999999999999' })).toMatchObject({ code: 'InvalidApp.NotFound' })
  })
})
