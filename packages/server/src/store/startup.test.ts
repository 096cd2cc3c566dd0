// Opening a store: migrations, and one clear sentence for everything that can be wrong with a data folder.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { db } from './db.ts'
import { migrations } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'
import { openStore } from './open.ts'
import { openWriter } from './sqlite/connection.ts'
import { loadDriver } from './sqlite/driver.ts'
import { migrate } from './sqlite/migrate.ts'
import { openSqliteStore } from './sqlite/open.ts'
import { ThreadWriter } from './sqlite/thread-writer.ts'
import { StartupError } from './startup-error.ts'
import type { Store } from './store.ts'

let folder: string
let file: string
let opened: Store[]
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'littoral-startup-'))
  file = path.join(folder, 'data', 'littoral.db')
  opened = []
})
afterEach(async () => {
  for (const store of opened) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const open = async (options: { migrations?: readonly Migration[]; driver?: string } = {}): Promise<Store> => {
  const store = await openSqliteStore({ file, ...options })
  opened.push(store)
  return store
}
const addTable = (name: string): Migration => ({ name, up: [`CREATE TABLE ${name} (n BIGINT NOT NULL)`] })

/** The one sentence an operator gets. */
async function refusalOf(opening: Promise<Store>): Promise<string> {
  const error: unknown = await opening.then(
    (store) => opened.push(store),
    (reason: unknown) => reason,
  )
  if (!(error instanceof StartupError)) throw new Error('the store did not refuse to open', { cause: error })
  expect(error.message).not.toContain('\n')
  return error.message
}

test('has the same schema whether its migrations came one by one or all at once', () => {
  const schemaAfter = (steps: (readonly Migration[])[]): unknown => {
    const connection = openWriter(loadDriver(), ':memory:')
    for (const step of steps) migrate(connection, step, 0)
    const schema = connection.statement('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name').all([])
    connection.close()
    return schema
  }
  const oneByOne = migrations.map((_, index) => migrations.slice(0, index + 1))
  expect(schemaAfter(oneByOne)).toEqual(schemaAfter([migrations]))
  expect(schemaAfter([migrations, migrations, migrations])).toEqual(schemaAfter([migrations]))
})

test('makes every table strict', () => {
  const connection = openWriter(loadDriver(), ':memory:')
  migrate(connection, migrations, 0)
  const loose = connection.statement(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'`)
  expect(loose.all([])).toEqual([])
  connection.close()
})

test('keeps the data over restarts and applies only what is new', async () => {
  const first = await open({ migrations: [...migrations, addTable('later')] })
  await first.write(async (tx) => tx.run(db.insertInto('installation').values({ name: 'a', value: 'kept' })))
  await first.close()
  const second = await open({ migrations: [...migrations, addTable('later'), addTable('latest')] })
  expect(await second.read((tx) => tx.all(db.selectFrom('installation').selectAll()))).toEqual([{ name: 'a', value: 'kept' }])
})

test('leaves nothing of a migration that fails half way', async () => {
  const broken: Migration = { name: 'broken', up: ['CREATE TABLE half (n BIGINT NOT NULL)', 'CREATE TABLE half (n BIGINT NOT NULL)'] }
  expect(await refusalOf(open({ migrations: [...migrations, broken] }))).toContain('cannot be opened')
  await open({ migrations: [...migrations, { ...broken, up: ['CREATE TABLE half (n BIGINT NOT NULL)'] }] })
})

test('refuses data of a newer version', async () => {
  await (await open({ migrations: [...migrations, addTable('future')] })).close()
  expect(await refusalOf(open())).toContain('newer version of Littoral (it has the migration future)')
})

test('refuses a migration whose text has changed', async () => {
  await (await open({ migrations: [addTable('t')] })).close()
  const changed = open({ migrations: [{ name: 't', up: ['CREATE TABLE other (n BIGINT NOT NULL)'] }] })
  expect(await refusalOf(changed)).toContain('was changed after it had been applied')
})

for (const driver of ['better-sqlite3', 'libsql']) {
  test(`refuses a data folder that is in use, with ${driver}, and opens it once it is free`, async () => {
    const first = await open({ driver })
    expect(await refusalOf(open({ driver }))).toContain('is in use by another Littoral process')
    await first.close()
    await open({ driver })
  })

  test(`refuses a file that is no database, with ${driver}`, async () => {
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, 'not a database, but long enough to be looked at'.repeat(100))
    expect(await refusalOf(open({ driver }))).toContain('is not a healthy database')
  })
}

test('refuses a data folder in whose place is a file', async () => {
  writeFileSync(path.join(folder, 'data'), '')
  expect(await refusalOf(open())).toContain('because a file is in its place')
})

test('refuses a read-only data folder', async () => {
  // Permission bits do not stop root, /proc does.
  expect(await refusalOf(openStore({ file: '/proc/littoral/littoral.db' }))).toContain('The data folder /proc/littoral')
})

test('says nothing of a dead writer when it only refuses to open', async () => {
  await open()
  const errors: unknown[] = []
  const log = { info() {}, warn() {}, error: (fields: object) => void errors.push(fields) }
  expect(await refusalOf(openStore({ file, log }))).toContain('in use')
  expect(errors).toEqual([])
})

test('refuses an address of a database it does not serve', async () => {
  expect(await refusalOf(openStore({ file: 'postgres://localhost/littoral' }))).toContain('PostgreSQL is not served by this version')
  expect(await refusalOf(openStore({ file: 'mysql://localhost/littoral' }))).toContain('begins with mysql:')
  opened.push(await openStore({ file: `sqlite:${file}` }))
})

test('refuses a driver that does not exist', async () => {
  expect(await refusalOf(open({ driver: 'sqlite4' }))).toContain('only better-sqlite3 and libsql are known')
})

test('fails what waits and what comes later when the writer dies', async () => {
  await (await open()).close()
  const deaths: string[] = []
  const options = { file, driver: loadDriver().name, migrations, nowMs: 0, groupLimit: 10 }
  const writer = new ThreadWriter(options, (reason) => deaths.push(reason))
  await writer.ready
  const post = () => new Promise((resolve) => writer.post({ requestCount: 1 } as never, resolve))
  expect(await Promise.all([post(), post()])).toMatchObject([{ failure: { trouble: 'io' } }, { failure: { trouble: 'io' } }])
  expect(await post()).toMatchObject({ failure: { message: expect.stringContaining('the writer died') } })
  expect(deaths).toHaveLength(1)
  await writer.close()
})
