// The one connection of a node through a bad network: a real server and a real agent on two machines made of namespaces. After
// each fault the node is back within a bounded time, is still one node, runs what it should exactly once, and has what it missed.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bundleAgent } from '../../tools/bundle.mjs'
import { createApp, createVersion, publish } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { asJsonText, type Call, type Key, popCall } from '../../tools/official-clients.ts'
import {
  type Cable,
  layCable,
  openWayIn,
  otherAddress,
  type Peer,
  serverAddress,
  serverName,
  serverPort,
  startNames,
  startSlowLink,
} from './namespaces.ts'

const root = new URL('../..', import.meta.url).pathname
/** Short, so that a silent peer is noticed within seconds; everything that is bounded is so in heartbeats. */
const heartbeatMs = 500
/** The longest pause between two attempts is 30 s, and a dial that hangs is given up after 15 s. */
const backMs = 90_000

// Each waits for several of those.
vi.setConfig({ testTimeout: 4 * backMs })

let folder: string
let cable: Cable
let names: Peer
let slow: Peer
let wayIn: Awaited<ReturnType<typeof openWayIn>>
let server: ChildProcess
let agentLog = ''
let littoral: Call
let esa: Call
let appCount = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-network-'))
  const bundle = await bundleAgent({ out: join(folder, 'littoral-agent.mjs') })
  cable = layCable(folder)
  names = await startNames(cable)
  await names.set({ address: serverAddress })
  slow = await startSlowLink(cable)
  server = await startServer(serverAddress)
  wayIn = await openWayIn(cable, folder)
  const key = JSON.parse(readFileSync(join(folder, 'server', 'root-key.json'), 'utf8')) as Key
  littoral = popCall(wayIn.url, key, '2026-12-01')
  const pop = popCall(wayIn.url, key, '2024-09-10')
  esa = (action, input) => pop(action, asJsonText(input))
  const token = String((await littoral('CreateNodeToken', {}))['Token'])
  const args = ['--server', `http://${serverName}:${serverPort}`, '--data', join(folder, 'agent'), '--name', 'far-away']
  const agent = cable.agent.start([bundle, ...args, '--runtime', 'memory', '--token', token], { resolver: cable.resolver })
  for (const stream of [agent.stdout, agent.stderr]) stream?.on('data', (chunk: Buffer) => (agentLog += chunk.toString()))
  await backOnline()
}, 120_000)

afterAll(async () => {
  wayIn?.close()
  await cable?.close()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

async function startServer(address: string): Promise<ChildProcess> {
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LITTORAL_'))),
    LITTORAL_LISTEN: `${address}:${serverPort}`,
    LITTORAL_DATA: join(folder, 'server'),
    LITTORAL_HEARTBEAT_MS: String(heartbeatMs),
    LITTORAL_THROTTLE: 'off',
  }
  const main = join(root, 'packages', 'server', 'src', 'main.ts')
  const child = cable.server.start(['--import', 'tsx', '--conditions=littoral:source', main], { env })
  let words = ''
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2000)))
  const listening = child.stdout ? once(child.stdout, 'data') : Promise.resolve()
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the server ended: ${words}`)))
  ended.catch(() => {})
  await Promise.race([listening, ended])
  return child
}

interface Node {
  readonly NodeId: string
  readonly IsOnline: boolean
}

async function nodes(): Promise<Node[]> {
  return ((await littoral('ListNodes', {})) as { Nodes: Node[] }).Nodes
}

/** The node is there, and only once. */
async function backOnline(): Promise<string> {
  const node = await until(`the node; the agent said: ${agentLog.slice(-500)}`, backMs, async () =>
    (await nodes()).find(({ IsOnline }) => IsOnline),
  )
  expect(await nodes()).toHaveLength(1)
  return node.NodeId
}

const goneOffline = () =>
  until('the server to notice', backMs, async () => ((await nodes()).every(({ IsOnline }) => !IsOnline) ? true : undefined))
const said = (words: string, since: number) =>
  until(`the agent to say ${words}`, backMs, () => (agentLog.slice(since).includes(words) ? true : undefined))

async function loseConnection(): Promise<void> {
  const since = agentLog.length
  cable.drop('agent')
  await said('connection:', since)
  cable.heal()
}

/** A new connection, made after the change. */
async function reconnect(change: () => void): Promise<void> {
  const since = agentLog.length
  await loseConnection()
  change()
  await said('connected to', since)
}

async function newApp(): Promise<string> {
  appCount += 1
  const appId = await createApp(esa, { name: `network-${appCount}`, servicePort: 25_000 + appCount, targetPort: 8080 })
  const versionId = await createVersion(esa, { appId, name: 'version-1', image: 'registry.example/app:1', port: 8080 })
  await publish(esa, { appId, versionId, environment: 'prod' })
  return appId
}

/** The node runs this app, and has started it once. */
async function runsOnce(appId: string): Promise<boolean> {
  const nodeId = await backOnline()
  await until(`${appId} to run`, backMs, async () => {
    const { Workloads } = (await littoral('GetNode', { NodeId: nodeId })) as {
      Workloads: { Key: string; IsCurrent: boolean; Reported?: { Phase: string } }[]
    }
    const all = Workloads.filter(({ Key }) => Key === `app/${appId}/prod`)
    return all.length === 1 && all[0]?.IsCurrent && all[0].Reported?.Phase === 'ready' ? true : undefined
  })
  return agentLog.split('\n').filter((line) => line === `start app/${appId}/prod: done`).length === 1
}

describe('a node', () => {
  it('notices that nothing arrives any more, as does the server, and comes back when it does', async () => {
    const since = agentLog.length
    for (const from of ['agent', 'server'] as const) cable.drop(from)
    await said('the server was silent', since)
    await goneOffline()
    const missed = await newApp()
    cable.heal()
    expect(await runsOnce(missed)).toBe(true)
  })

  it('whose words are lost on the way is let go by the server, and hears of it', async () => {
    const since = agentLog.length
    cable.drop('agent')
    await goneOffline()
    await said('connection:', since)
    const missed = await newApp()
    cable.heal()
    expect(await runsOnce(missed)).toBe(true)
  })

  it('to which no word arrives gives the connection up by itself', async () => {
    const since = agentLog.length
    cable.drop('server')
    await said('the server was silent', since)
    await goneOffline()
    const missed = await newApp()
    cable.heal()
    expect(await runsOnce(missed)).toBe(true)
  })

  it('gets its work done while a fifth of all packets is lost in both directions', async () => {
    for (const from of ['agent', 'server'] as const) cable.drop(from, 0.2)
    const apps = [await newApp(), await newApp()]
    for (const appId of apps) expect(await runsOnce(appId)).toBe(true)
    cable.heal()
    for (const appId of apps) expect(await runsOnce(appId)).toBe(true)
  })

  it('works over a link that is slower than its heartbeat', async () => {
    await slow.set({ delayMs: heartbeatMs * 0.6, jitterMs: heartbeatMs * 0.3 })
    cable.slowDown()
    await reconnect(() => cable.slowDown())
    expect(await runsOnce(await newApp())).toBe(true)
    await reconnect(() => {})
  })

  it('keeps its connection while names cannot be resolved, and comes back when they can be again', async () => {
    await backOnline()
    await names.set({})
    expect(await runsOnce(await newApp())).toBe(true)
    const since = agentLog.length
    await loseConnection()
    await said('EAI_AGAIN', since)
    await names.set({ address: serverAddress })
    expect(await runsOnce(await newApp())).toBe(true)
  })

  it('follows the server to another address', async () => {
    const before = await backOnline()
    const since = agentLog.length
    server.kill('SIGTERM')
    await once(server, 'exit')
    server = await startServer(otherAddress)
    await wayIn.relay.set({ host: otherAddress, port: serverPort })
    await said('ECONNREFUSED', since)
    await names.set({ address: otherAddress })
    expect(await backOnline()).toBe(before)
    expect(await runsOnce(await newApp())).toBe(true)
  })
})
