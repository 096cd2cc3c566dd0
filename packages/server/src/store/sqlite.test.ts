// The store contract against every way SQLite is served.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll } from 'vitest'
import { openSqliteStore } from './sqlite/open.ts'
import { describeStore } from './store.contract.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'littoral-store-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let count = 0
const freshFile = (): string => path.join(folder, String((count += 1)), 'littoral.db')

describeStore('better-sqlite3, file', () => openSqliteStore({ file: freshFile(), driver: 'better-sqlite3' }))
describeStore('libsql, file', () => openSqliteStore({ file: freshFile(), driver: 'libsql' }))
describeStore('better-sqlite3, :memory:', () => openSqliteStore({ file: ':memory:', driver: 'better-sqlite3' }))
describeStore('libsql, :memory:', () => openSqliteStore({ file: ':memory:', driver: 'libsql' }))
