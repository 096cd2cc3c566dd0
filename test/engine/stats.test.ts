// Figures of a real container, from the kernel's files to the official client.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { createApp, createVersion, deleteApp, publish, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { freePort } from '../../tools/start/settings.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

let engine: EngineHandle
let server: TestServer
let esa: Call

beforeAll(async () => {
  engine = await ensureEngine()
  await makeSampleImage(engine.socketPath, { tag: `littoral-stats-${process.pid}:1`, body: 'busy' })
  server = await openTestServer({ env: { LITTORAL_STATS_SECONDS: '1' } })
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  await server.openNode({ runtimes: ['engine'], engineSocket: engine.socketPath })
}, 240_000)
afterAll(async () => {
  await server?.close()
  await engine?.stop()
})

test('a container that works shows processors, memory and readiness within its limits', async () => {
  const appId = await createApp(esa, { name: 'busy-app', servicePort: await freePort('0.0.0.0'), targetPort: 8080 })
  // Half of the time at most: the machine has other things to do.
  const more = {
    Command: '/bin/sh',
    Args: `-c "trap 'exit 0' TERM; httpd -p 8080 -h /www; while true; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.2; done"`,
  }
  const image = `littoral-stats-${process.pid}:1`
  const versionId = await createVersion(esa, { appId, name: 'version-1', image, port: 8080, more })
  await publish(esa, { appId, versionId, environment: 'staging' })
  await waitStaging(esa, appId)
  const Fields =
    'container_cpu_usage_seconds_total,container_cpu_usage_seconds_quota_rate,container_memory_rss,container_memory_rss_quota_rate,pod_ready_rate'
  type Answer = Record<string, number> & { Points?: Record<string, number>[] }
  const stats = await until('two points', 20_000, async () => {
    const answer = (await esa('DescribeEdgeContainerAppStats', { App: appId, Fields })) as Answer
    return (answer.Points?.length ?? 0) >= 1 && answer.PodReadyRateAvg! > 0 ? answer : undefined
  })
  expect(stats.CpuUsageSecondsTotalAvg).toBeGreaterThan(0.01)
  expect(stats.CpuUsageSecondsTotalAvg).toBeLessThan(1.2)
  expect(stats.CpuUsageSecondsQuotaRateAvg).toBeCloseTo(stats.CpuUsageSecondsTotalAvg! * 100, 0)
  expect(stats.MemoryRssAvg).toBeGreaterThan(10_000)
  expect(stats.MemoryRssQuotaRateAvg).toBeGreaterThan(0)
  expect(stats.MemoryRssQuotaRateAvg).toBeLessThan(10)
  expect(stats.Points!.at(-1)).toHaveProperty('Time')
  await deleteApp(esa, appId)
})
