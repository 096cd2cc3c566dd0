// Leftovers: objects that nothing uses, and since when. Found and removed by loops/leftovers.ts; whoever begins to use an object
// takes it off this list in the same write, so that it is not removed from under a user it has just got.
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

/** A key is what objects are addressed by; a blob is the bytes, by their SHA-256. */
export type LeftoverKind = 'key' | 'blob'

export interface Leftover {
  readonly kind: LeftoverKind
  readonly name: string
  readonly sinceMs: number
}

export async function find(tx: ReadTx, kind: LeftoverKind, name: string): Promise<Leftover | undefined> {
  const row = await tx.first(db.selectFrom('object_leftovers').selectAll().where('kind', '=', kind).where('name', '=', name))
  return row && { kind, name, sinceMs: row.since_ms }
}

/** Those of the names that are leftovers, and since when. */
export async function listByNames(tx: ReadTx, kind: LeftoverKind, names: readonly string[]): Promise<Map<string, number>> {
  const query = db.selectFrom('object_leftovers').select(['name', 'since_ms']).where('kind', '=', kind)
  const rows = await tx.all(query.where('name', 'in', [...names]))
  return new Map(rows.map((row) => [row.name, row.since_ms]))
}

/** So many after a name, by name. */
export async function listAfter(tx: ReadTx, kind: LeftoverKind, after: string, limit: number): Promise<Leftover[]> {
  const query = db.selectFrom('object_leftovers').selectAll().where('kind', '=', kind).where('name', '>', after)
  const rows = await tx.all(query.orderBy('name').limit(limit))
  return rows.map((row) => ({ kind, name: row.name, sinceMs: row.since_ms }))
}

/** One that is there already stays as old as it is. */
export function insert(tx: WriteTx, { kind, name, sinceMs }: Leftover): void {
  const row = { kind, name, since_ms: sinceMs }
  tx.run(
    db
      .insertInto('object_leftovers')
      .values(row)
      .onConflict((conflict) => conflict.columns(['kind', 'name']).doNothing()),
  )
}

/** Names that are none are fine. */
export function remove(tx: WriteTx, kind: LeftoverKind, names: readonly string[]): void {
  if (names.length === 0) return
  tx.run(
    db
      .deleteFrom('object_leftovers')
      .where('kind', '=', kind)
      .where('name', 'in', [...names]),
  )
}
