// The HTTP server: limits, request ids and the routes on one screen. RPC owns `/` (no client accepts a path prefix);
// what else is served is mounted by server.ts. Every answer, also to a broken request, is an envelope clients can read.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Fault } from '@littoral/contract/errors'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Services } from '../operations/context.ts'
import { adviceOn } from './advice.ts'
import type { Credentials } from './authenticate.ts'
import { Disconnected, readBody } from './body.ts'
import { answerBroken, answerConnect } from './broken.ts'
import { type CallLog, createCallLog } from './call-log.ts'
import type { Nonces } from './nonces.ts'
import { type Patience, watchBodies } from './patience.ts'
import type { Registry } from './registry.ts'
import { type Answer, commonHeaders, failure } from './reply.ts'
import { answerCall, type Rpc } from './rpc.ts'
import { createThrottle } from './throttle.ts'
import { createTurns, type Turns } from './turns.ts'

export interface HttpLimits extends Patience {
  readonly bodyBytes: number
  /** Request line and headers: the IoT SDK puts whole configurations into the query of a POST. */
  readonly headerBytes: number
  /** Longer than any client's, the vendor's gateway has 25 s: else a client reuses a socket we are closing. */
  readonly keepAliveMs: number
  /** How often requests that take too long are looked for. */
  readonly timeoutCheckMs: number
}

export const defaultLimits: HttpLimits = {
  bodyBytes: 8 * 1024 * 1024,
  headerBytes: 256 * 1024,
  requestTimeoutMs: 60_000,
  uploadTimeoutMs: 3_600_000,
  keepAliveMs: 30_000,
  timeoutCheckMs: 5000,
}

export interface AppOptions {
  readonly registry: Registry
  readonly services: Services
  readonly credentials: Credentials
  readonly nonces: Nonces
  /** Adds routes of other parts; a mount may set its own content type parsers and hooks, they stay its own. */
  readonly mounts?: readonly ((scope: FastifyInstance) => void | Promise<void>)[]
  readonly storeFor?: Rpc['storeFor']
  readonly callLog?: CallLog
  /** Default: only outside production. */
  readonly isOutputChecked?: boolean
  readonly limits?: Partial<HttpLimits>
}

export function createApp(options: AppOptions): FastifyInstance {
  const { registry, services, credentials, nonces } = options
  const { now, log, settings } = services
  const limits = { ...defaultLimits, ...options.limits }
  const app = createServer(services, limits)
  watchBodies(app, limits)
  const rpc: Rpc = {
    registry,
    services,
    credentials,
    nonces,
    now,
    throttle: createThrottle(settings.isThrottled, now),
    callLog: options.callLog ?? createCallLog(log),
    storeFor: options.storeFor ?? (() => services.store),
    isOutputChecked: options.isOutputChecked ?? process.env['NODE_ENV'] !== 'production',
  }
  // An expectation that nobody knows may be passed over; Node would refuse it with an empty body.
  app.server.on('checkExpectation', (request: IncomingMessage, reply: ServerResponse) => app.server.emit('request', request, reply))
  app.server.on('connect', (_request: IncomingMessage, socket: Socket) => answerConnect(socket, services.ids))
  for (const mount of options.mounts ?? []) void app.register(async (scope) => mount(scope))
  const turns = createTurns()
  const serve = (request: FastifyRequest, reply: FastifyReply) => serveCall(request, reply, rpc, { bodyBytes: limits.bodyBytes, turns })
  // In the hook, because Fastify would refuse content types it cannot parse before the handler runs.
  app.route({ method: ['GET', 'POST'], url: '/', onRequest: serve, handler: () => {} })
  app.options('/*', (request, reply) => reply.headers(preflight(request)).code(200).send(''))
  app.get<{ Params: { code: string } }>('/errors/:code', (request, reply) => {
    const advice = adviceOn(request.params.code)
    if (advice === undefined) return reply.callNotFound()
    return reply.type('text/plain;charset=utf-8').send(advice)
  })
  app.setNotFoundHandler((request, reply) => {
    const isRpc = pathOf(request.raw) === '/'
    return send(reply, failure(new Fault(isRpc ? 'UnsupportedHTTPMethod' : 'InvalidAction.NotFound'), envelopeOf(request)))
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const fault = faultOf(error)
    if (fault.status >= 500) log.error({ requestId: request.id, error: error.stack }, 'request failed')
    return send(reply, failure(fault, envelopeOf(request)))
  })
  return app
}

function createServer({ ids }: Services, limits: HttpLimits): FastifyInstance {
  const { headerBytes, timeoutCheckMs } = limits
  return fastify({
    logger: false,
    genReqId: () => ids.uuid(),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.uploadTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    exposeHeadRoutes: false,
    // A call that is being answered while the server stops is answered.
    return503OnClosing: false,
    // The router would decode the query of every call only to throw it away; incoming.ts reads the original.
    rewriteUrl: (request) => {
      const target = targetOf(request.url)
      return target.startsWith('/?') ? '/' : target
    },
    http: {
      maxHeaderSize: headerBytes,
      connectionsCheckingInterval: timeoutCheckMs,
      headersTimeout: limits.requestTimeoutMs,
      // Node would refuse with an empty body; who signs the host notices anyway, and nobody else needs it.
      requireHostHeader: false,
    },
    clientErrorHandler: (error, socket) => answerBroken(error, socket, ids, headerBytes),
    frameworkErrors: (error, request, reply) => send(reply as FastifyReply, failure(faultOf(error), envelopeOf(request as FastifyRequest))),
  })
}

interface Door {
  readonly bodyBytes: number
  readonly turns: Turns
}

async function serveCall(request: FastifyRequest, reply: FastifyReply, rpc: Rpc, { bodyBytes, turns }: Door): Promise<FastifyReply> {
  const { raw } = request
  try {
    const body = await readBody(raw, bodyBytes)
    await turns.wait(body.length)
    const url = targetOf(request.originalUrl)
    const rawQuery = url.startsWith('/?') ? url.slice(2) : ''
    const { headers, rawHeaders } = raw
    const incoming = {
      requestId: request.id,
      method: request.method,
      path: '/',
      rawQuery,
      headers,
      rawHeaders,
      body,
      origin: originOf(raw),
    }
    return send(reply, await answerCall(incoming, rpc))
  } catch (error) {
    if (error instanceof Disconnected) return reply.hijack()
    if (!raw.complete) void reply.header('connection', 'close')
    return send(reply, failure(error, envelopeOf(request)))
  }
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply.code(status).headers(headers).send(body)
}

function envelopeOf(request: FastifyRequest) {
  return { requestId: request.id, format: 'json', origin: originOf(request.raw) } as const
}

/** Path and query; a client that believes it speaks to a proxy sends the whole address, which every server has to take. */
function targetOf(url = '/'): string {
  const target = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '')
  return target.startsWith('?') || target === '' ? `/${target}` : target
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

function originOf({ headers, socket }: IncomingMessage): string {
  const isEncrypted = 'encrypted' in socket || headers['x-forwarded-proto'] === 'https'
  return `${isEncrypted ? 'https' : 'http'}://${headers.host ?? ''}`
}

// Signed requests need no cookies, so any page may send them; `*` is never combined with credentials.
function preflight(request: FastifyRequest): Record<string, string> {
  return {
    ...commonHeaders(request.id),
    'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '*',
    'access-control-max-age': '172800',
  }
}

/** Fastify's own errors (a bad address, a body past a mount's limit) in our words. */
function faultOf(error: Error & { statusCode?: number }): Fault {
  if (error instanceof Fault) return error
  const status = error.statusCode ?? 500
  if (status === 413) return new Fault('RequestTooLarge', { Limit: 'that of this address' }, { cause: error })
  return new Fault(status >= 400 && status < 500 ? 'MalformedRequest' : 'InternalError', {}, { cause: error })
}
