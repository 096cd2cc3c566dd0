// A driver for Java on a real virtual machine: compiled here, packed as a customer would, run as a process of its own user, and
// served over MQTT as the vendor's library for Java asks for it.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { callDevice } from '../../packages/agent/src/local/call-device.ts'
import { DeviceBook } from '../../packages/agent/src/local/device-book.ts'
import { Doors } from '../../packages/agent/src/local/local-doors.ts'
import { DriverPackages } from '../../packages/agent/src/packages/driver-packages.ts'
import { openProcessRuntime } from '../../packages/agent/src/runtime/process/index.ts'
import type { Runtime } from '../../packages/agent/src/runtime/runtime.ts'
import { pack, TestObjects } from '../../packages/agent/src/test-packages.ts'
import { driver } from '../../packages/agent/src/test-workloads.ts'

const missing = ['java', 'javac', 'jar'].filter((name) => spawnSync(name, [name === 'java' ? '-version' : '--version']).status !== 0)
const skipped = missing.length === 0 ? '' : ` (skipped: there is no ${missing.join(' and no ')} in the PATH)`
const device = { productKey: 'a1pk', deviceName: 'meter-1' }
const configOf = (unit: string) => JSON.stringify({ config: { json: { unit } }, deviceList: [device] })
const never = () => new AbortController().signal
const patience = { timeout: 60_000, interval: 50 }

/** `main.jar`, for Java 8 as the runtime is called, whatever compiles it. */
async function compiled(folder: string): Promise<Buffer> {
  const sources = ['MqttClient.java', 'JavaDriver.java'].map((name) => fileURLToPath(new URL(`../local/${name}`, import.meta.url)))
  execFileSync('javac', ['--release', '8', '-Xlint:-options', '-d', join(folder, 'classes'), ...sources])
  const jar = join(folder, 'main.jar')
  execFileSync('jar', ['--create', '--file', jar, '--main-class', 'JavaDriver', '-C', join(folder, 'classes'), '.'])
  return readFile(jar)
}

describe.runIf(missing.length === 0)(`a driver for Java${skipped}`, () => {
  let folder: string
  let doors: Doors
  let runtime: Runtime
  let workload: DriverWorkload
  let instanceId: string
  const book = new DeviceBook({ log: () => {}, minIntervalMs: 1 })
  const said = new Map<string, string>()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'littoral-java-'))
    book.connected((report) => {
      for (const { properties } of report.devices) for (const { name, value } of properties) said.set(name, value)
      book.taken(report.seq)
    })
    doors = new Doors({ folder: join(folder, 'local'), book, models: { find: async () => undefined }, log: () => {}, mqttPort: 0 })
    // The door for MQTT is one for all; with this one it is open, and its port known.
    await doors.open({ instanceId: 'first', driverId: 'first', driverName: 'first', runtime: 'java8', config: '{}', configPath: '' })
    const objects = new TestObjects()
    const packages = new DriverPackages(join(folder, 'process', 'packages'), objects.open)
    runtime = await openProcessRuntime({ dataDir: join(folder, 'process'), home: folder, packages, doors })
    const zip = pack({ 'main.jar': { content: await compiled(folder) } })
    const options = ['-Xmx64m', `-Dmqtt.port=${doors.mqttPort}`]
    workload = driver({ runtime: 'java8', package: objects.add(zip), arguments: options, config: configOf('K') })
    await runtime.prepare(workload, never(), () => {})
    instanceId = await runtime.start(workload, never())
  })
  afterAll(async () => {
    await runtime.close()
    book.close()
    await doors.end()
    await rm(folder, { recursive: true, force: true })
  })

  it('is run by the Java that is here, which the node names with its version', async () => {
    const { driverRuntimes, driverRuntimeVersions } = await runtime.capabilities()
    expect(driverRuntimes).toContain('java8')
    const version = driverRuntimeVersions?.find(({ name }) => name === 'java8')?.version
    expect(version).toMatch(/^\w+ \d+/)
    await vi.waitFor(() => expect(said.has('java')).toBe(true), patience)
    expect(version).toContain(JSON.parse(said.get('java')!))
  })

  it('gets its config and brings its device online', async () => {
    await vi.waitFor(() => expect(book.isOnline(device)).toBe(true), patience)
    await vi.waitFor(() => expect(said.get('unit')).toBe('"K"'), patience)
  })

  it('answers a service call', async () => {
    const call = { kind: 'call' as const, ...device, service: 'add', params: '{"a":2,"b":3}', timeoutMs: 20_000 }
    expect(JSON.parse(await callDevice(doors, call))).toMatchObject({ code: 0, data: { sum: 5 } })
  })

  it('gets the new config when it asks again, and was not started again for it', async () => {
    const changed = { ...workload, digest: 'changed', config: configOf('F') }
    await runtime.updateConfig(instanceId, changed, never())
    await vi.waitFor(() => expect(said.get('unit')).toBe('"F"'), patience)
    const [seen] = await runtime.observe(never())
    expect(seen).toMatchObject({ instanceId, restarts: 0, digest: 'changed' })
  })

  it('takes its device offline when it is stopped', async () => {
    await runtime.stop(instanceId, { reason: 'removed', graceSeconds: 5 }, never())
    await vi.waitFor(() => expect(book.isOnline(device)).toBe(false), patience)
  })
})
