// What the lists of the family have in common: one page of rows, newest first.
import { type SelectQueryBuilder, sql } from 'kysely'
import { offsetOf, type Page } from '../../domain/edge-page.ts'
import { writtenAt } from '../creation-order.ts'
import type { Schema } from '../schema.ts'

/** The tables of which pages are listed: their rows know when they were created. */
type Listed = { [Table in keyof Schema]: Schema[Table] extends { created_at_ms: unknown } ? Table : never }[keyof Schema]

/** The rows by the age of those of `table`, the newest first. */
export function newestFirst<DB, TB extends keyof DB, O>(rows: SelectQueryBuilder<DB, TB, O>, table: Listed) {
  return rows.orderBy(sql.ref(`${table}.created_at_ms`), 'desc').orderBy(writtenAt(table), 'desc')
}

/** One page of them. */
export function newestPage<DB, TB extends keyof DB, O>(rows: SelectQueryBuilder<DB, TB, O>, table: Listed, at: Page) {
  return newestFirst(rows, table).limit(at.pageSize).offset(offsetOf(at))
}
