// Assignments: what each node should run. Written only by the server's loops; read by nodes/ to tell the node, and by
// whoever compares intent with reports.
import type { Workload } from '@littoral/contract/node/desired-state'
import { db } from './db.ts'
import type { ReadTx, WriteTx } from './store.ts'
import type { AssignmentRow } from './tables/nodes.ts'

export interface Assignment {
  readonly nodeId: string
  readonly key: string
  readonly version: string
  readonly digest: string
  readonly workload: Workload
  /** The node's generation with which this assignment was written. */
  readonly generation: number
  readonly assignedAtMs: number
}

/** Everything one node should run, by key. */
export async function listByNode(tx: ReadTx, nodeId: string): Promise<Assignment[]> {
  const rows = await tx.all(db.selectFrom('assignments').selectAll().where('node_id', '=', nodeId).orderBy('key'))
  return rows.map(toAssignment)
}

/** Every node that should run this workload. */
export async function listByKey(tx: ReadTx, key: string): Promise<Assignment[]> {
  const rows = await tx.all(db.selectFrom('assignments').selectAll().where('key', '=', key).orderBy('node_id'))
  return rows.map(toAssignment)
}

/** Puts a workload on a node, or replaces the one it has under the same key. A node that is gone gets nothing. */
export function assign(tx: WriteTx, { nodeId, workload, nowMs }: { nodeId: string; workload: Workload; nowMs: number }): void {
  bumpGeneration(tx, nodeId)
  const columns = ['node_id', 'key', 'account_id', 'version', 'digest', 'generation', 'assigned_at_ms', 'workload'] as const
  tx.run(
    db
      .insertInto('assignments')
      .columns(columns)
      .expression(
        db
          .selectFrom('nodes')
          .where('id', '=', nodeId)
          .select((e) => [
            'id as node_id',
            e.val(workload.key).as('key'),
            'account_id',
            e.val(workload.version).as('version'),
            e.val(workload.digest).as('digest'),
            'generation',
            e.val(nowMs).as('assigned_at_ms'),
            e.val(JSON.stringify(workload)).as('workload'),
          ]),
      )
      .onConflict((conflict) =>
        conflict.columns(['node_id', 'key']).doUpdateSet((e) => ({
          version: e.ref('excluded.version'),
          digest: e.ref('excluded.digest'),
          generation: e.ref('excluded.generation'),
          assigned_at_ms: e.ref('excluded.assigned_at_ms'),
          workload: e.ref('excluded.workload'),
        })),
      ),
  )
}

/** Takes a workload off a node. */
export function unassign(tx: WriteTx, { nodeId, key }: { nodeId: string; key: string; nowMs: number }): void {
  bumpGeneration(tx, nodeId)
  tx.run(db.deleteFrom('assignments').where('node_id', '=', nodeId).where('key', '=', key))
}

/** Has every node told anew that has one of these workloads: something that goes with it has changed. */
export async function retell(tx: WriteTx, keys: readonly string[]): Promise<void> {
  const rows = await tx.peekAll(
    db
      .selectFrom('assignments')
      .select('node_id')
      .distinct()
      .where('key', 'in', [...keys]),
  )
  for (const { node_id } of rows) bumpGeneration(tx, node_id)
}

/** The node has to be told anew; both topics, because the node's socket and the loops listen to different ones. */
export function bumpGeneration(tx: WriteTx, nodeId: string): void {
  tx.run(
    db
      .updateTable('nodes')
      .set((e) => ({ generation: e('generation', '+', 1) }))
      .where('id', '=', nodeId),
  )
  tx.announce(`assignments/${nodeId}`)
  tx.announce('assignments')
}

function toAssignment(row: AssignmentRow): Assignment {
  return {
    nodeId: row.node_id,
    key: row.key,
    version: row.version,
    digest: row.digest,
    workload: JSON.parse(row.workload) as Workload,
    generation: row.generation,
    assignedAtMs: row.assigned_at_ms,
  }
}
