// Group commit on a connection of its own, with the commits counted and the disk "full" at will.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BatchPacker, stepKind } from './batch.ts'
import type { BatchResult, Step } from './batch.ts'
import { openWriter } from './connection.ts'
import type { Connection } from './connection.ts'
import { loadDriver } from './driver.ts'
import type { Database, Driver } from './driver.ts'
import { GroupWriter } from './group-writer.ts'

const insert = (name: string, kind: Step['kind'] = stepKind.run): Step => ({
  kind,
  sql: 'INSERT INTO things (name) VALUES (?)',
  params: [name],
})

let connection: Connection
let writer: GroupWriter
let packer: BatchPacker
let ran: string[]

/** A driver whose databases note every statement they run. */
function noting(driver: Driver): Driver {
  const note = (database: Database): Database => ({
    get inTransaction() {
      return database.inTransaction
    },
    prepare(sql) {
      const statement = database.prepare(sql)
      return { ...statement, run: (params) => (ran.push(sql), statement.run(params)) }
    },
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
  })
  return { name: driver.name, open: (file, options) => note(driver.open(file, options)) }
}

beforeEach(() => {
  ran = []
  connection = openWriter(noting(loadDriver()), ':memory:')
  connection.database.exec('CREATE TABLE things (name TEXT NOT NULL PRIMARY KEY) STRICT')
  writer = new GroupWriter(connection)
  packer = new BatchPacker()
})
afterEach(() => connection.close())

const commit = (...batches: Step[][][]): BatchResult[] => writer.commit(batches.map((requests) => packer.pack(requests)))
const names = () =>
  connection
    .statement('SELECT name FROM things ORDER BY name')
    .all([])
    .map((row) => row['name'])
const countOf = (sql: string): number => ran.filter((statement) => statement === sql).length

test('commits everything that waits in one transaction', () => {
  const batch = (prefix: string) => Array.from({ length: 50 }, (_, index) => [insert(`${prefix}${index}`)])
  expect(commit(batch('a'), batch('b'))).toEqual([{ refusals: [] }, { refusals: [] }])
  expect(names()).toHaveLength(100)
  expect(countOf('COMMIT')).toBe(1)
})

test('undoes a refused request and keeps its neighbours (invariant 1)', () => {
  const [result] = commit([[insert('a')], [insert('b'), insert('a')], [insert('c')]])
  expect(result?.refusals).toEqual([expect.objectContaining({ request: 1, step: 1, reason: 'unique' })])
  expect(names()).toEqual(['a', 'c'])
  expect(countOf('COMMIT')).toBe(1)
})

test('saves a request its savepoint where nothing after its first statement can be refused', () => {
  connection.database.exec('CREATE TABLE notes (note TEXT NOT NULL) STRICT')
  const note: Step = { kind: stepKind.append, sql: 'INSERT INTO notes (note) VALUES (?)', params: ['made'] }
  const [result] = commit([
    [insert('a'), note],
    [insert('a'), note],
    [insert('b'), note, note],
    [insert('c'), insert('d'), note],
  ])
  expect(result?.refusals).toEqual([expect.objectContaining({ request: 1, step: 0, reason: 'unique' })])
  expect(names()).toEqual(['a', 'b', 'c', 'd'])
  expect(connection.statement('SELECT note FROM notes').all([])).toHaveLength(4)
  expect(countOf('SAVEPOINT request')).toBe(1)
})

test('undoes a request also when a table refuses what it should not have refused', () => {
  const append = (name: string) => insert(name, stepKind.append)
  const [first, second] = commit([[insert('a'), append('b')]], [[insert('c'), append('a')], [append('d')], [append('a')]])
  expect(first?.refusals).toEqual([])
  expect(second?.refusals).toEqual([
    expect.objectContaining({ request: 0, step: 1, reason: 'unique' }),
    expect.objectContaining({ request: 2, step: 0, reason: 'unique' }),
  ])
  expect(names()).toEqual(['a', 'b', 'd'])
  expect(countOf('COMMIT')).toBe(1)
})

test('refuses a request whose reads have changed (invariant 2)', () => {
  const read: Step = { kind: stepKind.sameRows, sql: 'SELECT name FROM things', params: [''] }
  const [result] = commit([
    [read, insert('a')],
    [read, insert('b')],
  ])
  expect(result?.refusals).toEqual([expect.objectContaining({ request: 1, step: 0, reason: 'conflict' })])
  expect(names()).toEqual(['a'])
})

test('fails every request of a group that meets a full disk, and goes on when there is room again (invariant 3)', () => {
  connection.database.exec('PRAGMA max_page_count = 4')
  const large = 'x'.repeat(20_000)
  const results = commit([[insert('a')]], [[insert(large)], [insert('b')]])
  expect(results).toHaveLength(2)
  for (const result of results) expect(result.failure?.trouble).toBe('full')
  expect(names()).toEqual([])
  connection.database.exec('PRAGMA max_page_count = 10000')
  expect(commit([[insert('a')]], [[insert(large)]])).toEqual([{ refusals: [] }, { refusals: [] }])
  expect(names()).toEqual(['a', large])
})

test('fails every request of a group whose COMMIT fails (invariant 3)', () => {
  connection.database.exec('CREATE TABLE children (thing TEXT REFERENCES things (name) DEFERRABLE INITIALLY DEFERRED) STRICT')
  const orphan: Step = { kind: stepKind.run, sql: 'INSERT INTO children (thing) VALUES (?)', params: ['nobody'] }
  const [result] = commit([[insert('a')], [orphan]])
  expect(result?.failure?.message).toContain('FOREIGN KEY')
  expect(names()).toEqual([])
  expect(commit([[insert('a')]])).toEqual([{ refusals: [] }])
})

test('forgets the numbers of texts when there are too many, on both sides alike', () => {
  for (let round = 0; round < 9000; round += 1) {
    const step: Step = { kind: stepKind.run, sql: `INSERT INTO things (name) VALUES ('n${round}')`, params: [] }
    expect(commit([[step, insert(`m${round}`)]])).toEqual([{ refusals: [] }])
  }
  expect(names()).toHaveLength(18_000)
})

test('brings the log into the file when it is asked to after enough requests, and not within a commit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'littoral-group-'))
  const file = join(folder, 'littoral.db')
  const onDisk = openWriter(loadDriver(), file)
  try {
    onDisk.database.exec('CREATE TABLE things (name TEXT NOT NULL PRIMARY KEY) STRICT')
    onDisk.database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    const [own, packed] = [new GroupWriter(onDisk), new BatchPacker()]
    const before = statSync(file).size
    // Each row fills more than a page, and all of them fewer than SQLite would wait for.
    const write = (from: number, count: number) =>
      own.commit([packed.pack(Array.from({ length: count }, (_, at) => [insert(`${from + at}`.padEnd(5000, 'x'))]))])
    write(0, 63)
    own.checkpoint()
    expect(statSync(file).size).toBe(before)
    write(63, 1)
    expect(statSync(file).size).toBe(before)
    own.checkpoint()
    expect(statSync(file).size).toBeGreaterThan(before + 63 * 5000)
  } finally {
    onDisk.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
