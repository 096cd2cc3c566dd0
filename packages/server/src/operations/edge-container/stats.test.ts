// DescribeEdgeContainerAppStats against a real store in memory.
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { WorkloadSample } from '@littoral/contract/node/sample'
import { reaper } from '../../loops/reaper.ts'
import { testFacts } from '../../nodes/test-node.ts'
import * as nodes from '../../store/nodes.ts'
import * as samples from '../../store/samples.ts'
import { type TestContext, testContext, testPrincipal } from '../test-context.ts'
import { handlers } from './index.ts'

let context: TestContext
let App: string
beforeEach(async () => {
  context = await testContext({
    settings: {
      regions: [
        { code: 'zhejiang', area: 'huadong', isp: 'chinanet' },
        { code: 'fujian', area: 'huadong' },
      ],
    },
  })
  const { AppId } = await handlers.CreateEdgeContainerApp({ Name: 'measured', ServicePort: 80, TargetPort: 8080 } as never, context)
  App = AppId
  await addNode('node-a', 'zhejiang')
  await addNode('node-b', 'fujian')
})
afterEach(() => context.close())

const addNode = (id: string, region: string) =>
  context.store.write(async (tx) =>
    nodes.insert(tx, {
      ...{ id, accountId: testPrincipal.accountId, ...testFacts, region, facts: testFacts, pinned: {}, isOnline: true },
      ...{ lastSeenAtMs: 0, generation: 0, acceptedGeneration: 0, createdAtMs: 0, secretHash: 'x' },
    }),
  )

async function used(nodeId: string, changes: Partial<WorkloadSample> = {}): Promise<void> {
  const usual = { cpuMicros: 500_000, cpuLimitMicros: 1_000_000, memoryBytes: 1000, memoryLimitBytes: 4000 }
  const sample = {
    nodeId,
    key: `app/${App}/prod`,
    atMs: context.now(),
    isReady: true,
    ...usual,
    readBytesPerSecond: 10,
    writtenBytesPerSecond: 20,
  }
  await context.store.write(async (tx) => samples.insert(tx, { ...sample, ...changes }))
}

const Fields = 'container_cpu_usage_seconds_total,pod_ready_rate'
const ask = (input: object = {}) => handlers.DescribeEdgeContainerAppStats({ App, Fields, ...input }, context)

it('is empty with means of zero where nothing is known', async () => {
  expect(await ask()).toMatchObject({ Points: [], PodReadyRateAvg: 0, MemoryRssAvg: 0 })
})

it('gives the asked figures per interval, as means over the instances', async () => {
  await used('node-a')
  await used('node-b', { cpuMicros: 1_500_000, isReady: false, key: `app/${App}/staging` })
  context.clock.advance(60_000)
  await used('node-a', { cpuMicros: 0 })
  const stats = await ask()
  expect(stats.Points).toEqual([
    { ContainerCpuUsageSecondsTotal: 1, PodReadyRate: 50, Time: '2026-01-05T08:00:00Z' },
    { ContainerCpuUsageSecondsTotal: 0, PodReadyRate: 100, Time: '2026-01-05T08:01:00Z' },
  ])
  expect(stats).toMatchObject({ CpuUsageSecondsTotalAvg: 0.666667, PodReadyRateAvg: 66.666667, MemoryRssAvg: 0 })
  const all = await ask({ Fields: 'container_cpu_usage_seconds_quota_rate,container_memory_rss,container_memory_rss_quota_rate' })
  expect(all.Points[1]).toEqual({
    ...{ ContainerCpuUsageSecondsQuotaRate: 0, ContainerMemoryRss: 1000, ContainerMemoryRssQuotaRate: 25 },
    Time: '2026-01-05T08:01:00Z',
  })
})

it('keeps to the window, the region and the carrier', async () => {
  await used('node-a')
  await used('node-b', { cpuMicros: 1_500_000 })
  const cores = async (input: object) => (await ask(input)).CpuUsageSecondsTotalAvg
  expect(await cores({ Locate: 'zhejiang' })).toBe(0.5)
  expect(await cores({ Locate: 'Fujian' })).toBe(1.5)
  expect(await cores({ Isp: 'telecom,unicom' })).toBe(0.5)
  expect(await cores({ Isp: 'mobile' })).toBe(0)
  expect(await cores({ StartTime: '2026-01-05T07:00:00Z', EndTime: '2026-01-05T08:00:00Z' })).toBe(0)
  expect(await cores({ StartTime: '2026-01-05T08:00:00Z' })).toBe(1)
})

it('refuses unknown figures, malformed times, a window the wrong way round, and apps of others', async () => {
  for (const wrong of [
    { Fields: 'pod_ready_rate,nothing' },
    { StartTime: 'yesterday' },
    { StartTime: '2026-13-05T07:00:00Z' },
    { EndTime: '2026-02-30T07:00:00Z' },
    { StartTime: '2026-01-05T07:00:00Z', EndTime: '2026-01-05T07:00:00Z' },
    { App: 'shop' },
  ]) {
    await expect(ask(wrong)).rejects.toMatchObject({ fault: 'InvalidParameter' })
  }
  await expect(ask({ App: 'shop', Fields: 'nothing', StartTime: 'yesterday' })).rejects.toThrow(/App:/)
  await expect(
    handlers.DescribeEdgeContainerAppStats({ App, Fields }, context.as({ accountId: '2000000000000002' })),
  ).rejects.toMatchObject({ fault: 'InvalidApp.NotFound' })
})

it('is forgotten after a day', async () => {
  await used('node-a')
  context.clock.advance(23 * 3600_000)
  await used('node-a')
  context.clock.advance(2 * 3600_000)
  await reaper.pass(context, new AbortController().signal)
  expect(await context.store.read((tx) => samples.count(tx))).toBe(1)
})
