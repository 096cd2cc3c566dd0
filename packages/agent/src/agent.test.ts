import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from './agent.ts'
import { parseConfig } from './config.ts'
import { MemoryMachine, MemoryRuntime } from './runtime/memory.ts'
import { pack } from './test-packages.ts'
import { TestServer } from './test-server.ts'
import { container, desiredState, driver, group, sha256 } from './test-workloads.ts'

let folder: string
let server: TestServer
let agents: Agent[]
let log: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-agent-'))
  server = await TestServer.open()
  agents = []
  log = []
})
afterEach(async () => {
  for (const agent of agents) await agent.stop()
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

async function start(machine: MemoryMachine | undefined, ...flags: string[]): Promise<Agent> {
  const config = parseConfig(
    ['--server', server.url.href, '--data', folder, '--token', 'ljt_a', '--name', 'n1', '--runtime', 'memory', ...flags],
    {},
  )
  const runtimes = machine ? { runtimes: [new MemoryRuntime(machine)] } : {}
  const agent = await startAgent({ config, log: (line) => log.push(line), firstPauseMs: 20, ...runtimes })
  agents.push(agent)
  return agent
}

async function stop(agent: Agent): Promise<void> {
  agents.splice(agents.indexOf(agent), 1)
  await agent.stop()
}

const key = 'app/app-1/prod'
const v1 = group()
const v2 = group({ version: 'ver-2', containers: [container({ image: 'demo/web:2' })] })

describe('an agent', () => {
  it('connects, runs what it is told, reports it ready, and serves its log', async () => {
    await start(new MemoryMachine())
    const connection = await server.connection()
    const { facts } = await connection.until('hello')
    expect(facts).toMatchObject({
      name: 'n1',
      region: 'zhejiang',
      environments: ['prod', 'staging'],
      edgeVersion: '2.9.7',
      address: '127.0.0.1',
    })
    expect(facts.runtimes).toEqual([{ name: 'memory', isAvailable: true }])
    connection.welcome({ nodeSecret: 'lns_1' })
    connection.send({ type: 'desired', state: desiredState(1, v1) })
    const { report } = await connection.until('report', (message) => message.report.workloads.some(({ phase }) => phase === 'ready'))
    expect(report.generation).toBe(1)
    expect(report.workloads[0]).toMatchObject({
      key,
      version: 'ver-1',
      digest: v1.digest,
      addresses: [{ host: '127.0.0.1', port: 8080, servicePort: 8080 }],
    })
    connection.send({ type: 'streamOpen', id: 's', request: { kind: 'logs', key, tailLines: 5, follow: false } })
    expect((await connection.until('streamData')).text).toBe('web | started web of ver-1\n')
    expect(log).toContain(`agent node-1 connected to ${server.url.origin}`)
  })

  it('says that its region is unknown to the server, as long as the server says so', async () => {
    await start(new MemoryMachine(), '--region', 'atlantis')
    const problem = 'the region atlantis of this node is none of ours (zhejiang)'
    const first = await server.connection()
    await first.until('hello')
    first.welcome({ nodeSecret: 'lns_secret', regionProblem: problem })
    first.send({ type: 'desired', state: desiredState(1) })
    const conditions = (at: number) => server.connections[at]?.all('report').findLast(({ report }) => report.conditions)?.report.conditions
    await expect.poll(() => conditions(0)).toMatchObject([{ code: 'RegionUnknown', message: problem }])
    expect(log).toContain(`RegionUnknown: ${problem}`)
    first.socket.terminate()
    const second = await server.connection(1)
    await second.until('hello')
    second.welcome()
    await expect.poll(() => conditions(1)).toEqual([])
    expect(log).toContain('RegionUnknown is over')
  })

  it('begins every connection with a complete report', async () => {
    await start(new MemoryMachine())
    const first = await server.connection()
    first.welcome()
    first.send({ type: 'desired', state: desiredState(1, v1) })
    await first.until('report', ({ report }) => report.workloads.some(({ phase }) => phase === 'ready'))
    expect(first.all('report').map(({ report }) => report.isComplete)[0]).toBe(true)
    first.socket.terminate()
    const second = await server.connection(1)
    expect((await second.until('hello')).generation).toBe(1)
    second.welcome()
    const { report } = await second.until('report')
    expect(report).toMatchObject({ isComplete: true, generation: 1, workloads: [{ key, phase: 'ready' }] })
  })

  it('starts what it should after a power cut, without the server', async () => {
    const first = await start(new MemoryMachine())
    const connection = await server.connection()
    connection.welcome({ nodeSecret: 'lns_1' })
    connection.send({ type: 'desired', state: desiredState(3, v1) })
    await connection.until('report', ({ report }) => report.workloads.some(({ phase }) => phase === 'ready'))
    await stop(first)
    server.refuses = () => ({ status: 503, body: '' })
    const empty = new MemoryMachine()
    await start(empty)
    await expect.poll(() => empty.ports.has(key), { timeout: 10_000 }).toBe(true)
  })

  it('keeps what runs when it is stopped, and takes it over when it returns', async () => {
    const machine = new MemoryMachine()
    const first = await start(machine)
    const connection = await server.connection()
    connection.welcome()
    connection.send({ type: 'desired', state: desiredState(1, v1) })
    await connection.until('report', ({ report }) => report.workloads.some(({ phase }) => phase === 'ready'))
    await stop(first)
    expect(machine.instances.size).toBe(1)
    await start(machine)
    const again = await server.connection(1)
    again.welcome()
    await again.until('report', ({ report }) => report.workloads.some(({ phase }) => phase === 'ready'))
    expect(machine.count).toBe(1)
  })

  it('refuses to go back to an older generation', async () => {
    const machine = new MemoryMachine()
    const agent = await start(machine)
    const connection = await server.connection()
    connection.welcome()
    connection.send({ type: 'desired', state: desiredState(5, v2) })
    connection.send({ type: 'desired', state: desiredState(4, v1) })
    connection.send({ type: 'desired', state: { generation: 'six' } })
    await connection.until('report', ({ report }) => report.workloads.some(({ phase }) => phase === 'ready'))
    expect(agent.desired.generation).toBe(5)
    expect([...machine.instances.values()].map(({ workload }) => workload.version)).toEqual(['ver-2'])
    expect(log.filter((line) => line.startsWith('desired state refused'))).toHaveLength(2)
  })

  it('does not share its data folder with another agent', async () => {
    await start(new MemoryMachine())
    await expect(start(new MemoryMachine())).rejects.toThrow(`another agent (process ${process.pid}) uses the folder ${folder}`)
  })

  it('asks for a way to join when it has no identity', async () => {
    const config = parseConfig(['--server', server.url.href, '--data', folder, '--runtime', 'memory'], {})
    await expect(startAgent({ config, log: () => {} })).rejects.toThrow('no identity yet')
  })

  it('says in a sentence that its folder cannot be used', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    const config = parseConfig(['--server', server.url.href, '--data', file, '--token', 'ljt_a', '--runtime', 'memory'], {})
    await expect(startAgent({ config, log: () => {} })).rejects.toThrow(
      `the folder ${file} cannot be used (EEXIST): something that is no folder is in its place; name another one with --data`,
    )
  })

  it('downloads a driver with its own secret, runs it, and ends it when it stops', async () => {
    const archive = pack({ 'index.js': 'console.log("driver", process.pid)' })
    const asked: (string | undefined)[] = []
    server.serves = (request, response) => {
      asked.push(request.headers.authorization)
      response.writeHead(200, { 'content-length': archive.length }).end(archive)
    }
    const agent = await start(undefined, '--runtime', 'process')
    const connection = await server.connection()
    connection.welcome({ nodeSecret: 'lns_1' })
    const sha = sha256(archive)
    const workload = driver({ package: { path: `/node/v1/objects/${sha}`, sha256: sha, sizeBytes: archive.length } })
    connection.send({ type: 'desired', state: desiredState(1, workload) })
    const { report } = await connection.until('report', (message) => message.report.workloads.some(({ phase }) => phase === 'ready'))
    expect(report.workloads[0]).toMatchObject({
      key: workload.key,
      version: '1.0.0',
      digest: workload.digest,
      containers: [{ name: 'driver', isReady: true }],
    })
    expect(asked).toEqual(['LittoralNode node-1:lns_1'])
    connection.send({ type: 'streamOpen', id: 's', request: { kind: 'logs', key: workload.key, tailLines: 5, follow: false } })
    const pid = Number((await connection.until('streamData')).text.replace('driver ', ''))
    expect(() => process.kill(pid, 0)).not.toThrow()
    await stop(agent)
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})
