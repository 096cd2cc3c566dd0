// The HTTP server: limits, request ids and the routes on one screen. RPC owns `/` (no client accepts a path prefix);
// what else is served is mounted by server.ts. Every answer, also to a broken request, is an envelope clients can read.
import { createServer as createHttpServer, type IncomingMessage, type ServerOptions, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Fault } from '@littoral/contract/errors'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Services } from '../operations/context.ts'
import { adviceOn } from './advice.ts'
import type { Credentials } from './authenticate.ts'
import { answerBroken, answerConnect } from './broken.ts'
import { type CallLog, createCallLog } from './call-log.ts'
import { type Calls, createCalls } from './calls.ts'
import type { Nonces } from './nonces.ts'
import { type Patience, watchBodies, watchCalls } from './patience.ts'
import type { Registry } from './registry.ts'
import { type Answer, commonHeaders, failure } from './reply.ts'
import type { Rpc } from './rpc.ts'
import { originOf, pathOf, targetOf } from './target.ts'
import { createThrottle } from './throttle.ts'

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
  let isClosing = false
  const bodies = watchCalls(() => app.server, limits)
  const calls = createCalls({ rpc, bodies, bodyBytes: limits.bodyBytes, isClosing: () => isClosing })
  const app = createServer(services, limits, calls)
  app.addHook('preClose', async () => void (isClosing = true))
  watchBodies(app, limits)
  // An expectation that nobody knows may be passed over; Node would refuse it with an empty body.
  app.server.on('checkExpectation', (request: IncomingMessage, reply: ServerResponse) => app.server.emit('request', request, reply))
  app.server.on('connect', (_request: IncomingMessage, socket: Socket) => answerConnect(socket, services.ids))
  for (const mount of options.mounts ?? []) void app.register(async (scope) => mount(scope))
  // In the hook, because Fastify would refuse content types it cannot parse before the handler runs.
  const serve = async (request: FastifyRequest, reply: FastifyReply) => calls.serve(request.raw, reply.hijack().raw)
  app.route({ method: ['GET', 'POST'], url: '/', onRequest: serve, handler: () => {} })
  app.options('/*', (request, reply) => reply.headers(preflight(request)).code(200).send(''))
  app.get<{ Params: { code: string } }>('/errors/:code', (request, reply) => {
    const advice = adviceOn(request.params.code)
    if (advice === undefined) return reply.callNotFound()
    return reply.type('text/plain;charset=utf-8').send(advice)
  })
  answerFailures(app, log)
  return app
}

/** Of what is no call. */
function answerFailures(app: FastifyInstance, log: Services['log']): void {
  app.setNotFoundHandler((request, reply) => {
    const isRpc = pathOf(request.raw) === '/'
    return send(reply, failure(new Fault(isRpc ? 'UnsupportedHTTPMethod' : 'InvalidAction.NotFound'), envelopeOf(request)))
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const fault = faultOf(error)
    if (fault.status >= 500) log.error({ requestId: request.id, error: error.stack }, 'request failed')
    return send(reply, failure(fault, envelopeOf(request)))
  })
}

function createServer({ ids }: Services, limits: HttpLimits, calls: Calls): FastifyInstance {
  const { headerBytes } = limits
  return fastify({
    logger: false,
    genReqId: () => ids.uuid(),
    bodyLimit: limits.bodyBytes,
    exposeHeadRoutes: false,
    // A call that is being answered while the server stops is answered.
    return503OnClosing: false,
    rewriteUrl: (request) => targetOf(request.url),
    serverFactory: (framework) =>
      createHttpServer(httpOptions(limits), (request, response) => {
        if (calls.knows(request)) calls.serve(request, response)
        else framework(request, response)
      }),
    clientErrorHandler: (error, socket) => answerBroken(error, socket, ids, headerBytes),
    frameworkErrors: (error, request, reply) => send(reply as FastifyReply, failure(faultOf(error), envelopeOf(request as FastifyRequest))),
  })
}

function httpOptions({ headerBytes, requestTimeoutMs, uploadTimeoutMs, keepAliveMs, timeoutCheckMs }: HttpLimits): ServerOptions {
  return {
    maxHeaderSize: headerBytes,
    connectionsCheckingInterval: timeoutCheckMs,
    headersTimeout: requestTimeoutMs,
    requestTimeout: uploadTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    // Node would refuse with an empty body; who signs the host notices anyway, and nobody else needs it.
    requireHostHeader: false,
  }
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply.code(status).headers(headers).send(body)
}

function envelopeOf(request: FastifyRequest) {
  return { requestId: request.id, format: 'json', origin: originOf(request.raw) } as const
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
