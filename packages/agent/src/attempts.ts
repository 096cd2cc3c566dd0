// Which steps failed, why, and when each may be tried again. Retries never end; the pauses grow with jitter up to five
// minutes. The planner leaves a step alone until its time (plan.ts, heldUntilMs); the reason goes into the report.
import type { Reason } from '@littoral/contract/node/report'
import { diskReason } from './files.ts'
import { StepError } from './runtime/runtime.ts'
import { type Step, stepId, stepKey } from './steps.ts'

export interface Attempt {
  readonly key: string
  readonly kind: Step['kind']
  readonly instanceId?: string
  readonly failures: number
  readonly reason: Reason
  readonly isStalled: boolean
  readonly failedAtMs: number
  readonly untilMs: number
}

const firstPauseMs = 1000
const firstStalledPauseMs = 60_000
const longestPauseMs = 300_000
/** An instance that has to be made anew within this time after its start counts as a failed start. */
const quickLossMs = 60_000

export class Attempts {
  readonly #failed = new Map<string, Attempt>()
  readonly #starts = new Map<string, { key: string; atMs: number; failures: number }>()
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  /** The same for another clock, which is so far ahead. */
  listAhead(aheadMs: number): Attempt[] {
    const ahead = (atMs: number) => Math.round(atMs) + aheadMs
    return [...this.list()].map((one) => ({ ...one, failedAtMs: ahead(one.failedAtMs), untilMs: ahead(one.untilMs) }))
  }

  list(): IterableIterator<Attempt> {
    return this.#failed.values()
  }

  heldUntilMs(): Map<string, number> {
    return new Map([...this.#failed].map(([id, attempt]) => [id, attempt.untilMs]))
  }

  failed(step: Step, error: unknown, nowMs: number): Attempt {
    const id = stepId(step)
    const failures = (this.#failed.get(id)?.failures ?? 0) + 1
    const isStalled = error instanceof StepError && error.isStalled
    const pauseMs = (error instanceof StepError ? error.waitsMs : undefined) ?? this.#pauseMs(failures, isStalled)
    const attempt: Attempt = {
      key: stepKey(step),
      kind: step.kind,
      ...('instanceId' in step ? { instanceId: step.instanceId } : {}),
      failures,
      reason: toReason(error),
      isStalled,
      failedAtMs: nowMs,
      untilMs: nowMs + pauseMs,
    }
    this.#failed.set(id, attempt)
    return attempt
  }

  succeeded(step: Step, nowMs: number): void {
    this.#failed.delete(stepId(step))
    if (step.kind === 'start') this.#countStart(step, nowMs)
  }

  /** Ends the pauses of a key, and lets the next ones begin small again. False when nothing was waiting. */
  hurry(key: string, nowMs: number): boolean {
    let isWaiting = false
    for (const [id, attempt] of this.#failed) {
      if (attempt.key !== key) continue
      isWaiting ||= attempt.untilMs > nowMs
      this.#failed.set(id, { ...attempt, failures: 0, untilMs: nowMs })
    }
    for (const [id, start] of this.#starts) if (start.key === key) this.#starts.delete(id)
    return isWaiting
  }

  /** Forgets what belongs to keys that are neither wanted nor here any more. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const [id, { key }] of this.#failed) if (!keys.has(key)) this.#failed.delete(id)
    for (const [id, { key }] of this.#starts) if (!keys.has(key)) this.#starts.delete(id)
  }

  // A start that succeeds again and again, because each instance is lost at once, must not spin.
  #countStart(step: Step, nowMs: number): void {
    const id = stepId(step)
    const last = this.#starts.get(id)
    const failures = last && nowMs - last.atMs < quickLossMs + longestPauseMs ? last.failures + 1 : 0
    this.#starts.set(id, { key: stepKey(step), atMs: nowMs, failures })
    if (failures === 0) return
    const reason = {
      code: 'InstanceLost',
      message: `the instance was lost ${failures} ${failures === 1 ? 'time' : 'times'} in a row soon after its start`,
    }
    const untilMs = nowMs + this.#pauseMs(failures, false)
    this.#failed.set(id, { key: stepKey(step), kind: 'start', failures, reason, isStalled: false, failedAtMs: nowMs, untilMs })
  }

  #pauseMs(failures: number, isStalled: boolean): number {
    const first = isStalled ? firstStalledPauseMs : firstPauseMs
    const pauseMs = Math.min(longestPauseMs, first * 2 ** Math.min(failures - 1, 20))
    return pauseMs * (0.5 + this.#random() / 2)
  }
}

/** The public words for an error of a step. */
export function toReason(error: unknown): Reason {
  if (error instanceof StepError) return { code: error.code.slice(0, 64), message: bounded(error.message) }
  if (error instanceof Error && error.name === 'TimeoutError') return { code: 'TimedOut', message: 'the step took longer than it may' }
  const disk = diskReason(error) ?? engineDiskReason(error)
  if (disk !== undefined) return disk
  return { code: 'Unexpected', message: bounded(error instanceof Error ? error.message : String(error)) }
}

/** An engine tells of its full disk in words only. */
function engineDiskReason(error: unknown): Reason | undefined {
  const isFull = error instanceof Error && /no space left on device/i.test(error.message)
  return isFull ? { code: 'DiskFull', message: bounded(error.message) } : undefined
}

function bounded(text: string): string {
  return text.length > 2000 ? `${text.slice(0, 1999)}…` : text
}
