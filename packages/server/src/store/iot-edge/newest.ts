// What the lists of the family have in common: one page of rows, newest first.
import type { SelectQueryBuilder } from 'kysely'
import { offsetOf, type Page } from '../../domain/edge-page.ts'
import { type Dated, newestFirst } from '../creation-order.ts'

export function newestPage<DB, TB extends keyof DB, O>(rows: SelectQueryBuilder<DB, TB, O>, table: Dated, at: Page) {
  return newestFirst(rows, table).limit(at.pageSize).offset(offsetOf(at))
}
