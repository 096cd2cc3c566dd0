// When the node tries again what failed, for the report. Pure. The planner has the last word (plan.ts); this says the same.
import type { WorkloadReport } from '@littoral/contract/node/report'
import type { Attempt } from './attempts.ts'
import type { PlacedInstance } from './plan.ts'
import { restartDelayMs } from './runtime/runtime.ts'
import { type Step, stepKey } from './steps.ts'

export interface Tries {
  readonly attempts: readonly Attempt[]
  readonly running: readonly { readonly step: Step }[]
  readonly unavailable: ReadonlyMap<string, string>
  readonly nowMs: number
}

type NextAttempt = Pick<WorkloadReport, 'nextAttemptAtMs' | 'failedAttempts'>

/** Empty while nothing failed, or while it is being tried. `target`: the instance of what is wanted, if there is one. */
export function nextAttempt(
  key: string,
  target: PlacedInstance | undefined,
  { attempts, running, unavailable, nowMs }: Tries,
): NextAttempt {
  if (target !== undefined && unavailable.has(target.runtime)) return {}
  if (running.some(({ step }) => stepKey(step) === key && isAttempt(step))) return {}
  const waiting = target === undefined ? beforeStart(key, attempts) : afterStart(target, attempts)
  if (waiting === undefined || waiting.atMs <= nowMs) return {}
  return { nextAttemptAtMs: Math.round(waiting.atMs), ...(waiting.failures > 0 ? { failedAttempts: waiting.failures } : {}) }
}

interface Waiting {
  readonly atMs: number
  readonly failures: number
}

function isAttempt({ kind }: Step): boolean {
  return kind !== 'stop' && kind !== 'remove'
}

function beforeStart(key: string, attempts: readonly Attempt[]): Waiting | undefined {
  const failed = attempts.filter((attempt) => attempt.key === key && (attempt.kind === 'prepare' || attempt.kind === 'start'))
  const last = failed.toSorted((a, b) => b.failedAtMs - a.failedAtMs)[0]
  return last && { atMs: last.untilMs, failures: last.failures }
}

/** The first of its containers to be started again, or the ports it could not get. */
function afterStart(target: PlacedInstance, attempts: readonly Attempt[]): Waiting | undefined {
  const own = attempts.filter(({ instanceId }) => instanceId === target.instanceId)
  const heldUntilMs = Math.max(0, ...own.filter(({ kind }) => kind === 'restart').map(({ untilMs }) => untilMs))
  const exited = target.containers.filter(({ state }) => state === 'exited')
  const restarts = exited.map(({ exitedAtMs = 0, failures }) => ({
    atMs: Math.max(exitedAtMs + restartDelayMs(failures), heldUntilMs),
    failures,
  }))
  const activate = own.find(({ kind }) => kind === 'activate')
  const all = [...restarts, ...(activate && !target.isActive ? [{ atMs: activate.untilMs, failures: activate.failures }] : [])]
  return all.toSorted((a, b) => a.atMs - b.atMs)[0]
}
