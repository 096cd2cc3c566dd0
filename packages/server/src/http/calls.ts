// Calls, which is what comes to `/`: from Node's request to its response. They pass by the framework, whose routing, hooks
// and replies a call has no use for. Made by app.ts, which serves everything else.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Disconnected, readBody } from './body.ts'
import { hasBody, type Watched } from './patience.ts'
import { type Answer, failure } from './reply.ts'
import { answerCall, type Rpc } from './rpc.ts'
import { originOf, targetOf } from './target.ts'
import { createTurns } from './turns.ts'

const empty = Buffer.alloc(0)

export interface Calls {
  /** Whether this is a call beyond doubt. The framework has to look at the others: a browser's visit is one of them. */
  knows(request: IncomingMessage): boolean
  serve(request: IncomingMessage, response: ServerResponse): void
}

export interface Door {
  readonly rpc: Rpc
  readonly bodies: Watched
  readonly bodyBytes: number
  /** Whether connections are asked to close after their answer. */
  readonly isClosing: () => boolean
}

export function createCalls(door: Door): Calls {
  const { rpc, isClosing } = door
  const { ids, log } = rpc.services
  const read = bodyReader(door)

  async function answer(request: IncomingMessage): Promise<Answer | undefined> {
    const requestId = ids.uuid()
    const { method = '', headers, rawHeaders } = request
    const origin = originOf(request)
    try {
      const body = await read(request)
      const target = targetOf(request.url)
      const rawQuery = target.startsWith('/?') ? target.slice(2) : ''
      return await answerCall({ requestId, method, path: '/', rawQuery, headers, rawHeaders, body, origin }, rpc)
    } catch (error) {
      return error instanceof Disconnected ? undefined : failure(error, { requestId, format: 'json', origin })
    }
  }

  return {
    knows: ({ method, url = '' }) =>
      (method === 'POST' || method === 'GET') && (url.startsWith('/?') || (url === '/' && method === 'POST')),
    serve(request, response) {
      answer(request)
        .then((made) => made && write(response, made, isClosing() || !request.complete))
        .catch((error: unknown) => {
          log.error({ error: error instanceof Error ? error.stack : undefined }, 'an answer could not be written')
          response.destroy()
        })
    },
  }
}

/** Reads bodies, in the time that each has, and then keeps the call until it is its turn. */
function bodyReader({ bodies, bodyBytes }: Pick<Door, 'bodies' | 'bodyBytes'>): (request: IncomingMessage) => Promise<Buffer> {
  const turns = createTurns()
  const inTime = async (request: IncomingMessage): Promise<Buffer> => {
    bodies.begin(request)
    try {
      return await readBody(request, bodyBytes)
    } finally {
      bodies.end(request)
    }
  }
  return async (request) => {
    if (!hasBody(request)) return empty
    const body = await inTime(request)
    await turns.wait(body.length)
    return body
  }
}

/** The head and the body in one piece, so that they leave in one packet. */
function write(response: ServerResponse, { status, headers, body }: Answer, isLast: boolean): void {
  const lines = ['content-length', String(Buffer.byteLength(body))]
  if (isLast) lines.push('connection', 'close')
  for (const name in headers) lines.push(name, headers[name] as string)
  response.writeHead(status, lines)
  response.end(body)
}
