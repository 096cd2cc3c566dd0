// Versions on trial: what a change of the desired state puts to the test, what the node goes back to when contact with the
// server is lost and stays lost, and what it went back from. Pure; trials.ts keeps it on disk and holds the time.
//
// Rules:
// 1. A trial begins with a change to a version that asks for it (`confirmSeconds`), where there was one before to go back to.
// 2. It ends with the server's answer to this node, given while the version serves here. After that nothing is gone back from.
// 3. Contact that is lost after the version began, for `confirmSeconds` without a break, ends it the other way: a retreat. A
//    version that does not become ready while there is contact is the server's to judge.
// 4. A retreat lasts until the server asks for another version, or for the same one as another try (`trialId`); it is told until a
//    version of the workload was confirmed.
import type { DesiredState, Workload } from '@littoral/contract/node/desired-state'
import type { Reason, Retreat, WorkloadReport } from '@littoral/contract/node/report'

export interface Trial {
  readonly key: string
  readonly version: string
  readonly digest: string
  readonly confirmSeconds: number
  /** Which request for this version it is, where the server names it. */
  readonly trialId?: string
  /** The newest version that was confirmed, or needed no confirmation. */
  readonly lastGood: Workload
  /** For how long contact had been lost when this was written down; time without power does not count. */
  readonly aloneMs: number
}

export interface KeptRetreat extends Retreat {
  readonly key: string
  /** Absent since the server asked for another version. */
  readonly lastGood?: Workload
}

export interface Ledger {
  readonly trials: readonly Trial[]
  readonly retreats: readonly KeptRetreat[]
}

export const emptyLedger: Ledger = { trials: [], retreats: [] }

/** The ledger for a newer desired state. */
export function nextLedger(ledger: Ledger, before: DesiredState | undefined, after: DesiredState): Ledger {
  const had = byKey(before?.workloads ?? [])
  const trials = byKey(ledger.trials)
  const retreats = byKey(ledger.retreats)
  const nextTrials: Trial[] = []
  const nextRetreats: KeptRetreat[] = []
  for (const workload of after.workloads) {
    const found = { before: had.get(workload.key), trial: trials.get(workload.key), retreat: retreats.get(workload.key) }
    const trial = trialOf(workload, found)
    if (trial) nextTrials.push(trial)
    const retreat = retreatOf(workload, found)
    if (retreat) nextRetreats.push(retreat)
  }
  return { trials: nextTrials, retreats: nextRetreats }
}

interface Found {
  readonly before: Workload | undefined
  readonly trial: Trial | undefined
  readonly retreat: KeptRetreat | undefined
}

function trialOf(workload: Workload, found: Found): Trial | undefined {
  const { key, version, digest, confirmSeconds } = workload
  const { before, trial, retreat } = found
  if (confirmSeconds === undefined) return undefined
  if (before?.digest === digest && !isNewTry(workload, found))
    return trial?.digest === digest ? { ...trial, confirmSeconds, ...named(workload) } : undefined
  const isBack = before !== undefined && retreat?.digest === before.digest
  const lastGood = trial?.lastGood ?? (isBack ? retreat.lastGood : undefined) ?? before
  if (lastGood === undefined || lastGood.digest === digest) return undefined
  return { key, version, digest, confirmSeconds, ...named(workload), lastGood: withoutTrial(lastGood), aloneMs: 0 }
}

/** The very version that was gone back from is asked for by another request. */
function isNewTry(workload: Workload, { before, retreat }: Found): boolean {
  if (before?.digest !== workload.digest || retreat?.digest !== workload.digest || retreat.lastGood === undefined) return false
  return named(before).trialId !== named(workload).trialId
}

function named(workload: Workload): { readonly trialId?: string } {
  return workload.kind === 'driver' && workload.trialId !== undefined ? { trialId: workload.trialId } : {}
}

function retreatOf(workload: Workload, found: Found): KeptRetreat | undefined {
  const { digest } = workload
  const { before, retreat } = found
  if (retreat === undefined || (before?.digest === digest && !isNewTry(workload, found))) return retreat
  // Asked for again: it gets another try, of which nothing is known yet.
  if (retreat.digest === digest) return undefined
  const { lastGood: _lastGood, ...told } = retreat
  return told
}

/** What the last good version is gone back to on must not be on trial itself. */
function withoutTrial(workload: Workload): Workload {
  const { confirmSeconds: _confirmSeconds, trialId: _trialId, ...rest } = { trialId: undefined, ...workload }
  return rest as Workload
}

/** The ledger as far as it speaks of this state: what was read from disk may be newer or older than the state beside it. */
export function matchingLedger({ trials, retreats }: Ledger, state: DesiredState | undefined): Ledger {
  const wanted = byKey(state?.workloads ?? [])
  return {
    trials: trials.filter(({ key, digest }) => wanted.get(key)?.digest === digest),
    retreats: retreats.filter(({ key }) => wanted.has(key)),
  }
}

/** What the node really runs: where it went back, the last good version instead of the wanted one. */
export function effectiveState(state: DesiredState, { retreats }: Ledger): DesiredState {
  const back = byKey(retreats)
  if (retreats.length === 0) return state
  const workloads = state.workloads.map((workload) => {
    const retreat = back.get(workload.key)
    return retreat?.lastGood !== undefined && retreat.digest === workload.digest ? retreat.lastGood : workload
  })
  return { ...state, workloads }
}

export function confirm(ledger: Ledger, confirmed: readonly { readonly key: string; readonly digest: string }[]): Ledger {
  const digests = new Map(confirmed.map(({ key, digest }) => [key, digest]))
  const isOver = ({ key, digest }: Trial) => digests.get(key) === digest
  const over = new Set(ledger.trials.filter(isOver).map(({ key }) => key))
  if (over.size === 0) return ledger
  return {
    trials: ledger.trials.filter((trial) => !isOver(trial)),
    retreats: ledger.retreats.filter(({ key }) => !over.has(key)),
  }
}

/** Goes back from a version on trial. */
export function retreat(ledger: Ledger, trial: Trial, { id, atMs }: { id: string; atMs: number }): Ledger {
  const { key, version, digest, lastGood, trialId } = trial
  const named = trialId === undefined ? {} : { trialId }
  const gone: KeptRetreat = { id, key, version, digest, ...named, lastGood, reason: retreatReason(trial), atMs: Math.round(atMs) }
  return {
    trials: ledger.trials.filter((other) => other.key !== key),
    retreats: [...ledger.retreats.filter((other) => other.key !== key), gone],
  }
}

function retreatReason({ version, confirmSeconds, lastGood }: Trial): Reason {
  const message = `contact with the server was lost for ${confirmSeconds} s after version ${version} began, so this node went back to version ${lastGood.version}`
  return { code: 'ContactLost', message }
}

/** Reports that say what was gone back from. */
export function withRetreats(reports: readonly WorkloadReport[], { retreats }: Ledger): readonly WorkloadReport[] {
  if (retreats.length === 0) return reports
  const back = byKey(retreats)
  return reports.map((report) => {
    const found = back.get(report.key)
    if (found === undefined) return report
    const { key: _key, lastGood: _lastGood, ...told } = found
    return { ...report, retreat: told }
  })
}

function byKey<T extends { readonly key: string }>(entries: readonly T[]): Map<string, T> {
  return new Map(entries.map((entry) => [entry.key, entry]))
}
