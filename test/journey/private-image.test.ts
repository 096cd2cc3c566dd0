// An image of a private registry, from the secret that is kept for the application to the instance that runs: official
// client, server, agent, a real engine and a real registry that wants a login.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openEngine } from '../../packages/agent/src/runtime/engine/client/connection.ts'
import { pushImage, removeImage, tagImage } from '../../packages/agent/src/runtime/engine/client/images.ts'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { createApp, createVersion, publish, waitAnswer, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { freePort } from '../../tools/start/settings.ts'
import { account, startRegistry, type Registry } from '../engine/registry.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

let handle: EngineHandle
let registry: Registry
let server: TestServer
let esa: Call
let image: string

beforeAll(async () => {
  handle = await ensureEngine()
  registry = await startRegistry(true)
  const engine = await openEngine({ socketPath: handle.socketPath })
  const local = `littoral-journey-${process.pid}:private`
  await makeSampleImage(handle.socketPath, { tag: local, body: 'private' })
  image = `${registry.host}/team/web:1`
  await tagImage(engine, `docker.io/library/${local}`, image)
  await pushImage(engine, image, account)
  await removeImage(engine, image)
  engine.close()
  server = await openTestServer()
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  await server.openNode({ runtimes: ['engine'], engineSocket: handle.socketPath })
}, 240_000)
afterAll(async () => {
  await server?.close()
  registry?.stop()
  await handle?.stop()
})

async function publishToStaging(name: string): Promise<string> {
  const appId = await createApp(esa, { name, servicePort: await freePort('0.0.0.0'), targetPort: 8080 })
  const versionId = await createVersion(esa, { appId, name: 'version-1', image, port: 8080 })
  if (name === 'has-secret') {
    const login = { AppId: appId, Registry: registry.host, Username: account.username, Password: account.password }
    await esa('CreateEdgeContainerAppImageSecret', login)
  }
  await publish(esa, { appId, versionId, environment: 'staging' })
  return appId
}

it('an app with an image secret runs, after one without it was refused by the registry', { timeout: 120_000 }, async () => {
  const without = await publishToStaging('has-nothing')
  await until('the refusal', 60_000, async () => {
    const { Phase } = await esa('GetEdgeContainerStagingDeployStatus', { AppId: without })
    return Phase === 'ImagePullBackOff' ? Phase : undefined
  })
  const appId = await publishToStaging('has-secret')
  const [address] = (await waitStaging(esa, appId)).VIPs ?? []
  expect(await waitAnswer(`http://${address}/`, (text) => text === 'private')).toBe('private')
  expect(JSON.stringify(server.log)).not.toContain(account.password)
  expect(server.log.filter(({ message }) => message === 'image secret handed out for a pull')).toHaveLength(1)
})
