// One open connection with its prepared statements, set up as durable (writer) or read-only (reader). Nothing else in
// the store opens a database.
import type { Database, Driver, Statement } from './driver.ts'

/** SQL texts vary with the length of IN lists; beyond this many the cache starts again. */
const maxStatements = 1000

export class Connection {
  readonly database: Database
  #statements = new Map<string, Statement>()

  constructor(database: Database) {
    this.database = database
  }

  statement(sql: string): Statement {
    const cached = this.#statements.get(sql)
    if (cached) return cached
    if (this.#statements.size >= maxStatements) this.#statements.clear()
    const statement = this.database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  close(): void {
    this.#statements.clear()
    this.database.close()
  }
}

/**
 * The one connection that writes and checkpoints. synchronous=FULL is set and read back on every open: a WAL database
 * that is opened again silently falls to NORMAL with better-sqlite3, and then a power cut loses acknowledged rows.
 */
export function openWriter(driver: Driver, file: string): Connection {
  const database = driver.open(file, { isReadOnly: false })
  try {
    database.exec('PRAGMA busy_timeout = 5000')
    if (file !== ':memory:') {
      expectPragma(database, 'journal_mode', 'WAL', 'wal')
      // The writer's thread checkpoints between commits (group-writer.ts); within one it happens only where that is not enough.
      database.exec('PRAGMA wal_autocheckpoint = 4000')
      // A WAL that one long read let grow is cut back to this at the next checkpoint.
      database.exec('PRAGMA journal_size_limit = 67108864')
    }
    expectPragma(database, 'synchronous', 'FULL', 2)
    expectPragma(database, 'foreign_keys', 'ON', 1)
    // What is overwritten or deleted does not stay readable in the file; pages that are written anyway cost nothing more.
    database.exec('PRAGMA secure_delete = FAST')
    // Small, because SQLite looks through all of it at the end of most commits that split a page; the system caches the file as well.
    database.exec('PRAGMA cache_size = -4000')
    database.exec('PRAGMA temp_store = MEMORY')
  } catch (error) {
    database.close()
    throw error
  }
  return new Connection(database)
}

export function openReader(driver: Driver, file: string): Connection {
  const database = driver.open(file, { isReadOnly: true })
  database.exec('PRAGMA busy_timeout = 5000')
  database.exec('PRAGMA cache_size = -16000')
  database.exec('PRAGMA temp_store = MEMORY')
  return new Connection(database)
}

/** Reads one pragma of a connection. */
export function pragma(database: Database, name: string): unknown {
  const row = database.prepare(`PRAGMA ${name}`).all([])[0]
  return row && Object.values(row)[0]
}

function expectPragma(database: Database, name: string, wanted: string, expected: string | number): void {
  database.exec(`PRAGMA ${name} = ${wanted}`)
  const actual = pragma(database, name)
  if (actual !== expected) throw new Error(`${name} is ${String(actual)} although ${wanted} was asked for`)
}
