// What a migration is. The files beside this one each export one; index.ts lists them in order.

/**
 * Statements that take the schema one step further, in words that SQLite and PostgreSQL both understand: TEXT, and
 * BIGINT for every number. STRICT is added to each CREATE TABLE where the database is SQLite, and BIGINT becomes
 * INTEGER there. A migration that was released never changes again: its text is checked at start.
 */
export interface Migration {
  readonly name: string
  readonly up: readonly string[]
}
