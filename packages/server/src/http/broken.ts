// Answers to what is no request: malformed HTTP, headers past the limit, a request that never ends. Clients report
// anything but a JSON envelope as a bare SyntaxError, so these get one too. Called by app.ts.
import type { Socket } from 'node:net'
import { Fault } from '@littoral/contract/errors'
import type { Ids } from '../operations/context.ts'
import { failure } from './reply.ts'

/** Time the client has to read the answer before the socket is destroyed. */
const lingerMs = 2000

const reasons: Readonly<Record<number, string>> = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' }

export interface ParserError extends Error {
  readonly code?: string
  /** What had arrived. */
  readonly rawPacket?: unknown
}

export function answerBroken(error: ParserError, socket: Socket, ids: Pick<Ids, 'uuid'>, headerBytes: number): void {
  if (answered.has(socket)) return
  answered.add(socket)
  // Half an answer is already on its way: another one would be read as its rest.
  if (error.code === 'ECONNRESET' || !socket.writable || hasHeaderSent(socket)) {
    socket.destroy()
    return
  }
  endWith(socket, faultOf(error, headerBytes), ids)
}

/** CONNECT asks for a tunnel: Node gives it its own event, and would hang up without a word. */
export function answerConnect(socket: Socket, ids: Pick<Ids, 'uuid'>): void {
  socket.on('error', () => socket.destroy())
  endWith(socket, new Fault('UnsupportedHTTPMethod'), ids)
}

function endWith(socket: Socket, fault: Fault, ids: Pick<Ids, 'uuid'>): void {
  const { status, headers, body } = failure(fault, { requestId: ids.uuid(), format: 'json', origin: '' })
  const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${status} ${reasons[status] ?? 'Error'}\r\n${head}\r\n${body}`)
  setTimeout(() => socket.destroy(), lingerMs).unref()
}

// The parser complains again about whatever else arrives on a socket it has given up.
const answered = new WeakSet<Socket>()

function hasHeaderSent(socket: Socket): boolean {
  // Node's own default handler looks at the same private field.
  const { _httpMessage: message } = socket as Socket & { _httpMessage?: { headersSent?: boolean } | null }
  return message?.headersSent === true
}

function faultOf(error: ParserError, headerBytes: number): Fault {
  if (error.code === 'HPE_HEADER_OVERFLOW') return new Fault('RequestHeaderTooLarge', { Limit: `${headerBytes} bytes` }, { cause: error })
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Fault('RequestTimeout', {}, { cause: error })
  return new Fault(isOtherMethod(error) ? 'UnsupportedHTTPMethod' : 'MalformedRequest', {}, { cause: error })
}

/** Well-formed HTTP but for a method that the parser has not heard of, such as `get`. */
function isOtherMethod({ code, rawPacket }: ParserError): boolean {
  if (code !== 'HPE_INVALID_METHOD' || !(rawPacket instanceof Uint8Array)) return false
  return /^[\w!#$%&'*+.^`|~-]{1,64} \S+ HTTP\/1\.[01]\r?\n/.test(Buffer.from(rawPacket).toString('latin1'))
}
