// Signature nonces, each good for one request within its window, also across restarts. http/authenticate.ts claims one
// per request. Invariants:
//
// 1. Memory is the truth for duplicates while the process runs; it is loaded from the rows at start.
// 2. A row costs no commit of its own: it rides in the commit of the next write. The nonce of a request that changed
//    something is therefore on disk whenever its change is, since it was claimed before the change was queued.
// 3. A crash may lose the nonces of requests that changed nothing. Repeating such a request only reads again.
import { hash } from 'node:crypto'
import type { Compilable } from 'kysely'
import { db } from './db.ts'
import { FingerprintSet } from './fingerprint-set.ts'
import { prepared } from './prepared.ts'
import type { Store } from './store.ts'

export interface Nonces {
  /** False when this key has used the nonce before. */
  claim(accessKeyId: string, nonce: string, expiresAtMs: number): Promise<boolean>
  /** Forgets what has expired; also done every half minute. */
  reap(nowMs: number): Promise<void>
  close(): Promise<void>
}

interface NonceRow {
  readonly fingerprint: number
  readonly expires_at: number
}

const minuteMs = 60_000
/** So many rows are written even if no write comes by that could take them along. */
const maxPending = 1000
const reapEveryMs = 30_000
const chunk = 5000
/** Rows per statement; few sizes, so that few statements are prepared. */
const inserts = [64, 16, 4, 1].map((size) => ({ size, insert: prepared((places: readonly number[]) => insertRows(places, size)) }))

export async function openNonces(store: Store, now: () => number = Date.now): Promise<Nonces> {
  const seen = new SeenNonces()
  await load(store, seen, now())
  let pending: NonceRow[] = []
  const take = (): NonceRow[] => {
    const taken = pending
    pending = []
    return taken
  }
  const stopRiding = store.ride(() => toInserts(take()))
  const save = (): Promise<void> => {
    const queries = toInserts(take())
    return store.write(async (tx) => {
      for (const query of queries) tx.run(query)
    })
  }
  const reapAll = async (atMs: number): Promise<void> => {
    seen.forget(atMs)
    await reap(store, atMs)
  }
  // What fails now is tried again at the next turn; expired rows do no harm.
  const reaper = setInterval(() => void reapAll(now()).catch(() => {}), reapEveryMs)
  reaper.unref()
  return {
    async claim(accessKeyId, nonce, expiresAtMs) {
      const fingerprint = fingerprintOf(accessKeyId, nonce)
      if (!seen.add(fingerprint, expiresAtMs)) return false
      pending.push({ fingerprint, expires_at: expiresAtMs })
      if (pending.length === maxPending) save().catch(() => {})
      return true
    },
    reap: reapAll,
    async close() {
      clearInterval(reaper)
      if (pending.length > 0) await save()
      stopRiding()
    },
  }
}

/** 52 bits, never 0: with a million requests in the window one in 4,500 million is refused for no reason. */
export function fingerprintOf(accessKeyId: string, nonce: string): number {
  const digest = hash('sha256', `${accessKeyId}\n${nonce}`, 'buffer')
  return digest.readUIntBE(0, 6) * 16 + ((digest[6] ?? 0) & 15) || 1
}

/** What was seen, apart by the minute in which it may be forgotten, so that forgetting is dropping a set. */
class SeenNonces {
  readonly #byMinute = new Map<number, FingerprintSet>()

  add(fingerprint: number, expiresAtMs: number): boolean {
    for (const set of this.#byMinute.values()) if (set.has(fingerprint)) return false
    const minute = Math.floor(expiresAtMs / minuteMs)
    let set = this.#byMinute.get(minute)
    if (!set) this.#byMinute.set(minute, (set = new FingerprintSet()))
    set.add(fingerprint)
    return true
  }

  forget(nowMs: number): void {
    for (const minute of this.#byMinute.keys()) if ((minute + 1) * minuteMs <= nowMs) this.#byMinute.delete(minute)
  }
}

function insertRows(places: readonly number[], size: number) {
  const rows = Array.from({ length: size }, (_, row) => ({
    fingerprint: places[row * 2] as number,
    expires_at: places[row * 2 + 1] as number,
  }))
  return db.insertInto('nonces').values(rows)
}

/** Few statements for many rows. */
function toInserts(rows: readonly NonceRow[]): Compilable[] {
  const queries: Compilable[] = []
  let from = 0
  for (const { size, insert } of inserts) {
    for (; rows.length - from >= size; from += size) {
      queries.push(insert(rows.slice(from, from + size).flatMap((row) => [row.fingerprint, row.expires_at])))
    }
  }
  return queries
}

async function load(store: Store, seen: SeenNonces, nowMs: number): Promise<void> {
  const query = db
    .selectFrom('nonces')
    .selectAll()
    .where('expires_at', '>', nowMs)
    .orderBy('expires_at')
    .orderBy('fingerprint')
    .limit(chunk)
  await store.read(async (tx) => {
    let page = await tx.all(query)
    for (; page.length > 0;) {
      for (const row of page) seen.add(row.fingerprint, row.expires_at)
      const last = page[page.length - 1] as NonceRow
      page = await tx.all(
        query.where((is) =>
          is.or([
            is('expires_at', '>', last.expires_at),
            is.and([is('expires_at', '=', last.expires_at), is('fingerprint', '>', last.fingerprint)]),
          ]),
        ),
      )
    }
  })
}

/** Removes expired rows, some thousand per write. */
async function reap(store: Store, nowMs: number): Promise<void> {
  const expired = db.selectFrom('nonces').select('expires_at').where('expires_at', '<=', nowMs).orderBy('expires_at')
  for (let isMore = true; isMore;) {
    isMore = await store.write(async (tx) => {
      const last = await tx.peek(expired.offset(chunk - 1).limit(1))
      tx.run(db.deleteFrom('nonces').where('expires_at', '<=', last?.expires_at ?? nowMs))
      return last !== undefined
    })
  }
}
