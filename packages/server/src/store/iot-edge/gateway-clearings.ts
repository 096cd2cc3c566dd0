// Gateways that were taken out of an edge instance and may still be assigned some of its drivers. Asked for by operations,
// carried out by loops/deployments.ts, which alone writes assignments.
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

export interface GatewayClearing {
  readonly gatewayIotId: string
  readonly instanceId: string
}

const maxPerPass = 1000

export async function list(tx: ReadTx): Promise<GatewayClearing[]> {
  const query = db.selectFrom('gateway_clearings').selectAll().orderBy('gateway_iot_id').orderBy('instance_id')
  return (await tx.all(query.limit(maxPerPass))).map((row) => ({ gatewayIotId: row.gateway_iot_id, instanceId: row.instance_id }))
}

export function insert(tx: WriteTx, { gatewayIotId, instanceId }: GatewayClearing, accountId: string): void {
  const row = { gateway_iot_id: gatewayIotId, instance_id: instanceId, account_id: accountId }
  tx.run(
    db
      .insertInto('gateway_clearings')
      .values(row)
      .onConflict((conflict) => conflict.doNothing()),
  )
  tx.announce('deployments')
}

export function remove(tx: WriteTx, { gatewayIotId, instanceId }: GatewayClearing): void {
  tx.run(db.deleteFrom('gateway_clearings').where('gateway_iot_id', '=', gatewayIotId).where('instance_id', '=', instanceId))
}
