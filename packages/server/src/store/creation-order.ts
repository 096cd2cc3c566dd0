// Lists promise the newest first, and a millisecond has room for several rows: whatever was written later is newer.
import { type SelectQueryBuilder, sql } from 'kysely'
import type { Schema } from './schema.ts'

/** Tables whose key is a number; the database's own count of rows would be that key (migrations/0018-lists.ts). */
type Counted = 'sites' | 'app_records' | 'message_routes'
const counted: ReadonlySet<string> = new Set<Counted>(['sites', 'app_records', 'message_routes'])

/** A row's place among those of its table, in the order in which they were written. SQLite counts the rows of every other table itself. */
function writtenAt(table: keyof Schema) {
  return sql<number>`${sql.ref(`${table}.${counted.has(table) ? 'written' : 'rowid'}`)}`
}

/** The place of the row that is written now. */
export function nextWritten(table: Counted) {
  return sql<number>`(select coalesce(max(written), 0) + 1 from ${sql.table(table)})`
}

interface Order<T extends keyof Schema> {
  readonly table: T
  readonly by: keyof Schema[T] & string
  readonly direction: 'asc' | 'desc'
}

/** The rows by a column of a table, and where that is the same in the order in which they were written. */
export function inOrder<DB, TB extends keyof DB, O, T extends keyof Schema>(rows: SelectQueryBuilder<DB, TB, O>, order: Order<T>) {
  const { table, by, direction } = order
  return rows.orderBy(sql.ref(`${table}.${by}`), direction).orderBy(writtenAt(table), direction)
}

/** The tables whose rows know when they were created. */
export type Dated = { [T in keyof Schema]: Schema[T] extends { created_at_ms: unknown } ? T : never }[keyof Schema]

/** The rows by the age of those of a table, the newest first. */
export function newestFirst<DB, TB extends keyof DB, O>(rows: SelectQueryBuilder<DB, TB, O>, table: Dated) {
  return inOrder(rows, { table, by: 'created_at_ms', direction: 'desc' })
}
