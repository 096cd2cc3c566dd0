// Access keys. The signature check asks openCredentials() for every request; server.ts makes sure there is a root key.
import { db } from './db.ts'
import type { SecretBox } from './secret-box.ts'
import type { ReadTx, Store, WriteTx } from './store.ts'
import type { CredentialsTable } from './tables/core.ts'

export interface Credential {
  /** The access key id. */
  readonly id: string
  readonly accountId: string
  readonly secret: string
  readonly kind: 'root'
  readonly isActive: boolean
  readonly createdAtMs: number
}

/** Announced whenever a key is added, changed or removed. */
const topic = 'credentials'
const maxCached = 10_000

export async function find(tx: ReadTx, box: SecretBox, id: string): Promise<Credential | undefined> {
  const row = await tx.first(db.selectFrom('credentials').selectAll().where('id', '=', id))
  return row && toCredential(box, row)
}

/** Every key of an account, oldest first. */
export async function list(tx: ReadTx, box: SecretBox, accountId: string): Promise<Credential[]> {
  const query = db.selectFrom('credentials').selectAll().where('account_id', '=', accountId)
  const rows = await tx.all(query.orderBy('created_at').orderBy('id').limit(1000))
  return rows.map((row) => toCredential(box, row))
}

/** Adds a key, or gives an existing one this secret and state. */
export function upsert(tx: WriteTx, box: SecretBox, credential: Credential): void {
  const isActive = credential.isActive ? 1 : 0
  const secret = box.seal(credential.secret, credential.id)
  const { id, accountId, kind, createdAtMs } = credential
  tx.run(
    db
      .insertInto('credentials')
      .values({ id, account_id: accountId, kind, is_active: isActive, created_at: createdAtMs, secret })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ account_id: accountId, kind, is_active: isActive, secret })),
  )
  tx.announce(topic)
}

export function remove(tx: WriteTx, id: string): void {
  tx.run(db.deleteFrom('credentials').where('id', '=', id))
  tx.announce(topic)
}

/** Keys by id, kept in memory until one changes: unsealing on every request would cost more than checking its signature. */
export interface Credentials {
  find(id: string): Promise<Credential | undefined>
  close(): void
}

export function openCredentials(store: Store, box: SecretBox): Credentials {
  let cached = new Map<string, Credential>()
  const stop = store.changes(topic, () => {
    cached = new Map()
  })
  return {
    async find(id) {
      // A change while the row is read must not put the old one back.
      const cache = cached
      const known = cache.get(id)
      if (known) return known
      const found = await store.read((tx) => find(tx, box, id))
      if (found && cache.size < maxCached) cache.set(id, found)
      return found
    },
    close: stop,
  }
}

function toCredential(box: SecretBox, row: CredentialsTable): Credential {
  return {
    id: row.id,
    accountId: row.account_id,
    secret: box.open(row.secret, row.id),
    kind: row.kind,
    isActive: row.is_active === 1,
    createdAtMs: row.created_at,
  }
}
