// Access keys, the box their secrets are sealed in, and what an installation decides at its first start.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as audit from './audit.ts'
import * as credentials from './credentials.ts'
import { db } from './db.ts'
import { ensureInstallation } from './installation.ts'
import { openStore } from './open.ts'
import { loadSecretBox } from './secret-box.ts'
import type { Store } from './store.ts'

let folder: string
let store: Store
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'littoral-credentials-'))
  store = await openStore({ file: ':memory:' })
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const root = { id: 'LTAIroot', accountId: '1000000000000001', secret: 'very secret', kind: 'root', isActive: true, createdAtMs: 5 } as const

test('keeps a secret readable for the signature check and unreadable in the database', async () => {
  const box = await loadSecretBox(folder)
  await store.write(async (tx) => credentials.upsert(tx, box, root))
  const row = await store.read((tx) => tx.first(db.selectFrom('credentials').selectAll()))
  expect(JSON.stringify(row)).not.toContain('very secret')
  expect(await store.read((tx) => credentials.find(tx, box, root.id))).toEqual(root)
  expect(await store.read((tx) => credentials.list(tx, box, root.accountId))).toEqual([root])
})

test('finds a changed key at once, and a removed one no more', async () => {
  const box = await loadSecretBox()
  const directory = credentials.openCredentials(store, box)
  expect(await directory.find(root.id)).toBeUndefined()
  await store.write(async (tx) => credentials.upsert(tx, box, root))
  expect(await directory.find(root.id)).toEqual(root)
  await store.write(async (tx) => credentials.upsert(tx, box, { ...root, secret: 'another', isActive: false }))
  expect(await directory.find(root.id)).toMatchObject({ secret: 'another', isActive: false })
  await store.write(async (tx) => credentials.remove(tx, root.id))
  expect(await directory.find(root.id)).toBeUndefined()
  directory.close()
})

test('makes the key file once, readable by its owner only', async () => {
  const sealed = (await loadSecretBox(folder)).seal('text', 'row')
  expect((await loadSecretBox(folder)).open(sealed, 'row')).toBe('text')
  const file = path.join(folder, 'secret.key')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file)).toHaveLength(32)
})

test('refuses a sealed secret of another row, of another key, or damaged', async () => {
  const box = await loadSecretBox(folder)
  const sealed = box.seal('text', 'row')
  expect(() => box.open(sealed, 'other row')).toThrow('another secret.key')
  expect(() => box.open('v1.abc', 'row')).toThrow('not readable')
  const other = await loadSecretBox()
  expect(() => other.open(sealed, 'row')).toThrow('another secret.key')
})

test('names a damaged key file in one sentence', async () => {
  const file = path.join(folder, 'secret.key')
  writeFileSync(file, 'short')
  await expect(loadSecretBox(folder)).rejects.toThrow(`The key file ${file} is damaged`)
})

test('decides the account of an installation once', async () => {
  const first = await ensureInstallation(store, { accountId: '1234567890123456', createdAtMs: 1 })
  const second = await ensureInstallation(store, { accountId: '9999999999999999', createdAtMs: 2 })
  expect(first).toEqual({ accountId: '1234567890123456', createdAtMs: 1 })
  expect(second).toEqual(first)
})

test('keeps an audit row with the change it tells of, or neither', async () => {
  const record = { id: 'r1', accountId: '1', actor: 'LTAIroot', action: 'CreateThing', atMs: 10, outcome: 'ok', detail: { id: 'x' } }
  const change = (name: string, id: string) =>
    store.write(async (tx) => {
      tx.run(db.insertInto('installation').values({ name, value: 'v' }), { unique: { name: 'InternalError' } })
      audit.auditRow(tx, { ...record, id })
    })
  await change('a', 'r1')
  await expect(change('a', 'r2')).rejects.toMatchObject({ fault: 'InternalError' })
  expect(await store.read((tx) => audit.list(tx, { accountId: '1', beforeMs: 11, limit: 10 }))).toEqual([record])
  expect(await store.read((tx) => audit.list(tx, { accountId: '1', beforeMs: 10, limit: 10 }))).toEqual([])
})
