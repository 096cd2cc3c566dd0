// The operations on nodes, against a real store in memory.
import type { Workload } from '@littoral/contract/node/desired-state'
import type { WorkloadReport } from '@littoral/contract/node/report'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashSecret } from '../../domain/secret.ts'
import { testFacts } from '../../nodes/test-node.ts'
import * as assignments from '../../store/assignments.ts'
import * as joinTokens from '../../store/join-tokens.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'
import * as samples from '../../store/samples.ts'
import { type TestContext, testContext, testPrincipal } from '../test-context.ts'
import { handlers } from './index.ts'
import { toTime } from './views.ts'

let context: TestContext
beforeEach(async () => void (context = await testContext()))
afterEach(() => context.close())

async function addNode(id: string, accountId = testPrincipal.accountId): Promise<void> {
  context.clock.advance(1000)
  await context.store.write(async (tx) =>
    nodes.insert(tx, {
      id,
      accountId,
      ...testFacts,
      facts: testFacts,
      pinned: {},
      isOnline: true,
      lastSeenAtMs: context.now(),
      generation: 0,
      acceptedGeneration: 0,
      createdAtMs: context.now(),
      secretHash: 'x',
    }),
  )
}

const group = (key: string, digest: string): Workload => ({
  kind: 'group',
  key,
  version: 'ver-1',
  digest,
  appId: 'app-1',
  environment: 'prod',
  containers: [],
  ports: [],
  graceSeconds: 0,
})

const said = (key: string, fields: Partial<WorkloadReport> = {}): WorkloadReport => ({
  key,
  version: 'ver-1',
  digest: 'd1',
  phase: 'ready',
  restarts: 0,
  addresses: [{ host: '10.0.0.1', port: 8080, servicePort: 80 }],
  containers: [],
  observedAtMs: context.now(),
  ...fields,
})

describe('CreateNodeToken', () => {
  it('shows the token once and keeps its hash, with an hour and one use as defaults', async () => {
    const made = await handlers.CreateNodeToken({}, context)
    expect(made).toMatchObject({ MaxUses: 1, ExpiresAt: '2026-01-05T09:00:00Z' })
    expect(made.Token).toMatch(/^ljt_\w{40}$/)
    const kept = await context.store.read((tx) => joinTokens.findByHash(tx, hashSecret(made.Token)))
    expect(kept).toMatchObject({ id: made.TokenId, accountId: testPrincipal.accountId, uses: 0, maxUses: 1 })
    expect(JSON.stringify(kept)).not.toContain(made.Token)
  })

  it('keeps region and environment, and refuses a region that this installation does not have', async () => {
    const made = await handlers.CreateNodeToken({ Region: 'zhejiang', Environment: 'staging', MaxUses: 5, ExpiresInSeconds: 60 }, context)
    const kept = await context.store.read((tx) => joinTokens.findByHash(tx, hashSecret(made.Token)))
    expect(kept).toMatchObject({ region: 'zhejiang', environment: 'staging', maxUses: 5, expiresAtMs: context.now() + 60_000 })
    await expect(handlers.CreateNodeToken({ Region: 'atlantis' }, context)).rejects.toMatchObject({
      fault: 'Node.RegionUnknown',
      message: 'Region: atlantis is none of this installation (zhejiang).',
    })
  })
})

describe('ListNodes', () => {
  it('pages through the nodes of the account, oldest first, and counts only those', async () => {
    for (const id of ['node-a', 'node-b', 'node-c']) await addNode(id)
    await addNode('node-x', '2000000000000002')
    const first = await handlers.ListNodes({ PageSize: 2 }, context)
    expect([first.TotalCount, first.Nodes.map((node) => node.NodeId)]).toEqual([3, ['node-a', 'node-b']])
    const second = await handlers.ListNodes({ PageSize: 2, PageNumber: 2 }, context)
    expect(second.Nodes).toMatchObject([
      { NodeId: 'node-c', IsOnline: true, Name: 'harbour-1', DesiredGeneration: 0, AcceptedGeneration: 0 },
    ])
  })
})

describe('GetNode', () => {
  it('claims nothing for a digest that was not reported, and shows what is no longer wanted', async () => {
    await addNode('node-a')
    await context.store.write(async (tx) => {
      for (const key of ['app/1/prod', 'app/2/prod', 'app/3/prod']) {
        assignments.assign(tx, { nodeId: 'node-a', workload: group(key, 'd1'), nowMs: context.now() })
      }
      const report = (fields: WorkloadReport) => reports.update(tx, { nodeId: 'node-a', report: fields, nowMs: context.now() })
      report(said('app/1/prod'))
      report(said('app/2/prod', { digest: 'd0', phase: 'failed', reason: { code: 'PortInUse', message: 'port 80 is taken' } }))
      report(said('app/9/prod', { phase: 'stopping' }))
    })
    const { Node, Workloads } = await handlers.GetNode({ NodeId: 'node-a' }, context)
    expect(Node.DesiredGeneration).toBe(3)
    expect(Workloads).toMatchObject([
      { Key: 'app/1/prod', IsCurrent: true, Desired: { Generation: 1 }, Reported: { Phase: 'ready', Addresses: ['10.0.0.1:8080'] } },
      { Key: 'app/2/prod', IsCurrent: false, Reported: { Phase: 'failed', Reason: { Code: 'PortInUse', Message: 'port 80 is taken' } } },
      { Key: 'app/3/prod', IsCurrent: false },
      { Key: 'app/9/prod', IsCurrent: false, Reported: { Phase: 'stopping' } },
    ])
    expect(Workloads[2]).not.toHaveProperty('Reported')
    expect(Workloads[3]).not.toHaveProperty('Desired')
  })

  it('shows how far a workload is and when it is tried again, by the clock of the server', async () => {
    await addNode('node-a')
    const yearsAgo = Date.parse('2001-01-01T00:00:00Z')
    const progress = { subject: 'web', image: 'shop/web:1', layersDone: 3, layersTotal: 7, doneBytes: 41_000_000, totalBytes: 120_000_000 }
    const tries = { observedAtMs: yearsAgo, nextAttemptAtMs: yearsAgo + 90_000, failedAttempts: 4 }
    await context.store.write(async (tx) => {
      const report = said('app/1/prod', { phase: 'preparing', progress, ...tries })
      reports.update(tx, { nodeId: 'node-a', report, nowMs: context.now() })
    })
    const { Workloads } = await handlers.GetNode({ NodeId: 'node-a' }, context)
    expect(Workloads[0]?.Reported).toMatchObject({
      ...{ Phase: 'preparing', NextAttemptAt: new Date(context.now() + 90_000).toISOString().replace('.000', ''), FailedAttempts: 4 },
      Progress: { Subject: 'web', Image: 'shop/web:1', LayersDone: 3, LayersTotal: 7, DoneBytes: 41_000_000, TotalBytes: 120_000_000 },
    })
  })

  it('shows what each workload used last on this node, and nothing that is old', async () => {
    for (const id of ['node-a', 'node-b']) await addNode(id)
    const sample = { isReady: true, memoryBytes: 5000, memoryLimitBytes: 8000, readBytesPerSecond: 1, writtenBytesPerSecond: 2 }
    const use = async (nodeId: string, key: string, cpuMicros: number) => {
      context.clock.advance(1000)
      await context.store.write(async (tx) => samples.insert(tx, { ...sample, nodeId, key, cpuMicros, atMs: context.now() }))
    }
    await context.store.write(async (tx) => {
      for (const key of ['driver/i/1', 'driver/i/2']) reports.update(tx, { nodeId: 'node-a', report: said(key), nowMs: context.now() })
    })
    await use('node-a', 'driver/i/2', 10)
    context.clock.advance(10 * context.settings.statsEveryMs)
    await use('node-a', 'driver/i/1', 20)
    await use('node-a', 'driver/i/1', 30)
    await use('node-b', 'driver/i/1', 40)
    const { Workloads } = await handlers.GetNode({ NodeId: 'node-a' }, context)
    expect(Workloads[0]?.Usage).toEqual({
      ...{ CpuMicros: 30, MemoryBytes: 5000, MemoryLimitBytes: 8000, ReadBytesPerSecond: 1, WrittenBytesPerSecond: 2 },
      ReceivedAt: toTime(context.now() - 1000),
    })
    expect(Workloads[1]).not.toHaveProperty('Usage')
  })

  it('does not know a node of somebody else', async () => {
    await addNode('node-x', '2000000000000002')
    await expect(handlers.GetNode({ NodeId: 'node-x' }, context)).rejects.toMatchObject({ fault: 'Node.NotFound' })
    await expect(handlers.GetNode({ NodeId: 'node-none' }, context)).rejects.toMatchObject({ status: 404 })
  })
})

describe('DeleteNode', () => {
  it('forgets a node that is offline with all that belongs to it, and refuses one that is online', async () => {
    await addNode('node-a')
    await context.store.write(async (tx) => {
      assignments.assign(tx, { nodeId: 'node-a', workload: group('app/1/prod', 'd1'), nowMs: context.now() })
      reports.update(tx, { nodeId: 'node-a', report: said('app/1/prod'), nowMs: context.now() })
    })
    await expect(handlers.DeleteNode({ NodeId: 'node-a' }, context)).rejects.toMatchObject({ fault: 'Node.Online' })
    await context.store.write(async (tx) => nodes.updateOffline(tx, 'node-a', context.now()))
    expect(await handlers.DeleteNode({ NodeId: 'node-a' }, context)).toEqual({})
    const left = await context.store.read(async (tx) => [
      await nodes.find(tx, 'node-a'),
      await assignments.listByNode(tx, 'node-a'),
      await reports.listByNode(tx, 'node-a'),
    ])
    expect(left).toEqual([undefined, [], []])
    await expect(handlers.DeleteNode({ NodeId: 'node-a' }, context)).rejects.toMatchObject({ fault: 'Node.NotFound' })
  })

  it('does not know a node of somebody else', async () => {
    await addNode('node-x', '2000000000000002')
    await expect(handlers.DeleteNode({ NodeId: 'node-x' }, context)).rejects.toMatchObject({ fault: 'Node.NotFound' })
  })
})

describe('RetryWorkload', () => {
  it('asks the node for what it is to run, and says when it cannot', async () => {
    await addNode('node-a')
    const key = 'app/1/prod'
    const retry = (fields: object = {}) => handlers.RetryWorkload({ NodeId: 'node-a', Workload: key, ...fields }, context)
    await expect(retry()).rejects.toMatchObject({ fault: 'Node.WorkloadNotFound' })
    await context.store.write(async (tx) => assignments.assign(tx, { nodeId: 'node-a', workload: group(key, 'd1'), nowMs: 0 }))
    await expect(retry()).rejects.toMatchObject({ fault: 'Node.Unreachable', message: expect.stringContaining('no socket here') as string })
    context.nodes.lines.set('node-a', [])
    context.nodes.waiting.add(key)
    expect([await retry(), await retry()]).toEqual([{ WasWaiting: true }, { WasWaiting: false }])
    await expect(retry({ NodeId: 'node-none' })).rejects.toMatchObject({ fault: 'Node.NotFound' })
    const stranger = context.as({ accountId: '2000000000000002' })
    await expect(handlers.RetryWorkload({ NodeId: 'node-a', Workload: key }, stranger)).rejects.toMatchObject({ fault: 'Node.NotFound' })
  })
})
