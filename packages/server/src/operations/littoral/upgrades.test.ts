// The operations on upgrades and the loop that carries them out, against a real store in memory.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { upgradesLoop } from '../../loops/upgrades.ts'
import { testFacts } from '../../nodes/test-node.ts'
import * as nodes from '../../store/nodes.ts'
import * as upgrades from '../../store/upgrades.ts'
import { type TestContext, testContext, testPrincipal } from '../test-context.ts'
import { handlers } from './index.ts'

const bundle = (version: string, isOwn: boolean) => ({ version, sha256: version.padEnd(64, 'a'), sizeBytes: 10, isOwn, path: '/none' })
let context: TestContext
beforeEach(async () => {
  context = await testContext({ agents: [bundle('0.2.0', false), bundle('0.1.0', true)] })
  for (const [id, region] of [
    ['node-a', 'zhejiang'],
    ['node-b', 'fujian'],
    ['node-c', 'zhejiang'],
  ] as const)
    await addNode(id, { region })
  await addNode('node-x', { accountId: '2000000000000002' })
})
afterEach(() => context.close())

async function addNode(id: string, fields: { region?: string; accountId?: string }): Promise<void> {
  context.clock.advance(1000)
  const nowMs = context.now()
  const node = { id, accountId: testPrincipal.accountId, ...testFacts, facts: testFacts, pinned: {}, isOnline: true, ...fields }
  const numbers = { lastSeenAtMs: nowMs, generation: 0, acceptedGeneration: 0, createdAtMs: nowMs }
  await context.store.write(async (tx) => nodes.insert(tx, { ...node, ...numbers, secretHash: 'x' }))
}

const pass = () => upgradesLoop.pass(context, new AbortController().signal)
const states = async (UpgradeId: string) => {
  const { State, Nodes } = await handlers.GetUpgrade({ UpgradeId }, context)
  return [State, ...Nodes.map((node) => `${node.NodeId} ${node.State}`)]
}
const said = (upgradeId: string, nodeId: string, state: 'trying' | 'done' | 'failed') =>
  context.store.write(async (tx) =>
    upgrades.updateNode(tx, {
      ...{ upgradeId, nodeId, state, nowMs: context.now() },
      ...(state === 'failed' ? { reason: { code: 'Crashed', message: 'it ended' } } : {}),
    }),
  )

describe('UpgradeNodes', () => {
  it('takes all nodes of the account to the own version, one after the other', async () => {
    const { UpgradeId, AgentVersion, Nodes } = await handlers.UpgradeNodes({}, context)
    expect([AgentVersion, Nodes]).toEqual(['0.1.0', 3])
    await pass()
    expect(await states(UpgradeId)).toEqual(['running', 'node-a told', 'node-b waiting', 'node-c waiting'])
    expect(await context.store.read((tx) => upgrades.findTold(tx, 'node-a'))).toMatchObject({ id: UpgradeId, version: '0.1.0' })
    expect(await context.store.read((tx) => upgrades.findTold(tx, 'node-b'))).toBeUndefined()
    await said(UpgradeId, 'node-a', 'done')
    await pass()
    expect(await states(UpgradeId)).toEqual(['running', 'node-a done', 'node-b told', 'node-c waiting'])
    for (const nodeId of ['node-b', 'node-c']) {
      await said(UpgradeId, nodeId, 'done')
      await pass()
    }
    await said(UpgradeId, 'node-c', 'done')
    await pass()
    expect(await states(UpgradeId)).toEqual(['finished', 'node-a done', 'node-b done', 'node-c done'])
  })

  it('takes the nodes named, or those of a region', async () => {
    expect(await handlers.UpgradeNodes({ Region: 'zhejiang', AgentVersion: '0.2.0' }, context)).toMatchObject({
      AgentVersion: '0.2.0',
      Nodes: 2,
    })
    expect(await handlers.UpgradeNodes({ NodeIds: ['node-b', 'node-b'] }, context)).toMatchObject({ Nodes: 1 })
  })

  it('stops at the first failure, and says which node and why', async () => {
    const { UpgradeId } = await handlers.UpgradeNodes({}, context)
    await pass()
    await said(UpgradeId, 'node-a', 'failed')
    await pass()
    expect(await handlers.GetUpgrade({ UpgradeId }, context)).toMatchObject({
      State: 'stopped',
      StopReason: 'it failed on 1 node, and may fail on 0',
      Nodes: [{ State: 'failed', Code: 'Crashed', Message: 'it ended' }, { State: 'left' }, { State: 'left' }],
    })
  })

  it('takes a node out of the older upgrade that still has it', async () => {
    const older = await handlers.UpgradeNodes({ NodeIds: ['node-a'] }, context)
    await pass()
    const newer = await handlers.UpgradeNodes({ NodeIds: ['node-a'], AgentVersion: '0.2.0' }, context)
    await pass()
    expect(await states(older.UpgradeId)).toEqual(['finished', 'node-a left'])
    expect(await context.store.read((tx) => upgrades.findTold(tx, 'node-a'))).toMatchObject({ id: newer.UpgradeId })
    // The answer to the older one comes late and changes nothing.
    await said(older.UpgradeId, 'node-a', 'done')
    expect(await states(newer.UpgradeId)).toEqual(['running', 'node-a told'])
  })

  it.each([
    [{ AgentVersion: '0.3.0' }, 'Upgrade.VersionUnknown', 'AgentVersion: there is no agent 0.3.0 on this server (0.2.0, 0.1.0).'],
    [{ NodeIds: ['node-x'] }, 'Node.NotFound', 'The node node-x does not exist.'],
    [{ Region: 'atlantis' }, 'Upgrade.NoNodes', 'There is no node to upgrade.'],
    [{ Region: 'fujian', NodeIds: ['node-a'] }, 'Node.InvalidParameter', 'Region: name nodes or a region, not both'],
    [{ ConfirmSeconds: 10, HoldSeconds: 10 }, 'Node.InvalidParameter', 'HoldSeconds: it must be less than ConfirmSeconds'],
  ])('refuses %j', async (input, fault, message) => {
    await expect(handlers.UpgradeNodes(input, context)).rejects.toMatchObject({ fault, message })
  })
})

describe('StopUpgrade', () => {
  it('leaves those alone that were not told; one that was told goes on', async () => {
    const { UpgradeId } = await handlers.UpgradeNodes({}, context)
    await pass()
    await handlers.StopUpgrade({ UpgradeId }, context)
    expect(await states(UpgradeId)).toEqual(['stopped', 'node-a told', 'node-b left', 'node-c left'])
    await said(UpgradeId, 'node-a', 'done')
    expect(await states(UpgradeId)).toEqual(['stopped', 'node-a done', 'node-b left', 'node-c left'])
    await expect(handlers.StopUpgrade({ UpgradeId }, context)).rejects.toMatchObject({ fault: 'Upgrade.NotRunning' })
  })

  it('knows no upgrade of somebody else', async () => {
    const { UpgradeId } = await handlers.UpgradeNodes({}, context)
    const stranger = context.as({ accountId: '2000000000000002' })
    await expect(handlers.GetUpgrade({ UpgradeId }, stranger)).rejects.toMatchObject({ fault: 'Upgrade.NotFound' })
    await expect(handlers.StopUpgrade({ UpgradeId }, stranger)).rejects.toMatchObject({ fault: 'Upgrade.NotFound' })
  })
})

it('lists the versions that there are', async () => {
  expect((await handlers.ListAgentBundles({}, context)).Bundles.map(({ AgentVersion, IsOwn }) => [AgentVersion, IsOwn])).toEqual([
    ['0.2.0', false],
    ['0.1.0', true],
  ])
})
