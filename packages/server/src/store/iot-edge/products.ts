// Products of the device registry.
import { Fault } from '@littoral/contract/errors'
import type { Product, ProductDetails } from '../../domain/device.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

/** Throws iot.prod.NotExistedProduct, or iot.common.AuthActionPermissionDeny when it is another account's. */
export async function get(tx: ReadTx, accountId: string, key: string): Promise<Product> {
  const row = await tx.first(db.selectFrom('products').selectAll().where('key', '=', key))
  if (row === undefined) throw new Fault('iot.prod.NotExistedProduct')
  if (row.account_id !== accountId) throw new Fault('iot.common.AuthActionPermissionDeny')
  return {
    key: row.key,
    accountId: row.account_id,
    name: row.name,
    nodeType: row.node_type as Product['nodeType'],
    createdAtMs: row.created_at_ms,
    details: JSON.parse(row.details) as ProductDetails,
  }
}

/** Throws iot.prod.AlreadyExistedProductName at commit. */
export function insert(tx: WriteTx, product: Product): void {
  const row = {
    key: product.key,
    account_id: product.accountId,
    name: product.name,
    node_type: product.nodeType,
    created_at_ms: product.createdAtMs,
    details: JSON.stringify(product.details),
  }
  tx.run(db.insertInto('products').values(row), { unique: { name: 'iot.prod.AlreadyExistedProductName' } })
}
