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

it('a server that allows it hears only of what has changed, and of everything when a workload comes or goes', async () => {
  const told: string[] = []
  let use: Record<string, number> = { a: 100_000, b: 100_000 }
  const spent = new Map<string, number>()
  let atMs = 0
  const usage = async () => {
    atMs += 1000
    return Object.entries(use).map(([key, perSecond]) => {
      spent.set(key, (spent.get(key) ?? 0) + perSecond)
      return counters({ key, instanceId: key, atMs, cpuMicroseconds: spent.get(key) ?? 0 })
    })
  }
  const sampler = new Sampler({ runtimes: [{ name: 'r', usage }], isReady: () => true, log: () => {} })
  const heard = async (text: string) => {
    await expect.poll(() => told.at(-1), { timeout: 5000 }).toBe(text)
  }
  sampler.start(10, (samples, isRestSame) => told.push(`${samples.map(({ key }) => key).join()}${isRestSame ? ' …' : ''}`), true)
  await heard(' …')
  expect(told[0]).toBe('a,b')
  use = { a: 100_000, b: 200_000 }
  await expect.poll(() => told, { timeout: 5000 }).toContain('b …')
  await heard(' …')
  use = { a: 101_000, b: 201_000 }
  const before = told.length
  await expect.poll(() => told.length, { timeout: 5000 }).toBeGreaterThan(before + 2)
  expect(told.slice(before).filter((text) => text !== ' …')).toEqual([])
  use = { a: 101_000 }
  await expect.poll(() => told, { timeout: 5000 }).toContain('a')
  sampler.stop()
})
