// The loop runner, written once: single flight, wake-ups, a period, abort, backoff with jitter, and the outcome of the
// last pass kept where an operator can see it. A loop is a value made by loop(); server.ts starts it with startLoop().
import type { Services } from '../operations/context.ts'

export type LoopServices = Pick<Services, 'store' | 'now' | 'ids' | 'log' | 'settings'>

export interface Loop<Result extends number | Passed = number | Passed> {
  readonly name: string
  /** Topics of the store that wake it; an optimization, the period is the correctness. */
  readonly wakeOn: readonly string[]
  readonly everyMs: number
  /** Wakes that come within this time share a pass; somebody waits for a loop that gathers none. */
  readonly gatherMs?: number
  /** One pass; returns how many decisions it applied. Must stop early when the signal aborts. */
  pass(services: LoopServices, signal: AbortSignal): Promise<Result>
}

export interface Passed {
  readonly decisions: number
  /** When time alone will give the loop something to do; a pass before the period is over. */
  readonly nextAtMs?: number | undefined
}

export function loop<Result extends number | Passed>(declared: Loop<Result>): Loop<Result> {
  return declared
}

export interface LoopStatus {
  readonly name: string
  readonly isRunning: boolean
  /** Passes that failed since the last one that did not. */
  readonly failures: number
  readonly lastPass?: { readonly startedAtMs: number; readonly tookMs: number; readonly decisions: number; readonly error?: string }
}

export interface RunningLoop {
  status(): LoopStatus
  /** Asks for a pass soon; one that is under way is followed by another. While backing off, the backoff is kept. */
  wake(): void
  /** Aborts the pass under way and waits for it, at most this long. No pass begins afterwards. */
  stop(timeoutMs?: number): Promise<void>
}

export interface LoopOptions {
  /** Between 0 and 1; for tests. */
  readonly random?: () => number
  /** A pass that takes longer is told to stop and counts as failed. */
  readonly passTimeoutMs?: number
}

const usualGatherMs = 10
const firstBackoffMs = 500
const longestBackoffMs = 60_000

/** Starts a loop with a pass at once. */
export function startLoop(declared: Loop, services: LoopServices, options: LoopOptions = {}): RunningLoop {
  const runner = new LoopRunner(declared, services, options)
  runner.start()
  return runner
}

/**
 * Invariants:
 *
 * 1. Never two passes at a time.
 * 2. A wake during a pass is followed by a pass that began after the wake.
 * 3. After a pass the next one is always scheduled, whatever happened; after stop() none is.
 */
class LoopRunner implements RunningLoop {
  readonly #loop: Loop
  readonly #services: LoopServices
  readonly #random: () => number
  readonly #passTimeoutMs: number
  readonly #stopping = new AbortController()
  #unsubscribe: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined
  #pass: Promise<void> | undefined
  #isWoken = false
  #failures = 0
  #lastPass: LoopStatus['lastPass']
  #nextAtMs: number | undefined

  constructor(declared: Loop, services: LoopServices, options: LoopOptions) {
    this.#loop = declared
    this.#services = services
    this.#random = options.random ?? Math.random
    this.#passTimeoutMs = options.passTimeoutMs ?? 120_000
  }

  start(): void {
    this.#unsubscribe = this.#loop.wakeOn.map((topic) => this.#services.store.changes(topic, () => this.wake()))
    this.#schedule(0)
  }

  status(): LoopStatus {
    return {
      name: this.#loop.name,
      isRunning: this.#pass !== undefined,
      failures: this.#failures,
      ...(this.#lastPass === undefined ? {} : { lastPass: this.#lastPass }),
    }
  }

  get #gatherMs(): number {
    return this.#loop.gatherMs ?? usualGatherMs
  }

  wake(): void {
    if (this.#isWoken) return
    this.#isWoken = true
    if (this.#pass === undefined && this.#failures === 0) this.#schedule(this.#gatherMs)
  }

  async stop(timeoutMs = 5000): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    if (this.#pass === undefined) return
    let giveUp: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (giveUp = setTimeout(resolve, timeoutMs)))
    await Promise.race([this.#pass, late])
    clearTimeout(giveUp)
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    if (this.#stopping.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#pass = this.#runPass().finally(() => {
        this.#pass = undefined
        this.#schedule(this.#nextDelayMs())
      })
    }, delayMs)
  }

  async #runPass(): Promise<void> {
    this.#isWoken = false
    const { log, now } = this.#services
    const startedAtMs = now()
    const ended = (outcome: { decisions: number; error?: string }) => {
      this.#lastPass = { startedAtMs, tookMs: now() - startedAtMs, ...outcome }
    }
    try {
      const passed = await this.#boundedPass()
      this.#nextAtMs = passed.nextAtMs
      ended({ decisions: passed.decisions })
      this.#failures = 0
    } catch (error) {
      if (this.#stopping.signal.aborted) return ended({ decisions: 0, error: 'stopped' })
      this.#failures++
      ended({ decisions: 0, error: error instanceof Error ? error.message : String(error) })
      log.error({ err: error, loop: this.#loop.name, failures: this.#failures }, 'a pass failed')
    }
  }

  /** The pass, told to stop when the runner stops or when it takes too long. */
  async #boundedPass(): Promise<Passed> {
    const tooLong = new AbortController()
    const seconds = this.#passTimeoutMs / 1000
    const timer = setTimeout(() => tooLong.abort(new Error(`the pass took longer than ${seconds} s`)), this.#passTimeoutMs)
    try {
      const decisions = await this.#loop.pass(this.#services, AbortSignal.any([this.#stopping.signal, tooLong.signal]))
      tooLong.signal.throwIfAborted()
      return typeof decisions === 'number' ? { decisions } : decisions
    } finally {
      clearTimeout(timer)
    }
  }

  #nextDelayMs(): number {
    if (this.#failures > 0) {
      const backoffMs = Math.min(firstBackoffMs * 2 ** Math.min(this.#failures - 1, 20), longestBackoffMs)
      return backoffMs * (0.5 + this.#random() / 2)
    }
    // Spread over the last tenth of the period, so that many servers on one database do not pass in step.
    const periodMs = this.#loop.everyMs * (0.9 + this.#random() / 10)
    const dueInMs = this.#nextAtMs === undefined ? periodMs : Math.max(usualGatherMs, this.#nextAtMs - this.#services.now())
    return this.#isWoken ? this.#gatherMs : Math.min(periodMs, dueInMs)
  }
}
