// Applications bound to edge instances, each with the version that was chosen.
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

export interface BoundApplication {
  readonly id: string
  readonly version: string
}

/** Oldest first. */
export async function list(tx: ReadTx, instanceId: string): Promise<BoundApplication[]> {
  const query = db.selectFrom('instance_applications').selectAll().where('instance_id', '=', instanceId)
  const rows = await tx.all(query.orderBy('created_at_ms').orderBy('application_id'))
  return rows.map((row) => ({ id: row.application_id, version: row.version }))
}

/** Binding again switches the version; throws iot.common.ParameterSizeLimit at commit. */
export function insert(
  tx: WriteTx,
  application: BoundApplication & { instanceId: string; accountId: string; nowMs: number },
  limit: number,
): void {
  const { id, version, instanceId, accountId, nowMs } = application
  const row = { instance_id: instanceId, application_id: id, account_id: accountId, version, created_at_ms: nowMs }
  tx.run(
    db
      .insertInto('instance_applications')
      .values(row)
      .onConflict((conflict) => conflict.columns(['instance_id', 'application_id']).doUpdateSet({ version })),
  )
  const count = db
    .selectFrom('instance_applications')
    .where('instance_id', '=', instanceId)
    .select((e) => e.fn.countAll<number>().as('total'))
    .having((e) => e(e.fn.countAll<number>(), '<=', limit))
  tx.require(count, { name: 'iot.common.ParameterSizeLimit', params: { Detail: `An edge instance has ${limit} applications at most.` } })
}

export function remove(tx: WriteTx, instanceId: string, id: string): void {
  tx.run(db.deleteFrom('instance_applications').where('instance_id', '=', instanceId).where('application_id', '=', id))
}
