// Facts about this installation that are decided once, at its first start. Called by server.ts.
import { db } from './db.ts'
import type { ReadTx, Store } from './store.ts'

export interface Installation {
  /** 16 digits; one installation normally has one account. */
  readonly accountId: string
  readonly createdAtMs: number
}

/** One fact by name. */
export async function find(tx: ReadTx, name: string): Promise<string | undefined> {
  const row = await tx.first(db.selectFrom('installation').select('value').where('name', '=', name))
  return row?.value
}

/** The installation's own facts; those given are kept if this is the first start. */
export async function ensureInstallation(store: Store, fresh: Installation): Promise<Installation> {
  return store.write(async (tx) => {
    const accountId = await find(tx, 'account_id')
    const createdAt = await find(tx, 'created_at')
    if (accountId !== undefined) return { accountId, createdAtMs: Number(createdAt) }
    tx.run(
      db.insertInto('installation').values([
        { name: 'account_id', value: fresh.accountId },
        { name: 'created_at', value: String(fresh.createdAtMs) },
      ]),
    )
    return fresh
  })
}
