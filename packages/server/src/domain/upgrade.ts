// Which nodes of an upgrade are told next, and when it is over. Pure; used by loops/upgrades.ts.
//
// 1. No more nodes are changing at once than the upgrade allows, and only nodes that are there are told.
// 2. Once it has failed on more nodes than it may, nobody else is told.
// 3. A node that was told and never said how it ended counts as failed after a while, so that an upgrade ends.

/** What a node is in before it has an outcome; the first is the server's, the others are told to the node or by it. */
export const openStates = ['waiting', 'told', 'downloading', 'starting', 'trying'] as const
/** Of these the node is told on every connection. */
export const toldStates = ['told', 'downloading', 'starting', 'trying'] as const
export type NodeUpgradeState = (typeof openStates)[number] | 'done' | 'failed' | 'left'

export interface NodeUpgrade {
  readonly nodeId: string
  readonly state: NodeUpgradeState
  readonly code?: string
  readonly message?: string
  readonly toldAtMs?: number
  readonly updatedAtMs: number
}

export interface Upgrade {
  readonly id: string
  readonly accountId: string
  readonly version: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly maxAtOnce: number
  readonly maxFailures: number
  readonly confirmSeconds: number
  readonly holdSeconds: number
  readonly state: 'running' | 'finished' | 'stopped'
  readonly stopReason?: string
  readonly createdAtMs: number
}

export interface UpgradeView {
  readonly upgrade: Upgrade
  readonly nodes: readonly NodeUpgrade[]
  readonly online: ReadonlySet<string>
}

export interface UpgradePlan {
  /** Nodes whose turn it is. */
  readonly tell: readonly string[]
  /** Nodes that were told long ago and never said how it ended. */
  readonly silent: readonly string[]
  readonly end?: { readonly state: 'finished' } | { readonly state: 'stopped'; readonly reason: string }
  /** When the next of them falls silent. */
  readonly nextAtMs?: number
}

/** For the download, the trial's confirmation comes on top. */
const patienceMs = 30 * 60_000

export function planUpgrade({ upgrade, nodes, online }: UpgradeView, nowMs: number): UpgradePlan {
  const changing = nodes.filter(({ state }) => (toldStates as readonly string[]).includes(state))
  const silentAtMs = ({ toldAtMs = nowMs }: NodeUpgrade) => toldAtMs + upgrade.confirmSeconds * 1000 + patienceMs
  const silent = changing.filter((node) => silentAtMs(node) <= nowMs)
  const failures = nodes.filter(({ state }) => state === 'failed').length + silent.length
  const waiting = nodes.filter(({ state }) => state === 'waiting')
  const plan = { tell: [], silent: silent.map(({ nodeId }) => nodeId) }
  if (failures > upgrade.maxFailures && waiting.length > 0) {
    const reason = `it failed on ${failures} ${failures === 1 ? 'node' : 'nodes'}, and may fail on ${upgrade.maxFailures}`
    return { ...plan, end: { state: 'stopped', reason } }
  }
  const still = changing.filter((node) => silentAtMs(node) > nowMs)
  if (waiting.length + still.length === 0) return { ...plan, end: { state: 'finished' } }
  const free = Math.max(0, upgrade.maxAtOnce - still.length)
  const tell = waiting.filter(({ nodeId }) => online.has(nodeId)).slice(0, free)
  const nextAtMs = Math.min(...still.map(silentAtMs))
  return { ...plan, tell: tell.map(({ nodeId }) => nodeId), ...(Number.isFinite(nextAtMs) ? { nextAtMs } : {}) }
}
