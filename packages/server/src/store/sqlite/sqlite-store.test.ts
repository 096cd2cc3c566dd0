// How requests become batches: one group is on its way at a time, and what comes meanwhile goes together with the next.
import { expect, test } from 'vitest'
import { db } from '../db.ts'
import { migrations } from '../migrations/index.ts'
import type { Batch, BatchResult } from './batch.ts'
import { loadDriver } from './driver.ts'
import { MemoryReaders } from './memory-readers.ts'
import { openDurable } from './open-durable.ts'
import { SqliteStore } from './sqlite-store.ts'

/** A write asks for its turn once its function has run, and so after one that is asked for here. */
const twoTurns = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

/** A store whose writer answers when the test says so. */
function openHeld() {
  const durable = openDurable({ file: ':memory:', driver: loadDriver().name, migrations, nowMs: 0 })
  const posted: { batch: Batch; done: (result: BatchResult) => void }[] = []
  const writer = {
    post: (batch: Batch, done: (result: BatchResult) => void) => void posted.push({ batch, done }),
    close: async () => durable.close(),
  }
  const log = { info() {}, warn() {}, error() {} }
  const store = new SqliteStore({ writer, readers: new MemoryReaders(durable.connection), log, groupLimit: 100 })
  const write = (name: string) => store.write(async (tx) => tx.run(db.insertInto('installation').values({ name, value: 'v' })))
  return { store, posted, write }
}

test('sends what comes while a group is being committed together with the next one', async () => {
  const { store, posted, write } = openHeld()
  const first = write('a')
  await twoTurns()
  expect(posted.map(({ batch }) => batch.requestCount)).toEqual([1])
  const later: Promise<void>[] = []
  for (const name of ['b', 'c', 'd']) {
    later.push(write(name))
    await twoTurns()
  }
  expect(posted).toHaveLength(1)
  posted[0]?.done({ refusals: [] })
  await first
  await expect.poll(() => posted.map(({ batch }) => batch.requestCount)).toEqual([1, 3])
  posted[1]?.done({ refusals: [] })
  await Promise.all(later)
  await store.close()
})

test('a close waits for what is queued behind a group as well', async () => {
  const { store, posted, write } = openHeld()
  const both = [write('a')]
  await twoTurns()
  both.push(write('b'))
  await twoTurns()
  const closed = store.close()
  posted[0]?.done({ refusals: [] })
  await expect.poll(() => posted.length).toBe(2)
  posted[1]?.done({ refusals: [] })
  await Promise.all(both)
  await closed
})
