// Objects by key: which address was handed out, and the digest of what was stored under it. The bytes lie on disk by
// digest (objects/disk.ts), so that a key can be written again without changing what a release has frozen.
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

export interface ObjectRecord {
  readonly key: string
  readonly origin?: string
  /** Absent until something was uploaded. */
  readonly content?: { readonly sha256: string; readonly sizeBytes: number; readonly storedAtMs: number }
}

export async function find(tx: ReadTx, key: string): Promise<ObjectRecord | undefined> {
  const row = await tx.first(db.selectFrom('objects').selectAll().where('key', '=', key))
  if (row === undefined) return undefined
  const { sha256, size_bytes: sizeBytes, stored_at_ms: storedAtMs } = row
  return {
    key,
    ...(row.origin === null ? {} : { origin: row.origin }),
    ...(sha256 === null || sizeBytes === null || storedAtMs === null ? {} : { content: { sha256, sizeBytes, storedAtMs } }),
  }
}

/** Notes that an address was handed out. */
export function insert(tx: WriteTx, object: { key: string; origin: string; nowMs: number }): void {
  const row = { key: object.key, origin: object.origin, created_at_ms: object.nowMs }
  tx.run(db.insertInto('objects').values(row).onConflict((conflict) => conflict.column('key').doUpdateSet({ origin: object.origin })))
}

/** Notes what was stored under a key, over what was there before. */
export function update(tx: WriteTx, object: { key: string; sha256: string; sizeBytes: number; nowMs: number }): void {
  const content = { sha256: object.sha256, size_bytes: object.sizeBytes, stored_at_ms: object.nowMs }
  tx.run(
    db
      .insertInto('objects')
      .values({ key: object.key, origin: null, created_at_ms: object.nowMs, ...content })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(content)),
  )
}
