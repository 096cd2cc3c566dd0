// Durability settings, read back from real files, and what happens when they do not hold.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { db } from '../db.ts'
import { openReader, openWriter, pragma } from './connection.ts'
import { loadDriver } from './driver.ts'
import type { Driver } from './driver.ts'
import { openSqliteStore } from './open.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'littoral-connection-'))
  file = path.join(folder, 'littoral.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

for (const name of ['better-sqlite3', 'libsql']) {
  test(`${name} is durable on the first open and on every later one`, () => {
    for (let open = 0; open < 3; open += 1) {
      const { database, close } = keep(openWriter(loadDriver(name), file))
      expect(pragma(database, 'synchronous')).toBe(2)
      expect(pragma(database, 'journal_mode')).toBe('wal')
      expect(pragma(database, 'foreign_keys')).toBe(1)
      database.exec(`CREATE TABLE t${open} (n INTEGER) STRICT`)
      close()
    }
  })

  test(`${name} lets a reader neither write nor checkpoint`, () => {
    const writer = openWriter(loadDriver(name), file)
    writer.database.exec('CREATE TABLE t (n INTEGER) STRICT')
    const reader = openReader(loadDriver(name), file)
    expect(() => reader.database.exec('INSERT INTO t VALUES (1)')).toThrow(/read-?only/)
    expect(reader.statement('SELECT count(*) AS n FROM t').first([])).toEqual({ n: 0 })
    reader.close()
    writer.close()
  })

  test(`${name} shares one commit among writes that wait, and gives each its own when they come one by one`, async () => {
    const store = await openSqliteStore({ file, driver: name })
    const write = (key: string) => store.write(async (tx) => tx.run(db.insertInto('installation').values({ name: key, value: 'v' })))
    const before = commitsIn(file)
    // Together fewer than bring the log into the file, after which it begins anew.
    await Promise.all(Array.from({ length: 40 }, (_, index) => write(`together-${index}`)))
    const together = commitsIn(file) - before
    for (let index = 0; index < 20; index += 1) await write(`alone-${index}`)
    expect(together).toBeGreaterThan(0)
    expect(together).toBeLessThan(5)
    expect(commitsIn(file) - before - together).toBe(20)
    await store.close()
  })
}

test('refuses a database that does not take the durable setting', () => {
  const driver = loadDriver()
  const careless: Driver = {
    name: driver.name,
    open(target, options) {
      const database = driver.open(target, options)
      const exec = (sql: string): void => database.exec(sql.replace('synchronous = FULL', 'synchronous = NORMAL'))
      return { inTransaction: false, prepare: (sql) => database.prepare(sql), exec, close: () => database.close() }
    },
  }
  expect(() => openWriter(careless, file)).toThrow('synchronous is 1 although FULL was asked for')
})

function keep(connection: ReturnType<typeof openWriter>) {
  return { database: connection.database, close: () => connection.close() }
}

/** Commits in the write-ahead log: frames that carry the size of the database (https://sqlite.org/fileformat2.html#walformat). */
function commitsIn(database: string): number {
  const wal = readFileSync(`${database}-wal`)
  const pageBytes = wal.readUInt32BE(8)
  let commits = 0
  for (let at = 32; at + 24 + pageBytes <= wal.length; at += 24 + pageBytes) if (wal.readUInt32BE(at + 4) > 0) commits += 1
  return commits
}
