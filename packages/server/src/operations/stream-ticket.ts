// Issues tickets for streams: the text is shown once, its hash is kept for a minute.
import { hashSecret } from '../domain/secret.ts'
import type { WriteTx } from '../store/store.ts'
import * as tickets from '../store/stream-tickets.ts'
import type { Context } from './context.ts'

const validMs = 60_000

export interface NewTicket {
  readonly id: string
  readonly token: string
  readonly expiresAtMs: number
}

/** Made before the write, which may run more than once. */
export function newTicket({ ids, now }: Pick<Context, 'ids' | 'now'>): NewTicket {
  return { id: ids.hex(16), token: `lst_${ids.letters(40)}`, expiresAtMs: now() + validMs }
}

export interface TicketFor {
  readonly kind: tickets.StreamTicket['kind']
  readonly nodeId: string
  readonly request: tickets.StreamTicket['request']
}

export function keepTicket(tx: WriteTx, ticket: NewTicket, opens: TicketFor, { principal, now }: Pick<Context, 'principal' | 'now'>): void {
  const { id, token, expiresAtMs } = ticket
  const { accountId, accessKeyId: actor } = principal
  tickets.insert(tx, { ...opens, id, tokenHash: hashSecret(token), accountId, actor, expiresAtMs }, now())
}
