// Opens the SQLite store: prepares the folder, picks the driver, starts the writer. Called through dialect.ts.
import { constants, promises as fs } from 'node:fs'
import path from 'node:path'
import { migrations as allMigrations } from '../migrations/index.ts'
import type { Migration } from '../migrations/migration.ts'
import type { StoreLog, StoreOptions } from '../options.ts'
import { StartupError } from '../startup-error.ts'
import type { Store } from '../store.ts'
import { openReader } from './connection.ts'
import { loadDriver } from './driver.ts'
import type { Driver } from './driver.ts'
import { codeOf, messageOf } from './errors.ts'
import { InlineWriter } from './inline-writer.ts'
import { MemoryReaders } from './memory-readers.ts'
import { openDurable } from './open-durable.ts'
import { ReaderPool } from './readers.ts'
import { SqliteStore } from './sqlite-store.ts'
import { ThreadWriter } from './thread-writer.ts'

export interface SqliteOptions extends StoreOptions {
  /** For tests; else the environment variable LITTORAL_SQLITE_DRIVER, else the faster one that is installed. */
  readonly driver?: string
  /** For tests of the runner. */
  readonly migrations?: readonly Migration[]
  /** At most so many requests share a commit; 1 is for the benchmark's floor. */
  readonly groupLimit?: number
}

const silent: StoreLog = { info() {}, warn() {}, error() {} }
const defaultGroupLimit = 512
/** Below this no start: a database that cannot even checkpoint would fail every request. */
const minFreeBytes = 8 * 1024 * 1024

export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const driver = loadDriver(options.driver ?? process.env['LITTORAL_SQLITE_DRIVER'])
  return options.file === ':memory:' ? openMemory(options, driver) : openFile(options, driver)
}

function openMemory(
  { migrations = allMigrations, groupLimit = defaultGroupLimit, now = Date.now, log = silent }: SqliteOptions,
  driver: Driver,
): Store {
  const durable = openDurable({ file: ':memory:', driver: driver.name, migrations, nowMs: now() })
  const readers = new MemoryReaders(durable.connection)
  return new SqliteStore({ writer: new InlineWriter(durable, readers), readers, log, groupLimit })
}

async function openFile(options: SqliteOptions, driver: Driver): Promise<Store> {
  const { migrations = allMigrations, groupLimit = defaultGroupLimit, now = Date.now, log = silent } = options
  const file = path.resolve(options.file)
  await prepareFolder(path.dirname(file))
  const writer = new ThreadWriter({ file, driver: driver.name, migrations, nowMs: now(), groupLimit }, (reason) => {
    log.error({ file, reason }, 'the writer died; the store is unusable until the process is started again')
  })
  const { applied, sqliteVersion } = await writer.ready
  log.info({ file, driver: driver.name, sqliteVersion, applied }, 'the store is open')
  return new SqliteStore({ writer, readers: new ReaderPool(() => openReader(driver, file)), log, groupLimit })
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await fs.mkdir(folder, { recursive: true, mode: 0o700 })
    await fs.access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new StartupError(describeFolderFailure(folder, error), { cause: error })
  }
  const { bavail, bsize } = await fs.statfs(folder)
  if (bavail * bsize < minFreeBytes) throw new StartupError(`The disk that holds the data folder ${folder} is full.`)
}

function describeFolderFailure(folder: string, error: unknown): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return `The data folder ${folder} may not be read and written by this user.`
    case 'EROFS':
      return `The data folder ${folder} is on a read-only file system.`
    case 'ENOTDIR':
    case 'EEXIST':
      return `The data folder ${folder} cannot be made because a file is in its place.`
    case 'ENOSPC':
      return `The disk that holds the data folder ${folder} is full.`
    default:
      return `The data folder ${folder} cannot be used: ${messageOf(error)}.`
  }
}
