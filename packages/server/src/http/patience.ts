// How long a request may take to arrive. A call is short, so all of it has a minute; a package on a slow line is not: an
// upload has its own end, and only a pause in it counts as a client that is gone. Headers are Node's to watch.
import type { IncomingMessage, Server } from 'node:http'
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

/** Bodies that are arriving. */
export interface Watched {
  begin(request: IncomingMessage): void
  end(request: IncomingMessage): void
}

/** Watches the bodies of calls: one timer for all of them, since all have the same time. */
export function watchCalls(server: () => Server, { requestTimeoutMs }: Patience): Watched {
  // In the order in which they began: the first is the next that may be late.
  const begun = new Map<IncomingMessage, number>()
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    timer = undefined
    const nowMs = performance.now()
    for (const [request, beganMs] of begun) {
      const leftMs = beganMs + requestTimeoutMs - nowMs
      if (leftMs > 0) return wake(leftMs)
      begun.delete(request)
      giveUp(server(), request)
    }
  }
  const wake = (afterMs: number): void => {
    timer = setTimeout(look, Math.ceil(afterMs)).unref()
  }
  return {
    begin(request) {
      begun.set(request, performance.now())
      if (timer === undefined) wake(requestTimeoutMs)
    },
    end: (request) => void begun.delete(request),
  }
}

/** Watches the bodies of whatever the framework serves. */
export function watchBodies(app: FastifyInstance, { requestTimeoutMs }: Patience): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { raw, routeOptions } = request
    const mayGoOn = routeOptions.config.isUpload === true
    if (hasBody(raw)) watchBody(raw, { timeoutMs: requestTimeoutMs, mayGoOn, end: () => giveUp(app.server, raw) })
    done()
  })
}

interface Watch {
  readonly timeoutMs: number
  /** The time counts anew while bytes arrive. */
  readonly mayGoOn: boolean
  readonly end: () => void
}

function watchBody(raw: IncomingMessage, { timeoutMs, mayGoOn, end }: Watch): void {
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

/** Through the server's clientError listener, which answers. */
function giveUp(server: Server, { socket }: IncomingMessage): void {
  const error = Object.assign(new Error('the body took too long'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
  server.emit('clientError', error, socket)
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
