// Opens a database for writing: takes the lock, sets the pragmas, applies the migrations. For a file it runs on the
// writer's thread, for `:memory:` on the main one.
import type { Migration } from '../migrations/migration.ts'
import { StartupError } from '../startup-error.ts'
import type { Connection } from './connection.ts'
import { openWriter } from './connection.ts'
import { loadDriver } from './driver.ts'
import type { Driver, DriverName } from './driver.ts'
import { codeOf, describeOpenFailure } from './errors.ts'
import { migrate } from './migrate.ts'

export interface DurableOptions {
  readonly file: string
  readonly driver: DriverName
  readonly migrations: readonly Migration[]
  readonly nowMs: number
}

export interface Durable {
  readonly connection: Connection
  /** Names of the migrations that were applied now. */
  readonly applied: readonly string[]
  readonly sqliteVersion: string
  close(): void
}

/** Throws StartupError with one sentence when the database cannot be used. */
export function openDurable({ file, driver: name, migrations, nowMs }: DurableOptions): Durable {
  const driver = loadDriver(name)
  let unlock: (() => void) | undefined
  try {
    unlock = file === ':memory:' ? undefined : lock(driver, file)
    const connection = openWriter(driver, file)
    const applied = migrate(connection, migrations, nowMs)
    const version = connection.statement('SELECT sqlite_version() AS version').first([])
    return {
      connection,
      applied,
      sqliteVersion: String(version?.['version']),
      close() {
        connection.close()
        unlock?.()
      },
    }
  } catch (error) {
    unlock?.()
    if (error instanceof StartupError) throw error
    throw new StartupError(describeOpenFailure(file, error), { cause: error })
  }
}

/**
 * Keeps a second process out. The lock is SQLite's own on an empty database beside the real one, so the system releases
 * it when the process dies, however it dies; the real one cannot be locked because its readers are other connections.
 */
function lock(driver: Driver, file: string): () => void {
  const database = driver.open(`${file}.lock`, { isReadOnly: false })
  try {
    database.exec('PRAGMA busy_timeout = 0')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!codeOf(error).startsWith('SQLITE_BUSY')) throw error
    throw new StartupError(`The database ${file} is in use by another Littoral process; stop that one or choose another data folder.`, {
      cause: error,
    })
  }
  return () => database.close()
}
