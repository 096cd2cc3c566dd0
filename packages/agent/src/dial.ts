// Opens the node's socket: a connection, or the server's refusal in its own words, or why it could not be reached.
import type { IncomingMessage } from 'node:http'
import { maxMessageBytes } from '@littoral/contract/node/protocol'
import type { WebSocket } from 'ws'
import { required } from './required.ts'

export interface Refusal {
  readonly code: string
  readonly message: string
  readonly isPermanent: boolean
  /** The credential was not accepted; another one may be. */
  readonly isUnauthenticated: boolean
  /** What the server's clock said, to the second. */
  readonly serverTimeMs?: number
}

export type Dialled =
  | { readonly isOpen: true; readonly socket: WebSocket; readonly localAddress: string }
  | { readonly isOpen: false; readonly refusal?: Refusal; readonly problem?: string }

const handshakeTimeout = 15_000
const longestAnswer = 16 * 1024

/** The socket of a connection is paused until the caller resumes it. */
export function dial(url: URL, authorization: string, signal: AbortSignal): Promise<Dialled> {
  const { WebSocket } = required('ws')
  const socket = new WebSocket(url, {
    headers: { authorization },
    handshakeTimeout,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    followRedirects: false,
  })
  const onAbort = () => socket.terminate()
  signal.addEventListener('abort', onAbort, { once: true })
  let localAddress = ''
  return new Promise<Dialled>((resolve) => {
    socket.once('upgrade', (response: IncomingMessage) => (localAddress = response.socket.localAddress ?? ''))
    socket.once('open', () => {
      // Frames that came with the answer would be emitted before the caller listens; it resumes the socket then.
      socket.pause()
      resolve({ isOpen: true, socket, localAddress: localAddress.replace(/^::ffff:/, '') })
    })
    // Not once: a second error of a failed dial has nobody else to listen to it.
    socket.on('error', (error: Error) => resolve({ isOpen: false, problem: `${url.host}: ${error.message || 'cannot be reached'}` }))
    socket.once('unexpected-response', (request, response: IncomingMessage) => {
      void readAnswer(response).then((text) => {
        request.destroy()
        resolve({ isOpen: false, ...answered(response, text, url) })
      })
    })
  }).finally(() => signal.removeEventListener('abort', onAbort))
}

function answered(response: IncomingMessage, text: string, url: URL): { refusal: Refusal } | { problem: string } {
  const { statusCode: status = 0, headers } = response
  const serverTimeMs = Date.parse(headers.date ?? '')
  const { code, message } = parseAnswer(text)
  if (status === 401 || status === 403) {
    const refusal = { code: code ?? `Http${status}`, message: message ?? `HTTP status ${status} from ${url.host}`, isPermanent: true }
    return { refusal: { ...refusal, isUnauthenticated: true, ...(Number.isNaN(serverTimeMs) ? {} : { serverTimeMs }) } }
  }
  return { problem: `${url.host} answered with HTTP status ${status}${message === undefined ? '' : `: ${message}`}` }
}

function parseAnswer(text: string): { code?: string; message?: string } {
  try {
    const value = JSON.parse(text) as { code?: unknown; message?: unknown } | null
    return {
      ...(typeof value?.code === 'string' ? { code: value.code.slice(0, 64) } : {}),
      ...(typeof value?.message === 'string' ? { message: value.message.slice(0, 2000) } : {}),
    }
  } catch {
    return {}
  }
}

/** The body as far as it is of interest; ends with the first of: its end, too much of it, an error, 5 s. */
function readAnswer(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const finish = () => {
      clearTimeout(timer)
      resolve(text)
    }
    const timer = setTimeout(finish, 5000)
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      if (text.length > longestAnswer) finish()
    })
    response.once('end', finish)
    response.once('error', finish)
    response.once('close', finish)
  })
}
