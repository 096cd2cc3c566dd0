// Brings a database to the newest schema. Runs on the writer's connection before anything else may use it.
import { createHash } from 'node:crypto'
import type { Migration } from '../migrations/migration.ts'
import { StartupError } from '../startup-error.ts'
import type { Connection } from './connection.ts'

/** Applies what is missing, each migration in its own transaction; answers the names applied now. */
export function migrate(connection: Connection, migrations: readonly Migration[], nowMs: number): string[] {
  connection.database.exec(`CREATE TABLE IF NOT EXISTS migrations (
    name TEXT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL
  ) STRICT`)
  const applied = new Map<string, string>()
  for (const row of connection.statement('SELECT name, checksum FROM migrations').all([]))
    applied.set(String(row['name']), String(row['checksum']))
  refuseStrangers(applied, migrations)
  const added: string[] = []
  for (const migration of migrations) {
    const known = applied.get(migration.name)
    if (known === undefined) {
      apply(connection, migration, nowMs)
      added.push(migration.name)
    } else if (known !== checksumOf(migration)) {
      throw new StartupError(
        `The migration ${migration.name} was changed after it had been applied to this data; use the version of Littoral that made the data.`,
      )
    }
  }
  return added
}

function refuseStrangers(applied: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const known = new Set(migrations.map((migration) => migration.name))
  for (const name of applied.keys()) {
    if (!known.has(name)) {
      throw new StartupError(
        `The data was written by a newer version of Littoral (it has the migration ${name}); start that version or restore a backup.`,
      )
    }
  }
}

function apply(connection: Connection, migration: Migration, nowMs: number): void {
  const { database } = connection
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const statement of migration.up) database.exec(toSqlite(statement))
    database
      .prepare('INSERT INTO migrations (name, checksum, applied_at) VALUES (?, ?, ?)')
      .run([migration.name, checksumOf(migration), nowMs])
    database.exec('COMMIT')
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK')
    throw error
  }
}

/** Tables become STRICT, so that text cannot get into a number's column as it could not on PostgreSQL either. */
export function toSqlite(statement: string): string {
  const sql = statement.trim().replace(/\bBIGINT\b/g, 'INTEGER')
  return /^CREATE TABLE\b/i.test(sql) && !/\bSTRICT\s*$/i.test(sql) ? `${sql} STRICT` : sql
}

export function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.up.join(';\n')).digest('hex')
}
