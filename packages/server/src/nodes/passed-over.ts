// An offer to go over to another protocol than WebSocket, such as the h2c of Java's HTTP client, is no refusal of this one: the
// request is handed back to the server without the offer. Node 20 cannot be told to pass over an offer by itself. Called by hub.ts.
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

interface Offer {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

export function isWebSocket({ headers }: IncomingMessage): boolean {
  return wordsOf(headers.upgrade ?? '').includes('websocket')
}

/** The socket begins anew with the same request; what came behind its head is still to be read. */
export function passOver(server: Server, { request, socket, head }: Offer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`]
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(at, at + 2)
    const kept = withoutOffer(name.toLowerCase(), value)
    if (kept !== undefined) lines.push(`${name}: ${kept}`)
  }
  // As they were read: each character is one byte.
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}

const ofOffer = ['upgrade', 'http2-settings']

function withoutOffer(name: string, value: string): string | undefined {
  if (ofOffer.includes(name)) return undefined
  if (name !== 'connection') return value
  const words = wordsOf(value).filter((word) => !ofOffer.includes(word))
  return words.length > 0 ? words.join(', ') : undefined
}

function wordsOf(list: string): string[] {
  return list.split(',').map((word) => word.trim().toLowerCase())
}
