// What a node survives that a whole agent is needed for: lost contact after a change, torn files, a full and a read-only disk,
// a clock that is years off. The disks are real ones, which needs root.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { closeSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WorkloadReport } from '@littoral/contract/node/report'
import { type Agent, startAgent } from './agent.ts'
import { Clock } from './clock.ts'
import { parseConfig } from './config.ts'
import { MemoryMachine, MemoryRuntime } from './runtime/memory.ts'
import { type TestConnection, TestServer } from './test-server.ts'
import { container, desiredState, group } from './test-workloads.ts'

let folder: string
let server: TestServer
let agents: Agent[]
let machine: MemoryMachine
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-survive-'))
  server = await TestServer.open()
  agents = []
  machine = new MemoryMachine()
})
afterEach(async () => {
  for (const agent of agents) await agent.stop()
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const joining = ['--token', 'ljt_a']

async function start(clock?: Clock, joinFlags = joining): Promise<Agent> {
  const config = parseConfig(['--server', server.url.href, '--data', folder, '--name', 'n1', '--runtime', 'memory', ...joinFlags], {})
  const runtimes = [new MemoryRuntime(machine)]
  const agent = await startAgent({ config, log: () => {}, firstPauseMs: 20, runtimes, diskLookMs: 50, ...(clock && { clock }) })
  agents.push(agent)
  return agent
}

async function stop(agent: Agent): Promise<void> {
  agents.splice(agents.indexOf(agent), 1)
  await agent.stop()
}

const key = 'app/app-1/prod'
const v1 = group()
const v2 = group({ version: 'ver-2', containers: [container({ image: 'demo/web:2' })], confirmSeconds: 1 })
const serving = () => machine.instances.get(machine.ports.get(key)?.instanceId ?? '')?.workload.version
const isReady = (version: string) => (report: WorkloadReport) => report.version === version && report.phase === 'ready'
const reported = (connection: TestConnection, version: string) =>
  connection.until('report', ({ report }) => report.workloads.some(isReady(version)))

/** A node that runs the first version and was told the second. */
async function onTrial(): Promise<{ agent: Agent; connection: TestConnection }> {
  const agent = await start()
  const connection = await server.connection()
  connection.welcome({ nodeSecret: 'lns_1' })
  connection.send({ type: 'desired', state: desiredState(1, v1) })
  await reported(connection, 'ver-1')
  connection.send({ type: 'desired', state: desiredState(2, v2) })
  expect((await connection.until('confirm')).workloads).toEqual([{ key, digest: v2.digest }])
  return { agent, connection }
}

function goDark(): void {
  server.refuses = () => ({ status: 503, body: '' })
  for (const { socket } of server.connections) socket.terminate()
}

async function comeBack(): Promise<TestConnection> {
  const index = server.connections.length
  server.refuses = undefined
  const connection = await server.connection(index)
  connection.welcome()
  return connection
}

const conditions = (connection: TestConnection) =>
  connection.all('report').findLast(({ report }) => report.conditions)?.report.conditions ?? []
const codes = (connection: TestConnection) => conditions(connection).map(({ code }) => code)

describe('a node that loses contact after a change', () => {
  it('goes back to the version before by itself, and says so when it is back', async () => {
    await onTrial()
    goDark()
    await expect.poll(serving, { timeout: 10_000 }).toBe('ver-1')
    const back = await comeBack()
    const { report } = await back.until('report', ({ report: { workloads } }) => workloads.some(({ retreat }) => retreat !== undefined))
    expect(report.generation).toBe(2)
    expect(report.workloads[0]).toMatchObject({
      version: 'ver-1',
      retreat: { version: 'ver-2', digest: v2.digest, reason: { code: 'ContactLost' } },
    })
    await expect.poll(() => codes(back)).toEqual(['WentBack'])
    back.send({ type: 'desired', state: desiredState(3, v1) })
    await expect.poll(() => codes(back)).toEqual([])
  })

  it('stays with a version that was confirmed, however long it is alone afterwards', async () => {
    const { connection } = await onTrial()
    connection.send({ type: 'confirmed', workloads: [{ key, digest: v2.digest }] })
    await expect.poll(async () => (await readFile(join(folder, 'trials.json'), 'utf8')).includes('ver-2')).toBe(false)
    goDark()
    const until = performance.now() + 2500
    await expect.poll(() => performance.now() > until, { timeout: 10_000 }).toBe(true)
    expect(serving()).toBe('ver-2')
  })

  it('goes back also when it is started again in the midst of it', async () => {
    const { agent } = await onTrial()
    goDark()
    await stop(agent)
    expect(serving()).toBe('ver-2')
    await start()
    await expect.poll(serving, { timeout: 10_000 }).toBe('ver-1')
    await stop(agents[0]!)
    await start()
    const back = await comeBack()
    const { report } = await back.until('report', ({ report: { workloads } }) => workloads.length > 0)
    expect(report.workloads[0]).toMatchObject({ version: 'ver-1', retreat: { version: 'ver-2' } })
  })

  it('waits for a server that is there but does not answer', async () => {
    const { connection } = await onTrial()
    const until = performance.now() + 2000
    await expect.poll(() => performance.now() > until, { timeout: 10_000 }).toBe(true)
    expect(serving()).toBe('ver-2')
    expect(connection.isClosed).toBe(false)
  })
})

describe('a node whose runtime is away', () => {
  it('says RuntimeUnavailable as long as it is, and touches nothing', async () => {
    await start()
    const connection = await server.connection()
    connection.welcome({ nodeSecret: 'lns_1' })
    connection.send({ type: 'desired', state: desiredState(1, v1) })
    await reported(connection, 'ver-1')
    machine.failure = 'the engine is down'
    connection.send({ type: 'desired', state: desiredState(2, group({ version: 'ver-3' })) })
    await expect.poll(() => conditions(connection)).toMatchObject([{ code: 'RuntimeUnavailable', message: 'memory: the engine is down' }])
    expect(serving()).toBe('ver-1')
    machine.failure = undefined
    connection.send({ type: 'desired', state: desiredState(3, group({ version: 'ver-3' })) })
    await reported(connection, 'ver-3')
    await expect.poll(() => codes(connection)).toEqual([])
  })
})

describe('a node whose files are torn', () => {
  it('runs the state before, says so, and takes the missed one when the server sends it again', async () => {
    const agent = await start()
    const connection = await server.connection()
    connection.welcome({ nodeSecret: 'lns_1' })
    connection.send({ type: 'desired', state: desiredState(1, v1) })
    await reported(connection, 'ver-1')
    connection.send({ type: 'desired', state: desiredState(2, group({ version: 'ver-3' })) })
    await reported(connection, 'ver-3')
    await stop(agent)
    await writeFile(join(folder, 'desired.json'), '{"sha256":"')
    await writeFile(join(folder, 'identity.json'), '')
    await start()
    const again = await server.connection(1)
    expect(again.authorization).toBe('LittoralNode node-1:lns_1')
    expect((await again.until('hello')).generation).toBe(1)
    again.welcome()
    await expect.poll(() => codes(again).toSorted()).toEqual(['DesiredStateCorrupt', 'IdentityCorrupt'])
    again.send({ type: 'desired', state: desiredState(2, group({ version: 'ver-3' })) })
    await reported(again, 'ver-3')
    await expect.poll(() => codes(again)).toEqual(['IdentityCorrupt'])
  })
})

const isRoot = process.platform === 'linux' && process.getuid?.() === 0

describe.runIf(isRoot)('a node whose disk takes nothing', () => {
  const mount = (...args: string[]) => expect(spawnSync('mount', [...args, folder], { encoding: 'utf8' }).stderr).toBe('')
  beforeEach(() => mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs'))
  afterEach(() => void spawnSync('umount', ['-l', folder]))

  function fill(): void {
    const file = openSync(join(folder, 'ballast'), 'w')
    for (let size = 65_536; size > 0; size >>= 1) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size))
      } catch {
        // The next smaller piece may still fit.
      }
    }
    closeSync(file)
  }

  it('does what it is told though it cannot keep it, says DiskFull, and keeps it when there is room', async () => {
    await start()
    const connection = await server.connection()
    connection.welcome({ nodeSecret: 'lns_1' })
    connection.send({ type: 'desired', state: desiredState(1, v1) })
    await reported(connection, 'ver-1')
    fill()
    connection.send({ type: 'desired', state: desiredState(2, group({ version: 'ver-3' })) })
    await reported(connection, 'ver-3')
    await expect.poll(() => codes(connection)).toContain('DiskFull')
    expect(await readFile(join(folder, 'desired.json'), 'utf8')).toContain('"generation":1')
    await rm(join(folder, 'ballast'))
    await expect.poll(() => codes(connection)).toEqual([])
    expect(await readFile(join(folder, 'desired.json'), 'utf8')).toContain('"generation":2')
  })

  it('starts on a disk that can only be read, runs what it should, and says DataFolderReadOnly', async () => {
    const agent = await start()
    const connection = await server.connection()
    connection.welcome({ nodeSecret: 'lns_1' })
    connection.send({ type: 'desired', state: desiredState(1, v1) })
    await reported(connection, 'ver-1')
    await stop(agent)
    machine = new MemoryMachine()
    mount('-o', 'remount,ro')
    await start()
    await expect.poll(serving, { timeout: 10_000 }).toBe('ver-1')
    const again = await server.connection(1)
    again.welcome()
    await expect.poll(() => codes(again)).toContain('DataFolderReadOnly')
    await expect(start()).rejects.toThrow('another agent uses the folder')
    again.send({ type: 'desired', state: desiredState(2, group({ version: 'ver-3' })) })
    await reported(again, 'ver-3')
    mount('-o', 'remount,rw')
    await expect.poll(() => codes(again)).toEqual([])
    expect(await readFile(join(folder, 'desired.json'), 'utf8')).toContain('"generation":2')
  })
})

describe('a node whose clock is years off', () => {
  const year = 365 * 86_400_000

  it('says ClockWrong, and learns the time that it signs with from the server that refuses it', async () => {
    const wallMs = () => Date.now() - 10 * year
    const gateway = ['--gateway', 'pk/dn', '--secret', 's3cret']
    const isRight = (authorization: string) => Math.abs(Number(authorization.split(':')[1]) - Date.now()) < 60_000
    server.refuses = (authorization) => (isRight(authorization) ? undefined : { status: 401, body: '' })
    await start(new Clock({ wallMs }), gateway)
    const connection = await server.connection()
    expect(server.refused).toHaveLength(1)
    connection.welcome()
    connection.send({ type: 'desired', state: desiredState(1, v1) })
    await reported(connection, 'ver-1')
    await expect.poll(() => codes(connection)).toEqual(['ClockWrong'])
    expect(conditions(connection)[0]?.message).toBe("the clock of this machine is 10 years behind the server's")
  })
})
