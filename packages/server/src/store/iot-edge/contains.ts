// Whether a text column contains a text, case-sensitively, in words both databases understand: LIKE ignores case in SQLite,
// and instr() is unknown to PostgreSQL.
import { type Expression, type RawBuilder, sql, type SqlBool } from 'kysely'

/** The text must not be empty. */
export function contains(column: Expression<string>, text: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`replace(${column}, ${text}, '') <> ${column}`
}
