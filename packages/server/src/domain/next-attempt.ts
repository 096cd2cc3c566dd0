// When a node tries again what failed, by the server's clock: the node's may be wrong by years, so only the distance to the
// time of its look counts. Pure.
import type { WorkloadReport } from '@littoral/contract/node/report'

export interface Received extends Partial<Pick<WorkloadReport, 'nextAttemptAtMs' | 'observedAtMs'>> {
  readonly receivedAtMs?: number
}

/** Undefined while nothing waits. No node waits for longer than an hour, whatever it says. */
export function nextAttemptAtMs({ nextAttemptAtMs: atMs, observedAtMs, receivedAtMs }: Received): number | undefined {
  if (atMs === undefined || observedAtMs === undefined || receivedAtMs === undefined) return undefined
  return receivedAtMs + Math.min(Math.max(atMs - observedAtMs, 0), 3600_000)
}
