// Who was connected when an agent ended, and who does not come back to the next one.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Presence } from './presence.ts'

let folder: string
let silent: number
let log: string[]
const made: Presence[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-presence-'))
  silent = 0
  log = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(async () => {
  vi.useRealTimers()
  for (const presence of made.splice(0)) presence.close()
  await rm(folder, { recursive: true, force: true })
})

/** As an agent opens it: for a driver that went on, or for one it starts itself. */
async function open(driver: 'went on' | 'is new', file = join(folder, 'drv-1.connected')): Promise<Presence> {
  const onSilent = driver === 'went on' ? () => void (silent += 1) : undefined
  const presence = await Presence.open({ file, patienceMs: 1000, onSilent, log: (line) => void log.push(line) })
  made.push(presence)
  return presence
}

it('a driver that was connected and does not come back is told of once', async () => {
  const first = await open('is new')
  first.changed(true)
  first.close()
  // Its connection ends with the agent, which says nothing of the driver.
  first.changed(false)
  await open('went on')
  vi.advanceTimersByTime(999)
  expect(silent).toBe(0)
  vi.advanceTimersByTime(1)
  expect(silent).toBe(1)
  await open('went on')
  vi.advanceTimersByTime(5000)
  expect(silent).toBe(1)
})

it('a driver that comes back is left alone', async () => {
  const first = await open('is new')
  first.changed(true)
  first.close()
  const second = await open('went on')
  second.changed(true)
  vi.advanceTimersByTime(5000)
  expect(silent).toBe(0)
})

it('a driver that was never connected, or had gone by itself, is left alone', async () => {
  await open('went on')
  vi.advanceTimersByTime(5000)
  const first = await open('is new')
  first.changed(true)
  first.changed(false)
  first.close()
  await open('went on')
  vi.advanceTimersByTime(5000)
  expect(silent).toBe(0)
})

it('is known after an agent that was killed, which could not close anything', async () => {
  const killed = await open('is new')
  killed.changed(true)
  expect(existsSync(join(folder, 'drv-1.connected'))).toBe(true)
  await open('went on')
  vi.advanceTimersByTime(1000)
  expect(silent).toBe(1)
})

it('is said not to be kept where the folder takes nothing', async () => {
  const presence = await open('is new', join(folder, 'gone', 'drv-1.connected'))
  presence.changed(true)
  expect(log).toEqual([expect.stringContaining('who is connected cannot be kept') as string])
})
