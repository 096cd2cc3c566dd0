// Sends what changed since the last report, a few times per second at most. What a release waits for (ready, or not to be) is
// sent at once, so that the next node need not wait. After every connect the first report is a complete one, so nothing
// depends on the server having seen the earlier ones.
import type { NodeCondition, Phase, Report, WorkloadReport } from '@littoral/contract/node/report'

export interface ReporterOptions {
  readonly minIntervalMs?: number
  /** Reports in a row that may be sent at once; one more after each interval. A workload that flaps must not flood the server. */
  readonly mostAtOnce?: number
  readonly now?: () => number
}

const awaitedPhases: ReadonlySet<Phase> = new Set(['ready', 'unready', 'backoff', 'failed'])

export class Reporter {
  readonly #minIntervalMs: number
  readonly #mostAtOnce: number
  readonly #now: () => number
  #send: ((report: Report) => void) | undefined
  #generation = 0
  /** Undefined until the first look at the machine: reporting nothing as complete would tell the server that all is gone. */
  #current: ReadonlyMap<string, WorkloadReport> | undefined
  /** What the server was told over this connection, as text to compare with; undefined before the complete report. */
  #told: Map<string, { text: string; report: WorkloadReport }> | undefined
  #toldGeneration = -1
  #conditions: readonly NodeCondition[] = []
  /** Whether the server was told the conditions as they are, over this connection. */
  #areConditionsTold = false
  #wereConditionsTold = false
  #timer: NodeJS.Timeout | undefined
  #lastSentAtMs = 0
  /** Of those that were sent at once, the ones whose intervals have not passed, and until when that was counted. */
  #hurried = 0
  #countedAtMs = 0

  constructor({ minIntervalMs = 250, mostAtOnce = 8, now = () => performance.now() }: ReporterOptions = {}) {
    this.#minIntervalMs = minIntervalMs
    this.#mostAtOnce = mostAtOnce
    this.#now = now
  }

  /** The newest statuses of all workloads of the node. */
  update(generation: number, workloads: readonly WorkloadReport[]): void {
    this.#generation = generation
    this.#current = new Map(workloads.map((workload) => [workload.key, workload]))
    if (this.#send && workloads.some((workload) => this.#isAwaited(workload)) && this.#mayHurry()) this.#flush()
    else this.#schedule()
  }

  /** The named states of the node itself. */
  updateConditions(conditions: readonly NodeCondition[]): void {
    this.#conditions = conditions
    this.#areConditionsTold = false
    this.#schedule()
  }

  /** A connection is ready for reports. */
  connected(send: (report: Report) => void): void {
    this.#send = send
    this.#told = undefined
    this.#areConditionsTold = false
    this.#wereConditionsTold = false
    this.#schedule()
  }

  disconnected(): void {
    this.#send = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #isAwaited({ key, version, digest, phase }: WorkloadReport): boolean {
    if (!awaitedPhases.has(phase)) return false
    const told = this.#told?.get(key)?.report
    return told?.phase !== phase || told.version !== version || told.digest !== digest
  }

  #mayHurry(): boolean {
    const passed = Math.floor((this.#now() - this.#countedAtMs) / this.#minIntervalMs)
    this.#hurried = Math.max(0, this.#hurried - passed)
    this.#countedAtMs += passed * this.#minIntervalMs
    if (this.#hurried >= this.#mostAtOnce) return false
    this.#hurried += 1
    return true
  }

  #schedule(): void {
    if (!this.#send || this.#timer || !this.#hasNews) return
    const waitMs = Math.max(0, this.#lastSentAtMs + this.#minIntervalMs - this.#now())
    this.#timer = setTimeout(() => this.#flush(), waitMs)
  }

  // Before the first look only conditions are told, where there are any; an empty list goes with the complete report.
  get #hasNews(): boolean {
    return this.#current !== undefined || (!this.#areConditionsTold && (this.#conditions.length > 0 || this.#wereConditionsTold))
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#send || !this.#hasNews) return
    const conditions = this.#areConditionsTold ? {} : { conditions: [...this.#conditions] }
    this.#areConditionsTold = true
    this.#wereConditionsTold = true
    if (!this.#current) {
      this.#lastSentAtMs = this.#now()
      return this.#send({ generation: this.#generation, isComplete: false, workloads: [], ...conditions })
    }
    const told = this.#told
    const next = new Map([...this.#current].map(([key, report]) => [key, { text: comparable(report), report }]))
    const changed = [...next].filter(([key, { text }]) => told?.get(key)?.text !== text).map(([, { report }]) => report)
    const gone = [...(told ?? [])].filter(([key]) => !next.has(key)).map(([, { report }]) => toGone(report))
    this.#told = next
    const isNews = changed.length + gone.length > 0 || this.#toldGeneration !== this.#generation || 'conditions' in conditions
    if (told && !isNews) return
    this.#toldGeneration = this.#generation
    this.#lastSentAtMs = this.#now()
    this.#send({ generation: this.#generation, isComplete: told === undefined, workloads: [...changed, ...gone], ...conditions })
  }
}

// The time of observing changes with every look and is no news.
function comparable(report: WorkloadReport): string {
  return JSON.stringify({ ...report, observedAtMs: 0 })
}

function toGone({ key, version, digest, restarts, observedAtMs }: WorkloadReport): WorkloadReport {
  return { key, version, digest, phase: 'gone', restarts, addresses: [], containers: [], observedAtMs }
}
