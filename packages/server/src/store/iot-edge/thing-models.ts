// Thing models of products: one text each.
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

export async function find(tx: ReadTx, productKey: string): Promise<string | undefined> {
  return (await tx.first(db.selectFrom('thing_models').select('model').where('product_key', '=', productKey)))?.model
}

/** The model of a product with devices that are bound behind this node's gateway. `isBound` is false where there are none. */
export async function findForNode(tx: ReadTx, nodeId: string, productKey: string): Promise<{ isBound: boolean; model?: string }> {
  const bound = await tx.first(
    db
      .selectFrom('nodes')
      .innerJoin('edge_instances', 'edge_instances.gateway_iot_id', 'nodes.gateway_iot_id')
      .innerJoin('instance_devices', 'instance_devices.instance_id', 'edge_instances.id')
      .innerJoin('devices', 'devices.iot_id', 'instance_devices.iot_id')
      .where('nodes.id', '=', nodeId)
      .where('devices.product_key', '=', productKey)
      .select('devices.iot_id')
      .limit(1),
  )
  if (bound === undefined) return { isBound: false }
  const model = await find(tx, productKey)
  return { isBound: true, ...(model === undefined ? {} : { model }) }
}

/** Throws iot.prod.NotExistedProduct at commit. */
export function update(tx: WriteTx, { productKey, model, nowMs }: { productKey: string; model: string; nowMs: number }): void {
  const kept = { model, updated_at_ms: nowMs }
  tx.run(
    db
      .insertInto('thing_models')
      .values({ product_key: productKey, ...kept })
      .onConflict((conflict) => conflict.column('product_key').doUpdateSet(kept)),
    { missing: { name: 'iot.prod.NotExistedProduct' } },
  )
}
