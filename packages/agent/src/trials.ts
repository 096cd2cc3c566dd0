// Keeps the versions on trial (trial.ts) on disk and watches over them: asks the server to confirm what serves, counts how long
// contact is lost, and goes back when it stays lost. Told by the session of contact, by the reconciler of what runs.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { DesiredState, Workload } from '@littoral/contract/node/desired-state'
import type { WorkloadReport } from '@littoral/contract/node/report'
import type { NodeMessage } from '@littoral/contract/node/stream'
import { checkDesiredState } from './checks.ts'
import type { Clock } from './clock.ts'
import type { Conditions } from './conditions.ts'
import { type Checked, type DiskNotes, Kept } from './kept.ts'
import type { PlacedInstance } from './plan.ts'
import {
  confirm,
  effectiveState,
  emptyLedger,
  type Ledger,
  matchingLedger,
  nextLedger,
  retreat,
  type Trial,
  withRetreats,
} from './trial.ts'

export interface TrialsOptions {
  readonly folder: string
  readonly clock: Clock
  readonly conditions: Conditions
  readonly disk?: DiskNotes
  /** A version was gone back from: what is to run is another now. */
  readonly onRetreat: () => void
  readonly log: (line: string) => void
  readonly askAgainMs?: number
}

type Send = (message: NodeMessage) => void

/** What was counted is written down in so many steps, so that a node that loses power again and again still goes back. */
const stepsOnDisk = 4

export class Trials {
  readonly #options: TrialsOptions
  readonly #kept: Kept<Ledger>
  /** Steady times since when a version on trial is seen here, by key and digest. */
  readonly #begunAtMs = new Map<string, number>()
  readonly #askedAtMs = new Map<string, number>()
  #send: Send | undefined
  #lostAtMs: number
  #timer: NodeJS.Timeout | undefined

  private constructor(options: TrialsOptions, kept: Kept<Ledger>) {
    this.#options = options
    this.#kept = kept
    this.#lostAtMs = options.clock.steadyMs()
    this.#tellRetreats()
  }

  static async open(options: TrialsOptions, state: DesiredState | undefined): Promise<Trials> {
    const path = join(options.folder, 'trials.json')
    const kept = await Kept.open({ path, what: 'the versions on trial', check: checkLedger, copy: 'same', disk: options.disk })
    if (kept.damage !== undefined)
      options.conditions.set(
        'trials',
        'RecordCorrupt',
        `${kept.damage}; ${kept.value ? 'its copy is used' : 'no version is gone back from'}`,
      )
    if (kept.value) await kept.set(matchingLedger(kept.value, state))
    return new Trials(options, kept)
  }

  /** Called before a newer state is on disk. */
  async accepting(before: DesiredState | undefined, after: DesiredState): Promise<void> {
    await this.#change(nextLedger(this.#ledger, before, after))
  }

  effective(state: DesiredState): DesiredState {
    return effectiveState(state, this.#ledger)
  }

  withRetreats(reports: readonly WorkloadReport[]): readonly WorkloadReport[] {
    return withRetreats(reports, this.#ledger)
  }

  /** What this node may have to go back to. */
  lastGood(): Workload[] {
    return this.#ledger.trials.map(({ lastGood }) => lastGood)
  }

  connected(send: Send): void {
    this.#send = send
    this.#askedAtMs.clear()
    const counted = this.#ledger.trials.filter(({ aloneMs }) => aloneMs > 0)
    if (counted.length > 0) void this.#change({ ...this.#ledger, trials: this.#ledger.trials.map((trial) => ({ ...trial, aloneMs: 0 })) })
  }

  disconnected(): void {
    this.#send = undefined
    this.#lostAtMs = this.#options.clock.steadyMs()
    this.#schedule()
  }

  async confirmed(workloads: readonly { readonly key: string; readonly digest: string }[]): Promise<void> {
    const next = confirm(this.#ledger, workloads)
    if (next === this.#ledger) return
    for (const { key, version } of this.#ledger.trials.filter((trial) => !next.trials.includes(trial)))
      this.#options.log(`${key}: version ${version} is confirmed`)
    await this.#change(next)
  }

  /** After every look at the machine. */
  look(instances: readonly PlacedInstance[]): void {
    const nowMs = this.#options.clock.steadyMs()
    const serving: { key: string; digest: string }[] = []
    for (const { key, digest } of this.#ledger.trials) {
      const ofTrial = instances.filter((instance) => instance.key === key && instance.digest === digest)
      if (ofTrial.length === 0) continue
      if (!this.#begunAtMs.has(nameOf({ key, digest }))) this.#begunAtMs.set(nameOf({ key, digest }), nowMs)
      if (ofTrial.some(({ phase, isActive }) => phase === 'ready' && isActive)) serving.push({ key, digest })
    }
    this.#ask(serving, nowMs)
    this.#schedule()
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  get #ledger(): Ledger {
    return this.#kept.value ?? emptyLedger
  }

  #ask(serving: readonly { key: string; digest: string }[], nowMs: number): void {
    const due = serving.filter((trial) => nowMs - (this.#askedAtMs.get(nameOf(trial)) ?? Number.NEGATIVE_INFINITY) >= this.#askAgainMs)
    if (this.#send === undefined || due.length === 0) return
    for (const trial of due) this.#askedAtMs.set(nameOf(trial), nowMs)
    this.#send({ type: 'confirm', workloads: due })
  }

  get #askAgainMs(): number {
    return this.#options.askAgainMs ?? 10_000
  }

  /** For how long contact is lost since the version began; undefined while there is contact, or it has not begun. */
  #aloneMs(trial: Trial, nowMs: number): number | undefined {
    const begunAtMs = this.#begunAtMs.get(nameOf(trial))
    if (this.#send !== undefined || begunAtMs === undefined) return undefined
    return trial.aloneMs + nowMs - Math.max(begunAtMs, this.#lostAtMs)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const nowMs = this.#options.clock.steadyMs()
    const waits = this.#ledger.trials.flatMap((trial) => {
      const aloneMs = this.#aloneMs(trial, nowMs)
      return aloneMs === undefined ? [] : [nextMarkMs(trial) - aloneMs]
    })
    if (waits.length === 0) return
    this.#timer = setTimeout(() => void this.#count(), Math.min(Math.max(Math.min(...waits), 10), 60_000))
    this.#timer.unref()
  }

  async #count(): Promise<void> {
    const nowMs = this.#options.clock.steadyMs()
    let next = this.#ledger
    let hasRetreated = false
    for (const trial of this.#ledger.trials) {
      const aloneMs = this.#aloneMs(trial, nowMs)
      if (aloneMs === undefined || aloneMs < nextMarkMs(trial)) continue
      if (aloneMs >= trial.confirmSeconds * 1000) {
        next = retreat(next, trial, { id: randomBytes(8).toString('hex'), atMs: this.#options.clock.bestMs() })
        hasRetreated = true
      } else {
        next = { ...next, trials: next.trials.map((other) => (other === trial ? { ...trial, aloneMs } : other)) }
        // What is written down is counted anew from here.
        this.#begunAtMs.set(nameOf(trial), nowMs)
      }
    }
    if (next !== this.#ledger) await this.#change(next)
    if (hasRetreated) this.#options.onRetreat()
    this.#schedule()
  }

  async #change(next: Ledger): Promise<void> {
    const names = new Set(next.trials.map(nameOf))
    for (const times of [this.#begunAtMs, this.#askedAtMs]) for (const name of times.keys()) if (!names.has(name)) times.delete(name)
    const isEmpty = next.trials.length + next.retreats.length + this.#ledger.trials.length + this.#ledger.retreats.length === 0
    if (isEmpty) return
    const saved = this.#kept.set(next)
    this.#options.conditions.clear('trials')
    this.#tellRetreats()
    await saved
  }

  #tellRetreats(): void {
    const back = this.#ledger.retreats.filter(({ lastGood }) => lastGood !== undefined)
    this.#options.conditions.replace(
      'retreat/',
      new Map(back.map(({ key, reason }) => [`retreat/${key}`, { code: 'WentBack' as const, message: `${key}: ${reason.message}` }])),
    )
  }
}

/** How long contact has to be lost for the next thing to happen: writing it down, or going back. */
function nextMarkMs({ confirmSeconds, aloneMs }: Trial): number {
  const stepMs = (confirmSeconds * 1000) / stepsOnDisk
  return Math.min(confirmSeconds * 1000, aloneMs + Math.max(stepMs, 5000))
}

function nameOf({ key, digest }: { readonly key: string; readonly digest: string }): string {
  return `${key} ${digest}`
}

/** The disk's word is checked like everybody else's: what is gone back to has to be a workload. */
function checkLedger(value: unknown): Checked<Ledger> {
  const { trials, retreats } = (value ?? {}) as Partial<Record<keyof Ledger, unknown>>
  if (!Array.isArray(trials) || !Array.isArray(retreats)) return { isValid: false, problem: 'it holds no trials' }
  const isNamed = (entry: unknown) => {
    const { key, version, digest } = (entry ?? {}) as Partial<Record<'key' | 'version' | 'digest', unknown>>
    return [key, version, digest].every((text) => typeof text === 'string')
  }
  const isTrial = ({ confirmSeconds, aloneMs }: Trial) => Number.isFinite(confirmSeconds) && Number.isFinite(aloneMs)
  const hasText = ({ trialId }: Pick<Trial, 'trialId'>) => trialId === undefined || typeof trialId === 'string'
  const isWhole = [...trials, ...retreats].every((entry) => isNamed(entry) && hasText(entry as Trial)) && (trials as Trial[]).every(isTrial)
  const good = [...(trials as Trial[]), ...(retreats as Ledger['retreats'])].flatMap(({ lastGood }) => (lastGood ? [lastGood] : []))
  const areGood = isWhole && checkDesiredState({ generation: 0, workloads: onePerKey(good) }).isValid
  return areGood ? { isValid: true, value: value as Ledger } : { isValid: false, problem: 'an entry is not whole' }
}

function onePerKey(workloads: readonly Workload[]): Workload[] {
  return [...new Map(workloads.map((workload) => [workload.key, workload])).values()]
}
