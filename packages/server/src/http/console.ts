// The status page at /console: a few static files from packages/console, a session by access key, and one JSON document
// with everything the page shows. It only reads. Mounted by server.ts.
import { readFile } from 'node:fs/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Principal, Services } from '../operations/context.ts'
import type { Credentials } from './authenticate.ts'
import { createSessions } from './console-session.ts'
import { createCaller, readState } from './console-state.ts'
import type { Registry } from './registry.ts'

export interface ConsoleOptions {
  readonly registry: Registry
  readonly services: Services
  readonly credentials: Credentials
  /** What each loop says of its last pass, as the page shows it. */
  readonly loops: () => readonly object[]
}

const folder = new URL('../../../console/public/', import.meta.url)
const files = [
  { path: '/console', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/console/style.css', file: 'style.css', type: 'text/css; charset=utf-8' },
  { path: '/console/icon.svg', file: 'icon.svg', type: 'image/svg+xml' },
  { path: '/console/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/console/tables.js', file: 'tables.js', type: 'text/javascript; charset=utf-8' },
] as const

const guards = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

const signInSchema = {
  body: {
    type: 'object',
    required: ['accessKeyId', 'accessKeySecret'],
    properties: { accessKeyId: { type: 'string', maxLength: 128 }, accessKeySecret: { type: 'string', maxLength: 256 } },
  },
} as const

interface SignInBody {
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

export function mountConsole(scope: FastifyInstance, { registry, services, credentials, loops }: ConsoleOptions): void {
  const { now, ids } = services
  const sessions = createSessions(credentials, now)
  scope.addHook('onRequest', async (_request, reply) => void reply.headers(guards))
  for (const { path, file, type } of files) {
    scope.get(path, async (_request, reply) => reply.type(type).send(await readFile(new URL(file, folder))))
  }
  scope.get('/console/', (_request, reply) => reply.redirect('/console'))
  scope.post<{ Body: SignInBody }>('/console/session', { schema: signInSchema, bodyLimit: 4096 }, async (request, reply) => {
    if (isForeign(request)) return refuse(reply, 403, 'Sign in on the page of this server.')
    const { accessKeyId, accessKeySecret: secret } = request.body
    const isEncrypted = request.headers['x-forwarded-proto'] === 'https'
    const outcome = await sessions.signIn({ accessKeyId, secret, address: request.ip, isEncrypted })
    if (outcome.kind === 'tooMany') return refuse(reply.header('retry-after', '60'), 429, 'Too many attempts; try again in a minute.')
    if (outcome.kind === 'wrong') return refuse(reply, 401, 'The access key id or its secret is wrong.')
    return reply.header('set-cookie', outcome.cookie).code(204).send()
  })
  scope.delete('/console/session', (request, reply) =>
    reply.header('set-cookie', sessions.signOut(request.headers.cookie)).code(204).send(),
  )
  scope.get('/console/state.json', async (request, reply) => {
    const principal = await sessions.find(request.headers.cookie)
    if (principal === undefined) return refuse(reply, 401, 'Sign in first.')
    return { ServerTime: new Date(now()).toISOString(), ...(await read(principal)), Loops: loops() }
  })

  function read(principal: Principal) {
    return readState(createCaller(registry, { ...services, principal, requestId: ids.uuid(), origin: '' }))
  }
}

/** A browser that opens the server's address wants the page; clients never ask for HTML. */
export function redirectBrowsers(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const { method, headers, originalUrl } = request
    const isPage = method === 'GET' && originalUrl === '/' && headers.authorization === undefined && headers['x-acs-action'] === undefined
    if (isPage && headers.accept?.includes('text/html') === true) return reply.redirect('/console')
  })
}

/** A page of another site must not sign its visitors in. */
function isForeign({ headers }: FastifyRequest): boolean {
  return headers.origin !== undefined && (!URL.canParse(headers.origin) || new URL(headers.origin).host !== headers.host)
}

function refuse(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply.code(status).send({ message })
}
