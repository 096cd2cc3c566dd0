// What a simulated machine has on trial: the agent's real rules (trial.ts) with the world's clock in place of the disk and the timers
// of trials.ts. Says what it gave up, and complains when that was confirmed.
import type { DesiredState } from '../../packages/contract/src/node/desired-state.ts'
import type { WorkloadReport } from '../../packages/contract/src/node/report.ts'
import {
  confirm,
  effectiveState,
  emptyLedger,
  type Ledger,
  nextLedger,
  retreat,
  type Trial,
  withRetreats,
} from '../../packages/agent/src/trial.ts'

const askAgainMs = 10_000

export class NodeTrials {
  #ledger: Ledger = emptyLedger
  /** Digests that the server has answered for since they were asked for. */
  readonly #confirmed = new Set<string>()
  #begunAtMs: number | undefined
  #lostAtMs: number | undefined
  #askedAtMs = Number.NEGATIVE_INFINITY
  #count = 0

  get trial(): Trial | undefined {
    return this.#ledger.trials[0]
  }

  /** The version that is not run though the server asks for it. */
  get wentBackFrom(): string | undefined {
    return this.#ledger.retreats.find(({ lastGood }) => lastGood !== undefined)?.version
  }

  accepting(before: DesiredState | undefined, after: DesiredState): void {
    const trial = this.trial
    this.#ledger = nextLedger(this.#ledger, before, after)
    if (this.trial?.digest === trial?.digest) return
    this.#begunAtMs = undefined
    this.#askedAtMs = Number.NEGATIVE_INFINITY
    if (this.trial !== undefined) this.#confirmed.delete(this.trial.digest)
  }

  effective(state: DesiredState): DesiredState {
    return effectiveState(state, this.#ledger)
  }

  told(report: WorkloadReport | undefined): WorkloadReport | undefined {
    return report && withRetreats([report], this.#ledger)[0]
  }

  contact(isThere: boolean, nowMs: number): void {
    if (isThere) this.#lostAtMs = undefined
    else this.#lostAtMs ??= nowMs
  }

  /** The agent died: what it counted in memory begins anew. */
  restarted(nowMs: number): void {
    this.#begunAtMs = undefined
    this.#askedAtMs = Number.NEGATIVE_INFINITY
    if (this.#lostAtMs !== undefined) this.#lostAtMs = nowMs
  }

  /** After a look: goes back where it is time. */
  look(digests: readonly string[], nowMs: number): void {
    const { trial } = this
    if (trial === undefined || !digests.includes(trial.digest)) return
    this.#begunAtMs ??= nowMs
    if (this.#aloneMs(nowMs) < trial.confirmSeconds * 1000) return
    if (this.#confirmed.has(trial.digest)) throw new Error(`a node went back from ${trial.version}, which it had confirmed`)
    this.#ledger = retreat(this.#ledger, trial, { id: `retreat-${++this.#count}`, atMs: nowMs })
  }

  /** The digest that the server is to be asked about now. */
  asks(servingDigest: string | undefined, nowMs: number): string | undefined {
    const isDue = this.trial !== undefined && this.trial.digest === servingDigest && nowMs - this.#askedAtMs >= askAgainMs
    if (!isDue || this.#lostAtMs !== undefined) return undefined
    this.#askedAtMs = nowMs
    return servingDigest
  }

  confirmed(key: string, digest: string): void {
    const before = this.#ledger
    this.#ledger = confirm(before, [{ key, digest }])
    if (this.#ledger !== before) this.#confirmed.add(digest)
  }

  /** When it will be time to go back, as far as is known now. */
  dueAtMs(nowMs: number): number {
    const { trial } = this
    if (trial === undefined || this.#begunAtMs === undefined || this.#lostAtMs === undefined) return Number.POSITIVE_INFINITY
    return nowMs + trial.confirmSeconds * 1000 - this.#aloneMs(nowMs)
  }

  #aloneMs(nowMs: number): number {
    if (this.#lostAtMs === undefined || this.#begunAtMs === undefined) return 0
    return nowMs - Math.max(this.#lostAtMs, this.#begunAtMs)
  }
}
