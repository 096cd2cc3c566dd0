// What the agent costs a node: memory and processor time with nothing and with ten workloads, bytes to the server, and the way
// back from a power cut as a ratio to the engine's own start of the same containers. The agent is a process of its own, from
// its bundle, as it is on a node; its connection goes through a counter.
import { once } from 'node:events'
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openForwarder } from '../packages/agent/src/forwarder/client.ts'
import { openEngine, type Engine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import {
  addressOf,
  getContainer,
  listContainers,
  removeContainer,
  startContainer,
} from '../packages/agent/src/runtime/engine/client/containers.ts'
import { openTestServer, type TestServer } from '../test/test-server.ts'
import { bundleAgent } from '../tools/bundle.mjs'
import { ensureEngine } from '../tools/engine.ts'
import { createApp, createVersion, publish } from '../tools/journey/app.ts'
import { until } from '../tools/journey/wait.ts'
import { asJsonText, popCall, type Call } from '../tools/official-clients.ts'
import { makeSampleImage } from '../tools/sample-image.ts'
import { answers, killed, memoryOf, processorSeconds } from './machine.ts'
import { median, spread, type Line } from './report.ts'

const image = 'littoral-bench/hello:1'
const workloads = 10
const firstPort = 24_000
const timeoutMs = 60_000

export interface AgentPace {
  /** How long the agent is left alone before it is measured, and how long it is measured. */
  readonly settleMs: number
  readonly countMs: number
  readonly powerCuts: number
}

interface Counter {
  readonly url: string
  bytes: number
  close(): void
}

/** Passes a connection on and counts what goes through, both ways. What TCP and IP add is not in it. */
async function openCounter(target: URL): Promise<Counter> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((near) => {
    const far = net.connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk: Buffer) => (counter.bytes += chunk.length))
      from.on('error', () => to.destroy())
      from.on('close', () => (sockets.delete(from), to.destroy()))
      from.pipe(to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  const counter: Counter = { url: `http://127.0.0.1:${port}`, bytes: 0, close }
  return counter
}

interface Bench {
  readonly server: TestServer
  readonly engine: Engine
  readonly counter: Counter
  readonly call: Call
  readonly bundle: string
  readonly dataDir: string
  readonly socketPath: string
}

function startAgent({ bundle, dataDir, counter, socketPath }: Bench, token?: string): ChildProcess {
  const join = token === undefined ? [] : ['--token', token]
  const args = [bundle, '--server', counter.url, '--data', dataDir, '--name', 'bench-agent', ...join]
  const env = { PATH: process.env['PATH'], LITTORAL_ENGINE_SOCKET: socketPath, NODE_ENV: 'production' }
  return spawn(process.execPath, args, { env, stdio: 'ignore' })
}

interface Cost {
  readonly rssMb: number
  readonly pssMb: number
  readonly cpuPercent: number
  readonly kilobytesAnHour: number
}

async function costOf(pid: number, counter: Counter, { settleMs, countMs }: AgentPace): Promise<Cost> {
  await sleep(settleMs)
  const before = { cpu: processorSeconds(pid), bytes: counter.bytes, atMs: performance.now() }
  const seen: ReturnType<typeof memoryOf>[] = []
  for (const end = before.atMs + countMs; performance.now() < end; await sleep(Math.min(1000, countMs / 5))) seen.push(memoryOf(pid))
  const seconds = (performance.now() - before.atMs) / 1000
  return {
    rssMb: median(seen.map(({ rssMb }) => rssMb)),
    pssMb: median(seen.map(({ pssMb }) => pssMb)),
    cpuPercent: ((processorSeconds(pid) - before.cpu) / seconds) * 100,
    kilobytesAnHour: ((counter.bytes - before.bytes) / 1000 / seconds) * 3600,
  }
}

function costLines(what: string, { rssMb, pssMb, cpuPercent, kilobytesAnHour }: Cost, mostRssMb: number): Line[] {
  const name = (part: string) => `agent with ${what}, ${part}`
  const measured = `PSS ${pssMb.toFixed(1)} MB, RSS ${rssMb.toFixed(1)} MB`
  return [
    { name: name('memory (RSS)'), measured, value: rssMb, goal: { kind: 'at most', value: mostRssMb, unit: ' MB' } },
    { name: name('processor'), measured: 'of one core', value: cpuPercent, goal: { kind: 'at most', value: 0.3, unit: ' %' } },
    {
      name: name('to and from the server'),
      measured: 'an hour',
      value: kilobytesAnHour,
      goal: { kind: 'at most', value: 100, unit: ' KB' },
    },
  ]
}

/** Probed as often as is usual, every ten seconds. */
async function deploy({ call }: Bench): Promise<void> {
  for (let index = 0; index < workloads; index += 1) {
    const appId = await createApp(call, { name: `bench-agent-${index}`, servicePort: firstPort + index, targetPort: 8080 })
    const versionId = await createVersion(call, { appId, name: 'version-1', image, port: 8080, more: { ProbeContent: { Port: 8080 } } })
    await publish(call, { appId, versionId, environment: 'prod' })
  }
  await allAnswer()
}

async function allAnswer(hosts: readonly { host: string; port: number }[] = servicePorts()): Promise<void> {
  await Promise.all(
    hosts.map((place) =>
      until(`an answer of ${place.host}:${place.port}`, timeoutMs, async () => ((await answers(place)) ? true : undefined), 5),
    ),
  )
}

const servicePorts = () => Array.from({ length: workloads }, (_, index) => ({ host: '127.0.0.1', port: firstPort + index }))

/** Every container of the agent, with the address it answers at. */
async function containersOf({
  engine,
  dataDir,
}: Bench): Promise<{ id: string; isHolder: boolean; pid: number; host: string | undefined }[]> {
  const owner = (JSON.parse(readFileSync(join(dataDir, 'owner.json'), 'utf8')) as { content: string }).content
  const list = await listContainers(engine, [`littoral.node=${owner}`])
  return Promise.all(
    list.map(async ({ Id, Labels }) => {
      const details = await getContainer(engine, Id)
      return { id: Id, isHolder: Labels['littoral.role'] === 'holder', pid: details.State.Pid, host: addressOf(details) }
    }),
  )
}

/** As the power does it: no goodbye, for nobody. */
async function cutPower(bench: Bench, agent?: ChildProcess): Promise<void> {
  const containers = await containersOf(bench)
  await killed([agent?.pid ?? 0, await forwarderPid(bench), ...containers.map(({ pid }) => pid)])
  await until('the engine to notice', timeoutMs, async () => ((await containersOf(bench)).every(({ pid }) => pid === 0) ? true : undefined))
}

async function forwarderPid({ dataDir }: Bench): Promise<number> {
  const forwarder = openForwarder({ folder: join(dataDir, 'engine', 'forwarder'), onLost: () => {} })
  const pid = (await forwarder.isRunning()) ? (await forwarder.ask('hello', {})).pid : 0
  forwarder.close()
  return pid
}

/** The engine starts the same containers again, those whose network others use first. */
async function startByEngine(bench: Bench): Promise<number> {
  const startedAt = performance.now()
  const containers = await containersOf(bench)
  const start = (wanted: boolean) =>
    Promise.all(containers.filter(({ isHolder }) => isHolder === wanted).map(({ id }) => startContainer(bench.engine, id)))
  await start(true)
  await start(false)
  const holders = (await containersOf(bench)).filter(({ isHolder }) => isHolder)
  // One more than there are workloads: the agent keeps a spare network.
  const hosts = holders.flatMap(({ host }) => (host === undefined ? [] : [{ host, port: 8080 }]))
  await atLeast(hosts, workloads)
  return performance.now() - startedAt
}

/** Waits until so many of the places answer. */
async function atLeast(places: readonly { host: string; port: number }[], count: number): Promise<void> {
  await until(
    `${count} answers`,
    timeoutMs,
    async () => ((await Promise.all(places.map(answers))).filter(Boolean).length >= count ? true : undefined),
    5,
  )
}

async function startByAgent(bench: Bench): Promise<{ tookMs: number; agent: ChildProcess }> {
  const startedAt = performance.now()
  const agent = startAgent(bench)
  await allAnswer()
  return { tookMs: performance.now() - startedAt, agent }
}

async function benchPowerCuts(bench: Bench, first: ChildProcess, rounds: number): Promise<{ line: Line; agent: ChildProcess }> {
  let agent = first
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    await cutPower(bench, agent)
    theirs.push(await startByEngine(bench))
    await cutPower(bench)
    const started = await startByAgent(bench)
    agent = started.agent
    ours.push(started.tookMs)
  }
  const value = median(ours.map((time, round) => time / (theirs[round] ?? Number.NaN)))
  const measured = `${spread(ours, 0)} ms, the engine alone ${spread(theirs, 0)} ms`
  return { line: { name: `${workloads} workloads back after a power cut`, measured, value, goal: { kind: 'at most', value: 1.5 } }, agent }
}

export async function benchAgent(pace: AgentPace): Promise<Line[]> {
  const handle = await ensureEngine()
  const folder = await mkdtemp(join(tmpdir(), 'littoral-bench-agent-'))
  const engine = await openEngine({ socketPath: handle.socketPath })
  await makeSampleImage(handle.socketPath, { tag: image, body: 'hello' })
  const bundle = await bundleAgent({ out: join(folder, 'littoral-agent.mjs') })
  const server = await openTestServer({ env: { LITTORAL_HEARTBEAT_MS: '10000' } })
  const counter = await openCounter(new URL(server.url))
  const pop = popCall(server.url, server.key, '2024-09-10')
  const bench: Bench = {
    ...{ server, engine, counter, bundle, dataDir: join(folder, 'node'), socketPath: handle.socketPath },
    call: (action, input) => pop(action, asJsonText(input)),
  }
  let agent: ChildProcess | undefined
  try {
    agent = startAgent(bench, String((await server.littoral('CreateNodeToken', {}))['Token']))
    await until('the node', timeoutMs, async () => Number((await server.littoral('ListNodes', {}))['TotalCount']) || undefined)
    const idle = await costOf(agent.pid ?? 0, counter, pace)
    await deploy(bench)
    const busy = await costOf(agent.pid ?? 0, counter, pace)
    const power = await benchPowerCuts(bench, agent, pace.powerCuts)
    agent = power.agent
    return [...costLines('nothing', idle, 50), ...costLines(`${workloads} workloads`, busy, 55), power.line]
  } finally {
    await clear(bench, agent)
    counter.close()
    await server.close()
    engine.close()
    await handle.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function clear(bench: Bench, agent: ChildProcess | undefined): Promise<void> {
  await killed([agent?.pid ?? 0])
  const containers = await containersOf(bench).catch(() => [])
  for (const isHolder of [false, true]) {
    await Promise.all(containers.filter((one) => one.isHolder === isHolder).map(({ id }) => removeContainer(bench.engine, id)))
  }
  await killed([await forwarderPid(bench).catch(() => 0)])
}
