// How long a request may take to arrive. A call is short, so all of it has a minute; a package on a slow line is not: an
// upload has its own end, and only a pause in it counts as a client that is gone. Headers are Node's to watch.
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route whose bodies may take as long as they move. */
    isUpload?: boolean
  }
}

export interface Patience {
  /** From the head of a call to the last byte of its body, and between two pieces of an upload. */
  readonly requestTimeoutMs: number
  /** From an upload's first byte to its last. */
  readonly uploadTimeoutMs: number
}

/** Ends requests that take too long, through the server's clientError listener. */
export function watchBodies(app: FastifyInstance, { requestTimeoutMs }: Patience): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw, routeOptions } = request
    if (hasBody(raw)) {
      const end = () =>
        void app.server.emit(
          'clientError',
          Object.assign(new Error('the body took too long'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
          raw.socket,
        )
      watch(raw, { timeoutMs: requestTimeoutMs, mayGoOn: routeOptions.config.isUpload === true, end })
    }
    done()
  })
}

interface Watch {
  readonly timeoutMs: number
  /** The time counts anew while bytes arrive. */
  readonly mayGoOn: boolean
  readonly end: () => void
}

function watch(raw: IncomingMessage, { timeoutMs, mayGoOn, end }: Watch): void {
  let seenBytes = raw.socket.bytesRead
  const look = (): void => {
    if (raw.complete) return
    const { bytesRead } = raw.socket
    if (!mayGoOn || bytesRead === seenBytes) return end()
    seenBytes = bytesRead
    timer.refresh()
  }
  const timer = setTimeout(look, timeoutMs)
  raw.once('close', () => clearTimeout(timer))
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
