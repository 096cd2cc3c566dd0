// The loop runner, written once: single flight, wake-ups, a period, abort, backoff with jitter, and the outcome of the
// last pass kept where an operator can see it. A loop is a value made by loop().
import type { Services } from '../operations/context.ts'

export interface Loop {
  readonly name: string
  /** Topics of the store that wake it; an optimization, the period is the correctness. */
  readonly wakeOn: readonly string[]
  readonly everyMs: number
  /** One pass; returns how many decisions it applied. Must stop early when the signal aborts. */
  pass(services: Pick<Services, 'store' | 'now' | 'ids' | 'log' | 'settings'>, signal: AbortSignal): Promise<number>
}

export function loop(declared: Loop): Loop {
  return declared
}
