// Redeems the ticket in an address: once, and within its time. Used by the doors for terminals and followed logs.
import { Fault } from '@littoral/contract/errors'
import { hashSecret } from '../domain/secret.ts'
import type { Services } from '../operations/context.ts'
import * as tickets from '../store/stream-tickets.ts'
import { isSameSecret } from './credential.ts'

const refused = { name: 'Stream.TicketRefused' } as const

/** `parameter` is how the address names the ticket. Throws Stream.TicketRefused without saying what was wrong. */
export async function redeem(
  url: string,
  parameter: 'SessionId' | 'StreamId',
  kind: tickets.StreamTicket['kind'],
  { store, now }: Pick<Services, 'store' | 'now'>,
): Promise<tickets.StreamTicket> {
  const query = new URL(url, 'http://here').searchParams
  const [id, token] = [query.get(parameter) ?? '', query.get('Token') ?? '']
  return store.write(async (tx) => {
    const ticket = await tickets.find(tx, id)
    const isGood = isSameSecret(ticket?.tokenHash ?? '', hashSecret(token)) && ticket?.kind === kind && ticket.expiresAtMs > now()
    if (ticket === undefined || !isGood) throw new Fault('Stream.TicketRefused')
    tickets.remove(tx, id, refused)
    return ticket
  })
}
