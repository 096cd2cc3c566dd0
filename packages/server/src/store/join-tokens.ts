// Join tokens: what a new node shows once to become a node. Only the hash is kept; the text is shown when it is made.
import type { FaultSpec } from '@littoral/contract/errors'
import { db } from './db.ts'
import type { Environment } from './nodes.ts'
import type { ReadTx, WriteTx } from './store.ts'
import type { JoinTokenRow } from './tables/nodes.ts'

export interface JoinToken {
  readonly id: string
  readonly accountId: string
  readonly tokenHash: string
  /** The region of nodes that join with it; absent: the node's own word counts. */
  readonly region?: string
  readonly environment?: Environment
  readonly maxUses: number
  readonly uses: number
  readonly expiresAtMs: number
  readonly createdAtMs: number
}

export async function findByHash(tx: ReadTx, tokenHash: string): Promise<JoinToken | undefined> {
  const row = await tx.first(db.selectFrom('join_tokens').selectAll().where('token_hash', '=', tokenHash))
  return row && toToken(row)
}

export function insert(tx: WriteTx, token: JoinToken): void {
  tx.run(
    db.insertInto('join_tokens').values({
      id: token.id,
      account_id: token.accountId,
      token_hash: token.tokenHash,
      region: token.region ?? null,
      environment: token.environment ?? null,
      max_uses: token.maxUses,
      uses: token.uses,
      expires_at_ms: token.expiresAtMs,
      created_at_ms: token.createdAtMs,
    }),
  )
}

/** Counts one use; throws the fault when the token was used up or ran out meanwhile. */
export function use(tx: WriteTx, id: string, nowMs: number, fault: FaultSpec): void {
  tx.run(
    db
      .updateTable('join_tokens')
      .set((e) => ({ uses: e('uses', '+', 1) }))
      .where('id', '=', id)
      .where('expires_at_ms', '>', nowMs)
      .whereRef('uses', '<', 'max_uses'),
    { none: fault },
  )
}

/** How many tokens ran out before that time. */
export async function countExpired(tx: ReadTx, beforeMs: number): Promise<number> {
  const query = db.selectFrom('join_tokens').where('expires_at_ms', '<', beforeMs)
  return Number((await tx.first(query.select((e) => e.fn.countAll<number>().as('total'))))?.total ?? 0)
}

/** Forgets tokens nobody can use any more. */
export function removeExpired(tx: WriteTx, beforeMs: number): void {
  tx.run(db.deleteFrom('join_tokens').where('expires_at_ms', '<', beforeMs))
}

function toToken(row: JoinTokenRow): JoinToken {
  return {
    id: row.id,
    accountId: row.account_id,
    tokenHash: row.token_hash,
    ...(row.region === null ? {} : { region: row.region }),
    ...(row.environment === null ? {} : { environment: row.environment as Environment }),
    maxUses: row.max_uses,
    uses: row.uses,
    expiresAtMs: row.expires_at_ms,
    createdAtMs: row.created_at_ms,
  }
}
