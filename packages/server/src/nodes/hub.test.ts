// The server end of the node socket, with real sockets on the loopback and a real store in memory.
import { createHmac } from 'node:crypto'
import type { Workload } from '@littoral/contract/node/desired-state'
import type { Report, WorkloadReport } from '@littoral/contract/node/report'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hashSecret } from '../domain/secret.ts'
import { livenessSince } from '../loops/liveness.ts'
import { type TestContext, testContext, testPrincipal } from '../operations/test-context.ts'
import * as assignments from '../store/assignments.ts'
import * as joinTokens from '../store/join-tokens.ts'
import * as nodes from '../store/nodes.ts'
import * as reports from '../store/reports.ts'
import type { GatewayIdentity } from './gateway.ts'
import { NodeHub } from './hub.ts'
import { connect, openHttp, type TestNode } from './test-node.ts'

const accountId = testPrincipal.accountId
let context: TestContext
let hub: NodeHub
let http: Awaited<ReturnType<typeof openHttp>>
const gateways = new Map<string, GatewayIdentity>()

beforeEach(() => open())
afterEach(async () => {
  await hub.stop(500)
  await http.close()
  await context.close()
  gateways.clear()
})

async function open(heartbeatMs = 60_000): Promise<void> {
  context = await testContext({ settings: { heartbeatMs } })
  http = await openHttp()
  hub = new NodeHub({ ...context, gateways: { find: async (key, name) => gateways.get(`${key}/${name}`), require() {} } })
  hub.attach(http.http)
}

async function token(fields: Partial<joinTokens.JoinToken> = {}): Promise<string> {
  const text = `ljt_${context.ids.letters(40)}`
  const createdAtMs = context.now()
  await context.store.write(async (tx) =>
    joinTokens.insert(tx, {
      id: text.slice(-12),
      accountId,
      tokenHash: hashSecret(text),
      maxUses: 1,
      uses: 0,
      expiresAtMs: createdAtMs + 60_000,
      createdAtMs,
      ...fields,
    }),
  )
  return text
}

async function join(fields: Partial<joinTokens.JoinToken> = {}): Promise<{ node: TestNode; nodeId: string; secret: string }> {
  const node = await connect(http.url, `Bearer ${await token(fields)}`)
  node.hello()
  const welcome = await node.next('welcome')
  return { node, nodeId: welcome.nodeId, secret: welcome.nodeSecret ?? '' }
}

function group(key: string, version = 'ver-1'): Workload {
  const [, appId = ''] = key.split('/')
  return {
    kind: 'group',
    key,
    version,
    digest: `digest-${version}`,
    appId,
    environment: 'prod',
    containers: [],
    ports: [],
    graceSeconds: 0,
  }
}

const assign = (nodeId: string, workload: Workload) =>
  context.store.write(async (tx) => assignments.assign(tx, { nodeId, workload, nowMs: context.now() }))

function said(key: string, fields: Partial<WorkloadReport> = {}): WorkloadReport {
  return {
    key,
    version: 'ver-1',
    digest: 'digest-ver-1',
    phase: 'ready',
    restarts: 0,
    addresses: [],
    containers: [],
    observedAtMs: 1,
    ...fields,
  }
}

const report = (fields: Partial<Report>): { type: 'report'; report: Report } => ({
  type: 'report',
  report: { generation: 0, isComplete: false, workloads: [], ...fields },
})

const stored = (nodeId: string) => context.store.read((tx) => reports.listByNode(tx, nodeId))
const record = (nodeId: string) => context.store.read((tx) => nodes.find(tx, nodeId))

describe('joining', () => {
  it('makes a node of whoever shows a join token, and hands it a secret that works from then on', async () => {
    const { node, nodeId, secret } = await join()
    expect(await record(nodeId)).toMatchObject({ name: 'harbour-1', accountId, isOnline: true, generation: 0 })
    await node.close()
    const again = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
    again.hello({ name: 'renamed' })
    expect(await again.next('welcome')).toEqual({
      type: 'welcome',
      nodeId,
      serverTimeMs: context.now(),
      heartbeatMs: 60_000,
      statsEveryMs: 15_000,
      statsMayRest: true,
      takes: ['disk', 'incidents'],
      takesDevices: true,
    })
    expect(await record(nodeId)).toMatchObject({ name: 'renamed' })
    const everything = JSON.stringify(await context.store.read((tx) => nodes.findSecretHash(tx, nodeId)))
    expect(everything).not.toContain(secret)
  })

  it('lets a token be used as often as it says, also when all come at once', async () => {
    const text = await token({ maxUses: 2 })
    const all = await Promise.all([1, 2, 3, 4].map(() => connect(http.url, `Bearer ${text}`)))
    for (const node of all) node.hello()
    const outcomes = await Promise.all(all.map((node) => Promise.race([node.next('welcome'), node.next('refused')])))
    expect(outcomes.map((message) => message.type).sort()).toEqual(['refused', 'refused', 'welcome', 'welcome'])
    expect(outcomes.find((message) => message.type === 'refused')).toMatchObject({ code: 'Node.TokenRefused', isPermanent: true })
    expect(await context.store.read((tx) => nodes.list(tx, { accountId }))).toHaveLength(2)
  })

  it('takes in a node of an unknown region, and tells it and the log which there are', async () => {
    const warned = vi.spyOn(context.log, 'warn')
    const { node, nodeId, secret } = await join()
    expect(await node.next('welcome')).not.toHaveProperty('regionProblem')
    expect(warned).not.toHaveBeenCalled()
    await node.close()
    const moved = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
    moved.hello({ region: 'atlantis' })
    const { regionProblem } = await moved.next('welcome')
    expect(regionProblem).toMatch(/^the region atlantis of this node is none of the server's \(zhejiang\).+--region/)
    expect(warned).toHaveBeenCalledWith({ nodeId, detail: regionProblem }, 'the region of a node is unknown')
    await assign(nodeId, group('app/app-1/prod'))
    expect((await moved.next('desired')).state.workloads).toHaveLength(1)
    const pinned = await connect(http.url, `Bearer ${await token({ region: 'lemuria' })}`)
    pinned.hello()
    expect((await pinned.next('welcome')).regionProblem).toMatch(/^the region lemuria .+Join with a token/)
    warned.mockRestore()
  })

  it('keeps the region and the environment that the token said, whatever the node says', async () => {
    const { node, nodeId, secret } = await join({ region: 'fujian', environment: 'staging' })
    expect(await record(nodeId)).toMatchObject({ region: 'fujian', environments: ['staging'] })
    await node.close()
    const again = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
    again.hello({ region: 'elsewhere' })
    await again.next('welcome')
    expect(await record(nodeId)).toMatchObject({ region: 'fujian', environments: ['staging'] })
    const list = (environment: 'prod' | 'staging') => context.store.read((tx) => nodes.list(tx, { accountId, environment }))
    expect([await list('prod'), (await list('staging')).length]).toEqual([[], 1])
  })

  it('has a gateway whose device was deleted run nothing any more, and knows it no longer', async () => {
    gateways.set('pk1/gw-1', { accountId, iotId: 'iot-1', deviceSecret: 'device-secret' })
    const hmac = createHmac('sha256', 'device-secret').update(`pk1/gw-1\n${context.now()}`).digest('hex')
    const node = await connect(http.url, `LittoralGateway pk1/gw-1:${context.now()}:${hmac}`)
    node.hello()
    const { nodeId, nodeSecret } = await node.next('welcome')
    await assign(nodeId, group('app/a/prod'))
    expect((await node.next('desired')).state.workloads).toHaveLength(1)
    await context.store.write((tx) => nodes.removeByGateway(tx, 'iot-1'))
    expect((await node.next('desired', 1)).state).toEqual({ generation: 2, workloads: [] })
    expect((await node.ended).code).toBe(1008)
    expect(await record(nodeId)).toBeUndefined()
    await expect(connect(http.url, `LittoralNode ${nodeId}:${nodeSecret}`)).rejects.toMatchObject({ status: 401 })
  })

  it('knows a gateway device by its secret, as one node however often it comes', async () => {
    gateways.set('pk1/gw-1', { accountId, iotId: 'iot-1', deviceSecret: 'device-secret' })
    const proof = (secret: string, timestampMs: number) =>
      `LittoralGateway pk1/gw-1:${timestampMs}:${createHmac('sha256', secret).update(`pk1/gw-1\n${timestampMs}`).digest('hex')}`
    const first = await connect(http.url, proof('device-secret', context.now()))
    first.hello()
    const { nodeId, nodeSecret } = await first.next('welcome')
    expect(nodeSecret).toMatch(/^lns_/)
    expect(await context.store.read((tx) => nodes.findByGateway(tx, 'iot-1'))).toMatchObject({ id: nodeId, gatewayIotId: 'iot-1' })
    await first.close()
    const second = await connect(http.url, proof('device-secret', context.now() - 14 * 60_000))
    second.hello()
    expect((await second.next('welcome')).nodeId).toBe(nodeId)
    await expect(connect(http.url, proof('wrong', context.now()))).rejects.toMatchObject({ status: 401 })
    await expect(connect(http.url, proof('device-secret', context.now() - 16 * 60_000))).rejects.toMatchObject({ status: 401 })
  })

  it('refuses strangers before the socket opens', async () => {
    const { nodeId } = await join()
    const refused = (header: string) =>
      connect(http.url, header).then(
        () => 'open',
        (error: { status: number }) => error.status,
      )
    expect(await refused('')).toBe(401)
    expect(await refused('Basic YTpi')).toBe(401)
    expect(await refused('Bearer ljt_unknown')).toBe(403)
    expect(await refused(`Bearer ${await token({ expiresAtMs: context.now() })}`)).toBe(403)
    expect(await refused(`Bearer ${await token({ uses: 1 })}`)).toBe(403)
    expect(await refused(`LittoralNode ${nodeId}:lns_wrong`)).toBe(401)
    expect(await refused('LittoralNode node-nobody:lns_wrong')).toBe(401)
    expect(await refused('LittoralGateway pk1/none:1:' + 'a'.repeat(64))).toBe(401)
  })
})

describe('the greeting', () => {
  it('refuses another protocol for good', async () => {
    const node = await connect(http.url, `Bearer ${await token()}`)
    node.socket.send(JSON.stringify({ type: 'hello', protocol: 2, generation: 0, facts: (await import('./test-node.ts')).testFacts }))
    expect(await node.next('refused')).toMatchObject({ code: 'ProtocolMismatch', isPermanent: true })
    expect((await node.ended).code).toBe(1008)
  })

  it.each([
    ['{', 'the message is not JSON'],
    ['{"type":"shrug"}', 'unknown'],
    ['{"type":"hello","protocol":1}', "must have required property 'generation'"],
    ['{"type":"report","report":{"generation":0,"isComplete":true,"workloads":[]}}', 'report came before'],
  ])('refuses %s and says why', async (frame, why) => {
    const node = await connect(http.url, `Bearer ${await token()}`)
    node.socket.send(frame)
    expect((await node.next('refused')).message).toContain(why)
    await node.ended
    expect(await context.store.read((tx) => nodes.list(tx, { accountId }))).toEqual([])
  })
})

describe('the desired state', () => {
  it('goes to the node whole, with every change, numbered upwards', async () => {
    const { node, nodeId } = await join()
    expect(node.received.map((message) => message.type)).toEqual(['welcome'])
    await assign(nodeId, group('app/app-1/prod'))
    expect((await node.next('desired')).state).toMatchObject({ generation: 1, workloads: [{ key: 'app/app-1/prod' }] })
    await assign(nodeId, group('app/app-2/prod'))
    const { state } = await node.next('desired', 1)
    expect(state.workloads.map((workload) => workload.key)).toEqual(['app/app-1/prod', 'app/app-2/prod'])
    await context.store.write(async (tx) => assignments.unassign(tx, { nodeId, key: 'app/app-1/prod', nowMs: 0 }))
    expect((await node.next('desired', 2)).state).toMatchObject({ generation: 3, workloads: [{ key: 'app/app-2/prod' }] })
  })

  it('is not repeated to a node that has it, and sent to one that has an older one', async () => {
    const { node, nodeId, secret } = await join()
    await assign(nodeId, group('app/app-1/prod'))
    await node.next('desired')
    await node.close()
    await assign(nodeId, group('app/app-1/prod', 'ver-2'))
    const behind = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
    behind.hello({}, 1)
    expect((await behind.next('desired')).state).toMatchObject({ generation: 2, workloads: [{ version: 'ver-2' }] })
    await behind.close()
    const current = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
    current.hello({}, 2)
    await current.next('welcome')
    await assign(nodeId, group('app/app-1/prod', 'ver-3'))
    expect((await current.next('desired')).state.generation).toBe(3)
  })

  it('is numbered above what a node from another server has', async () => {
    const node = await connect(http.url, `Bearer ${await token()}`)
    node.hello({}, 70)
    expect((await node.next('desired')).state).toEqual({ generation: 71, workloads: [] })
  })
})

describe('reports', () => {
  it('are kept as the node said them, without unknown keys, and wake whoever listens', async () => {
    const { node, nodeId } = await join()
    const woken = vi.fn()
    context.store.changes('reports', woken)
    const wrongDigest = said('app/app-1/prod', { digest: 'other', phase: 'backoff', reason: { code: 'ExitedEarly', message: 'exit 1' } })
    node.send(report({ generation: 4, workloads: [{ ...wrongDigest, surprise: 1 } as WorkloadReport] }))
    await vi.waitFor(async () => expect(await stored(nodeId)).toHaveLength(1))
    expect(await stored(nodeId)).toEqual([{ ...wrongDigest, nodeId, receivedAtMs: context.now() }])
    expect((await record(nodeId))?.acceptedGeneration).toBe(4)
    expect(woken).toHaveBeenCalled()
  })

  it('replace what was said of the same workload; gone ones and, in a complete report, unnamed ones are forgotten', async () => {
    const { node, nodeId } = await join()
    const keys = async () => (await stored(nodeId)).map((one) => `${one.key} ${one.phase}`)
    node.send(report({ workloads: [said('a'), said('b'), said('c')] }))
    node.send(report({ workloads: [said('a', { phase: 'unready' }), said('b', { phase: 'gone' })] }))
    await vi.waitFor(async () => expect(await keys()).toEqual(['a unready', 'c ready']))
    node.send(report({ isComplete: true, workloads: [said('c', { phase: 'stopping' })] }))
    await vi.waitFor(async () => expect(await keys()).toEqual(['c stopping']))
  })

  it('refuse a workload with a phase that does not exist', async () => {
    const { node, nodeId } = await join()
    node.send(report({ workloads: [said('a', { phase: 'splendid' as 'ready' })] }))
    expect((await node.next('refused')).message).toContain('/report/workloads/0/phase')
    expect(await stored(nodeId)).toEqual([])
  })
})

describe('a node that talks without end', () => {
  it('cannot make the server remember more workloads than a desired state can hold', async () => {
    const { node, nodeId } = await join()
    for (let round = 0; round < 3; round++) {
      const workloads = Array.from({ length: 900 }, (_, place) => said(`app/${round}-${place}/prod`))
      node.send(report({ workloads }))
    }
    node.send(report({ generation: 5, workloads: [said('app/0-0/prod', { phase: 'unready' })] }))
    await vi.waitFor(async () => expect((await record(nodeId))?.acceptedGeneration).toBe(5), 10_000)
    const kept = await stored(nodeId)
    expect(kept).toHaveLength(2000)
    expect(kept.find((one) => one.key === 'app/0-0/prod')?.phase).toBe('unready')
  })
})

describe('one socket per node', () => {
  it('replaces the older one', async () => {
    const { node, nodeId, secret } = await join()
    const newer = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
    newer.hello()
    await newer.next('welcome')
    expect((await node.ended).code).toBe(4000)
    await assign(nodeId, group('app/app-1/prod'))
    await newer.next('desired')
    expect(hub.size).toBe(1)
  })

  it('tells every node when the server stops', async () => {
    const { node } = await join()
    await hub.stop()
    expect((await node.ended).code).toBe(1001)
  })
})

describe('logs', () => {
  const request = { kind: 'logs', key: 'app/app-1/prod', tailLines: 2, follow: false } as const

  it('are read from the node, acknowledged by bytes, and cut to the last lines', async () => {
    const { node, nodeId } = await join()
    const lines = hub.readLogs(nodeId, request, 5000)
    const { id, request: asked } = await node.next('streamOpen')
    expect(asked).toEqual(request)
    node.send({ type: 'streamData', id, text: 'one\ntwo\nthr' })
    node.send({ type: 'streamData', id, text: 'ee ü\n' })
    node.send({ type: 'streamEnd', id })
    expect(await lines).toEqual(['two', 'three ü'])
    expect((await node.next('streamAck', 1)).bytes).toBe(6)
  })

  it('fail when the node is not there, says no, does not answer, or leaves', async () => {
    const { node, nodeId } = await join()
    await expect(hub.readLogs('node-nobody', request, 5000)).rejects.toMatchObject({ code: 'NodeUnreachable' })
    const refused = hub.readLogs(nodeId, request, 5000)
    const { id } = await node.next('streamOpen')
    node.send({ type: 'streamEnd', id, error: { code: 'NotRunning', message: 'nothing runs' } })
    await expect(refused).rejects.toMatchObject({ code: 'NotRunning', message: 'nothing runs' })
    await expect(hub.readLogs(nodeId, request, 20)).rejects.toMatchObject({ code: 'NodeUnreachable' })
    await node.next('streamCancel')
    const left = hub.readLogs(nodeId, request, 5000)
    left.catch(() => {})
    await node.next('streamOpen', 2)
    await node.close()
    await expect(left).rejects.toMatchObject({ code: 'NodeUnreachable' })
  })
})

describe('heartbeats', () => {
  async function reopen(heartbeatMs: number): Promise<void> {
    await hub.stop(100)
    await http.close()
    await context.close()
    await open(heartbeatMs)
  }

  it('note a living node as seen, and send what an announcement missed', async () => {
    await reopen(20)
    const { node, nodeId } = await join()
    context.clock.advance(7000)
    await vi.waitFor(async () => expect((await record(nodeId))?.lastSeenAtMs).toBe(context.now()))
    const { db } = await import('../store/db.ts')
    await context.store.write(async (tx) => tx.run(db.updateTable('nodes').set({ generation: 9 }).where('id', '=', nodeId)))
    expect((await node.next('desired')).state.generation).toBe(9)
  })

  it('cut off a node after three silent ones', async () => {
    await reopen(20)
    const node = await connect(http.url, `Bearer ${await token()}`, { autoPong: false })
    node.hello()
    const { nodeId } = await node.next('welcome')
    expect((await node.ended).code).toBe(1006)
    await vi.waitFor(() => expect(hub.size).toBe(0))
    await vi.waitFor(async () => expect((await record(nodeId))?.isOnline).toBe(false))
  })

  it('that are missing take a node off line that no server has seen leaving', async () => {
    await reopen(20)
    const { nodeId } = await join()
    await hub.stop(100)
    expect((await record(nodeId))?.isOnline).toBe(true)
    const woken = vi.fn()
    context.store.changes('nodes', woken)
    const liveness = livenessSince(0)
    const pass = () => liveness.pass(context, new AbortController().signal)
    expect(await pass()).toBe(0)
    context.clock.advance(60)
    expect(await pass()).toBe(1)
    expect((await record(nodeId))?.isOnline).toBe(false)
    expect(woken).toHaveBeenCalledTimes(1)
    expect(await pass()).toBe(0)
  })

  it('are not waited for when a connection closes: the node is off line a moment later, and on line when it is back', async () => {
    await reopen(200)
    const { node, nodeId, secret } = await join()
    const woken = vi.fn()
    context.store.changes('nodes', woken)
    const back = async () => {
      const again = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
      again.hello()
      await again.next('welcome')
      return again
    }
    await node.close()
    await vi.waitFor(async () => expect((await record(nodeId))?.isOnline).toBe(false))
    expect(woken).toHaveBeenCalledTimes(1)
    const again = await back()
    expect((await record(nodeId))?.isOnline).toBe(true)
    await again.close()
  })

  it('of a node that comes back at once show nothing of it', async () => {
    await reopen(200)
    const { node, nodeId, secret } = await join()
    await node.close()
    const again = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
    again.hello()
    await again.next('welcome')
    const offline: unknown[] = []
    context.store.changes('nodes', () => offline.push('changed'))
    // Two heartbeats later the moment has passed in which the first connection would have been missed.
    context.clock.advance(1)
    await vi.waitFor(async () => expect((await record(nodeId))?.lastSeenAtMs).toBe(context.now()))
    context.clock.advance(1)
    await vi.waitFor(async () => expect((await record(nodeId))?.lastSeenAtMs).toBe(context.now()))
    expect((await record(nodeId))?.isOnline).toBe(true)
    expect(offline).toEqual([])
    await again.close()
  })
})
