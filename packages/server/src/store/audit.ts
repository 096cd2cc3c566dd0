// The audit trail: who did what, when, and how it ended. A row is queued in the same transaction as the change it tells
// of, so neither is ever there without the other.
import { db } from './db.ts'
import { prepared } from './prepared.ts'
import type { ReadTx, Store, WriteTx } from './store.ts'
import type { AuditTable } from './tables/core.ts'

export interface AuditRecord {
  /** The request's id, or the id of a loop's decision. */
  readonly id: string
  readonly accountId: string
  /** Access key id of the caller, or the name of the loop. */
  readonly actor: string
  readonly action: string
  readonly atMs: number
  /** `ok`, or the name of the fault. */
  readonly outcome: string
  /** What it was about, as JSON; without secrets. */
  readonly detail: object
}

const insertRow = prepared((row: AuditTable) => {
  // Named one by one: a place knows its name only when it is asked for it.
  const { id, account_id, actor, action, at, outcome, detail } = row
  return db.insertInto('audit').values({ id, account_id, actor, action, at, outcome, detail })
})

export function auditRow(tx: WriteTx, { id, accountId, actor, action, atMs, outcome, detail }: AuditRecord): void {
  tx.append(insertRow({ id, account_id: accountId, actor, action, at: atMs, outcome, detail: JSON.stringify(detail) }))
}

/** So many rows go in one write. */
const chunk = 5000

/** Removes what is older, from every account; a few thousand rows a write. */
export async function removeBefore(store: Store, beforeMs: number): Promise<void> {
  for (let accountId = await nextAccount(store, ''); accountId !== undefined; accountId = await nextAccount(store, accountId)) {
    for (let isMore = true; isMore;) isMore = await removeSome(store, { accountId, beforeMs })
  }
}

// From account to account by the index, instead of looking at every row.
async function nextAccount(store: Store, after: string): Promise<string | undefined> {
  const query = db.selectFrom('audit').select('account_id').where('account_id', '>', after).orderBy('account_id').limit(1)
  return (await store.read((tx) => tx.first(query)))?.account_id
}

// By their time, which has an index; rows of one millisecond go together. True when there are more.
async function removeSome(store: Store, { accountId, beforeMs }: { accountId: string; beforeMs: number }): Promise<boolean> {
  const old = db.selectFrom('audit').select('at').where('account_id', '=', accountId).where('at', '<', beforeMs).orderBy('at')
  const [oldest, last] = await store.read((tx) => Promise.all([tx.first(old.limit(1)), tx.first(old.offset(chunk - 1).limit(1))]))
  if (oldest === undefined) return false
  const until = last?.at ?? beforeMs - 1
  await store.write(async (tx) => tx.run(db.deleteFrom('audit').where('account_id', '=', accountId).where('at', '<=', until)))
  return last !== undefined
}

/** The newest rows of an account that are older than `beforeMs`. */
export async function list(tx: ReadTx, of: { accountId: string; beforeMs: number; limit: number }): Promise<AuditRecord[]> {
  const query = db.selectFrom('audit').selectAll().where('account_id', '=', of.accountId).where('at', '<', of.beforeMs)
  const rows = await tx.all(query.orderBy('at', 'desc').limit(of.limit))
  return rows.map((row) => ({
    id: row.id,
    accountId: row.account_id,
    actor: row.actor,
    action: row.action,
    atMs: row.at,
    outcome: row.outcome,
    detail: JSON.parse(row.detail) as object,
  }))
}
