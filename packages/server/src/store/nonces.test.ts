// Nonces: once each, also across restarts, and on disk no later than the change they belong to.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { db } from './db.ts'
import { FingerprintSet } from './fingerprint-set.ts'
import { fingerprintOf, openNonces } from './nonces.ts'
import { openStore } from './open.ts'
import type { Store } from './store.ts'

const windowMs = 15 * 60_000
let folder: string
let store: Store
let nowMs: number

const open = () => openStore({ file: path.join(folder, 'littoral.db') })
const rowCount = async () => (await store.read((tx) => tx.all(db.selectFrom('nonces').selectAll()))).length
const change = (name: string) => store.write(async (tx) => tx.run(db.insertInto('installation').values({ name, value: 'v' })))

beforeEach(async () => {
  nowMs = Date.now()
  folder = mkdtempSync(path.join(tmpdir(), 'littoral-nonces-'))
  store = await open()
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

test('accepts a nonce once per access key', async () => {
  const nonces = await openNonces(store, () => nowMs)
  expect(await nonces.claim('key-1', 'a', nowMs + windowMs)).toBe(true)
  expect(await nonces.claim('key-1', 'a', nowMs + windowMs)).toBe(false)
  expect(await nonces.claim('key-1', 'a', nowMs + 2 * windowMs)).toBe(false)
  expect(await nonces.claim('key-2', 'a', nowMs + windowMs)).toBe(true)
  await nonces.close()
})

test('has a nonce on disk when the change that followed it is, without a clean end (invariant 2)', async () => {
  const nonces = await openNonces(store, () => nowMs)
  for (let index = 0; index < 150; index += 1) await nonces.claim('key', `n${index}`, nowMs + windowMs)
  expect(await rowCount()).toBe(0)
  await change('a')
  expect(await rowCount()).toBe(150)
  // The first life is left as a crash leaves it: nonces.close() is never called.
  await store.close()
  store = await open()
  const later = await openNonces(store, () => nowMs)
  for (let index = 0; index < 150; index += 1) expect(await later.claim('key', `n${index}`, nowMs + windowMs)).toBe(false)
  expect(await later.claim('key', 'fresh', nowMs + windowMs)).toBe(true)
  await later.close()
})

test('keeps on a clean end what no write took along', async () => {
  const nonces = await openNonces(store, () => nowMs)
  await nonces.claim('key', 'a', nowMs + windowMs)
  await nonces.close()
  expect(await rowCount()).toBe(1)
})

test('writes by itself when only reads come for long', async () => {
  const nonces = await openNonces(store, () => nowMs)
  for (let index = 0; index < 1000; index += 1) await nonces.claim('key', `n${index}`, nowMs + windowMs)
  await expect.poll(rowCount).toBe(1000)
  await nonces.close()
})

test('does not load what has expired', async () => {
  const nonces = await openNonces(store, () => nowMs)
  await nonces.claim('key', 'old', nowMs + 1000)
  await nonces.claim('key', 'young', nowMs + windowMs)
  await nonces.close()
  nowMs += 2000
  const later = await openNonces(store, () => nowMs)
  expect(await later.claim('key', 'old', nowMs + windowMs)).toBe(true)
  expect(await later.claim('key', 'young', nowMs + windowMs)).toBe(false)
  await later.close()
})

test('removes expired rows in bounded pieces and leaves the others', async () => {
  const nonces = await openNonces(store, () => nowMs)
  for (let index = 0; index < 12_000; index += 1) await nonces.claim('key', `n${index}`, nowMs + 1000 + index)
  await nonces.claim('key', 'young', nowMs + windowMs)
  // Memory forgets by the minute, rows to the millisecond.
  await nonces.reap(nowMs + 80_000)
  expect(await rowCount()).toBe(1)
  expect(await nonces.claim('key', 'n1', nowMs + windowMs)).toBe(true)
  expect(await nonces.claim('key', 'young', nowMs + windowMs)).toBe(false)
  await nonces.close()
})

test('tells keys and nonces apart wherever the border between them lies', () => {
  expect(fingerprintOf('ab', 'c')).not.toBe(fingerprintOf('a', 'bc'))
  expect(Number.isSafeInteger(fingerprintOf('a', 'b'))).toBe(true)
})

test('keeps every fingerprint of a set that has grown', () => {
  const set = new FingerprintSet()
  const all = Array.from({ length: 5000 }, (_, index) => fingerprintOf('key', String(index)))
  for (const fingerprint of all) set.add(fingerprint)
  set.add(all[0] as number)
  expect(set.size).toBe(5000)
  expect(all.every((fingerprint) => set.has(fingerprint))).toBe(true)
  expect(set.has(fingerprintOf('other', '1'))).toBe(false)
})
