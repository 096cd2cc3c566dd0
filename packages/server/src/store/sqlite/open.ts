// Opens the SQLite store: prepares the folder, picks the driver, starts the writer. Called through dialect.ts.
import path from 'node:path'
import { migrations as allMigrations } from '../migrations/index.ts'
import type { Migration } from '../migrations/migration.ts'
import type { StoreLog, StoreOptions } from '../options.ts'
import type { Store } from '../store.ts'
import { openReader } from './connection.ts'
import { loadDriver } from './driver.ts'
import type { Driver } from './driver.ts'
import { prepareFolder } from './folder.ts'
import { InlineWriter } from './inline-writer.ts'
import { MemoryReaders } from './memory-readers.ts'
import { openDurable } from './open-durable.ts'
import { ReaderPool } from './readers.ts'
import { SqliteStore } from './sqlite-store.ts'
import { ThreadWriter } from './thread-writer.ts'

export interface SqliteOptions extends StoreOptions {
  /** For tests of the runner. */
  readonly migrations?: readonly Migration[]
  /** At most so many requests share a commit; 1 is for the benchmark's floor. */
  readonly groupLimit?: number
}

const silent: StoreLog = { info() {}, warn() {}, error() {} }
const defaultGroupLimit = 512
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const driver = loadDriver(options.driver)
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
