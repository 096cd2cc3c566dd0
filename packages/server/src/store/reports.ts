// Reports: what nodes said of their workloads, the last word per node and workload. Written only on behalf of the node.
// A report for another version or digest than the assigned one is kept as it is: it is the truth about the node, and
// whoever reads it compares digests before claiming anything.
import type { WorkloadReport } from '@littoral/contract/node/report'
import { db } from './db.ts'
import type { ReadTx, WriteTx } from './store.ts'
import type { ReportRow } from './tables/nodes.ts'

export interface StoredReport extends WorkloadReport {
  readonly nodeId: string
  readonly receivedAtMs: number
  /** When this server first heard of the retreat in it. */
  readonly retreatReceivedAtMs?: number
}

interface NewReport {
  readonly nodeId: string
  readonly report: WorkloadReport
  readonly nowMs: number
  readonly retreatReceivedAtMs?: number
}

/** What every node last said of this workload. */
export async function listByKey(tx: ReadTx, key: string): Promise<StoredReport[]> {
  return (await tx.all(db.selectFrom('reports').selectAll().where('key', '=', key).orderBy('node_id'))).map(toReport)
}

/** What this node last said of this workload. */
export async function find(tx: ReadTx, nodeId: string, key: string): Promise<StoredReport | undefined> {
  const row = await tx.first(db.selectFrom('reports').selectAll().where('node_id', '=', nodeId).where('key', '=', key))
  return row && toReport(row)
}

/** What this node last said of all its workloads. */
export async function listByNode(tx: ReadTx, nodeId: string): Promise<StoredReport[]> {
  return (await tx.all(db.selectFrom('reports').selectAll().where('node_id', '=', nodeId).orderBy('key'))).map(toReport)
}

/** The keys this node has reported on. */
export async function listKeys(tx: ReadTx, nodeId: string): Promise<string[]> {
  return (await tx.all(db.selectFrom('reports').select('key').where('node_id', '=', nodeId))).map((row) => row.key)
}

/** Stores what a node said of one workload, over what it said before. A node that is gone is not heard any more. */
export function update(tx: WriteTx, { nodeId, report, nowMs, retreatReceivedAtMs }: NewReport): void {
  const kept = retreatReceivedAtMs === undefined ? report : { ...report, retreatReceivedAtMs }
  tx.run(
    db
      .insertInto('reports')
      .columns(['node_id', 'key', 'account_id', 'received_at_ms', 'report'])
      .expression(
        db
          .selectFrom('nodes')
          .where('id', '=', nodeId)
          .select((e) => [
            'id as node_id',
            e.val(report.key).as('key'),
            'account_id',
            e.val(nowMs).as('received_at_ms'),
            e.val(JSON.stringify(kept)).as('report'),
          ]),
      )
      .onConflict((conflict) =>
        conflict.columns(['node_id', 'key']).doUpdateSet((e) => ({
          received_at_ms: e.ref('excluded.received_at_ms'),
          report: e.ref('excluded.report'),
        })),
      ),
  )
  tx.announce('reports')
}

/** Forgets a workload that left the node. */
export function remove(tx: WriteTx, nodeId: string, key: string): void {
  tx.run(db.deleteFrom('reports').where('node_id', '=', nodeId).where('key', '=', key))
  tx.announce('reports')
}

function toReport(row: ReportRow): StoredReport {
  return {
    ...(JSON.parse(row.report) as WorkloadReport & { retreatReceivedAtMs?: number }),
    nodeId: row.node_id,
    receivedAtMs: row.received_at_ms,
  }
}
