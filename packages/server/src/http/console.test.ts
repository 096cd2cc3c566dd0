// The status page: who gets in, what it is shown, and what guards it.
import { family } from '@littoral/contract/littoral/index'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { family as edgeContainerFamily } from '@littoral/contract/edge-container/index'
import { handlers as edgeContainer } from '../operations/edge-container/index.ts'
import { handlers } from '../operations/littoral/index.ts'
import { type TestContext, testContext, testPrincipal } from '../operations/test-context.ts'
import { mountConsole, redirectBrowsers } from './console.ts'
import { createRegistry } from './registry.ts'

let context: TestContext
let app: FastifyInstance
let isActive: boolean
const key = { accessKeyId: testPrincipal.accessKeyId, accessKeySecret: 'right-secret' }

beforeEach(async () => {
  context = await testContext()
  isActive = true
  app = Fastify()
  const registry = createRegistry([
    { family, handlers },
    { family: edgeContainerFamily, handlers: edgeContainer },
  ])
  const credentials = {
    find: async (id: string) => (id === key.accessKeyId ? { ...testPrincipal, secret: key.accessKeySecret, isActive } : undefined),
  }
  const loops = () => [{ name: 'rollouts', isRunning: false, failures: 0 }]
  await app.register(async (scope) => mountConsole(scope, { registry, services: context, credentials, loops }))
  redirectBrowsers(app)
  app.get('/', () => 'rpc')
})

afterEach(async () => {
  await app.close()
  await context.close()
})

const signIn = (payload: object, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url: '/console/session', payload, headers })
const stateWith = (cookie: string) => app.inject({ url: '/console/state.json', headers: { cookie } })

async function cookie(): Promise<string> {
  const [found] = [(await signIn(key)).headers['set-cookie']].flat()
  return found?.split(';')[0] ?? ''
}

describe('the page', () => {
  it('is served with a policy that allows nothing from elsewhere', async () => {
    const page = await app.inject('/console')
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
    const named = [...page.body.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path ?? '')
    expect(named).toContain('/console/page.js')
    for (const path of [...named, '/console/tables.js']) expect([path, (await app.inject(path)).statusCode]).toEqual([path, 200])
    expect(page.body).not.toMatch(/<script>|style=|https?:/)
  })

  it('is where a browser lands, and no client', async () => {
    const open = (headers: Record<string, string>, url = '/') => app.inject({ url, headers }).then((answer) => answer.statusCode)
    expect(await open({ accept: 'text/html,application/xhtml+xml' })).toBe(302)
    expect(await open({ accept: 'application/json' })).toBe(200)
    expect(await open({ accept: 'text/html', authorization: 'ACS3' })).toBe(200)
    expect(await open({ accept: 'text/html' }, '/?Action=ListNodes')).toBe(200)
  })
})

describe('the session', () => {
  it('is a cookie that scripts and other sites do not get, for the right key only', async () => {
    const right = await signIn(key)
    expect([right.statusCode, right.headers['set-cookie']]).toEqual([
      204,
      expect.stringMatching(/^littoral_session=[\w-]{32}; Path=\/console; Max-Age=28800; HttpOnly; SameSite=Strict$/),
    ])
    expect((await signIn(key, { 'x-forwarded-proto': 'https' })).headers['set-cookie']).toContain('; Secure')
    expect((await signIn({ ...key, accessKeySecret: 'wrong' })).statusCode).toBe(401)
    expect((await signIn({ ...key, accessKeyId: 'nobody' })).json()).toEqual({ message: 'The access key id or its secret is wrong.' })
    expect((await signIn({})).statusCode).toBe(400)
    expect((await signIn(key, { origin: 'http://elsewhere.example' })).statusCode).toBe(403)
  })

  it('is refused for a minute after ten wrong attempts', async () => {
    for (let attempt = 0; attempt < 10; attempt++) expect((await signIn({ ...key, accessKeySecret: 'guess' })).statusCode).toBe(401)
    const answer = await signIn(key)
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '60'])
    context.clock.advance(60_000)
    expect((await signIn(key)).statusCode).toBe(204)
  })

  it('ends when signed out, after eight hours, and with its key', async () => {
    const first = await cookie()
    expect((await stateWith(first)).statusCode).toBe(200)
    await app.inject({ method: 'DELETE', url: '/console/session', headers: { cookie: first } })
    expect((await stateWith(first)).statusCode).toBe(401)
    const second = await cookie()
    context.clock.advance(8 * 3600 * 1000)
    expect((await stateWith(second)).statusCode).toBe(401)
    const third = await cookie()
    isActive = false
    expect((await stateWith(third)).statusCode).toBe(401)
    expect((await stateWith('littoral_session=guess')).statusCode).toBe(401)
  })
})

describe('the state', () => {
  it('is what the operations say, with a sentence in place of a part that cannot be had', async () => {
    await edgeContainer.CreateEdgeContainerApp({ Name: 'shop-frontend', ServicePort: 80, TargetPort: 3000 }, context)
    const state = (await stateWith(await cookie())).json<Record<string, unknown>>()
    expect(state).toMatchObject({
      Nodes: await handlers.ListNodes({ PageSize: 100 }, context),
      Apps: { TotalCount: 1, Apps: [{ Name: 'shop-frontend', Prod: { DeployStatus: 'undeploy' }, Staging: { Phase: 'NoContainer' } }] },
      Workloads: { TotalCount: 0 },
      Drivers: { Error: expect.any(String) },
      Loops: [{ name: 'rollouts' }],
    })
  })
})
