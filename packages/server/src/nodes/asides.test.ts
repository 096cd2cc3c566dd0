// Incidents, disks and wishes over a real socket: the agent's own uploader against the server's intake, with cuts in the middle.
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Incident } from '@littoral/contract/node/incident'
import { incidentPartBytes } from '@littoral/contract/node/protocol'
import { newSealKey } from '@littoral/contract/wire/sealed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashSecret } from '../domain/secret.ts'
import { reaper } from '../loops/reaper.ts'
import { handlers } from '../operations/littoral/index.ts'
import { type TestContext, testContext, testPrincipal } from '../operations/test-context.ts'
import * as incidents from '../store/incidents.ts'
import * as joinTokens from '../store/join-tokens.ts'
import * as nodes from '../store/nodes.ts'
import { NodeHub } from './hub.ts'
import { connect, openHttp, type TestNode } from './test-node.ts'

let context: TestContext
let hub: NodeHub
let http: Awaited<ReturnType<typeof openHttp>>
beforeEach(async () => {
  context = await testContext()
  http = await openHttp()
  hub = new NodeHub({ ...context, gateways: { find: async () => undefined, require() {} } })
  hub.attach(http.http)
})
afterEach(async () => {
  await hub.stop(500)
  await http.close()
  await context.close()
})

async function join(): Promise<{ node: TestNode; nodeId: string; secret: string }> {
  const text = `ljt_${context.ids.letters(40)}`
  const token = { id: text.slice(-12), accountId: testPrincipal.accountId, tokenHash: hashSecret(text), maxUses: 1, uses: 0 }
  const times = { createdAtMs: context.now(), expiresAtMs: context.now() + 60_000 }
  await context.store.write(async (tx) => joinTokens.insert(tx, { ...token, ...times }))
  const node = await connect(http.url, `Bearer ${text}`)
  node.hello({ sealKey: newSealKey().publicKey })
  const { nodeId, nodeSecret = '' } = await node.next('welcome')
  return { node, nodeId, secret: nodeSecret }
}

function incident(changes: Partial<Incident> = {}): Incident {
  const noise = (at: number) => createHash('sha512').update(String(at)).digest('base64')
  const web = { name: 'web', state: 'exited' as const, restarts: 2, exitCode: 137, isOutOfMemory: true, startedAtMs: 10, exitedAtMs: 20 }
  return {
    ...{ id: 'inc-00000000000000aa', key: 'app/app-1/prod', version: 'ver-2', digest: 'd2', kind: 'failed' as const, atMs: 5, restarts: 2 },
    reason: { code: 'OutOfMemory', message: 'web: killed' },
    containers: [
      {
        ...web,
        probes: [{ atMs: 12, tookMs: 3, isSuccess: true, output: 'ok' }],
        lines: Array.from({ length: 200 }, (_, at) => noise(at) + noise(-at - 1)),
      },
    ],
    ...{ attempts: [], previousVersion: 'ver-1', changes: [{ path: 'containers.web.image', before: 'a', after: 'b' }], isCut: false },
    ...changes,
  }
}

function packed(value: unknown) {
  const content = gzipSync(typeof value === 'string' ? value : JSON.stringify(value))
  return { content, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
}

const stateOf = async (node: TestNode, nth: number) => {
  const { state, offset } = await node.next('incidentState', nth)
  return { state, offset }
}

/** Sends the parts from an offset on, as asked for; returns the state that ends it. */
async function send(node: TestNode, id: string, content: Buffer, from = 0): Promise<string> {
  for (;;) {
    const nth = node.received.filter(({ type }) => type === 'incidentState').length
    const part = content.subarray(from, from + incidentPartBytes)
    node.send({ type: 'incidentPart', id, offset: from, base64: part.toString('base64') })
    const { state, offset } = await stateOf(node, nth)
    if (state !== 'wanted') return state
    from = offset
  }
}

describe('an incident of a node', () => {
  it('is taken in parts, goes on where it was cut off, and is shown whole', async () => {
    const { node, nodeId, secret } = await join()
    const sent = incident()
    const { content, ...offer } = packed(sent)
    expect(content.length).toBeGreaterThan(incidentPartBytes)
    node.send({ type: 'incidentOffer', id: sent.id, ...offer })
    expect(await stateOf(node, 0)).toEqual({ state: 'wanted', offset: 0 })
    node.send({ type: 'incidentPart', id: sent.id, offset: 0, base64: content.subarray(0, 5000).toString('base64') })
    expect(await stateOf(node, 1)).toEqual({ state: 'wanted', offset: 5000 })
    await node.close()
    const again = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
    again.hello()
    await again.next('welcome')
    again.send({ type: 'incidentOffer', id: sent.id, ...offer })
    expect(await stateOf(again, 0)).toEqual({ state: 'wanted', offset: 5000 })
    expect(await send(again, sent.id, content, 5000)).toBe('stored')
    again.send({ type: 'incidentOffer', id: sent.id, ...offer })
    expect(await stateOf(again, again.received.filter(({ type }) => type === 'incidentState').length)).toMatchObject({ state: 'stored' })

    const list = await handlers.ListIncidents({ Key: sent.key }, context)
    expect(list).toMatchObject({
      TotalCount: 1,
      Incidents: [{ NodeId: nodeId, Version: 'ver-2', Code: 'OutOfMemory', HappenedAt: '1970-01-01T00:00:00Z' }],
    })
    const { IncidentId } = list.Incidents[0]!
    const shown = await handlers.GetIncident({ IncidentId }, context)
    expect(shown).toMatchObject({ PreviousVersion: 'ver-1', Changes: [{ Path: 'containers.web.image', Before: 'a', After: 'b' }] })
    expect(shown.Containers[0]).toMatchObject({ ExitCode: 137, IsOutOfMemory: true, Probes: [{ IsSuccess: true, Output: 'ok' }] })
    expect(shown.Containers[0]?.Lines).toEqual(sent.containers[0]?.lines)
    const stranger = context.as({ accountId: '2000000000000002' })
    expect(await handlers.ListIncidents({}, stranger)).toMatchObject({ TotalCount: 0 })
    await expect(handlers.GetIncident({ IncidentId }, stranger)).rejects.toMatchObject({ fault: 'Incident.NotFound' })
  })

  it.each([
    ['no JSON', packed('{"id":')],
    ['not what the contract says', packed({ ...incident(), restarts: -1 })],
    ['another one than was offered', packed(incident({ id: 'inc-00000000000000bb' }))],
    ['far larger when it is unpacked', packed(' '.repeat(5_000_000))],
    ['true to another digest', { ...packed(incident()), sha256: 'a'.repeat(64) }],
  ])('that is %s is refused, and nothing of it is kept', async (_what, { content, ...offer }) => {
    const { node } = await join()
    node.send({ type: 'incidentOffer', id: 'inc-00000000000000aa', ...offer })
    await node.next('incidentState')
    expect(await send(node, 'inc-00000000000000aa', content)).toBe('refused')
    expect(await handlers.ListIncidents({}, context)).toMatchObject({ TotalCount: 0 })
  })

  it('that is too large is refused before a byte of it comes, and a part that nobody asked for has to wait', async () => {
    const { node } = await join()
    node.send({ type: 'incidentOffer', id: 'inc-00000000000000aa', sizeBytes: 300_000, sha256: 'a'.repeat(64) })
    expect(await stateOf(node, 0)).toMatchObject({ state: 'refused' })
    node.send({ type: 'incidentPart', id: 'inc-00000000000000cc', offset: 0, base64: 'AAAA' })
    expect(await stateOf(node, 1)).toMatchObject({ state: 'later' })
    const { content, ...offer } = packed(incident())
    node.send({ type: 'incidentOffer', id: 'inc-00000000000000aa', ...offer, sizeBytes: 100 })
    expect(await stateOf(node, 2)).toMatchObject({ state: 'wanted' })
    node.send({ type: 'incidentPart', id: 'inc-00000000000000aa', offset: 0, base64: content.subarray(0, 200).toString('base64') })
    expect(await stateOf(node, 3)).toMatchObject({ state: 'refused' })
  })

  it('is kept for a month, and of each node the newest fifty', async () => {
    const { nodeId } = await join()
    for (let at = 0; at < 55; at++) {
      context.clock.advance(1000)
      const row = { nodeId, incident: incident({ id: `inc-${String(at).padStart(16, '0')}`, containers: [] }), nowMs: context.now() }
      await context.store.write(async (tx) => incidents.insert(tx, { id: `incident-${at}`, ...row }))
    }
    const { TotalCount, Incidents } = await handlers.ListIncidents({ NodeId: nodeId, PageSize: 100 }, context)
    expect(TotalCount).toBe(50)
    expect([Incidents[0]?.IncidentId, Incidents.at(-1)?.IncidentId]).toEqual(['incident-54', 'incident-5'])
    context.clock.advance(30 * 24 * 3600_000 - 1500)
    await reaper.pass(context, new AbortController().signal)
    expect((await handlers.ListIncidents({}, context)).TotalCount).toBe(2)
  })
})

it('what a node says of its disk is shown, the newest only', async () => {
  const { node, nodeId } = await join()
  const disk = { totalBytes: 1000, stockBytes: 10, isShort: false, removed: [{ name: 'shop/web:1', sizeBytes: 5, atMs: 7 }] }
  for (const freeBytes of [500, 400, 300]) node.send({ type: 'disk', disk: { ...disk, freeBytes } })
  await expect.poll(async () => (await handlers.GetNode({ NodeId: nodeId }, context)).Disk?.FreeBytes).toBe(300)
  expect((await handlers.GetNode({ NodeId: nodeId }, context)).Disk).toMatchObject({
    Removed: [{ Name: 'shop/web:1', RemovedAt: '1970-01-01T00:00:00Z' }],
  })
})

describe('a wish to try at once', () => {
  it('goes to the node and comes back with its answer, and no other node can answer for it', async () => {
    const [{ node, nodeId }, other] = [await join(), await join()]
    const asked = hub.retry(nodeId, 'app/app-1/prod', 5000)
    const { id, key } = await node.next('retry')
    expect(key).toBe('app/app-1/prod')
    other.node.send({ type: 'retried', id, isWaiting: false })
    node.send({ type: 'retried', id, isWaiting: true })
    expect(await asked).toBe(true)
  })

  it('fails when the node is away or says nothing', async () => {
    const { node, nodeId } = await join()
    await expect(hub.retry(nodeId, 'k', 20)).rejects.toMatchObject({ code: 'NodeUnreachable', message: /20 ms/ })
    await node.close()
    await expect.poll(() => hub.size).toBe(0)
    await expect(hub.retry(nodeId, 'k', 20)).rejects.toMatchObject({ code: 'NodeUnreachable', message: /not connected/ })
  })
})

it('the key that secrets are sealed to stays, whoever says hello with the secret of the node', async () => {
  const { node, nodeId, secret } = await join()
  const keyOf = async () => (await context.store.read((tx) => nodes.find(tx, nodeId)))?.facts.sealKey
  const first = await keyOf()
  expect(first).toHaveLength(43)
  await node.close()
  const thief = await connect(http.url, `LittoralNode ${nodeId}:${secret}`)
  thief.hello({ sealKey: newSealKey().publicKey, name: 'thief' })
  await thief.next('welcome')
  expect((await context.store.read((tx) => nodes.find(tx, nodeId)))?.name).toBe('thief')
  expect(await keyOf()).toBe(first)
})
