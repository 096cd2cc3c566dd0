// A driver in a container finds its bus where the vendor's libraries look for it, and again after the agent has come back.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DeviceBook } from '../../packages/agent/src/local/device-book.ts'
import { Doors } from '../../packages/agent/src/local/local-doors.ts'
import type { Runtime } from '../../packages/agent/src/runtime/runtime.ts'
import { driver, driverSupport, makeNodeImage } from './drivers.ts'
import { eventually, forever, isReady, openBench, until, type Bench } from './harness.ts'

const nodeImage = 'docker.io/littoral-test/node-bus:1'
/** Signs in at the fixed path again and again, and says so once for each connection. */
const code = `
const net = require('node:net')
function dial() {
  const socket = net.connect('/tmp/var/run/mbusd/mbusd_socket', () => socket.write('\\0AUTH EXTERNAL 30\\r\\n'))
  socket.on('data', (bytes) => console.log(bytes.toString().startsWith('OK ') ? 'signed in' : 'refused'))
  socket.on('error', () => {})
  socket.on('close', () => setTimeout(dial, 100))
}
dial()
exports.handler = () => {}
`

let bench: Bench
beforeAll(async () => {
  process.env.LITTORAL_DRIVER_IMAGE_NODEJS8 = nodeImage
  bench = await openBench()
  await makeNodeImage(bench.socketPath, nodeImage)
})
afterAll(async () => {
  delete process.env.LITTORAL_DRIVER_IMAGE_NODEJS8
  await bench.dispose()
})

/** The same once only, as a library that does not notice when its connection ends. */
const deafCode = `
const net = require('node:net')
const socket = net.connect('/tmp/var/run/mbusd/mbusd_socket', () => socket.write('\\0AUTH EXTERNAL 30\\r\\n'))
socket.on('data', (bytes) => console.log(bytes.toString().startsWith('OK ') ? 'signed in' : 'refused'))
socket.on('error', () => {})
setInterval(() => {}, 1000)
exports.handler = () => {}
`

function open(patienceMs = 30_000) {
  const book = new DeviceBook({ log: () => {} })
  const doors = new Doors({
    folder: join(bench.folder, 'local'),
    book,
    models: { find: async () => undefined },
    log: () => {},
    mqttPort: 0,
    patienceMs,
  })
  return { doors, runtime: bench.open({ drivers: { ...driverSupport(join(bench.folder, 'packages')), doors } }) }
}

async function signedIn(runtime: Runtime, instanceId: string): Promise<number> {
  let text = ''
  for await (const part of runtime.logs(instanceId, { tailLines: 1000, follow: false }, forever())) text += part
  return text.split('signed in').length - 1
}

test('a driver in a container reaches its bus, also the one of the next agent', async () => {
  const first = open()
  const workload = await driver({ 'index.js': code }, { runtime: 'nodejs8' })
  await first.runtime.prepare(workload, forever(), () => {})
  const instanceId = await first.runtime.start(workload, forever())
  await until(first.runtime, instanceId, isReady)
  await eventually(async () => (await signedIn(first.runtime, instanceId)) === 1)

  await first.runtime.close()
  await first.doors.end()
  const second = open()
  await second.runtime.observe(forever())
  await eventually(async () => (await signedIn(second.runtime, instanceId)) === 2)

  await second.runtime.stop(instanceId, { reason: 'removed', graceSeconds: 1 }, forever())
  await second.runtime.remove(instanceId, forever())
  await second.doors.end()
  await expect(rm(join(bench.folder, 'local', instanceId))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a driver in a container that holds on to the agent before is started again, and has its bus', async () => {
  const first = open()
  const workload = await driver({ 'index.js': deafCode }, { runtime: 'nodejs8' })
  await first.runtime.prepare(workload, forever(), () => {})
  const instanceId = await first.runtime.start(workload, forever())
  await eventually(async () => (await signedIn(first.runtime, instanceId)) === 1)

  await first.runtime.close()
  await first.doors.end()
  const second = open(200)
  const ended = await until(second.runtime, instanceId, ({ phase }) => phase === 'backoff')
  expect(ended.reason).toMatchObject({ code: 'ConnectionLost', message: expect.stringContaining('did not come back') as string })
  await second.runtime.restart(instanceId, 'driver', forever())
  await eventually(async () => (await signedIn(second.runtime, instanceId)) === 2)
  expect((await until(second.runtime, instanceId, isReady)).lastRestartReason).toBe('ConnectionLost')

  await second.runtime.stop(instanceId, { reason: 'removed', graceSeconds: 1 }, forever())
  await second.runtime.remove(instanceId, forever())
  await second.doors.end()
})
