// Counters become rates, per workload.
import { expect, it } from 'vitest'
import type { UsageCounters } from './runtime/runtime.ts'
import { Sampler, toSamples } from './sampler.ts'

const counters = (changes: Partial<UsageCounters> = {}): UsageCounters => ({
  key: 'app/1/prod',
  instanceId: 'i1',
  container: 'web',
  atMs: 1000,
  cpuMicroseconds: 0,
  cpuLimitMicros: 1_000_000,
  memoryBytes: 100,
  memoryLimitBytes: 1000,
  readBytes: 0,
  writtenBytes: 0,
  ...changes,
})
const before = (...list: UsageCounters[]) => new Map(list.map((one) => [`${one.instanceId}/${one.container}`, one]))

it('a rate is what changed over the time between two looks', () => {
  const now = counters({ atMs: 3000, cpuMicroseconds: 500_000, readBytes: 4096, writtenBytes: 100, memoryBytes: 150 })
  expect(toSamples([now], before(counters()), () => true)).toEqual([
    {
      key: 'app/1/prod',
      atMs: 3000,
      isReady: true,
      cpuMicros: 250_000,
      cpuLimitMicros: 1_000_000,
      memoryBytes: 150,
      memoryLimitBytes: 1000,
      readBytesPerSecond: 2048,
      writtenBytesPerSecond: 50,
    },
  ])
})

it('containers of a workload are added up, and those without a limit take it from the sum', () => {
  const { memoryLimitBytes: _limit, ...unlimited } = counters({ container: 'side', atMs: 2000, cpuMicroseconds: 1000 })
  const list = [counters({ atMs: 2000, cpuMicroseconds: 3000 }), unlimited]
  const [sample, ...more] = toSamples(list, before(counters(), counters({ container: 'side' })), () => false)
  expect(more).toEqual([])
  expect(sample).toMatchObject({ cpuMicros: 4000, cpuLimitMicros: 2_000_000, memoryBytes: 200, isReady: false })
  expect(sample).not.toHaveProperty('memoryLimitBytes')
})

it('a container that is new, or was restarted, counts from its next look on', () => {
  expect(toSamples([counters()], before(), () => true)).toEqual([])
  expect(toSamples([counters({ atMs: 2000, cpuMicroseconds: 5 })], before(counters({ cpuMicroseconds: 900 })), () => true)).toEqual([])
})

it('a runtime that cannot be read is said once and does not hide the others', async () => {
  const lines: string[] = []
  const sent: string[] = []
  let looks = 0
  const sampler = new Sampler({
    runtimes: [
      { name: 'broken', usage: () => Promise.reject(new Error('no engine')) },
      { name: 'whole', usage: async () => [counters({ atMs: 1000 * (looks += 1) })] },
    ],
    isReady: () => true,
    log: (line) => lines.push(line),
  })
  sampler.start(10, (samples) => sent.push(...samples.map(({ key }) => key)))
  await expect.poll(() => sent.length, { timeout: 5000 }).toBeGreaterThan(1)
  sampler.stop()
  expect(new Set(lines)).toEqual(new Set(['what broken uses cannot be read: no engine']))
})
