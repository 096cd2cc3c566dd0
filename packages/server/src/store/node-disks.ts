// What each node said last of its disk. Written only on behalf of the node.
import type { DiskReport } from '@littoral/contract/node/disk'
import { db } from './db.ts'
import type { ReadTx, WriteTx } from './store.ts'

export interface StoredDisk extends DiskReport {
  readonly receivedAtMs: number
}

export async function find(tx: ReadTx, nodeId: string): Promise<StoredDisk | undefined> {
  const row = await tx.first(db.selectFrom('node_disks').selectAll().where('node_id', '=', nodeId))
  return row && { ...(JSON.parse(row.report) as DiskReport), receivedAtMs: row.received_at_ms }
}

/** A node that is gone is not heard any more. */
export function update(tx: WriteTx, { nodeId, disk, nowMs }: { nodeId: string; disk: DiskReport; nowMs: number }): void {
  tx.run(
    db
      .insertInto('node_disks')
      .columns(['node_id', 'received_at_ms', 'report'])
      .expression(
        db
          .selectFrom('nodes')
          .where('id', '=', nodeId)
          .select((e) => ['id as node_id', e.val(nowMs).as('received_at_ms'), e.val(JSON.stringify(disk)).as('report')]),
      )
      .onConflict((conflict) =>
        conflict
          .column('node_id')
          .doUpdateSet((e) => ({ received_at_ms: e.ref('excluded.received_at_ms'), report: e.ref('excluded.report') })),
      ),
  )
}
