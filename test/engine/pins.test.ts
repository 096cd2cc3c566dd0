// A tag becomes a digest, with a real registry and a real engine: what runs is what the tag stood for when the version was made.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRegistries } from '../../packages/server/src/registry/manifest.ts'
import { openEngine, type Engine } from '../../packages/agent/src/runtime/engine/client/connection.ts'
import { findImage, pushImage, removeImage, tagImage } from '../../packages/agent/src/runtime/engine/client/images.ts'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { createApp, createVersion, deleteApp, publish, waitAnswer, waitPublished, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { freePort } from '../../tools/start/settings.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import { account, startRegistry, type Registry } from './registry.ts'

let handle: EngineHandle
let engine: Engine
let open: Registry
let guarded: Registry
let server: TestServer
let esa: Call

const local = (name: string) => `docker.io/littoral-pins/${name}:1`

beforeAll(async () => {
  handle = await ensureEngine()
  engine = await openEngine({ socketPath: handle.socketPath })
  for (const body of ['one', 'two']) await makeSampleImage(handle.socketPath, { tag: `littoral-pins/${body}:1`, body })
  open = await startRegistry(false)
  guarded = await startRegistry(true)
  server = await openTestServer()
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  await server.openNode({ runtimes: ['engine'], engineSocket: handle.socketPath })
}, 240_000)
afterAll(async () => {
  open?.stop()
  guarded?.stop()
  await server?.close()
  engine?.close()
  await handle?.stop()
})

/** Pushes one of the local images under a name, and forgets the name. */
async function push(body: string, name: string): Promise<string> {
  await tagImage(engine, local(body), name)
  await pushImage(engine, name, account)
  await removeImage(engine, name)
  return name
}

type Pin = { State: string; Digest?: string; Reason?: string }

async function pin(appId: string, versionId: string, isWanted: (pin: Pin) => boolean): Promise<Pin> {
  return until('the digest', 10_000, async () => {
    const { Images } = (await server.littoral('GetVersionImages', { AppId: appId, VersionId: versionId })) as { Images: Pin[] }
    return Images.find(isWanted)
  })
}

test('the digest runs, a moved tag changes nothing, and a registry is not needed where the image is', async () => {
  const name = await push('one', `${open.host}/shop/web:${randomBytes(4).toString('hex')}`)
  const servicePort = await freePort('0.0.0.0')
  const appId = await createApp(esa, { name: 'pinned-app', servicePort, targetPort: 8080 })
  const versionId = await createVersion(esa, { appId, name: 'version-1', image: name, port: 8080 })
  const { Digest } = await pin(appId, versionId, ({ State }) => State === 'pinned')
  await push('two', name)
  await publish(esa, { appId, versionId, environment: 'staging' })
  const [staging] = (await waitStaging(esa, appId)).VIPs ?? []
  expect(await waitAnswer(`http://${staging}/`, () => true)).toBe('one')
  const pinnedName = `${name.slice(0, name.lastIndexOf(':'))}@${Digest}`
  expect(await findImage(engine, pinnedName)).toBeDefined()
  open.stop()
  await publish(esa, { appId, versionId, environment: 'prod' })
  await waitPublished(esa, { appId, versionId, environment: 'prod' })
  expect(await waitAnswer(`http://127.0.0.1:${servicePort}/`, () => true)).toBe('one')
  await deleteApp(esa, appId)
}, 120_000)

test('a registry that cannot be reached leaves the version usable where the image is, and is named', async () => {
  const name = `127.0.0.1:1/shop/web:${randomBytes(4).toString('hex')}`
  await tagImage(engine, local('two'), name)
  const appId = await createApp(esa, { name: 'local-app', servicePort: await freePort('0.0.0.0'), targetPort: 8080 })
  const versionId = await createVersion(esa, { appId, name: 'version-1', image: name, port: 8080 })
  await publish(esa, { appId, versionId, environment: 'staging' })
  const [staging] = (await waitStaging(esa, appId)).VIPs ?? []
  expect(await waitAnswer(`http://${staging}/`, () => true)).toBe('two')
  expect(await pin(appId, versionId, ({ State }) => State === 'unreachable')).toMatchObject({
    Reason: expect.stringMatching(/cannot be reached/) as string,
  })
  await deleteApp(esa, appId)
  await removeImage(engine, name)
}, 120_000)

test('a registry with credentials is asked with them, and says what is wrong without', async () => {
  const name = await push('one', `${guarded.host}/shop/web:1`)
  const resolve = openRegistries({ plainRegistries: [] })
  const question = { host: guarded.host, repository: 'shop/web', tag: '1' }
  const ask = (credential?: { username: string; password: string }, tag = '1') =>
    resolve({ ...question, tag, credential }, AbortSignal.timeout(5000))
  expect(await ask(account)).toMatchObject({ digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string })
  await expect(ask()).rejects.toThrow('the registry wants an image secret')
  await expect(ask({ ...account, password: 'wrong' })).rejects.toThrow('the registry refuses the image secret')
  await expect(ask(account, 'none')).rejects.toThrow('the registry has no such tag')
  expect(name).toContain(guarded.host)
})
