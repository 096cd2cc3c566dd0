// Logs that are followed: GET /logs/follow, answered line by line as plain text, or as a WebSocket with text frames. The
// ticket in the address comes from OpenLogStream. A slow reader slows its node's stream down, and costs no memory.
import type { ServerResponse } from 'node:http'
import { Fault } from '@littoral/contract/errors'
import type { FastifyInstance } from 'fastify'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Services } from '../operations/context.ts'
import type { StreamTicket } from '../store/stream-tickets.ts'
import type { NodeHub, Upgrade } from './hub.ts'
import type { NodeStream, StreamEnd } from './streams.ts'
import { redeem } from './tickets.ts'

export const logPath = '/logs/follow'

const mostReaders = 500
/** An answer that has no line yet begins after this time, so that a reader knows that it is being served. */
const headMs = 500
const pingMs = 30_000

export type LogServices = Pick<Services, 'store' | 'now' | 'log'> & { readonly hub: Pick<NodeHub, 'open'> }

/** Where lines go; `take` resolves when there is room for more. */
interface Reader {
  take(text: string): Promise<void>
  end(outcome: StreamEnd): void
}

export class LogDoor {
  readonly #services: LogServices
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false })
  readonly #open = new Map<Reader, NodeStream>()

  constructor(services: LogServices) {
    this.#services = services
  }

  async upgrade({ request, socket, head }: Upgrade): Promise<void> {
    this.#requireRoom()
    const ticket = await redeem(request.url ?? '', 'StreamId', 'logs', this.#services)
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      const reader = socketReader(client)
      client.on('close', () => this.#left(reader))
      this.#serve(ticket, reader)
    })
  }

  mount(app: FastifyInstance): void {
    app.get(logPath, async (request, reply) => {
      try {
        this.#requireRoom()
        const ticket = await redeem(request.originalUrl, 'StreamId', 'logs', this.#services)
        reply.hijack()
        const reader = responseReader(reply.raw)
        reply.raw.on('close', () => this.#left(reader))
        this.#serve(ticket, reader)
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        return reply.code(error.status).send({ code: error.code, message: error.message })
      }
    })
  }

  stop(): void {
    const outcome = { error: { code: 'ServerStops', message: 'the server stops' } }
    for (const [reader, stream] of this.#open) {
      stream.cancel()
      reader.end(outcome)
    }
    this.#open.clear()
    this.#sockets.close()
  }

  #serve({ nodeId, request }: StreamTicket, reader: Reader): void {
    try {
      const stream = this.#services.hub.open(nodeId, request, {
        data: (chunk) => reader.take(String(chunk)),
        end: (outcome) => {
          this.#open.delete(reader)
          reader.end(outcome)
        },
      })
      this.#open.set(reader, stream)
    } catch (error) {
      reader.end({ error: { code: (error as { code?: string }).code ?? 'Unexpected', message: (error as Error).message } })
    }
  }

  #left(reader: Reader): void {
    this.#open.get(reader)?.cancel()
    this.#open.delete(reader)
  }

  #requireRoom(): void {
    if (this.#open.size >= mostReaders) throw new Fault('Stream.Busy')
  }
}

function responseReader(response: ServerResponse): Reader {
  const begin = () => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    response.flushHeaders()
  }
  const head = setTimeout(begin, headMs)
  response.on('close', () => clearTimeout(head))
  return {
    take(text) {
      begin()
      if (response.destroyed || response.write(text)) return Promise.resolve()
      return new Promise((resolve) => {
        const go = () => {
          response.off('drain', go).off('close', go)
          resolve()
        }
        response.on('drain', go).on('close', go)
      })
    },
    end({ error }) {
      clearTimeout(head)
      if (error === undefined) {
        begin()
        response.end()
      } else if (response.headersSent) {
        // Cut off in the middle of a chunk: the reader's client says that the answer is not whole.
        response.destroy()
      } else {
        response.writeHead(502, { 'content-type': 'application/json' }).end(JSON.stringify(error))
      }
    },
  }
}

function socketReader(client: WebSocket): Reader {
  let wasHeard = true
  const pinging = setInterval(() => {
    if (!wasHeard) return client.terminate()
    wasHeard = false
    client.ping()
  }, pingMs)
  client.on('pong', () => (wasHeard = true))
  client.on('error', () => client.terminate())
  client.on('close', () => clearInterval(pinging))
  return {
    take: (text) =>
      new Promise((resolve, reject) => {
        client.send(text, (error) => (error ? reject(error) : resolve()))
      }),
    end({ error }) {
      client.close(
        error === undefined ? 1000 : 1011,
        error === undefined ? 'the log ended' : `${error.code}: ${error.message}`.slice(0, 120),
      )
      setTimeout(() => client.terminate(), 2000).unref()
    },
  }
}
