// Upgrades of the agent and what became of them on each node. Handlers insert and stop them, the loop of upgrades tells nodes,
// and the node's session notes what the node says.
import type { Selectable } from 'kysely'
import { type NodeUpgrade, type NodeUpgradeState, openStates, toldStates, type Upgrade } from '../domain/upgrade.ts'
import { db } from './db.ts'
import type { ReadTx, WriteTx } from './store.ts'
import type { NodeUpgradeRow, UpgradeRow } from './tables/upgrades.ts'

/** The topic of one node, for its session; `upgrades` is the loop's. */
export const topicOf = (nodeId: string) => `upgrades/${nodeId}`

/** Adds an upgrade of these nodes; in older ones that still have them open they are `left`. */
export function insert(tx: WriteTx, upgrade: Upgrade, nodeIds: readonly string[]): void {
  const { createdAtMs } = upgrade
  tx.run(
    db
      .updateTable('node_upgrades')
      .set({ state: 'left', updated_at_ms: createdAtMs })
      .where('node_id', 'in', [...nodeIds])
      .where('state', 'in', [...openStates]),
  )
  tx.run(
    db.insertInto('upgrades').values({
      id: upgrade.id,
      account_id: upgrade.accountId,
      version: upgrade.version,
      sha256: upgrade.sha256,
      size_bytes: upgrade.sizeBytes,
      max_at_once: upgrade.maxAtOnce,
      max_failures: upgrade.maxFailures,
      confirm_seconds: upgrade.confirmSeconds,
      hold_seconds: upgrade.holdSeconds,
      state: upgrade.state,
      stop_reason: upgrade.stopReason ?? null,
      created_at_ms: createdAtMs,
    }),
  )
  const empty = { upgrade_id: upgrade.id, state: 'waiting', code: null, message: null, told_at_ms: null, updated_at_ms: createdAtMs }
  for (const nodeId of nodeIds) {
    const gone = { name: 'Node.NotFound', params: { NodeId: nodeId } } as const
    tx.run(db.insertInto('node_upgrades').values({ ...empty, node_id: nodeId }), { missing: gone })
  }
  tx.announce('upgrades')
}

export async function find(tx: ReadTx, id: string): Promise<Upgrade | undefined> {
  const row = await tx.first(db.selectFrom('upgrades').selectAll().where('id', '=', id))
  return row && toUpgrade(row)
}

export async function listRunning(tx: ReadTx): Promise<Upgrade[]> {
  const rows = await tx.all(db.selectFrom('upgrades').selectAll().where('state', '=', 'running').orderBy('created_at_ms').orderBy('id'))
  return rows.map(toUpgrade)
}

/** How each node of an upgrade is, those that joined first first. */
export async function listNodes(tx: ReadTx, upgradeId: string): Promise<NodeUpgrade[]> {
  const rows = await tx.all(
    db
      .selectFrom('node_upgrades')
      .innerJoin('nodes', 'nodes.id', 'node_upgrades.node_id')
      .selectAll('node_upgrades')
      .where('upgrade_id', '=', upgradeId)
      .orderBy('nodes.created_at_ms')
      .orderBy('node_id'),
  )
  return rows.map(toNode)
}

/** The upgrade that a node has been told to carry out and has no outcome of. */
export async function findTold(tx: ReadTx, nodeId: string): Promise<Upgrade | undefined> {
  const row = await tx.first(
    db
      .selectFrom('node_upgrades')
      .innerJoin('upgrades', 'upgrades.id', 'node_upgrades.upgrade_id')
      .selectAll('upgrades')
      .where('node_id', '=', nodeId)
      .where('node_upgrades.state', 'in', [...toldStates])
      .orderBy('created_at_ms', 'desc'),
  )
  return row && toUpgrade(row)
}

/** Says that it is this node's turn, unless it is not waiting any more. */
export function tell(tx: WriteTx, upgradeId: string, nodeId: string, nowMs: number): void {
  tx.run(
    db
      .updateTable('node_upgrades')
      .set({ state: 'told', told_at_ms: nowMs, updated_at_ms: nowMs })
      .where('upgrade_id', '=', upgradeId)
      .where('node_id', '=', nodeId)
      .where('state', '=', 'waiting'),
  )
  tx.announce(topicOf(nodeId))
}

export interface NodeOutcome {
  readonly upgradeId: string
  readonly nodeId: string
  readonly state: NodeUpgradeState
  readonly reason?: { readonly code: string; readonly message: string }
  readonly nowMs: number
}

/** Notes what a node said, while it has no outcome yet. */
export function updateNode(tx: WriteTx, { upgradeId, nodeId, state, reason, nowMs }: NodeOutcome): void {
  tx.run(
    db
      .updateTable('node_upgrades')
      .set({ state, code: reason?.code ?? null, message: reason?.message ?? null, updated_at_ms: nowMs })
      .where('upgrade_id', '=', upgradeId)
      .where('node_id', '=', nodeId)
      .where('state', 'in', [...toldStates]),
  )
  tx.announce('upgrades')
}

/** Ends an upgrade; nodes that were not told stay as they are. */
export function end(tx: WriteTx, upgradeId: string, ended: { state: 'finished' | 'stopped'; reason?: string; nowMs: number }): void {
  tx.run(
    db
      .updateTable('upgrades')
      .set({ state: ended.state, stop_reason: ended.reason ?? null })
      .where('id', '=', upgradeId)
      .where('state', '=', 'running'),
  )
  tx.run(
    db
      .updateTable('node_upgrades')
      .set({ state: 'left', updated_at_ms: ended.nowMs })
      .where('upgrade_id', '=', upgradeId)
      .where('state', '=', 'waiting'),
  )
}

function toUpgrade(row: Selectable<UpgradeRow>): Upgrade {
  return {
    id: row.id,
    accountId: row.account_id,
    version: row.version,
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
    maxAtOnce: row.max_at_once,
    maxFailures: row.max_failures,
    confirmSeconds: row.confirm_seconds,
    holdSeconds: row.hold_seconds,
    state: row.state,
    ...(row.stop_reason === null ? {} : { stopReason: row.stop_reason }),
    createdAtMs: row.created_at_ms,
  }
}

function toNode(row: Selectable<NodeUpgradeRow>): NodeUpgrade {
  return {
    nodeId: row.node_id,
    state: row.state as NodeUpgradeState,
    ...(row.code === null ? {} : { code: row.code }),
    ...(row.message === null ? {} : { message: row.message }),
    ...(row.told_at_ms === null ? {} : { toldAtMs: row.told_at_ms }),
    updatedAtMs: row.updated_at_ms,
  }
}
