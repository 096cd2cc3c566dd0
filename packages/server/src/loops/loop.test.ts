// The loop runner under a fake clock, with a store that only announces.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defaultSettings } from '../domain/settings.ts'
import type { Store } from '../store/store.ts'
import { type Loop, type LoopServices, loop, startLoop } from './loop.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function announcer() {
  const listeners = new Map<string, Set<() => void>>()
  const store = {
    changes(topic: string, listener: () => void) {
      const set = listeners.get(topic) ?? new Set()
      listeners.set(topic, set.add(listener))
      return () => set.delete(listener)
    },
  } as unknown as Store
  return { store, announce: (topic: string) => listeners.get(topic)?.forEach((listener) => listener()), listeners }
}

function open(declared: Partial<Loop> & Pick<Loop, 'pass'>) {
  const { store, announce, listeners } = announcer()
  const errors: string[] = []
  const log = { info: () => {}, warn: () => {}, error: (_: object, message: string) => errors.push(message) }
  const services = { store, now: () => Date.now(), log, settings: defaultSettings } as unknown as LoopServices
  const running = startLoop(loop({ name: 'tides', wakeOn: ['moon'], everyMs: 10_000, ...declared }), services, { random: () => 1 })
  return { running, announce, listeners, errors }
}

describe('the period', () => {
  it('passes at once and then every period', async () => {
    const pass = vi.fn(async () => 2)
    const { running } = open({ pass })
    await vi.advanceTimersByTimeAsync(0)
    expect(pass).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(pass).toHaveBeenCalledTimes(4)
    expect(running.status()).toMatchObject({ name: 'tides', isRunning: false, failures: 0, lastPass: { decisions: 2 } })
  })
})

describe('wake-ups', () => {
  it('answers many announcements with one pass', async () => {
    const pass = vi.fn(async () => 0)
    const { announce } = open({ pass })
    await vi.advanceTimersByTimeAsync(0)
    for (let times = 0; times < 50; times++) announce('moon')
    announce('sun')
    await vi.advanceTimersByTimeAsync(1000)
    expect(pass).toHaveBeenCalledTimes(2)
  })

  it('follows a pass that was under way with another, and never runs two at a time', async () => {
    let running = 0
    let most = 0
    const pass = vi.fn(async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 500))
      running--
      return 0
    })
    const { announce } = open({ pass })
    await vi.advanceTimersByTimeAsync(100)
    announce('moon')
    announce('moon')
    await vi.advanceTimersByTimeAsync(2000)
    expect(pass).toHaveBeenCalledTimes(2)
    expect(most).toBe(1)
  })
})

describe('failures', () => {
  it('backs off exponentially, ignores wakes meanwhile, and recovers', async () => {
    let isBroken = true
    const pass = vi.fn(async () => {
      if (isBroken) throw new Error('the disk is full')
      return 1
    })
    const { running, announce, errors } = open({ pass })
    await vi.advanceTimersByTimeAsync(0)
    expect(running.status()).toMatchObject({ failures: 1, lastPass: { error: 'the disk is full', decisions: 0 } })
    announce('moon')
    await vi.advanceTimersByTimeAsync(499)
    expect(pass).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(pass).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(1000)
    expect(pass).toHaveBeenCalledTimes(3)
    isBroken = false
    await vi.advanceTimersByTimeAsync(2000)
    expect(running.status()).toMatchObject({ failures: 0, lastPass: { decisions: 1 } })
    expect(running.status().lastPass).not.toHaveProperty('error')
    expect(errors).toHaveLength(3)
  })

  it('tells a pass to stop when it takes too long', async () => {
    const pass = (_: LoopServices, signal: AbortSignal) =>
      new Promise<number>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    const { running } = open({ pass })
    await vi.advanceTimersByTimeAsync(120_001)
    expect(running.status().lastPass?.error).toBe('the pass took longer than 120 s')
  })
})

describe('stop', () => {
  it('aborts the pass under way, waits for it, and begins no other', async () => {
    let ended = false
    const pass = vi.fn(async (_: LoopServices, signal: AbortSignal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await new Promise((resolve) => setTimeout(resolve, 50))
      ended = true
      return 0
    })
    const { running, announce, listeners, errors } = open({ pass })
    await vi.advanceTimersByTimeAsync(1)
    const stopped = running.stop()
    await vi.advanceTimersByTimeAsync(50)
    await stopped
    expect(ended).toBe(true)
    announce('moon')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(pass).toHaveBeenCalledTimes(1)
    expect(listeners.get('moon')?.size).toBe(0)
    expect(errors).toEqual([])
  })

  it('does not wait for ever for a pass that does not listen', async () => {
    const { running } = open({ pass: () => new Promise<number>(() => {}) })
    await vi.advanceTimersByTimeAsync(1)
    const stopped = running.stop(1000)
    await vi.advanceTimersByTimeAsync(1000)
    await expect(stopped).resolves.toBeUndefined()
  })
})
