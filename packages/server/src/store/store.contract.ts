// What every store must do, whatever stands behind it. Run by sqlite.test.ts for each driver; a new dialect runs it too.
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fault } from '@littoral/contract/errors'
import { db } from './db.ts'
import type { Store, WriteTx } from './store.ts'

const taken = { name: 'Node.NotFound', params: { NodeId: 'taken' } } as const
const absent = { name: 'Node.NotFound', params: { NodeId: 'absent' } } as const

const all = db.selectFrom('installation').selectAll().orderBy('name')
const one = (name: string) => db.selectFrom('installation').selectAll().where('name', '=', name)
const insert = (name: string, value = 'v') => db.insertInto('installation').values({ name, value })
const set = (name: string, value: string) => db.updateTable('installation').set({ value }).where('name', '=', name)

export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(`the store on ${name}`, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())

    const write = (fn: (tx: WriteTx) => void): Promise<void> => store.write(async (tx) => fn(tx))
    const valueOf = async (key: string) => (await store.read((tx) => tx.first(one(key))))?.value
    const names = async () => (await store.read((tx) => tx.all(all))).map((row) => row.name)

    describeTransactions()
    describeFaults()
    describeConflicts()
    describeTopicsAndRides()

    function describeTransactions(): void {
      test('shows a write to every read that begins after it was answered', async () => {
        for (let round = 0; round < 20; round += 1) {
          await write((tx) => tx.run(insert(`k${round}`, String(round))))
          expect(await valueOf(`k${round}`)).toBe(String(round))
        }
      })

      test('answers with what the function returns', async () => {
        expect(await store.read(async () => 7)).toBe(7)
        expect(await store.write(async () => 8)).toBe(8)
        expect(await store.write(async (tx) => (tx.run(insert('a')), 9))).toBe(9)
      })

      test('reads everything in one transaction from one snapshot', async () => {
        await write((tx) => tx.run(insert('a', 'old')))
        let writing: Promise<void> | undefined
        const seen = await store.read(async (tx) => {
          const before = await tx.first(one('a'))
          writing = write((other) => other.run(set('a', 'new')))
          // Long enough for the other write to be committed, were it not kept out of this snapshot.
          for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
          return [before?.value, (await tx.first(one('a')))?.value]
        })
        await writing
        expect(seen).toEqual(['old', 'old'])
        expect(await valueOf('a')).toBe('new')
      })

      test('applies all statements of a function or none', async () => {
        await write((tx) => tx.run(insert('a')))
        const both = write((tx) => {
          tx.run(insert('b'))
          tx.run(insert('a'), { unique: taken })
        })
        await expect(both).rejects.toThrow(Fault)
        expect(await names()).toEqual(['a'])
      })

      test('queues nothing when the function throws', async () => {
        const failing = write((tx) => {
          tx.run(insert('a'))
          throw new Error('changed my mind')
        })
        await expect(failing).rejects.toThrow('changed my mind')
        expect(await names()).toEqual([])
      })

      test('refuses a read after a queued statement (invariant 1)', async () => {
        const late = store.write(async (tx) => {
          tx.run(insert('a'))
          await tx.first(one('a'))
        })
        await expect(late).rejects.toThrow('came after a queued statement')
      })

      test('refuses to go on with a transaction that is over', async () => {
        let kept: WriteTx | undefined
        await store.write(async (tx) => {
          kept = tx
        })
        expect(() => kept?.run(insert('a'))).toThrow('had returned')
        await expect(kept?.first(one('a'))).rejects.toThrow('had returned')
      })

      test('keeps every kind of value as it was', async () => {
        const text = 'ä😀\n"\\'
        await write((tx) => {
          tx.run(insert('text', text))
          tx.run(insert('long', 'x'.repeat(100_000)))
          const row = { id: 'k', account_id: '1', kind: 'root', is_active: 1, created_at: Number.MAX_SAFE_INTEGER, secret: '' } as const
          tx.run(db.insertInto('credentials').values(row))
        })
        expect(await valueOf('text')).toBe(text)
        expect(await valueOf('long')).toHaveLength(100_000)
        const row = await store.read((tx) => tx.first(db.selectFrom('credentials').selectAll()))
        expect(row).toEqual({ id: 'k', account_id: '1', kind: 'root', is_active: 1, created_at: Number.MAX_SAFE_INTEGER, secret: '' })
      })

      test('refuses a value that not every database keeps, with the way to store it', async () => {
        await expect(write((tx) => tx.run(insert('a', true as never)))).rejects.toThrow('store 0 or 1')
        await expect(store.read((tx) => tx.first(one(false as never)))).rejects.toThrow('store 0 or 1')
        await expect(write((tx) => tx.run(insert('a', 'b\u0000c')))).rejects.toThrow('NUL character')
      })

      test('survives a query that is wrong', async () => {
        const wrong = db.selectFrom('nothing' as never).selectAll()
        await expect(store.read((tx) => tx.all(wrong))).rejects.toThrow('A query failed')
        await expect(write((tx) => tx.run(db.deleteFrom('nothing' as never)))).rejects.toThrow('A statement was refused')
        await write((tx) => tx.run(insert('a')))
        expect(await names()).toEqual(['a'])
      })
    }

    function describeFaults(): void {
      test('turns a unique violation into the declared fault', async () => {
        await write((tx) => tx.run(insert('a')))
        await expect(write((tx) => tx.run(insert('a'), { unique: taken }))).rejects.toThrow(Fault.from(taken).message)
        await expect(write((tx) => tx.run(insert('a')))).rejects.toThrow('A statement was refused')
      })

      test('turns a statement that changes nothing into the declared fault', async () => {
        await expect(write((tx) => tx.run(set('a', 'x'), { none: absent }))).rejects.toThrow(Fault.from(absent).message)
        await write((tx) => tx.run(set('a', 'x')))
      })

      test('turns a missing parent into the declared fault', async () => {
        const child = sql`insert into assignments (node_id, key, account_id, version, digest, generation, assigned_at_ms, workload)
          values ('nobody', 'k', '1', 'v', 'd', 1, 1, '{}')`
        const query = { compile: () => child.compile(db), toOperationNode: () => child.toOperationNode() }
        await expect(write((tx) => tx.run(query, { missing: absent }))).rejects.toThrow(Fault.from(absent).message)
      })

      test('checks a requirement when it is committed, in the order of the queue', async () => {
        await expect(
          write((tx) => {
            tx.require(one('a'), absent)
            tx.run(insert('a'))
          }),
        ).rejects.toThrow(Fault.from(absent).message)
        await write((tx) => {
          tx.run(insert('b'))
          tx.require(one('b'), absent)
        })
        expect(await names()).toEqual(['b'])
      })

      test('lets a refused request not touch its neighbours in the same commit', async () => {
        await write((tx) => tx.run(insert('taken')))
        const attempts = Array.from({ length: 40 }, (_, index) =>
          write((tx) => {
            tx.run(insert(`n${String(index).padStart(2, '0')}`))
            if (index % 3 === 0) tx.run(insert('taken'), { unique: taken })
          }).then(
            () => 'written',
            () => 'refused',
          ),
        )
        const outcomes = await Promise.all(attempts)
        expect(outcomes).toEqual(outcomes.map((_, index) => (index % 3 === 0 ? 'refused' : 'written')))
        expect(await names()).toHaveLength(1 + outcomes.filter((outcome) => outcome === 'written').length)
      })
    }

    function describeConflicts(): void {
      test('runs the function again when what it read has changed, so that no update is lost', async () => {
        await write((tx) => tx.run(insert('count', '0')))
        let runs = 0
        const increments = Array.from({ length: 12 }, () =>
          store.write(async (tx) => {
            runs += 1
            const row = await tx.first(one('count'))
            tx.run(set('count', String(Number(row?.value) + 1)))
          }),
        )
        const outcomes = await Promise.allSettled(increments)
        const written = outcomes.filter((outcome) => outcome.status === 'fulfilled').length
        expect(await valueOf('count')).toBe(String(written))
        expect(written).toBe(12)
        expect(runs).toBeGreaterThan(12)
      })

      test('notices a row that appeared, and one that vanished, in a list that was read', async () => {
        const addNext = () =>
          store.write(async (tx) => {
            const rows = await tx.all(all)
            if (rows.length < 5) tx.run(insert(`row-${rows.length}`))
          })
        await Promise.all(Array.from({ length: 10 }, addNext))
        expect(await names()).toEqual(['row-0', 'row-1', 'row-2', 'row-3', 'row-4'])
      })

      test('does not run the function again for a peek', async () => {
        await write((tx) => tx.run(insert('a', '0')))
        let runs = 0
        const writes = Array.from({ length: 10 }, (_, index) =>
          store.write(async (tx) => {
            runs += 1
            await tx.peek(one('a'))
            await tx.peekAll(all)
            tx.run(set('a', String(index)))
          }),
        )
        await Promise.all(writes)
        expect(runs).toBe(10)
      })

      test('gives up a write that always conflicts with the fault of an overloaded service', async () => {
        await write((tx) => tx.run(insert('a', '0')))
        let runs = 0
        const hopeless = store.write(async (tx) => {
          runs += 1
          await tx.first(one('a'))
          await write((other) => other.run(set('a', `changed ${runs}`)))
          tx.run(insert('b'))
        })
        await expect(hopeless).rejects.toMatchObject({ fault: 'ServiceUnavailable' })
        expect(runs).toBeGreaterThan(3)
        expect(await names()).toEqual(['a'])
      })
    }

    function describeTopicsAndRides(): void {
      test('wakes the listeners of a topic after the commit, and no others', async () => {
        const woken: string[] = []
        const stop = store.changes('apps', () => woken.push('apps'))
        store.changes('nodes', () => woken.push('nodes'))
        await write((tx) => {
          tx.run(insert('a'))
          tx.announce('apps')
          expect(woken).toEqual([])
        })
        expect(woken).toEqual(['apps'])
        const refused = write((tx) => {
          tx.announce('apps')
          tx.run(insert('a'), { unique: taken })
        })
        await expect(refused).rejects.toThrow(Fault)
        stop()
        await write((tx) => {
          tx.announce('apps')
          tx.run(insert('b'))
        })
        expect(woken).toEqual(['apps'])
      })

      test('lets a listener that throws not hurt the others', async () => {
        let isWoken = false
        store.changes('apps', () => {
          throw new Error('a broken listener')
        })
        store.changes('apps', () => {
          isWoken = true
        })
        await write((tx) => tx.announce('apps'))
        expect(isWoken).toBe(true)
      })

      test('takes riders along with the next write, and only then', async () => {
        let riders = [insert('rider')]
        const stop = store.ride(() => riders.splice(0))
        await valueOf('rider')
        expect(riders).toHaveLength(1)
        await write((tx) => tx.run(set('nothing', 'x')))
        expect(await names()).toEqual(['rider'])
        riders = [insert('late')]
        stop()
        await write((tx) => tx.run(insert('a')))
        expect(await names()).toEqual(['a', 'rider'])
      })

      test('answers what is under way when it is closed, and refuses what comes later', async () => {
        const last = write((tx) => tx.run(insert('a')))
        await new Promise((resolve) => setImmediate(resolve))
        await store.close()
        await last
        await expect(store.read((tx) => tx.all(all))).rejects.toMatchObject({ fault: 'ServiceUnavailable' })
        await expect(write((tx) => tx.run(insert('b')))).rejects.toMatchObject({ fault: 'ServiceUnavailable' })
      })

      test('lets no write hang that is half way through its function when it is closed', async () => {
        const writes = Array.from({ length: 30 }, (_, index) =>
          store.write(async (tx) => {
            for (let turn = 0; turn < index; turn += 1) await new Promise((resolve) => setImmediate(resolve))
            tx.run(insert(`late-${index}`))
          }),
        )
        await new Promise((resolve) => setImmediate(resolve))
        const [outcomes] = await Promise.all([Promise.allSettled(writes), store.close()])
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ fault: 'ServiceUnavailable' })
        }
        expect(outcomes.some((outcome) => outcome.status === 'fulfilled')).toBe(true)
      })
    }
  })
}
