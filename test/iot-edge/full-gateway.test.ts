// As much as one gateway may hold (contract: iot-edge §9): thirty drivers, a thousand devices with a configuration each. The
// drivers are real processes, and the agent is a process of its own, so that its memory can be looked at.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDriver, createInstance, deploy, registerGateway, throwing, type Gateway } from '../../tools/journey/driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import { EdgeLife, type Said } from './life.ts'

const driverCount = 30
const deviceCount = 1000
const perCall = 20

let server: TestServer
let life: EdgeLife
let call: Call
let folder: string
let agent: ChildProcess
let gateway: Gateway
let nodeId: string
const drivers: string[] = []

beforeAll(async () => {
  // Thirty starts at once keep a small machine so busy that a short heartbeat would be missed.
  server = await openTestServer({ env: { LITTORAL_HEARTBEAT_MS: '5000' } })
  life = new EdgeLife(server, { spec: 20, signature: 'v3', node: {} })
  call = throwing(sdkCall('@alicloud/iot20180120', server.url, server.key))
  folder = await mkdtemp(join(tmpdir(), 'littoral-full-'))
  gateway = await registerGateway(call, { product: 'gateways', device: 'gateway-1' })
  life.instanceId = await createInstance(call, { name: 'full', spec: 20, gateway })
  await Promise.all([startAgent(), bindDrivers()])
  await bindDevices()
}, 240_000)
afterAll(async () => {
  agent.kill('SIGTERM')
  if (agent.exitCode === null) await once(agent, 'exit')
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

async function startAgent(): Promise<void> {
  const main = new URL('../../packages/agent/src/main.ts', import.meta.url).pathname
  const identity = ['--gateway', `${gateway.productKey}/${gateway.deviceName}`, '--secret', gateway.deviceSecret]
  const flags = ['--server', server.url, '--data', folder, '--name', 'full', '--runtime', 'process', ...identity]
  agent = spawn(process.execPath, ['--import', 'tsx', '--conditions=littoral:source', main, ...flags], { stdio: 'ignore' })
  nodeId = await until('the node', 30_000, async () => {
    const { Nodes } = (await server.littoral('ListNodes', {})) as { Nodes: { NodeId: string; IsOnline: boolean }[] }
    return Nodes.find(({ IsOnline }) => IsOnline)?.NodeId
  })
}

async function bindDrivers(): Promise<void> {
  for (let place = 0; place < driverCount; place++) {
    const driver = await createDriver(call, { name: `driver_${place}`, runtime: 'nodejs8' })
    await life.release(driver, '1.0.0')
    await life.bind(driver, '1.0.0')
    drivers.push(driver)
  }
}

async function bindDevices(): Promise<void> {
  const { ProductKey } = await call('CreateProduct', { ProductName: 'sensors', NodeType: 0 })
  for (let from = 0; from < deviceCount; from += perCall) {
    const names = Array.from({ length: perCall }, (_, index) => `sensor_${from + index}`)
    const answers = await Promise.all(names.map((DeviceName) => call('RegisterDevice', { ProductKey, DeviceName })))
    const IotIds = answers.map(({ Data }) => (Data as { IotId: string }).IotId)
    const InstanceId = life.instanceId
    await call('BatchBindDeviceToEdgeInstanceWithDriver', { InstanceId, DriverId: drivers[(from / perCall) % driverCount], IotIds })
    const DeviceConfigs = IotIds.map((IotId) => ({ IotId, Content: JSON.stringify({ pad: 'x'.repeat(1000) }) }))
    await call('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs })
  }
}

const wordsOf = async (driver: string): Promise<Said> => {
  const said = await life.said({ nodeId }, driver)
  return said.at(-1)!
}

async function setLevel(driver: string | undefined, level: number): Promise<void> {
  const Configs = [{ Format: 'JSON', Content: JSON.stringify({ level }), Key: 'settings' }]
  await call('SetEdgeInstanceDriverConfigs', { InstanceId: life.instanceId, DriverId: driver, Configs })
  await deploy(call, life.instanceId, 120_000)
}

async function memoryMb(): Promise<number> {
  const status = await readFile(`/proc/${agent.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

let before: Said[]

it('runs thirty drivers, and hands them a thousand devices', async () => {
  await deploy(call, life.instanceId, 180_000)
  before = await Promise.all(drivers.map((driver) => life.says({ nodeId }, driver, () => true)))
  expect(new Set(before.map(({ boot }) => boot)).size).toBe(driverCount)
  const devices = before.flatMap(({ config }) => config.deviceList)
  expect(new Set(devices.map((device) => device['deviceName'])).size).toBe(deviceCount)
  expect(devices.every(({ custom }) => String(custom).length > 1000)).toBe(true)
}, 240_000)

it('takes neither one driver nor one device more', async () => {
  const driver = await createDriver(call, { name: 'one_too_many', runtime: 'nodejs8' })
  await life.release(driver, '1.0.0')
  const InstanceId = life.instanceId
  expect(await life.code('BindDriverToEdgeInstance', { InstanceId, DriverId: driver })).toBe('iot.edge.InstanceDriverLimitation')
  const { ProductKey } = await call('CreateProduct', { ProductName: 'more_sensors', NodeType: 0 })
  const { Data } = await call('RegisterDevice', { ProductKey, DeviceName: 'sensor_1001' })
  const IotIds = [(Data as { IotId: string }).IotId]
  const bind = { InstanceId, DriverId: drivers[0], IotIds }
  expect(await life.code('BatchBindDeviceToEdgeInstanceWithDriver', bind)).toBe('iot.edge.InstanceDeviceLimitation')
})

it('changes the configuration of one of them, and none is restarted or told anything', async () => {
  await setLevel(drivers[0], 1)
  const changed = await life.says({ nodeId }, drivers[0]!, ({ config }) => config.config['json'] !== undefined)
  expect(changed).toMatchObject({ boot: before[0]?.boot, config: { config: { json: { level: 1 } } } })
  expect(await Promise.all(drivers.slice(1).map(wordsOf))).toEqual(before.slice(1))
}, 180_000)

it('needs no more memory of the agent with every further deployment', async () => {
  const atFirst = await memoryMb()
  for (const level of [2, 3, 4]) await setLevel(drivers[0], level)
  // Far above what three rounds of a megabyte of configuration leave behind before it is collected, far below a leak of all.
  expect((await memoryMb()) - atFirst).toBeLessThan(40)
  expect(await memoryMb()).toBeLessThan(220)
}, 180_000)
