// Is this look at a workload an incident? Pure: what was seen before and now in, what happened out. One failure is told once,
// and again only after a pause that doubles, however long it lasts.
import type { Workload } from '@littoral/contract/node/desired-state'
import type { Incident } from '@littoral/contract/node/incident'
import type { Reason, WorkloadReport } from '@littoral/contract/node/report'

/** What is remembered of a workload from look to look. */
export interface Seen {
  readonly workload: Workload
  readonly report: WorkloadReport
  readonly wasReady: boolean
  readonly sinceMs: number
}

export interface Happening {
  readonly kind: Incident['kind']
  readonly reason: Reason
  readonly workload: Workload
  readonly report: WorkloadReport
}

/** What is the platform's trouble or passes by itself, and says nothing of the workload. */
const notItsFault: ReadonlySet<string> = new Set(['RuntimeUnavailable', 'RuntimeMissing', 'Interrupted', 'SwitchingTraffic', 'Preparing'])
/** Attempts to bring it here that fail in a row before it counts. */
const manyAttempts = 5
/** Not ready for so long after its start, though nothing exited. */
const slowMs = 5 * 60_000

export function nextSeen(before: Seen | undefined, workload: Workload, report: WorkloadReport, nowMs: number): Seen {
  const isSame = before !== undefined && before.workload.digest === workload.digest && before.report.instanceId === report.instanceId
  const isSamePhase = isSame && before.report.phase === report.phase
  return {
    workload,
    report,
    wasReady: report.phase === 'ready' || (isSame && before.wasReady),
    sinceMs: isSamePhase ? Math.min(before.sinceMs, nowMs) : nowMs,
  }
}

/** A version that never worked gave way to one that did. */
export function rolledBack(before: Seen | undefined, now: Workload, isGood: (digest: string) => boolean): Happening | undefined {
  if (before === undefined || before.workload.digest === now.digest || !isGood(now.digest) || isGood(before.workload.digest))
    return undefined
  const isUntried = before.report.phase === 'pending' || before.report.digest !== before.workload.digest
  if (isUntried && before.report.reason === undefined) return undefined
  const cause = before.report.reason
  const why = cause === undefined ? `it was ${before.report.phase}` : `${cause.code}: ${cause.message}`
  const message = `version ${before.workload.version} gave way to ${now.version}, which has worked here before; ${why}`
  const reason = { code: 'RolledBack', message: message.slice(0, 2000) }
  return { kind: 'rolledBack', reason, workload: before.workload, report: before.report }
}

export function failed({ workload, report, wasReady, sinceMs }: Seen, nowMs: number): Happening | undefined {
  const reason = report.reason ?? { code: 'Failed', message: `it is ${report.phase}` }
  if (notItsFault.has(reason.code) || report.digest !== workload.digest) return undefined
  const isSlow = nowMs - sinceMs >= slowMs
  const isFailure =
    report.phase === 'backoff' ||
    report.phase === 'failed' ||
    (report.phase === 'unready' && wasReady) ||
    (report.phase === 'starting' && isSlow) ||
    ((report.failedAttempts ?? 0) >= manyAttempts && report.reason !== undefined)
  return isFailure ? { kind: 'failed', reason, workload, report } : undefined
}

/** The same for what is the same failure. */
export function fingerprint({
  key,
  digest,
  instanceId,
  kind,
  reason,
}: Pick<Incident, 'key' | 'digest' | 'instanceId' | 'kind' | 'reason'>): string {
  return [key, digest, instanceId ?? '', kind, reason.code].join('\n')
}

/** When one failure is told again: an hour after the first time, then two, four, … a day. */
export function quietMs(times: number): number {
  return Math.min(24, 2 ** Math.min(Math.max(times - 1, 0), 5)) * 3600_000
}
