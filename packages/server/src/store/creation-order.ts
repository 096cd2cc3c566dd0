// Lists promise the newest first, and a millisecond has room for several rows: whatever was written later is newer.
import { sql } from 'kysely'
import type { Schema } from './schema.ts'

/** Tables whose key is a number; the database's own count of rows would be that key (migrations/0018-lists.ts). */
type Counted = 'sites' | 'app_records' | 'message_routes'
const counted: ReadonlySet<string> = new Set<Counted>(['sites', 'app_records', 'message_routes'])

/** A row's place among those of its table, in the order in which they were written. SQLite counts the rows of every other table itself. */
export function writtenAt(table: keyof Schema) {
  return sql<number>`${sql.ref(`${table}.${counted.has(table) ? 'written' : 'rowid'}`)}`
}

/** The place of the row that is written now. */
export function nextWritten(table: Counted) {
  return sql<number>`(select coalesce(max(written), 0) + 1 from ${sql.table(table)})`
}
