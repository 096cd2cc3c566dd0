// What a node says of itself and of versions on trial, over a real socket into a real store.
import type { NodeCondition, WorkloadReport } from '@littoral/contract/node/report'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hashSecret } from '../domain/secret.ts'
import { handlers } from '../operations/littoral/index.ts'
import { type TestContext, testContext, testPrincipal } from '../operations/test-context.ts'
import * as assignments from '../store/assignments.ts'
import * as joinTokens from '../store/join-tokens.ts'
import * as reports from '../store/reports.ts'
import { NodeHub } from './hub.ts'
import { connect, openHttp, type TestNode } from './test-node.ts'

let context: TestContext
let hub: NodeHub
let http: Awaited<ReturnType<typeof openHttp>>
let node: TestNode
let nodeId: string
beforeEach(async () => {
  context = await testContext({ settings: { heartbeatMs: 60_000 } })
  http = await openHttp()
  hub = new NodeHub({ ...context, gateways: { find: () => Promise.resolve(undefined), require() {} } })
  hub.attach(http.http)
  const createdAtMs = context.now()
  const token = { id: 't', accountId: testPrincipal.accountId, tokenHash: hashSecret('ljt_t'), maxUses: 1, uses: 0, createdAtMs }
  await context.store.write(async (tx) => joinTokens.insert(tx, { ...token, expiresAtMs: createdAtMs + 60_000 }))
  node = await connect(http.url, 'Bearer ljt_t')
  node.hello()
  nodeId = (await node.next('welcome')).nodeId
})
afterEach(async () => {
  await node.close()
  await hub.stop(500)
  await http.close()
  await context.close()
})

const key = 'app/app-1/prod'
const group = { kind: 'group' as const, key, version: 'ver-2', digest: 'd2', appId: 'app-1', environment: 'prod' as const }
const said: WorkloadReport = {
  key,
  version: 'ver-1',
  digest: 'd1',
  phase: 'ready',
  restarts: 0,
  addresses: [],
  containers: [],
  observedAtMs: 1,
}
const tell = (fields: { conditions?: NodeCondition[]; workloads?: WorkloadReport[]; isComplete?: boolean }) =>
  node.send({ type: 'report', report: { generation: 1, isComplete: false, workloads: [], ...fields } })
const view = () => handlers.GetNode({ NodeId: nodeId }, context)

describe('conditions of a node', () => {
  it('are shown as long as the node tells them, and stay while it speaks of other things', async () => {
    tell({ conditions: [{ code: 'DiskFull', message: 'no space is left', sinceMs: Date.UTC(2026, 0, 5) }] })
    tell({ isComplete: true, workloads: [said] })
    const shown = [{ Code: 'DiskFull', Message: 'no space is left', Since: '2026-01-05T00:00:00Z' }]
    await vi.waitFor(async () => expect((await view()).Workloads).toHaveLength(1))
    expect((await view()).Node.Conditions).toEqual(shown)
    tell({ conditions: [] })
    await vi.waitFor(async () => expect((await view()).Node.Conditions).toEqual([]))
  })

  it('of a clock beyond every calendar are shown nevertheless', async () => {
    tell({ conditions: [{ code: 'ClockWrong', message: 'far ahead', sinceMs: Number.MAX_SAFE_INTEGER }] })
    await vi.waitFor(async () => expect((await view()).Node.Conditions).toMatchObject([{ Since: '+275760-09-13T00:00:00Z' }]))
  })
})

describe('a version on trial', () => {
  it('is confirmed while it is what the node is to run, and another one is not', async () => {
    const workload = { ...group, containers: [], ports: [], graceSeconds: 0 }
    await context.store.write(async (tx) => assignments.assign(tx, { nodeId, workload, nowMs: context.now() }))
    node.send({ type: 'confirm', workloads: [{ key, digest: 'd1' }] })
    node.send({ type: 'confirm', workloads: [{ key, digest: 'd2' }] })
    tell({ workloads: [said] })
    await vi.waitFor(async () => {
      node.send({
        type: 'confirm',
        workloads: [
          { key, digest: 'd1' },
          { key, digest: 'd2' },
        ],
      })
      expect(node.received.some(({ type }) => type === 'confirmed')).toBe(true)
    })
    const answers = node.received.filter((message) => message.type === 'confirmed')
    for (const answer of answers) expect(answer.workloads).toEqual([{ key, digest: 'd2' }])
  })

  it('that was gone back from is shown, and dated by when the server first heard of it', async () => {
    const retreat = { id: 'r1', version: 'ver-2', digest: 'd2', reason: { code: 'ContactLost', message: 'it was lost' }, atMs: 5 }
    tell({ workloads: [{ ...said, retreat }] })
    const stored = () => context.store.read((tx) => reports.find(tx, nodeId, key))
    await vi.waitFor(async () => expect(await stored()).toMatchObject({ retreat }))
    const firstMs = (await stored())?.retreatReceivedAtMs
    expect(firstMs).toBe(context.now())
    context.clock.advance(5000)
    tell({ workloads: [{ ...said, retreat, restarts: 1 }] })
    await vi.waitFor(async () => expect(await stored()).toMatchObject({ restarts: 1, retreatReceivedAtMs: firstMs }))
    tell({ workloads: [{ ...said, retreat: { ...retreat, id: 'r2' }, restarts: 2 }] })
    await vi.waitFor(async () => expect(await stored()).toMatchObject({ restarts: 2, retreatReceivedAtMs: context.now() }))
    const { Version, Code, Message } = (await view()).Workloads[0]?.Reported?.Retreat ?? {}
    expect([Version, Code, Message]).toEqual(['ver-2', 'ContactLost', 'it was lost'])
  })
})
