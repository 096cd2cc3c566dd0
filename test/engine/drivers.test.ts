// Drivers in containers on a real engine: the package at its place, ports, devices, volumes, rights, environment, config.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { getContainer, listContainers } from '../../packages/agent/src/runtime/engine/client/containers.ts'
import { execCommand } from '../../packages/agent/src/runtime/engine/client/exec.ts'
import type { Runtime } from '../../packages/agent/src/runtime/runtime.ts'
import { driver, driverSupport, makeNodeImage } from './drivers.ts'
import { eventually, find, forever, imageOne, isReady, openBench, until, type Bench } from './harness.ts'

const nodeImage = 'docker.io/littoral-test/node:1'
let bench: Bench
let runtime: Runtime

beforeAll(async () => {
  process.env.LITTORAL_DRIVER_IMAGE_C = imageOne
  process.env.LITTORAL_DRIVER_IMAGE_NODEJS8 = nodeImage
  bench = await openBench()
  await makeNodeImage(bench.socketPath, nodeImage)
  runtime = bench.open({ drivers: driverSupport(join(bench.folder, 'packages')) })
})
afterEach(() => bench.clear())
afterAll(async () => {
  delete process.env.LITTORAL_DRIVER_IMAGE_C
  delete process.env.LITTORAL_DRIVER_IMAGE_NODEJS8
  await bench.dispose()
})

const plain = { privileged: false, hostNetwork: false, ports: [], devices: [], volumes: [] }
const main = (script: string) => ({ main: `#!/bin/sh\n${script}\n` })

async function up(workload: DriverWorkload): Promise<string> {
  await runtime.prepare(workload, forever(), () => {})
  const instanceId = await runtime.start(workload, forever())
  await until(runtime, instanceId, isReady)
  return instanceId
}

async function run(instanceId: string, script: string): Promise<{ exitCode: number; output: string }> {
  const [found] = await listContainers(bench.engine, [`littoral.instance=${instanceId}`])
  return execCommand(bench.engine, found?.Id ?? '', { command: ['sh', '-c', script], timeoutMs: 10_000 })
}

async function logs(instanceId: string): Promise<string> {
  let text = ''
  for await (const part of runtime.logs(instanceId, { tailLines: 100, follow: false }, forever())) text += part
  return text
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test('a driver starts in its folder with its identity, its config and the address of the node', async () => {
  const seen = 'pwd; echo $FUNCTION_ID $FUNCTION_NAME; cat $LITTORAL_DRIVER_CONFIG; echo; echo $FCBASE_IPADDR; sleep 1000'
  const instanceId = await up(await driver(main(seen), { driverName: 'power meter' }))
  await eventually(async () => (await logs(instanceId)).split('\n').length === 5)
  const [folder, who, config, address] = (await logs(instanceId)).split('\n')
  expect([folder, who, config]).toEqual(['/linkedge/driver', 'drv-1 power meter', '{"config":{},"deviceList":[]}'])
  const server = net.createServer((socket) => socket.end('from the node'))
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const { port } = server.address() as net.AddressInfo
  expect((await run(instanceId, `nc ${address} ${port}`)).output).toBe('from the node')
  server.close()
})

test('a Node.js driver is loaded and stays', async () => {
  const code =
    "exports.handler = () => {}; console.log('loaded', require('./lib.js').name, JSON.parse(process.env.FC_DRIVER_CONFIG).deviceList.length)"
  const workload = await driver({ 'index.js': code, 'lib.js': "exports.name = 'beside'" }, { runtime: 'nodejs8' })
  const instanceId = await up(workload)
  await eventually(async () => (await logs(instanceId)).includes('loaded beside 0'))
  expect(await find(runtime, instanceId)).toMatchObject({ phase: 'ready', isActive: true, kind: 'driver' })
})

test('ports are published on the node, TCP and UDP', async () => {
  const [tcp, udp] = [await freePort(), await freePort()]
  const ports = [
    { hostPort: tcp, containerPort: 8080, protocol: 'tcp' as const },
    { hostPort: udp, containerPort: 5000, protocol: 'udp' as const },
  ]
  const instanceId = await up(await driver(main('exec httpd -f -p 8080 -h /www'), { container: { ...plain, ports } }))
  expect((await find(runtime, instanceId))?.addresses).toEqual([
    { port: tcp, servicePort: tcp },
    { port: udp, servicePort: udp },
  ])
  await eventually(
    async () =>
      (await fetch(`http://127.0.0.1:${tcp}/`).then(
        (answer) => answer.text(),
        () => '',
      )) === 'one',
  )
  const [found] = await listContainers(bench.engine, [`littoral.instance=${instanceId}`])
  const details = await getContainer(bench.engine, found?.Id ?? '')
  expect(details.NetworkSettings.Ports?.['5000/udp']?.[0]?.HostPort).toBe(String(udp))
})

test('a host port that is taken is named, and nothing is left of the attempt', async () => {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as net.AddressInfo
  const ports = [{ hostPort: port, containerPort: 80, protocol: 'tcp' as const }]
  const workload = await driver(main('sleep 1000'), { container: { ...plain, ports } })
  await runtime.prepare(workload, forever(), () => {})
  await expect(runtime.start(workload, forever())).rejects.toMatchObject({ code: 'PortInUse' })
  expect(await listContainers(bench.engine, [`littoral.node=${bench.owner}`])).toEqual([])
  server.close()
})

test('volumes are mounted with their rights, and a missing host path is made', async () => {
  const [readable, writable] = [join(bench.folder, 'in'), join(bench.folder, 'made', 'out')]
  mkdirSync(readable)
  writeFileSync(join(readable, 'a'), 'hello')
  const volumes = [
    { hostPath: readable, containerPath: '/in', permission: 'ro' as const },
    { hostPath: writable, containerPath: '/out', permission: 'rw' as const },
  ]
  const instanceId = await up(await driver(main('sleep 1000'), { container: { ...plain, volumes } }))
  expect((await run(instanceId, 'cat /in/a > /out/b')).exitCode).toBe(0)
  expect(readFileSync(join(writable, 'b'), 'utf8')).toBe('hello')
  expect((await run(instanceId, 'echo x > /in/a')).exitCode).not.toBe(0)
})

test('devices are passed with their rights; an absent one is waited for by name', async () => {
  const device = `/dev/littoral-test-${randomBytes(4).toString('hex')}`
  const devices = [
    { hostPath: device, permission: 'rw' as const },
    { hostPath: '/dev/zero', permission: 'ro' as const },
  ]
  const workload = await driver(main('sleep 1000'), { container: { ...plain, devices } })
  await runtime.prepare(workload, forever(), () => {})
  const refusal = { code: 'DeviceMissing', message: expect.stringContaining(device) as string, isStalled: false, waitsMs: 5000 }
  await expect(runtime.start(workload, forever())).rejects.toMatchObject(refusal)
  expect(spawnSync('mknod', [device, 'c', '1', '3']).status).toBe(0)
  try {
    const instanceId = await up(workload)
    expect((await run(instanceId, `echo x > ${device}`)).exitCode).toBe(0)
    expect((await run(instanceId, 'dd if=/dev/zero of=/dev/null bs=1 count=1')).exitCode).toBe(0)
  } finally {
    rmSync(device)
  }
})

test('a device is given by a stable path, and given again when it was pulled out and put back', async () => {
  const folder = `/dev/littoral-test-${randomBytes(4).toString('hex')}`
  const [first, second, stable] = [join(folder, 'tty0'), join(folder, 'tty1'), join(folder, 'by-id')]
  const makeNode = (path: string, minor: string) => expect(spawnSync('mknod', [path, 'c', '1', minor]).status).toBe(0)
  mkdirSync(folder)
  try {
    // Minor 5 is /dev/zero, 7 is /dev/full: what the driver reads tells them apart from each other.
    makeNode(first, '5')
    symlinkSync('tty0', stable)
    const container = { ...plain, devices: [{ hostPath: stable, permission: 'rw' as const }] }
    const instanceId = await up(await driver(main(`echo started >> starts; [ -c ${stable} ] && sleep 1000`), { container }))
    expect((await run(instanceId, `echo x > ${stable}`)).exitCode).toBe(0)
    rmSync(stable)
    const gone = { phase: 'unready', reason: { code: 'DeviceMissing', message: expect.stringContaining(stable) as string } }
    expect(await find(runtime, instanceId)).toMatchObject(gone)
    rmSync(first)
    makeNode(second, '7')
    symlinkSync('tty1', stable)
    expect(await until(runtime, instanceId, ({ phase }) => phase === 'backoff')).toMatchObject({ reason: { code: 'DeviceReplaced' } })
    await runtime.restart(instanceId, 'driver', forever())
    expect(await until(runtime, instanceId, isReady)).toMatchObject({ lastRestartReason: 'DeviceReplaced', restarts: 1 })
    expect((await run(instanceId, `echo x > ${stable}`)).exitCode).not.toBe(0)
    const kept = 'started\nstarted\n{"config":{},"deviceList":[]}'
    await eventually(async () => (await run(instanceId, 'cat starts; cat $LITTORAL_DRIVER_CONFIG')).output === kept)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a driver that ended with its device waits for it without being started', async () => {
  const device = `/dev/littoral-test-${randomBytes(4).toString('hex')}`
  expect(spawnSync('mknod', [device, 'c', '1', '3']).status).toBe(0)
  const workload = await driver(main('sleep 0.2; exit 1'), { container: { ...plain, devices: [{ hostPath: device, permission: 'rw' }] } })
  await runtime.prepare(workload, forever(), () => {})
  const instanceId = await runtime.start(workload, forever())
  await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
  rmSync(device)
  expect(await find(runtime, instanceId)).toMatchObject({ phase: 'backoff', reason: { code: 'DeviceMissing' }, restarts: 0 })
  await expect(runtime.restart(instanceId, 'driver', forever())).rejects.toMatchObject({ code: 'DeviceMissing', waitsMs: 5000 })
  expect(await find(runtime, instanceId)).toMatchObject({ restarts: 0 })
})

test('a path that is no device is refused by name', async () => {
  const path = `/dev/littoral-test-${randomBytes(4).toString('hex')}`
  writeFileSync(path, '')
  try {
    const workload = await driver(main('sleep 1000'), { container: { ...plain, devices: [{ hostPath: path, permission: 'rw' }] } })
    await runtime.prepare(workload, forever(), () => {})
    const refusal = { code: 'DeviceRejected', message: `${path} is no device`, isStalled: true }
    await expect(runtime.start(workload, forever())).rejects.toMatchObject(refusal)
  } finally {
    rmSync(path)
  }
})

test('a driver gets the memory that the operator allows', async () => {
  const small = bench.open({ drivers: driverSupport(join(bench.folder, 'packages')), driverMemoryBytes: 64 * 1024 * 1024 })
  const workload = await driver(main('sleep 1000'))
  await small.prepare(workload, forever(), () => {})
  const instanceId = await small.start(workload, forever())
  const [found] = await listContainers(bench.engine, [`littoral.instance=${instanceId}`])
  expect((await getContainer(bench.engine, found?.Id ?? '')).HostConfig).toMatchObject({ Memory: 67_108_864, MemorySwap: 67_108_864 })
})

test('privileged gives the rights of the node, host network its network', async () => {
  const instanceId = await up(await driver(main('sleep 1000'), { container: { ...plain, privileged: true, hostNetwork: true } }))
  const [found] = await listContainers(bench.engine, [`littoral.instance=${instanceId}`])
  expect((await getContainer(bench.engine, found?.Id ?? '')).HostConfig).toMatchObject({ Privileged: true, NetworkMode: 'host' })
  expect((await run(instanceId, 'ls /dev')).output).toContain('kmsg')
  expect((await run(instanceId, 'ls /sys/class/net')).output).toContain('docker0')
})

test('a driver that exits waits for its restart, and keeps what it wrote', async () => {
  const workload = await driver(main('echo run >> runs; cat runs | tr "\\n" " "; [ -e again ] && sleep 1000; touch again; exit 7'))
  await runtime.prepare(workload, forever(), () => {})
  const instanceId = await runtime.start(workload, forever())
  expect(await until(runtime, instanceId, ({ phase }) => phase === 'backoff')).toMatchObject({
    containers: [{ name: 'driver', exitCode: 7 }],
  })
  await runtime.restart(instanceId, 'driver', forever())
  await until(runtime, instanceId, isReady)
})
