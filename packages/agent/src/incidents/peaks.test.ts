// The most that was seen, container by container.
import { expect, it } from 'vitest'
import type { UsageCounters } from '../runtime/runtime.ts'
import { PeakWatch } from './peaks.ts'

const counters = (changes: Partial<UsageCounters>): UsageCounters => ({
  ...{ key: 'k', instanceId: 'i1', container: 'web', atMs: 0, cpuMicroseconds: 0, memoryBytes: 0, readBytes: 0, writtenBytes: 0 },
  ...changes,
})

it('keeps the highest of each, and a processor counts from the second look on', () => {
  const peaks = new PeakWatch({ runtimes: [], isNeeded: () => false })
  peaks.feed([counters({ memoryBytes: 50, memoryLimitBytes: 100, processes: 3 })])
  expect(peaks.of('i1', 'web')).toEqual({ memoryBytes: 50, memoryLimitBytes: 100, processes: 3, writtenBytes: 0 })
  peaks.feed([counters({ atMs: 1000, cpuMicroseconds: 500_000, memoryBytes: 80, processes: 2, writtenBytes: 7 })])
  peaks.feed([counters({ atMs: 2000, cpuMicroseconds: 600_000, memoryBytes: 20, processes: 2, writtenBytes: 9 })])
  expect(peaks.of('i1', 'web')).toMatchObject({ memoryBytes: 80, cpuMicros: 500_000, processes: 3, writtenBytes: 9 })
  peaks.feed([counters({ instanceId: 'i2', memoryBytes: 1 })])
  peaks.keepOnly(new Set(['i2']))
  expect([peaks.of('i1', 'web'), peaks.of('i2', 'web')?.memoryBytes]).toEqual([undefined, 1])
})

it('looks by itself while nobody else does, also where one runtime cannot be read', async () => {
  let looks = 0
  const usage = async () => {
    looks += 1
    return [counters({ memoryBytes: looks })]
  }
  const broken = { usage: () => Promise.reject(new Error('away')) }
  const peaks = new PeakWatch({ runtimes: [broken, { usage }], isNeeded: () => true, everyMs: 5 })
  peaks.start()
  await expect.poll(() => peaks.of('i1', 'web')?.memoryBytes ?? 0).toBeGreaterThan(1)
  peaks.close()
})
