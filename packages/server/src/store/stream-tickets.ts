// Tickets: what a call hands out so that a WebSocket or a plain GET, which cannot be signed, may open one stream once.
import type { FaultSpec } from '@littoral/contract/errors'
import type { ExecRequest, LogsRequest } from '@littoral/contract/node/stream'
import { db } from './db.ts'
import type { ReadTx, WriteTx } from './store.ts'

export interface StreamTicket {
  readonly id: string
  readonly tokenHash: string
  readonly accountId: string
  readonly actor: string
  readonly kind: 'terminal' | 'logs'
  readonly nodeId: string
  readonly expiresAtMs: number
  readonly request: LogsRequest | ExecRequest
}

/** Also forgets what has run out, so that the table holds a minute's worth. */
export function insert(tx: WriteTx, ticket: StreamTicket, nowMs: number): void {
  tx.run(db.deleteFrom('stream_tickets').where('expires_at_ms', '<=', nowMs))
  tx.run(
    db.insertInto('stream_tickets').values({
      id: ticket.id,
      token_hash: ticket.tokenHash,
      account_id: ticket.accountId,
      actor: ticket.actor,
      kind: ticket.kind,
      node_id: ticket.nodeId,
      expires_at_ms: ticket.expiresAtMs,
      request: JSON.stringify(ticket.request),
    }),
  )
}

export async function find(tx: ReadTx, id: string): Promise<StreamTicket | undefined> {
  const row = await tx.first(db.selectFrom('stream_tickets').selectAll().where('id', '=', id))
  return (
    row && {
      id: row.id,
      tokenHash: row.token_hash,
      accountId: row.account_id,
      actor: row.actor,
      kind: row.kind,
      nodeId: row.node_id,
      expiresAtMs: row.expires_at_ms,
      request: JSON.parse(row.request) as StreamTicket['request'],
    }
  )
}

/** Takes it out of use; throws the fault when somebody else just did. */
export function remove(tx: WriteTx, id: string, fault: FaultSpec): void {
  tx.run(db.deleteFrom('stream_tickets').where('id', '=', id), { none: fault })
}
