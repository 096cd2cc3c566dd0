// Reads a request's body to its end, whatever its content type and method (a GET may have one). Called by calls.ts.
import type { IncomingMessage } from 'node:http'
import { Fault } from '@littoral/contract/errors'

/** The client went away before its request was complete; there is nobody to answer. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected'
}

/** So many times the limit is read and thrown away, so that the client gets to read the answer; then the socket closes. */
const drainFactor = 4

/** Throws RequestTooLarge past the limit, and Disconnected. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const tooLarge = (): Fault => new Fault('RequestTooLarge', { Limit: `${limitBytes} bytes` })
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= limitBytes) chunks.push(chunk)
      else if (size > limitBytes * drainFactor) reject(tooLarge())
      else chunks.length = 0
    })
    request.on('end', () => {
      if (size > limitBytes) reject(tooLarge())
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks))
    })
    request.on('error', (cause) => reject(new Disconnected('the request broke off', { cause })))
    // Also told of requests that ended well; an error for each of those would cost more than reading it.
    request.on('close', () => void (request.readableEnded || reject(new Disconnected('the request broke off'))))
  })
}
