// The whole way on a real container engine: an image made on the spot, published with the official client, answering on the
// port the app asked for; a new version takes over; the driver runs as a process beside it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { createApp, createVersion, deleteApp, publish, waitAnswer, waitPublished, waitStaging } from '../../tools/journey/app.ts'
import {
  configureDriver,
  createDriver,
  createInstance,
  deploy,
  registerGateway,
  releaseDriverVersion,
  throwing,
  type Gateway,
} from '../../tools/journey/driver.ts'
import { sampleDriver } from '../../tools/journey/sample-driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { freePort } from '../../tools/start/settings.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import type { TestNode } from '../test-node.ts'

let engine: EngineHandle
let server: TestServer
let node: TestNode
let gateway: Gateway
let esa: Call
let iot: Call

const image = (name: string) => `littoral-journey-${process.pid}:${name}`

beforeAll(async () => {
  engine = await ensureEngine()
  await makeSampleImage(engine.socketPath, { tag: image('one'), body: 'one' })
  await makeSampleImage(engine.socketPath, { tag: image('two'), body: 'two' })
  server = await openTestServer()
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  iot = throwing(sdkCall('@alicloud/iot20180120', server.url, server.key))
  gateway = await registerGateway(iot, { product: 'gateways', device: 'gateway-1' })
  node = await server.openNode({ gateway, runtimes: ['engine', 'process'], engineSocket: engine.socketPath })
}, 240_000)
afterAll(async () => {
  await node?.close()
  await server?.close()
  await engine?.stop()
})

describe('on a real engine', { timeout: 120_000 }, () => {
  it('an app answers in staging and in production, and a new version takes its place', async () => {
    const servicePort = await freePort('0.0.0.0')
    const appId = await createApp(esa, { name: 'real-app', servicePort, targetPort: 8080 })
    const first = await createVersion(esa, { appId, name: 'version-1', image: image('one'), port: 8080 })
    await publish(esa, { appId, versionId: first, environment: 'staging' })
    const [staging] = (await waitStaging(esa, appId)).VIPs ?? []
    expect(await waitAnswer(`http://${staging}/`, (text) => text === 'one')).toBe('one')
    const { Items } = await esa('GetEdgeContainerLogs', { AppId: appId, Lines: 10 })
    expect((Items as string[]).join('\n')).toContain('serving on 8080')

    await publish(esa, { appId, versionId: first, environment: 'prod' })
    await waitPublished(esa, { appId, versionId: first, environment: 'prod' })
    const address = `http://127.0.0.1:${servicePort}/`
    expect(await waitAnswer(address, (text) => text === 'one')).toBe('one')

    const second = await createVersion(esa, { appId, name: 'version-2', image: image('two'), port: 8080 })
    await publish(esa, { appId, versionId: second, environment: 'prod' })
    await waitPublished(esa, { appId, versionId: second, environment: 'prod' })
    expect(await waitAnswer(address, (text) => text === 'two')).toBe('two')

    await deleteApp(esa, appId)
    await until('the port to be closed', 15_000, () =>
      fetch(address).then(
        () => undefined,
        () => true,
      ),
    )
  })

  it('an image that does not exist is said so, and nothing is claimed', async () => {
    const appId = await createApp(esa, { name: 'missing-image', servicePort: await freePort('0.0.0.0'), targetPort: 8080 })
    const versionId = await createVersion(esa, { appId, name: 'version-1', image: '127.0.0.1:1/none:1', port: 8080 })
    await publish(esa, { appId, versionId, environment: 'staging' })
    const phase = await until('the failure', 60_000, async () => {
      const { Phase, Ready } = await esa('GetEdgeContainerStagingDeployStatus', { AppId: appId })
      expect(Ready).toBe('unready')
      return Phase === 'ImagePullBackOff' ? Phase : undefined
    })
    expect(phase).toBe('ImagePullBackOff')
    await deleteApp(esa, appId)
  })

  it('a driver of the standard tier runs as a process with its configuration', async () => {
    const sample = await sampleDriver()
    const driverId = await createDriver(iot, { name: 'thermometer', runtime: sample.runtime })
    await releaseDriverVersion(iot, { driverId, version: '1.0.0', fileName: sample.fileName, zip: sample.zip })
    const instanceId = await createInstance(iot, { name: 'hall', spec: 20, gateway })
    await iot('BindDriverToEdgeInstance', { InstanceId: instanceId, DriverId: driverId, DriverVersion: '1.0.0' })
    await configureDriver(iot, { instanceId, driverId, config: { unit: 'celsius' } })
    await deploy(iot, instanceId)
    const lines = await until('readings', 15_000, async () => {
      const written = await node.logs(`driver/${instanceId}/${driverId}`)
      return written.some((line) => line.startsWith('reading 2')) ? written : undefined
    })
    expect(lines.join('\n')).toContain('celsius')
  })
})
