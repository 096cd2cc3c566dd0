// What the lists of the family have in common: a page of rows, sorted and searched.
import { sql, type ExpressionBuilder, type ExpressionWrapper, type SqlBool } from 'kysely'
import type { Schema } from '../schema.ts'

export interface Listing {
  readonly page: number
  readonly pageSize: number
  readonly order: { readonly by: 'name' | 'created' | 'updated'; readonly direction: 'asc' | 'desc' }
  /** `field` absent: the id or the name may match. */
  readonly search?: { readonly text: string; readonly field?: 'id' | 'name' }
}

export const orderColumns = { name: 'name', created: 'created_at_ms', updated: 'updated_at_ms' } as const

/** True where the text occurs in a searched column; % and _ of the text are plain characters. */
export function matches<T extends 'apps' | 'app_versions'>(
  e: ExpressionBuilder<Schema, T>,
  table: T,
  { text, field }: NonNullable<Listing['search']>,
): ExpressionWrapper<Schema, T, SqlBool> {
  const pattern = `%${plain(text)}%`
  const columns = field === undefined ? (['id', 'name'] as const) : [field]
  return e.or(columns.map((name) => sql<SqlBool>`${sql.ref(`${table}.${name}`)} like ${pattern} escape '\\'`))
}

export interface DomainFilter {
  readonly text: string
  readonly mode: 'exact' | 'prefix' | 'suffix' | 'fuzzy'
}

/** True where a domain matches; both are compared in lower case, which is how domains are kept. */
export function matchesDomain(column: 'sites.name' | 'app_records.name', { text, mode }: DomainFilter) {
  const name = text.toLowerCase()
  if (mode === 'exact') return sql<SqlBool>`${sql.ref(column)} = ${name}`
  const pattern = `${mode === 'prefix' ? '' : '%'}${plain(name)}${mode === 'suffix' ? '' : '%'}`
  return sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '\\'`
}

/** For a pattern of `like`: % and _ stand for themselves. */
function plain(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&')
}

export function offsetOf({ page, pageSize }: Pick<Listing, 'page' | 'pageSize'>): number {
  return (page - 1) * pageSize
}
