// Observe → plan → run what can run now → tell; again after every change, and every ten seconds regardless.
//
// 1. One pass at a time. A pass only looks, plans and launches; steps run beside it, each in its lane (steps.ts), so a slow pull
//    delays nobody else's restart.
// 2. What a lane did while a pass was looking is unknown to that pass, so the lane counts as busy until the next one.
// 3. A newer desired state aborts only what is safe to abort and no longer wanted: preparing. A start, a switch or a stop
//    is finished (or runs into its time limit) and the next plan goes on from there.
// 4. Nothing a step throws ends the loop: it becomes an attempt with a reason and a time for the next try.
import type { DesiredState, Workload } from '@littoral/contract/node/desired-state'
import type { Progress, Reason, WorkloadReport } from '@littoral/contract/node/report'
import { mayBegin } from './at-once.ts'
import { Attempts } from './attempts.ts'
import { Clock } from './clock.ts'
import { Delayed } from './delayed.ts'
import { ExitTimes } from './exit-times.ts'
import { Hooked, type Hooks } from './hooks.ts'
import { Hurries } from './hurry.ts'
import { Looks } from './looks.ts'
import { type Placed, place } from './placing.ts'
import { type Observed, type PlacedInstance, planNode, preparedId } from './plan.ts'
import { type OnProgress, type Runtime, StepError } from './runtime/runtime.ts'
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
  /** Pauses and bake times go by its steady time, which no jump of the machine's clock changes. */
  readonly clock?: Clock
  /** Beside what is wanted: what this node may have to go back to. */
  readonly alsoKeep?: () => readonly Workload[]
  /** After every look at the machine; what could not be asked is in `unavailable`, by runtime. */
  readonly onLook?: (instances: readonly PlacedInstance[], unavailable: ReadonlyMap<string, string>) => void
  readonly hooks?: Hooks
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
  material?: Progress
}

const tidyEveryMs = 600_000
const progressEveryMs = 1000

/** A pass that took longer than this is followed by a pause of this length at most. */
const longestRestMs = 20

export class Reconciler {
  readonly #options: Required<ReconcilerOptions>
  readonly #attempts: Attempts
  readonly #hooks: Hooked
  readonly #hurries = new Hurries()
  readonly #progressed = new Delayed(progressEveryMs)
  readonly #running = new Map<string, Running>()
  readonly #prepared = new Set<string>()
  readonly #looks: Looks
  readonly #readySinceMs = new Map<string, number>()
  readonly #exitTimes: ExitTimes
  readonly #now: () => number
  readonly #closing = new AbortController()
  readonly #unsubscribes: (() => void)[] = []
  #desired: DesiredState | undefined
  /** Of a desired state that is not on the disk yet. */
  #coming: readonly Workload[] = []
  #timer: NodeJS.Timeout | undefined
  #pass: Promise<void> | undefined
  #isStale = false
  #restUntil = 0
  #tidyAtMs = 0
  #lastPass: LastPass | undefined

  constructor(options: ReconcilerOptions) {
    this.#options = {
      unmet: () => undefined,
      clock: new Clock(),
      alsoKeep: () => [],
      onLook: () => {},
      hooks: {},
      random: Math.random,
      periodMs: 10_000,
      observeTimeoutMs: 20_000,
      ...options,
    }
    this.#now = this.#options.clock.steadyMs
    this.#exitTimes = new ExitTimes(this.#options.clock)
    this.#looks = new Looks(this.#options.runtimes, this.#options.observeTimeoutMs)
    this.#hooks = new Hooked(this.#options.hooks, this.#options.log)
    this.#attempts = new Attempts(this.#options.random)
    this.#tidyAtMs = this.#now() + tidyEveryMs
  }

  start(desired: DesiredState | undefined): void {
    this.#desired = desired
    for (const runtime of this.#options.runtimes) this.#unsubscribes.push(runtime.events(() => this.wake()))
    this.wake()
  }

  get lastPass(): LastPass | undefined {
    return this.#lastPass
  }

  /** Fetches what a desired state needs that is on its way to the disk, and no more; only where the newest look still holds (2.). */
  foresee({ workloads }: DesiredState): void {
    if (this.#closing.signal.aborted || this.#lastPass === undefined || this.#isStale || this.#pass !== undefined) return
    this.#coming = workloads
    const plan = planNode(this.#placed(workloads), this.#observed(new Set(this.#running.keys())), this.#now())
    this.#launch(plan.steps.filter(({ kind }) => kind === 'prepare'))
  }

  /** Takes a newer desired state, which is on disk already. */
  accept(desired: DesiredState): void {
    this.#desired = desired
    this.#coming = []
    const wanted = new Set(desired.workloads.map(preparedId))
    for (const id of this.#prepared) if (!wanted.has(id)) this.#prepared.delete(id)
    for (const { step, abort } of this.#running.values()) {
      if (step.kind === 'prepare' && !wanted.has(preparedId(step.workload)))
        abort.abort(new Error('a newer desired state no longer wants it'))
    }
    this.wake()
  }

  wake(): void {
    if (this.#closing.signal.aborted || this.#isStale) return
    this.#isStale = true
    if (!this.#pass) this.#schedule(this.#restMs())
  }

  /** Tries at once what waits for its next attempt; false when nothing of the key waits. */
  retry(key: string): boolean {
    const isHeld = this.#attempts.hurry(key, this.#now())
    const isExited = this.#hurries.wish(key, this.#looks.instances(), this.#now())
    this.wake()
    return isHeld || isExited
  }

  /** The newest instance of a key, for its logs. Prefers the version that is wanted. */
  instanceOf(key: string): PlacedInstance | undefined {
    const digest = this.#desired?.workloads.find((workload) => workload.key === key)?.digest
    const ofKey = this.#looks.instances().filter((instance) => instance.key === key)
    return ofKey.toSorted((a, b) => Number(b.digest === digest) - Number(a.digest === digest) || b.createdAtMs - a.createdAtMs)[0]
  }

  /** Whether the newest look found this workload serving. */
  isReady(key: string): boolean {
    const ofKey = this.#looks.instances().filter((instance) => instance.key === key)
    return ofKey.some(({ phase, isActive }) => phase === 'ready' && isActive)
  }

  /** Ends the loop: preparing is aborted, other steps get the time they need up to `patienceMs`. */
  async close(patienceMs = 10_000): Promise<void> {
    this.#closing.abort(new Error('the agent stops'))
    clearTimeout(this.#timer)
    this.#progressed.close()
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
        if (this.#isStale) this.#schedule(this.#restMs())
      })
    }, delayMs)
  }

  // At once, but passes take a third of the time at most: so a burst of events becomes one pass.
  #restMs(): number {
    return Math.max(0, this.#restUntil - performance.now())
  }

  async #runPass(): Promise<void> {
    this.#isStale = false
    const startedAt = performance.now()
    const startedAtMs = this.#now()
    let launched: string[] = []
    let nextAtMs = Number.POSITIVE_INFINITY
    let error: string | undefined
    try {
      const busy = new Set(this.#running.keys())
      await this.#looks.observe(this.#closing.signal)
      this.#noteReady()
      this.#options.onLook(this.#looks.instances(), this.#looks.unavailable)
      if (this.#closing.signal.aborted) return
      const placements = this.#placed()
      const plan = planNode(this.#desired && placements, this.#observed(busy), this.#now())
      nextAtMs = plan.nextAtMs ?? nextAtMs
      launched = this.#launch(plan.steps)
      const keys = new Set([...placements.map(({ workload }) => workload.key), ...this.#looks.instances().map(({ key }) => key)])
      this.#attempts.keepOnly(keys)
      this.#hurries.keepOnly(keys)
      this.#tell(placements)
      if (launched.length === 0 && this.#running.size === 0) await this.#tidy()
    } catch (thrown) {
      error = thrown instanceof Error ? thrown.message : String(thrown)
      this.#options.log(`pass failed: ${error}`)
    }
    this.#restUntil = performance.now() + Math.min(longestRestMs, 2 * (performance.now() - startedAt))
    const endedAtMs = this.#now()
    this.#lastPass = { atMs: startedAtMs, tookMs: endedAtMs - startedAtMs, launched, ...(error === undefined ? {} : { error }) }
    this.#schedule(Math.min(this.#options.periodMs, Math.max(nextAtMs - endedAtMs, 20)))
  }

  #wanted(): readonly Workload[] {
    return [...(this.#desired?.workloads ?? []), ...this.#coming]
  }

  #placed(workloads = this.#desired?.workloads ?? []): Placed[] {
    return workloads.map((workload) => place(workload, this.#options))
  }

  #observed(busy: ReadonlySet<string>): Observed {
    return {
      instances: this.#hurries.apply(this.#exitTimes.translate(this.#looks.instances())),
      unavailable: new Set(this.#looks.unavailable.keys()),
      prepared: this.#prepared,
      busy,
      heldUntilMs: this.#attempts.heldUntilMs(),
      readySinceMs: this.#readySinceMs,
    }
  }

  /** An instance whose runtime cannot be asked right now keeps what it had. */
  #noteReady(): void {
    const instances = new Map(this.#looks.instances().map((instance) => [instance.instanceId, instance]))
    for (const id of this.#readySinceMs.keys()) if (instances.get(id)?.phase !== 'ready') this.#readySinceMs.delete(id)
    for (const { instanceId, phase } of instances.values()) {
      if (phase === 'ready' && !this.#readySinceMs.has(instanceId)) this.#readySinceMs.set(instanceId, this.#now())
    }
  }

  #launch(steps: readonly Step[]): string[] {
    const launched: string[] = []
    for (const step of steps) {
      if (!mayBegin(step, this.#running.values())) continue
      this.#begin(step)
      launched.push(`${step.kind} ${stepKey(step)}`)
    }
    return launched
  }

  #begin(step: Step): void {
    const abort = new AbortController()
    const running: Running = { step, abort, done: this.#run(step, abort.signal, (...news) => this.#progress(running, ...news)) }
    this.#running.set(lane(step), running)
  }

  #progress(running: Running, message: string, material?: Progress): void {
    running.progress = message
    if (material) running.material = material
    this.#progressed.call(() => this.#tell(this.#placed()))
  }

  async #run(step: Step, abort: AbortSignal, onProgress: OnProgress): Promise<void> {
    // After this turn of the loop, so that the step stands in #running before anything of it happens.
    await Promise.resolve()
    const signal = AbortSignal.any([abort, AbortSignal.timeout(timeLimitMs(step))])
    const label = `${step.kind} ${stepKey(step)}`
    try {
      const runtime = this.#options.runtimes.find(({ name }) => name === step.runtime)
      if (!runtime) throw new Error(`there is no runtime ${step.runtime}`)
      if (step.kind === 'prepare') runtime.expect?.(step.workload)
      await this.#hooks.before(step, this.#wanted(), signal)
      await execute(step, { runtime, signal, onProgress })
      if (step.kind === 'prepare') this.#notePrepared(step.workload)
      this.#attempts.succeeded(step, this.#now())
      this.#options.log(`${label}: done`)
    } catch (error) {
      const isWaiting = error instanceof StepError && error.waitsMs !== undefined
      if ((step.kind === 'start' || step.kind === 'updateConfig') && !isWaiting) this.#prepared.delete(preparedId(step.workload))
      if (!abort.aborted) {
        const { reason, untilMs, failures } = this.#attempts.failed(step, signal.aborted ? signal.reason : error, this.#now())
        // Who waits for days says so once.
        if (isWaiting && failures > 1) return
        const inS = Math.round((untilMs - this.#now()) / 1000)
        this.#options.log(`${label}: ${reason.code}: ${reason.message}; next attempt in ${inS} s`)
      }
    } finally {
      this.#running.delete(lane(step))
      this.wake()
    }
  }

  #notePrepared(workload: Workload): void {
    const isWanted = this.#wanted().some((wanted) => preparedId(wanted) === preparedId(workload))
    if (isWanted) this.#prepared.add(preparedId(workload))
  }

  #tell(placements: readonly Placed[]): void {
    const { clock, host } = this.#options
    // A node that was never told anything has nothing to say about workloads either.
    if (!this.#desired) return
    const wallMs = Math.round(clock.wallMs())
    const attempts = this.#attempts.listAhead(wallMs - Math.round(this.#now()))
    const workloads = nodeStatus({
      placements,
      instances: this.#looks.instances(),
      unavailable: this.#looks.unavailable,
      attempts,
      running: [...this.#running.values()],
      host: host(),
      nowMs: wallMs,
    })
    this.#options.onStatus(this.#desired.generation, workloads)
    this.#hooks.looked({ desired: this.#desired.workloads, reports: workloads, instances: this.#looks.instances(), attempts })
  }

  async #tidy(): Promise<void> {
    if (this.#now() < this.#tidyAtMs || !this.#desired) return
    this.#tidyAtMs = this.#now() + tidyEveryMs
    const keep = [...this.#desired.workloads, ...this.#options.alsoKeep()]
    for (const runtime of this.#options.runtimes) {
      await limited((signal) => runtime.tidy(keep, signal), 60_000, this.#closing.signal).catch((error: unknown) => {
        this.#options.log(`tidy ${runtime.name}: ${String(error)}`)
      })
    }
    await this.#hooks.makeRoom(keep, this.#closing.signal)
  }
}
