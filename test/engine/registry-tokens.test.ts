// A registry that wants Bearer tokens, as most private ones do: Debian's docker-registry, and a token server that signs them. Asked by
// the server's own resolver, and whole: a private image runs at its digest although no node holds a secret.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openEngine, type Engine } from '../../packages/agent/src/runtime/engine/client/connection.ts'
import { findImage, pushImage, removeImage, tagImage } from '../../packages/agent/src/runtime/engine/client/images.ts'
import { openRegistries } from '../../packages/server/src/registry/manifest.ts'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { createApp, createVersion, deleteApp, publish, waitAnswer, waitStaging } from '../../tools/journey/app.ts'
import { sdkCall } from '../../tools/official-clients.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { freePort } from '../../tools/start/settings.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import { account, startRegistry, type Registry } from './registry.ts'
import { startTokenServer, type TokenServer } from './token-server.ts'

let folder: string
let handle: EngineHandle
let engine: Engine
let tokens: TokenServer
let registry: Registry
let server: TestServer | undefined

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'littoral-tokens-'))
  handle = await ensureEngine()
  engine = await openEngine({ socketPath: handle.socketPath })
  tokens = await startTokenServer(folder, { [account.username]: account.password })
  registry = await startRegistry(tokens)
  await makeSampleImage(handle.socketPath, { tag: 'littoral-tokens/web:1', body: 'by token' })
  for (const name of ['team/web:1', 'public/web:1']) {
    await tagImage(engine, 'docker.io/littoral-tokens/web:1', `${registry.host}/${name}`)
    await pushImage(engine, `${registry.host}/${name}`, account)
    await removeImage(engine, `${registry.host}/${name}`)
  }
}, 240_000)
afterAll(async () => {
  await server?.close()
  registry?.stop()
  tokens?.stop()
  engine?.close()
  await handle?.stop()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  tokens.lifeSeconds = 300
  tokens.breakdown = undefined
  tokens.asked.length = 0
})

const resolve = openRegistries({ plainRegistries: [] })
const ask = (repository: string, credential?: { username: string; password: string }, tag = '1') =>
  resolve({ host: registry.host, repository, tag, credential }, AbortSignal.timeout(10_000))
const aDigest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string

describe('a registry that wants tokens', () => {
  test('is asked with a token for the one repository, fetched with the login', async () => {
    expect(await ask('team/web', account)).toMatchObject({ digest: aDigest })
    expect(tokens.asked).toEqual([{ user: account.username, scope: 'repository:team/web:pull', service: 'littoral-test-registry' }])
  })

  test('answers everybody about a public image, with a token all the same', async () => {
    expect(await ask('public/web')).toMatchObject({ digest: aDigest })
    expect(tokens.asked).toHaveLength(1)
  })

  test('says what is in the way: no secret, a wrong one, no such tag', async () => {
    await expect(ask('team/web')).rejects.toThrow('the registry wants an image secret')
    await expect(ask('team/web', { ...account, password: 'wrong' })).rejects.toThrow('the registry refuses the image secret')
    await expect(ask('team/web', account, 'none')).rejects.toThrow('the registry has no such tag')
  })

  test('whose tokens have run out when they are given is named as what is broken', async () => {
    tokens.lifeSeconds = -120
    await expect(ask('team/web', account)).rejects.toThrow('the registry does not accept the token that its own token server gives')
    expect(tokens.asked.length).toBeLessThanOrEqual(2)
  })

  test('whose token server is broken is asked again later, and nothing of its answer is told', async () => {
    tokens.breakdown = { status: 503, body: 'internal secret' }
    await expect(ask('team/web', account)).rejects.toThrow('its token server answers 503')
    tokens.breakdown = { status: 200, body: '{"token":"has blanks in it"}' }
    await expect(ask('team/web', account)).rejects.toThrow('the token server of the registry gives no token')
  })
})

describe('a token that runs out between two questions', () => {
  let flaky: Server
  let given = 0
  const manifest = JSON.stringify({ manifests: [{ digest: `sha256:${'a'.repeat(64)}`, platform: { os: 'linux', architecture: 'arm64' } }] })
  beforeAll(async () => {
    // Every token is good for one question, which no real registry can be made to do at will.
    flaky = createServer((request, response) => {
      const { host } = request.headers
      if (request.url?.startsWith('/token')) return void response.end(JSON.stringify({ token: `token-${++given}` }))
      if (request.headers.authorization !== `Bearer token-${given}` || (request.method === 'GET' && given < 2)) {
        const offers = `Basic realm="x, y", Bearer realm="http://${host}/token",service="s",error="invalid_token"`
        return void response.writeHead(401, { 'www-authenticate': offers }).end()
      }
      response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' }).end(request.method === 'GET' ? manifest : '')
    }).listen(0, '127.0.0.1')
    await once(flaky, 'listening')
  })
  afterAll(() => flaky.close())

  test('is fetched anew, once', async () => {
    const host = `127.0.0.1:${(flaky.address() as AddressInfo).port}`
    const found = await resolve({ host, repository: 'shop/web', tag: '1' }, AbortSignal.timeout(5000))
    expect(found.platforms).toEqual({ 'linux/arm64': `sha256:${'a'.repeat(64)}` })
    expect(given).toBe(2)
  })
})

test('a private image behind tokens runs at its digest, and no node keeps a secret', { timeout: 120_000 }, async () => {
  server = await openTestServer()
  const esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  await server.openNode({ runtimes: ['engine'], engineSocket: handle.socketPath })
  const appId = await createApp(esa, { name: 'token-app', servicePort: await freePort('0.0.0.0'), targetPort: 8080 })
  const login = { AppId: appId, Registry: registry.host, Username: account.username, Password: account.password }
  await esa('CreateEdgeContainerAppImageSecret', login)
  const more = { IsACRImage: true, ACRImageInfo: { Domain: registry.host, RepoNamespace: 'team', RepoName: 'web', Tag: '1' } }
  const versionId = await createVersion(esa, { appId, name: 'version-1', image: 'team/web:latest', port: 8080, more })
  await publish(esa, { appId, versionId, environment: 'staging' })
  const [address] = (await waitStaging(esa, appId)).VIPs ?? []
  expect(await waitAnswer(`http://${address}/`, () => true)).toBe('by token')
  const { Images } = (await server.littoral('GetVersionImages', { AppId: appId, VersionId: versionId })) as { Images: object[] }
  expect(Images).toMatchObject([{ Image: `${registry.host}/team/web:1`, State: 'pinned', Digest: aDigest }])
  const { Digest } = Images[0] as { Digest: string }
  expect(await findImage(engine, `${registry.host}/team/web@${Digest}`)).toBeDefined()
  expect(JSON.stringify(server.log)).not.toContain(account.password)
  await deleteApp(esa, appId)
})
