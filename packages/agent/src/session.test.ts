import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { streamWindowBytes } from '@littoral/contract/node/protocol'
import type { NodeFacts } from '@littoral/contract/node/report'
import { IdentityStore, type JoinCredential } from './identity.ts'
import { StepError } from './runtime/runtime.ts'
import { MemoryShell } from './runtime/memory-shell.ts'
import { Session, type SessionOptions } from './session.ts'
import { TestServer } from './test-server.ts'
import { desiredState } from './test-workloads.ts'

const token: JoinCredential = { kind: 'token', token: 'ljt_first' }
const facts: NodeFacts = {
  name: 'n',
  agentVersion: '0',
  edgeVersion: '2.9.7',
  os: 'linux',
  arch: 'x64',
  region: 'zhejiang',
  environments: ['prod'],
  runtimes: [],
  driverRuntimes: [],
  cpus: 1,
  memoryBytes: 1,
  address: '127.0.0.1',
}

let folder: string
let server: TestServer
let sessions: Session[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-session-'))
  server = await TestServer.open()
  sessions = []
})
afterEach(async () => {
  for (const session of sessions) await session.close()
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

async function connect(joinWith: JoinCredential | undefined = token, overrides: Partial<SessionOptions> = {}) {
  const log: string[] = []
  const events: string[] = []
  const desired: unknown[] = []
  const session = new Session({
    server: server.url,
    identity: await IdentityStore.open(folder, joinWith),
    facts: async (address) => ({ ...facts, address }),
    generation: () => 41,
    onConnected: (nodeId) => events.push(`connected ${nodeId}`),
    onDisconnected: () => events.push('disconnected'),
    onDesired: async (state) => void desired.push(state),
    openLogs: async function* () {
      yield 'a line\n'
    },
    openExec: async (request) => new MemoryShell(request),
    onStatsWanted: (everyMs) => events.push(`stats every ${everyMs}`),
    log: (line) => log.push(line),
    firstPauseMs: 20,
    slowPauseMs: 40,
    ...overrides,
  })
  sessions.push(session)
  session.start()
  return { session, log, events, desired }
}

async function until(check: () => boolean): Promise<void> {
  await expect.poll(check, { timeout: 10_000, interval: 10 }).toBe(true)
}

describe('a session', () => {
  it('joins with the token, says hello, and keeps the secret it is given for itself', async () => {
    const { events } = await connect()
    const connection = await server.connection()
    expect(connection.authorization).toBe('Bearer ljt_first')
    expect(await connection.until('hello')).toEqual({ type: 'hello', protocol: 1, generation: 41, facts })
    connection.welcome({ nodeSecret: 'lns_secret' })
    await until(() => events.includes('connected node-1'))
    expect(JSON.parse(await readFile(join(folder, 'identity.json'), 'utf8'))).toMatchObject({
      content: { identity: { nodeId: 'node-1', nodeSecret: 'lns_secret' } },
    })
    expect((await stat(join(folder, 'identity.json'))).mode & 0o777).toBe(0o600)
  })

  it('comes back as itself after a loss', async () => {
    const { events } = await connect()
    const first = await server.connection()
    first.welcome({ nodeSecret: 'lns_secret' })
    await until(() => events.length === 1)
    first.socket.terminate()
    const second = await server.connection(1)
    expect(second.authorization).toBe('LittoralNode node-1:lns_secret')
    second.welcome()
    await until(() => events.length === 3)
    expect(events).toEqual(['connected node-1', 'disconnected', 'connected node-1'])
  })

  it('proves a gateway with its device secret', async () => {
    await connect({ kind: 'gateway', productKey: 'pk', deviceName: 'gate', deviceSecret: 's3' })
    const { authorization } = await server.connection()
    const [, timestamp, hmac] = /^LittoralGateway pk\/gate:(\d+):([0-9a-f]{64})$/.exec(authorization) ?? []
    expect(hmac).toBe(createHmac('sha256', 's3').update(`pk/gate\n${timestamp}`).digest('hex'))
    expect(Math.abs(Date.now() - Number(timestamp))).toBeLessThan(60_000)
  })

  it('says once why it is refused, and keeps trying', async () => {
    server.refuses = () => ({ status: 403, body: '{"code":"Node.TokenRefused","message":"The join token is used up."}' })
    const { log } = await connect()
    await until(() => server.refused.length >= 3)
    expect(log).toEqual(['the server refuses this node: The join token is used up. (Node.TokenRefused)'])
    server.refuses = undefined
    await server.connection()
  })

  it('tries its token when the server has forgotten it', async () => {
    await writeFile(join(folder, 'identity.json'), '{"nodeId":"node-old","nodeSecret":"lns_old"}')
    server.refuses = (authorization) =>
      authorization.startsWith('LittoralNode') ? { status: 401, body: '{"code":"Node.Unauthenticated","message":"unknown"}' } : undefined
    const { events } = await connect()
    const connection = await server.connection()
    expect(connection.authorization).toBe('Bearer ljt_first')
    connection.welcome({ nodeId: 'node-2', nodeSecret: 'lns_new' })
    await until(() => events.includes('connected node-2'))
  })

  it('does not use its token up for a refusal that is not about who it is', async () => {
    await writeFile(join(folder, 'identity.json'), '{"nodeId":"node-1","nodeSecret":"lns_1"}')
    const { log } = await connect()
    const first = await server.connection()
    first.send({ type: 'refused', code: 'Node.ProtocolUnknown', message: 'too old', isPermanent: true })
    const second = await server.connection(1)
    expect(second.authorization).toBe('LittoralNode node-1:lns_1')
    expect(log[0]).toContain('too old')
  })

  it('leaves a server that has fallen silent', async () => {
    const { log, events } = await connect()
    const first = await server.connection()
    first.welcome({ heartbeatMs: 100 })
    await server.connection(1)
    expect(events).toEqual(['connected node-1', 'disconnected'])
    expect(log.some((line) => line.includes('silent'))).toBe(true)
  })

  it('stays with a server that only sends pings', async () => {
    await connect()
    const first = await server.connection()
    first.welcome({ heartbeatMs: 100 })
    let pongs = 0
    first.socket.on('pong', () => (pongs += 1))
    const timer = setInterval(() => first.socket.ping(), 50)
    await until(() => pongs >= 12)
    clearInterval(timer)
    expect(first.isClosed).toBe(false)
    expect(server.connections).toHaveLength(1)
  })

  it('survives messages that make no sense', async () => {
    const { log, desired } = await connect()
    const connection = await server.connection()
    connection.welcome()
    connection.socket.send('not json')
    connection.socket.send(Buffer.from([1, 2, 3]))
    connection.send({ type: 'dance' })
    connection.send({ type: 'streamAck', id: 's', bytes: -1 })
    connection.send({ type: 'desired', state: desiredState(1) })
    await until(() => desired.length === 1)
    expect(log.filter((line) => line.includes('does not understand'))).toHaveLength(4)
    expect(log.join()).toContain('bytes must be >= 0')
    expect(connection.isClosed).toBe(false)
  })

  it('waits longer after each failure, but never all nodes alike', async () => {
    const port = Number(server.url.port)
    await server.close()
    let draws = 0
    const { log } = await connect(token, { random: () => ((draws += 1), 0) })
    await until(() => draws >= 5)
    expect(new Set(log).size).toBe(1)
    server = await TestServer.open(port)
    await server.connection()
  })

  it('ends at once when it is closed, also while it waits', async () => {
    await server.close()
    const { session } = await connect(token, { firstPauseMs: 60_000, random: () => 1 })
    const startedAt = performance.now()
    await session.close()
    expect(performance.now() - startedAt).toBeLessThan(5000)
    server = await TestServer.open()
  })
})

describe('log streams', () => {
  async function opened(openLogs: SessionOptions['openLogs']) {
    await connect(token, { openLogs })
    const connection = await server.connection()
    connection.welcome()
    connection.send({ type: 'streamOpen', id: 's1', request: { kind: 'logs', key: 'app/a/prod', tailLines: 10, follow: true } })
    return connection
  }

  it('carry text and end', async () => {
    const connection = await opened(async function* ({ key }) {
      yield `one of ${key}\n`
      yield 'two\n'
    })
    await connection.until('streamEnd')
    expect(connection.all('streamData').map(({ text }) => text)).toEqual(['one of app/a/prod\n', 'two\n'])
    expect(connection.all('streamEnd')).toEqual([{ type: 'streamEnd', id: 's1' }])
  })

  it('end with the reason when there is nothing to read', async () => {
    const connection = await opened(async function* () {
      yield* []
      throw new StepError('NotFound', 'nothing of app/a/prod is on this node')
    })
    expect((await connection.until('streamEnd')).error).toEqual({ code: 'NotFound', message: 'nothing of app/a/prod is on this node' })
  })

  it('wait for the reader once a window is under way', async () => {
    const line = `${'x'.repeat(1023)}\n`
    let produced = 0
    const connection = await opened(async function* () {
      for (; produced < 2000; produced++) yield line
    })
    const underWay = () => connection.all('streamData').reduce((sum, { text }) => sum + text.length, 0)
    await until(() => underWay() >= streamWindowBytes)
    expect(underWay()).toBe(streamWindowBytes)
    expect(produced).toBeLessThan(300)
    connection.send({ type: 'streamAck', id: 's1', bytes: 10 * 1024 })
    await until(() => underWay() === streamWindowBytes + 10 * 1024)
    connection.send({ type: 'streamAck', id: 's1', bytes: 10_000_000 })
  })

  it('stop when they are cancelled or the connection is lost', async () => {
    const signals: AbortSignal[] = []
    const connection = await opened(async function* (_request, signal) {
      signals.push(signal)
      yield 'first\n'
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    connection.send({ type: 'streamOpen', id: 's2', request: { kind: 'logs', key: 'app/a/prod', tailLines: 10, follow: true } })
    await until(() => signals.length === 2)
    connection.send({ type: 'streamCancel', id: 's1' })
    await until(() => signals[0]!.aborted)
    expect(signals[1]!.aborted).toBe(false)
    connection.socket.terminate()
    await until(() => signals[1]!.aborted)
  })
})
