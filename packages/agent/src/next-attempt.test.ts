// When something is tried again, as the report says it, and what a wish to try at once changes.
import { describe, expect, it } from 'vitest'
import { Attempts } from './attempts.ts'
import { Hurries } from './hurry.ts'
import { nextAttempt, type Tries } from './next-attempt.ts'
import { StepError } from './runtime/runtime.ts'
import { group, instanceOf } from './test-workloads.ts'

const workload = group()
const prepare = { kind: 'prepare' as const, runtime: 'memory', workload }
const exited = (failures: number, exitedAtMs: number) =>
  instanceOf(workload, {
    phase: 'backoff',
    containers: [{ name: 'web', state: 'exited', isReady: false, restarts: 1, failures, exitedAtMs }],
  })
const tries = (changes: Partial<Tries> = {}): Tries => ({ attempts: [], running: [], unavailable: new Map(), nowMs: 1000, ...changes })

describe('the next attempt', () => {
  it('of a pull is when its pause is over, and there is none while it runs', () => {
    const attempts = new Attempts(() => 1)
    for (const nowMs of [0, 1000]) attempts.failed(prepare, new StepError('RegistryUnreachable', 'no route'), nowMs)
    const waiting = tries({ attempts: [...attempts.list()] })
    expect(nextAttempt(workload.key, undefined, waiting)).toEqual({ nextAttemptAtMs: 3000, failedAttempts: 2 })
    expect(nextAttempt(workload.key, undefined, { ...waiting, running: [{ step: prepare }] })).toEqual({})
    expect(nextAttempt('app/other/prod', undefined, waiting)).toEqual({})
    const fractions = new Attempts(() => 0.123)
    fractions.failed(prepare, new Error('x'), 1000)
    expect(nextAttempt(workload.key, undefined, tries({ attempts: [...fractions.list()] })).nextAttemptAtMs).toBe(1562)
  })

  it('of a restart is when the container is due', () => {
    expect(nextAttempt(workload.key, exited(3, 500), tries())).toEqual({ nextAttemptAtMs: 4500, failedAttempts: 3 })
    expect(nextAttempt(workload.key, exited(1, 500), tries())).toEqual({ nextAttemptAtMs: 1500, failedAttempts: 1 })
    expect(nextAttempt(workload.key, instanceOf(workload), tries())).toEqual({})
  })

  it('is unknown while the runtime is away', () => {
    expect(nextAttempt(workload.key, exited(3, 500), tries({ unavailable: new Map([['memory', 'away']]) }))).toEqual({})
  })
})

describe('a wish to try at once', () => {
  it('ends the pause of what failed, and the next one begins small', () => {
    const attempts = new Attempts(() => 1)
    for (let nowMs = 0; nowMs < 8; nowMs++) attempts.failed(prepare, new Error('x'), nowMs)
    expect([...attempts.heldUntilMs().values()][0]).toBe(7 + 128_000)
    expect(attempts.hurry(workload.key, 10)).toBe(true)
    expect([...attempts.heldUntilMs().values()]).toEqual([10])
    expect(attempts.hurry(workload.key, 10)).toBe(false)
    expect(attempts.hurry('app/other/prod', 10)).toBe(false)
    attempts.failed(prepare, new Error('x'), 10)
    expect([...attempts.heldUntilMs().values()]).toEqual([1010])
  })

  it('makes an exited container due, but not one that exits afterwards', () => {
    const hurries = new Hurries()
    expect(hurries.wish(workload.key, [instanceOf(workload)], 1000)).toBe(false)
    expect(hurries.wish(workload.key, [exited(9, 500)], 1000)).toBe(true)
    expect(hurries.apply([exited(9, 500)])[0]?.containers[0]?.exitedAtMs).toBe(0)
    expect(hurries.apply([exited(10, 1001)])[0]?.containers[0]?.exitedAtMs).toBe(1001)
    hurries.keepOnly(new Set())
    expect(hurries.apply([exited(9, 500)])[0]?.containers[0]?.exitedAtMs).toBe(500)
  })
})
