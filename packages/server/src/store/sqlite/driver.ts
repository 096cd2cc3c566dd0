// The two SQLite libraries behind one narrow interface. better-sqlite3 is faster but must be compiled at install time;
// libsql comes prebuilt. Used by connection.ts, on the main thread and on the writer's.
import { createRequire } from 'node:module'
import { StartupError } from '../startup-error.ts'

export type Row = Record<string, unknown>
export type Value = string | number | bigint | null | Uint8Array

export interface Statement {
  all(params: readonly Value[]): Row[]
  first(params: readonly Value[]): Row | undefined
  /** Runs it and answers how many rows it changed. */
  run(params: readonly Value[]): number
}

export interface Database {
  readonly inTransaction: boolean
  prepare(sql: string): Statement
  exec(sql: string): void
  close(): void
}

export type DriverName = 'better-sqlite3' | 'libsql'

export interface Driver {
  readonly name: DriverName
  open(file: string, options: { readonly isReadOnly: boolean }): Database
}

/** What both libraries have in common; neither's own types are needed. */
interface NativeStatement {
  all(params: readonly Value[]): Row[]
  get(params: readonly Value[]): Row | undefined
  run(params: readonly Value[]): { changes: number }
}
interface NativeDatabase {
  readonly inTransaction: boolean
  prepare(sql: string): NativeStatement
  exec(sql: string): void
  close(): void
}
type NativeConstructor = new (file: string, options?: { readonly?: boolean }) => NativeDatabase

const require = createRequire(import.meta.url)

/** The driver of that name, or undefined where its native part is missing. */
function findDriver(name: DriverName): Driver | undefined {
  try {
    const Native = require(name) as NativeConstructor
    new Native(':memory:').close()
    return name === 'libsql' ? libsql(Native) : betterSqlite(Native)
  } catch {
    return undefined
  }
}

/** The forced driver, or the faster of those that are installed. Throws StartupError when there is none. */
export function loadDriver(forced?: string): Driver {
  if (forced && forced !== 'better-sqlite3' && forced !== 'libsql') {
    throw new StartupError(`There is no SQLite library ${forced}; only better-sqlite3 and libsql are known.`)
  }
  const names: DriverName[] = forced ? [forced as DriverName] : ['better-sqlite3', 'libsql']
  for (const name of names) {
    const driver = findDriver(name)
    if (driver) return driver
  }
  throw new StartupError(`No SQLite library could be loaded (tried ${names.join(' and ')}); install the packages again on this machine.`)
}

function betterSqlite(Native: NativeConstructor): Driver {
  return {
    name: 'better-sqlite3',
    open(file, { isReadOnly }) {
      const database = new Native(file, { readonly: isReadOnly })
      return wrap(database, (statement) => ({
        all: (params) => statement.all(params),
        first: (params) => statement.get(params),
        run: (params) => statement.run(params).changes,
      }))
    },
  }
}

function libsql(Native: NativeConstructor): Driver {
  return {
    name: 'libsql',
    open(file, { isReadOnly }) {
      const database = new Native(file)
      // It has no read-only mode, and its SQLite 3.45.1 has the WAL-reset bug: a second connection must never checkpoint.
      if (isReadOnly) database.exec('PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0')
      return wrap(database, (statement) => ({
        all: (params) => statement.all(params),
        // Its get() adds a property _metadata to the row.
        first: (params) => statement.all(params)[0],
        run: (params) => statement.run(params).changes,
      }))
    },
  }
}

/** After close() everything throws here, because libsql would end the process. */
function wrap(native: NativeDatabase, toStatement: (statement: NativeStatement) => Statement): Database {
  let isOpen = true
  const opened = (): NativeDatabase => {
    if (!isOpen) throw new Error('The database is closed.')
    return native
  }
  return {
    get inTransaction() {
      return isOpen && native.inTransaction
    },
    prepare: (sql) => toStatement(opened().prepare(sql)),
    exec: (sql) => opened().exec(sql),
    close() {
      if (isOpen) native.close()
      isOpen = false
    },
  }
}
