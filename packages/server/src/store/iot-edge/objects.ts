// Objects by key: which address was handed out, and the digest of what was stored under it. The bytes lie on disk by
// digest (objects/disk.ts), so that a key can be written again without changing what a release has frozen.
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

export interface ObjectContent {
  readonly sha256: string
  /** Base64. */
  readonly md5: string
  readonly sizeBytes: number
}

export interface ObjectRecord {
  readonly key: string
  readonly accountId: string
  /** scheme://host:port of the address that was handed out. */
  readonly origin?: string
  /** Absent until something was uploaded. */
  readonly content?: ObjectContent & { readonly storedAtMs: number }
}

export async function find(tx: ReadTx, key: string): Promise<ObjectRecord | undefined> {
  const row = await tx.first(db.selectFrom('objects').selectAll().where('key', '=', key))
  if (row === undefined) return undefined
  const { sha256, md5, size_bytes: sizeBytes, stored_at_ms: storedAtMs } = row
  const isStored = sha256 !== null && md5 !== null && sizeBytes !== null && storedAtMs !== null
  return {
    key,
    accountId: row.account_id,
    ...(row.origin === null ? {} : { origin: row.origin }),
    ...(isStored ? { content: { sha256, md5, sizeBytes, storedAtMs } } : {}),
  }
}

/** So many objects after a key, by key: which bytes each has. */
export async function listAfter(tx: ReadTx, after: string, limit: number): Promise<{ key: string; sha256: string | null }[]> {
  return tx.all(db.selectFrom('objects').select(['key', 'sha256']).where('key', '>', after).orderBy('key').limit(limit))
}

/** Whether any object has these bytes. */
export async function hasDigest(tx: ReadTx, sha256: string): Promise<boolean> {
  return (await tx.first(db.selectFrom('objects').select('key').where('sha256', '=', sha256).limit(1))) !== undefined
}

/** Forgets an object; its bytes stay. */
export function remove(tx: WriteTx, key: string): void {
  tx.run(db.deleteFrom('objects').where('key', '=', key))
}

/** Notes that an address was handed out. */
export function insert(tx: WriteTx, object: { key: string; accountId: string; origin: string; nowMs: number }): void {
  const { key, origin } = object
  const row = { key, account_id: object.accountId, origin, created_at_ms: object.nowMs }
  tx.run(
    db
      .insertInto('objects')
      .values(row)
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ origin })),
  )
}

/** Notes what was stored under a key, over what was there before; the key's owner stays. */
export function update(tx: WriteTx, object: { key: string; accountId: string; content: ObjectContent; nowMs: number }): void {
  const { sha256, md5, sizeBytes } = object.content
  const content = { sha256, md5, size_bytes: sizeBytes, stored_at_ms: object.nowMs }
  const row = { key: object.key, account_id: object.accountId, created_at_ms: object.nowMs, ...content }
  tx.run(
    db
      .insertInto('objects')
      .values(row)
      .onConflict((conflict) => conflict.column('key').doUpdateSet(content)),
  )
}
