// Products of the device registry.
import { Fault } from '@littoral/contract/errors'
import type { Selectable } from 'kysely'
import type { Product, ProductDetails } from '../../domain/device.ts'
import type { Page } from '../../domain/edge-page.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { ProductRow } from '../tables/iot-edge.ts'
import { contains } from './contains.ts'
import { newestPage } from './newest.ts'

/** Throws iot.prod.NotExistedProduct, or iot.common.AuthActionPermissionDeny when it is another account's. */
export async function get(tx: ReadTx, accountId: string, key: string): Promise<Product> {
  const row = await tx.first(db.selectFrom('products').selectAll().where('key', '=', key))
  if (row === undefined) throw new Fault('iot.prod.NotExistedProduct')
  if (row.account_id !== accountId) throw new Fault('iot.common.AuthActionPermissionDeny')
  return toProduct(row)
}

export interface ProductFilter {
  readonly accountId: string
  /** Texts that were sent at creation. */
  readonly details: Readonly<Record<string, string>>
}

/** One page, newest first, and how many there are in all. */
export async function page(tx: ReadTx, filter: ProductFilter, at: Page): Promise<{ products: Product[]; total: number }> {
  let query = db.selectFrom('products').where('account_id', '=', filter.accountId)
  for (const [name, text] of Object.entries(filter.details)) {
    // They are kept as JSON without blanks, in which a pair of key and text occurs once at most.
    query = query.where((e) => contains(e.ref('details'), JSON.stringify({ [name]: text }).slice(1, -1)))
  }
  const counted = await tx.first(query.select((e) => e.fn.countAll<number>().as('total')))
  const rows = await tx.all(newestPage(query.selectAll(), 'products', at))
  return { products: rows.map(toProduct), total: Number(counted?.total ?? 0) }
}

/** Throws iot.prod.ProductHasDevice at commit. */
export function remove(tx: WriteTx, key: string): void {
  tx.run(db.deleteFrom('products').where('key', '=', key), { missing: { name: 'iot.prod.ProductHasDevice' } })
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

function toProduct(row: Selectable<ProductRow>): Product {
  return {
    key: row.key,
    accountId: row.account_id,
    name: row.name,
    nodeType: row.node_type as Product['nodeType'],
    createdAtMs: row.created_at_ms,
    details: JSON.parse(row.details) as ProductDetails,
  }
}
