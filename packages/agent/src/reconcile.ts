// Observe → plan → run what can run now → tell; again after every change, and every ten seconds regardless.
//
// 1. One pass at a time. A pass only looks, plans and launches; steps run beside it, each in its lane (steps.ts), so a slow pull
//    delays nobody else's restart.
// 2. What a lane did while a pass was looking is unknown to that pass, so the lane counts as busy until the next one.
// 3. A newer desired state aborts only what is safe to abort and no longer wanted: preparing. A start, a switch or a stop
//    is finished (or runs into its time limit) and the next plan goes on from there.
// 4. Nothing a step throws ends the loop: it becomes an attempt with a reason and a time for the next try.
import type { DesiredState, Workload } from '@littoral/contract/node/desired-state'
import type { Reason, WorkloadReport } from '@littoral/contract/node/report'
import { Attempts } from './attempts.ts'
import { type Observed, type PlacedInstance, type Placement, planNode, preparedId } from './plan.ts'
import type { Runtime } from './runtime/runtime.ts'
import { nodeStatus } from './status.ts'
import { execute, lane, type Step, stepKey, timeLimitMs } from './steps.ts'
import { endsWithin, limited } from './waits.ts'

export interface ReconcilerOptions {
  readonly runtimes: readonly Runtime[]
  readonly onStatus: (generation: number, workloads: readonly WorkloadReport[]) => void
  readonly log: (line: string) => void
  /** Why this machine must not run a workload, whatever its runtimes say. */
  readonly unmet?: (workload: Workload) => Reason | undefined
  /** The address under which this node's ports are reached. */
  readonly host: () => string
  readonly now?: () => number
  readonly random?: () => number
  readonly periodMs?: number
  readonly observeTimeoutMs?: number
}

/** How a pass ended, for an operator and the tests. */
export interface LastPass {
  readonly atMs: number
  readonly tookMs: number
  readonly launched: readonly string[]
  readonly error?: string
}

interface Running {
  readonly step: Step
  readonly abort: AbortController
  readonly done: Promise<void>
  progress?: string
}

type Placed = Placement & { readonly refusal?: Reason }

// A prepare may take minutes and a stop waits for open connections: neither may keep a short step waiting.
const maxAtOnce = { prepare: 3, stop: 16, short: 8 }
const tidyEveryMs = 600_000
const progressEveryMs = 250

function sort({ kind }: Step): keyof typeof maxAtOnce {
  return kind === 'prepare' || kind === 'stop' ? kind : 'short'
}

export class Reconciler {
  readonly #options: Required<ReconcilerOptions>
  readonly #attempts: Attempts
  readonly #running = new Map<string, Running>()
  readonly #prepared = new Set<string>()
  readonly #lastKnown = new Map<string, readonly PlacedInstance[]>()
  readonly #unavailable = new Map<string, string>()
  readonly #readySinceMs = new Map<string, number>()
  readonly #closing = new AbortController()
  readonly #unsubscribes: (() => void)[] = []
  #desired: DesiredState | undefined
  #timer: NodeJS.Timeout | undefined
  #pass: Promise<void> | undefined
  #isStale = false
  #tidyAtMs = 0
  #toldAtMs = 0
  #lastPass: LastPass | undefined

  constructor(options: ReconcilerOptions) {
    this.#options = { unmet: () => undefined, now: Date.now, random: Math.random, periodMs: 10_000, observeTimeoutMs: 20_000, ...options }
    this.#attempts = new Attempts(this.#options.random)
    this.#tidyAtMs = this.#options.now() + tidyEveryMs
  }

  start(desired: DesiredState | undefined): void {
    this.#desired = desired
    for (const runtime of this.#options.runtimes) this.#unsubscribes.push(runtime.events(() => this.wake()))
    this.wake()
  }

  get lastPass(): LastPass | undefined {
    return this.#lastPass
  }

  /** Takes a newer desired state, which is on disk already. */
  accept(desired: DesiredState): void {
    this.#desired = desired
    const wanted = new Set(desired.workloads.map(preparedId))
    for (const id of this.#prepared) if (!wanted.has(id)) this.#prepared.delete(id)
    for (const { step, abort } of this.#running.values()) {
      if (step.kind === 'prepare' && !wanted.has(preparedId(step.workload)))
        abort.abort(new Error('a newer desired state no longer wants it'))
    }
    this.#wakeIn(0)
  }

  wake(): void {
    // Bursts of events become one pass.
    if (!this.#isStale) this.#wakeIn(20)
  }

  /** At once where nothing else is to be expected: a new desired state, a step that has ended. */
  #wakeIn(delayMs: number): void {
    if (this.#closing.signal.aborted) return
    this.#isStale = true
    if (!this.#pass) this.#schedule(delayMs)
  }

  /** The newest instance of a key, for its logs. Prefers the version that is wanted. */
  instanceOf(key: string): PlacedInstance | undefined {
    const digest = this.#desired?.workloads.find((workload) => workload.key === key)?.digest
    const ofKey = [...this.#lastKnown.values()].flat().filter((instance) => instance.key === key)
    return ofKey.toSorted((a, b) => Number(b.digest === digest) - Number(a.digest === digest) || b.createdAtMs - a.createdAtMs)[0]
  }

  /** Whether the newest look found this workload serving. */
  isReady(key: string): boolean {
    const ofKey = [...this.#lastKnown.values()].flat().filter((instance) => instance.key === key)
    return ofKey.some(({ phase, isActive }) => phase === 'ready' && isActive)
  }

  /** Ends the loop: preparing is aborted, other steps get the time they need up to `patienceMs`. */
  async close(patienceMs = 10_000): Promise<void> {
    this.#closing.abort(new Error('the agent stops'))
    clearTimeout(this.#timer)
    for (const unsubscribe of this.#unsubscribes) unsubscribe()
    for (const { step, abort } of this.#running.values()) if (step.kind === 'prepare') abort.abort(this.#closing.signal.reason)
    await this.#pass
    const settled = Promise.all([...this.#running.values()].map(({ done }) => done))
    if (await endsWithin(settled, patienceMs)) return
    for (const { abort } of this.#running.values()) abort.abort(this.#closing.signal.reason)
    await endsWithin(settled, patienceMs)
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#pass = this.#runPass().finally(() => {
        this.#pass = undefined
        if (this.#closing.signal.aborted) return
        if (this.#isStale) this.#schedule(20)
      })
    }, delayMs)
  }

  async #runPass(): Promise<void> {
    this.#isStale = false
    const startedAtMs = this.#options.now()
    let launched: string[] = []
    let nextAtMs = Number.POSITIVE_INFINITY
    let error: string | undefined
    try {
      const busy = new Set(this.#running.keys())
      await this.#observe()
      this.#noteReady()
      if (this.#closing.signal.aborted) return
      const placements = (this.#desired?.workloads ?? []).map((workload) => this.#place(workload))
      const plan = planNode(this.#desired && placements, this.#observed(busy), this.#options.now())
      nextAtMs = plan.nextAtMs ?? nextAtMs
      launched = this.#launch(plan.steps)
      this.#attempts.keepOnly(new Set([...placements.map(({ workload }) => workload.key), ...this.#instances().map(({ key }) => key)]))
      this.#tell(placements)
      if (launched.length === 0 && this.#running.size === 0) await this.#tidy()
    } catch (thrown) {
      error = thrown instanceof Error ? thrown.message : String(thrown)
      this.#options.log(`pass failed: ${error}`)
    }
    const endedAtMs = this.#options.now()
    this.#lastPass = { atMs: startedAtMs, tookMs: endedAtMs - startedAtMs, launched, ...(error === undefined ? {} : { error }) }
    this.#schedule(Math.min(this.#options.periodMs, Math.max(nextAtMs - endedAtMs, 20)))
  }

  async #observe(): Promise<void> {
    await Promise.all(
      this.#options.runtimes.map(async (runtime) => {
        try {
          const instances = await limited((signal) => runtime.observe(signal), this.#options.observeTimeoutMs, this.#closing.signal)
          this.#lastKnown.set(
            runtime.name,
            instances.map((instance) => ({ ...instance, runtime: runtime.name })),
          )
          this.#unavailable.delete(runtime.name)
        } catch (error) {
          this.#unavailable.set(runtime.name, error instanceof Error ? error.message : String(error))
        }
      }),
    )
  }

  #place(workload: Workload): Placed {
    const unmet = this.#options.unmet(workload)
    if (unmet) return { workload, runtime: undefined, refusal: unmet }
    let refusal: Reason = { code: 'Unsupported', message: `no runtime of this node runs workloads of kind ${workload.kind}` }
    for (const runtime of this.#options.runtimes) {
      const answer = runtime.supports(workload)
      if (answer === true) return { workload, runtime: runtime.name }
      if (answer !== false) refusal = answer
    }
    return { workload, runtime: undefined, refusal }
  }

  #instances(): PlacedInstance[] {
    return [...this.#lastKnown.values()].flat()
  }

  #observed(busy: ReadonlySet<string>): Observed {
    return {
      instances: this.#instances(),
      unavailable: new Set(this.#unavailable.keys()),
      prepared: this.#prepared,
      busy,
      heldUntilMs: this.#attempts.heldUntilMs(),
      readySinceMs: this.#readySinceMs,
    }
  }

  /** An instance whose runtime cannot be asked right now keeps what it had. */
  #noteReady(): void {
    const instances = new Map(this.#instances().map((instance) => [instance.instanceId, instance]))
    for (const id of this.#readySinceMs.keys()) if (instances.get(id)?.phase !== 'ready') this.#readySinceMs.delete(id)
    for (const { instanceId, phase } of instances.values()) {
      if (phase === 'ready' && !this.#readySinceMs.has(instanceId)) this.#readySinceMs.set(instanceId, this.#options.now())
    }
  }

  #launch(steps: readonly Step[]): string[] {
    const launched: string[] = []
    for (const step of steps) {
      const alike = [...this.#running.values()].filter((running) => sort(running.step) === sort(step))
      if (alike.length >= maxAtOnce[sort(step)]) continue
      this.#begin(step)
      launched.push(`${step.kind} ${stepKey(step)}`)
    }
    return launched
  }

  #begin(step: Step): void {
    const abort = new AbortController()
    const running: Running = { step, abort, done: this.#run(step, abort.signal, (message) => this.#progress(running, message)) }
    this.#running.set(lane(step), running)
  }

  #progress(running: Running, message: string): void {
    running.progress = message
    if (this.#options.now() < this.#toldAtMs + progressEveryMs) return
    this.#tell((this.#desired?.workloads ?? []).map((workload) => this.#place(workload)))
  }

  async #run(step: Step, abort: AbortSignal, onProgress: (message: string) => void): Promise<void> {
    // After this turn of the loop, so that the step stands in #running before anything of it happens.
    await Promise.resolve()
    const signal = AbortSignal.any([abort, AbortSignal.timeout(timeLimitMs(step))])
    const label = `${step.kind} ${stepKey(step)}`
    try {
      const runtime = this.#options.runtimes.find(({ name }) => name === step.runtime)
      if (!runtime) throw new Error(`there is no runtime ${step.runtime}`)
      await execute(step, { runtime, signal, onProgress })
      if (step.kind === 'prepare') this.#notePrepared(step.workload)
      this.#attempts.succeeded(step, this.#options.now())
      this.#options.log(`${label}: done`)
    } catch (error) {
      if (step.kind === 'start' || step.kind === 'updateConfig') this.#prepared.delete(preparedId(step.workload))
      if (!abort.aborted) {
        const { reason, untilMs } = this.#attempts.failed(step, signal.aborted ? signal.reason : error, this.#options.now())
        const inS = Math.round((untilMs - this.#options.now()) / 1000)
        this.#options.log(`${label}: ${reason.code}: ${reason.message}; next attempt in ${inS} s`)
      }
    } finally {
      this.#running.delete(lane(step))
      this.#wakeIn(0)
    }
  }

  #notePrepared(workload: Workload): void {
    const isWanted = this.#desired?.workloads.some((wanted) => preparedId(wanted) === preparedId(workload))
    if (isWanted) this.#prepared.add(preparedId(workload))
  }

  #tell(placements: readonly Placed[]): void {
    const { now, host } = this.#options
    // A node that was never told anything has nothing to say about workloads either.
    if (!this.#desired) return
    this.#toldAtMs = now()
    const workloads = nodeStatus({
      placements,
      instances: this.#instances(),
      unavailable: this.#unavailable,
      attempts: [...this.#attempts.list()],
      running: [...this.#running.values()],
      host: host(),
      nowMs: now(),
    })
    this.#options.onStatus(this.#desired.generation, workloads)
  }

  async #tidy(): Promise<void> {
    if (this.#options.now() < this.#tidyAtMs || !this.#desired) return
    this.#tidyAtMs = this.#options.now() + tidyEveryMs
    const keep = this.#desired.workloads
    for (const runtime of this.#options.runtimes) {
      await limited((signal) => runtime.tidy(keep, signal), 60_000, this.#closing.signal).catch((error: unknown) => {
        this.#options.log(`tidy ${runtime.name}: ${String(error)}`)
      })
    }
  }
}
