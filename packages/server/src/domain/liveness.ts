// When a silent node is lost. Used by the liveness loop.

/** Heartbeats that may go by in silence. */
const missedHeartbeats = 3

export interface Sighting {
  readonly id: string
  readonly lastSeenAtMs: number
}

/**
 * The nodes of these that have been silent for too long. Nobody is blamed for the time before `watchingSinceMs`: the server
 * itself may have been down.
 */
export function planLiveness(
  online: readonly Sighting[],
  { nowMs, heartbeatMs, watchingSinceMs }: { nowMs: number; heartbeatMs: number; watchingSinceMs: number },
): { lost: string[]; seenBeforeMs: number } {
  const seenBeforeMs = nowMs - missedHeartbeats * heartbeatMs
  const lost = online.filter((node) => Math.max(node.lastSeenAtMs, watchingSinceMs) <= seenBeforeMs)
  return { lost: lost.map((node) => node.id), seenBeforeMs }
}
