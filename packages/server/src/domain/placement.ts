// Which nodes a release covers: every node of production, exactly one of staging. Pure, and stable: the same nodes give the
// same choice, whoever asks.
import { createHash } from 'node:crypto'
import type { Environment } from './app.ts'

export interface PlacementNode {
  readonly id: string
  readonly isOnline: boolean
  readonly lastSeenAtMs?: number
}

/** A node that was silent for this long after it went offline is not waited for. */
export const lostAfterMs = 60_000

export interface Placement {
  readonly environment: Environment
  readonly key: string
  /** Nodes that serve the environment. */
  readonly nodes: readonly PlacementNode[]
  /** Nodes that have the workload assigned now. */
  readonly holders: readonly string[]
  /** True while a release is under way: then a lost holder of staging is left for a node that answers. */
  readonly isPublishing: boolean
}

/** The nodes that should run the workload. */
export function place(placement: Placement, nowMs: number): string[] {
  if (placement.environment === 'prod') return placement.nodes.map((node) => node.id)
  const chosen = placeStaging(placement, nowMs)
  return chosen === undefined ? [] : [chosen]
}

/**
 * The node of staging. A holder stays as long as it serves staging: an instance that is moved because its node is silent
 * may still run there, and then there would be two. Only a release, which needs a node that answers, leaves a lost one.
 */
function placeStaging({ key, nodes, holders, isPublishing }: Placement, nowMs: number): string | undefined {
  const ranked = nodes
    .map((node) => ({ node, rank: createHash('sha256').update(`${key}\n${node.id}`).digest('hex') }))
    .sort((a, b) => Number(b.node.isOnline) - Number(a.node.isOnline) || (a.rank < b.rank ? -1 : 1))
    .map(({ node }) => node)
  const holder = ranked.find((node) => holders.includes(node.id))
  const best = ranked[0]
  if (holder === undefined || best === undefined) return best?.id
  return isPublishing && best.isOnline && isLost(holder, nowMs) ? best.id : holder.id
}

/** True for a node that has been away so long that nothing waits for it; it catches up when it returns. */
export function isLost(node: PlacementNode, nowMs: number, patienceMs: number = lostAfterMs): boolean {
  return !node.isOnline && nowMs - (node.lastSeenAtMs ?? 0) >= patienceMs
}
