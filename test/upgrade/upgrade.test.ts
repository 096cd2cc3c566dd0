// The agent's own upgrade with real processes: a real server, agents started from their bundle, and new agents that work, or
// are broken in every way that there is a defence against.
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { bundleAgent } from '../../tools/bundle.mjs'
import { openTestServer, type TestServer } from '../test-server.ts'
import { type AgentProcess, makeBundle, openAgentProcess, until } from './agent-process.ts'

// Real processes that start, wait and are given up.
vi.setConfig({ testTimeout: 180_000 })

let folder: string
let installed: string
let server: TestServer
const agents: AgentProcess[] = []

const onTakeOver = (what: string) => (text: string) =>
  text.replace('\n', `\nprocess.on('message', (word) => { if (word?.kind === 'takeOver') { ${what} } })\n`)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-upgrades-'))
  const bundles = join(folder, 'data', 'agents')
  await mkdir(bundles, { recursive: true })
  installed = await bundleAgent({ out: join(folder, 'installed', 'littoral-agent.mjs'), version: '0.1.0' })
  const whole = await bundleAgent({ out: join(bundles, 'littoral-agent-0.2.0.mjs'), version: '0.2.0' })
  const make = (version: string, change: (text: string) => string) =>
    makeBundle(whole, join(bundles, `littoral-agent-${version}.mjs`), version, change)
  await make('0.3.0', (text) => text.replaceAll('"0.2.0"', '"0.3.0"'))
  await make('0.9.1-syntax', (text) => text.replace('\n', '\nthis is { no JavaScript\n'))
  await make('0.9.2-digest', (text) => text)
  await make('0.9.3-crash', onTakeOver(`setTimeout(() => { throw new Error('broken on purpose') }, 300)`))
  await make('0.9.4-mute', (text) => text.replaceAll('/node/v1/socket', '/node/v1/nowhere'))
  await make('0.9.5-hang', onTakeOver('for (;;);'))
  await make('0.9.6-exit', (text) => text.replace('\n', '\nprocess.exit(3)\n'))
  server = await openTestServer({ dataFolder: join(folder, 'data') })
}, 60_000)
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.dispose()
}, 60_000)
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

interface Node {
  readonly NodeId: string
  readonly Name: string
  readonly IsOnline: boolean
  readonly AgentVersion: string
}

async function nodeOf(agent: AgentProcess): Promise<Node | undefined> {
  const { Nodes } = (await server.littoral('ListNodes', { PageSize: 100 })) as { Nodes: Node[] }
  return Nodes.find(({ Name }) => Name === agent.name)
}

async function joinNode(isSupervised: boolean): Promise<{ agent: AgentProcess; nodeId: string }> {
  const { Token } = await server.littoral('CreateNodeToken', {})
  const agent = await openAgentProcess({ bundle: installed, url: server.url, joinWith: ['--token', String(Token)], isSupervised })
  agents.push(agent)
  const { NodeId } = await until(`the node of ${agent.name}: ${agent.log()}`, 20_000, async () => {
    const node = await nodeOf(agent)
    return node?.IsOnline ? node : undefined
  })
  return { agent, nodeId: NodeId }
}

interface Outcome {
  readonly State: string
  readonly Code?: string
  readonly Message?: string
}

async function upgrade(nodeId: string, AgentVersion: string, more: object = {}): Promise<string> {
  const input = { 'NodeIds.1': nodeId, AgentVersion, ConfirmSeconds: 8, HoldSeconds: 1, ...more }
  return String((await server.littoral('UpgradeNodes', input))['UpgradeId'])
}

async function state(UpgradeId: string, nodeId: string): Promise<Outcome> {
  const { Nodes } = (await server.littoral('GetUpgrade', { UpgradeId })) as { Nodes: (Outcome & { NodeId: string })[] }
  return Nodes.find(({ NodeId }) => NodeId === nodeId) ?? { State: 'missing' }
}

const outcome = (UpgradeId: string, nodeId: string) =>
  until(`the outcome of ${UpgradeId}`, 45_000, async () => {
    const now = await state(UpgradeId, nodeId)
    return ['done', 'failed', 'left'].includes(now.State) ? now : undefined
  })

const runs = (agent: AgentProcess, version: string) =>
  until(`${version} on ${agent.name}`, 30_000, async () => {
    const node = await nodeOf(agent)
    return node?.IsOnline && node.AgentVersion === version ? node : undefined
  })

describe('an upgrade', () => {
  it('puts a new agent in charge, which a supervisor then starts every time', async () => {
    const { agent, nodeId } = await joinNode(true)
    expect(await outcome(await upgrade(nodeId, '0.2.0'), nodeId)).toMatchObject({ State: 'done' })
    await runs(agent, '0.2.0')
    expect(agent.starts).toBe(2)
    expect(agent.pidInCharge()).toBe(agent.pid)
    expect(await agent.stop()).toBe(0)
    agent.start()
    await until('a start without the server’s help', 20_000, () => (agent.pidInCharge() === agent.pid ? true : undefined))
    expect(await outcome(await upgrade(nodeId, '0.3.0'), nodeId)).toMatchObject({ State: 'done' })
    await runs(agent, '0.3.0')
    // And back again: a version is a version.
    expect(await outcome(await upgrade(nodeId, '0.2.0'), nodeId)).toMatchObject({ State: 'done' })
    await runs(agent, '0.2.0')
  })

  it('works without a supervisor as well: the old process stays as the parent and passes signals on', async () => {
    const { agent, nodeId } = await joinNode(false)
    const old = agent.pid
    expect(await outcome(await upgrade(nodeId, '0.2.0'), nodeId)).toMatchObject({ State: 'done' })
    expect(agent.pidInCharge()).not.toBe(old)
    expect(await outcome(await upgrade(nodeId, '0.3.0'), nodeId)).toMatchObject({ State: 'done' })
    await runs(agent, '0.3.0')
    expect(agent.pid).toBe(old)
    const inCharge = agent.pidInCharge()
    expect(await agent.stop()).toBe(0)
    expect(() => process.kill(inCharge, 0)).toThrow('ESRCH')
  })
})

describe('the old agent goes on, and says why, when the new one', () => {
  const expectOldOneIn = async (agent: AgentProcess, nodeId: string) => {
    await runs(agent, '0.1.0')
    expect(agent.starts).toBe(1)
    expect(agent.pidInCharge()).toBe(agent.pid)
    // It still can be upgraded.
    expect(await outcome(await upgrade(nodeId, '0.2.0'), nodeId)).toMatchObject({ State: 'done' })
  }

  it.each([
    ['is no JavaScript', '0.9.1-syntax', 'Crashed', /SyntaxError/],
    ['ends at once', '0.9.6-exit', 'Crashed', /exit code 3/],
    ['crashes after it has taken over', '0.9.3-crash', 'Crashed', /broken on purpose/],
    ['cannot connect', '0.9.4-mute', 'NotConfirmed', /did not connect and report within 8 s.*HTTP status 404/s],
  ])('%s', async (_how, version, code, words) => {
    const { agent, nodeId } = await joinNode(true)
    const failed = await outcome(await upgrade(nodeId, version), nodeId)
    expect(failed).toMatchObject({ State: 'failed', Code: code, Message: expect.stringMatching(words) })
    await expectOldOneIn(agent, nodeId)
  })

  it('hangs', async () => {
    const { agent, nodeId } = await joinNode(true)
    const failed = await outcome(await upgrade(nodeId, '0.9.5-hang', { ConfirmSeconds: 5 }), nodeId)
    expect(failed).toMatchObject({ State: 'failed', Code: 'NotConfirmed' })
    await expectOldOneIn(agent, nodeId)
  })

  it('is not what the server said it would be', async () => {
    const { agent, nodeId } = await joinNode(true)
    const path = join(folder, 'data', 'agents', 'littoral-agent-0.9.2-digest.mjs')
    await utimes(path, 1_700_000_000, 1_700_000_000)
    await server.littoral('ListAgentBundles', {})
    // One byte, behind the server's back.
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('Runs what the server wants', 'Runs what the Server wants'))
    await utimes(path, 1_700_000_000, 1_700_000_000)
    const failed = await outcome(await upgrade(nodeId, '0.9.2-digest'), nodeId)
    expect(failed).toMatchObject({ State: 'failed', Code: 'DownloadCorrupt' })
    await expectOldOneIn(agent, nodeId)
  })
})

describe('a power cut', () => {
  it('in the middle of a trial leaves the confirmed version to start, and the upgrade is tried again', async () => {
    const { agent, nodeId } = await joinNode(true)
    const id = await upgrade(nodeId, '0.2.0', { ConfirmSeconds: 30, HoldSeconds: 5 })
    await until('the trial to be in charge', 20_000, () =>
      agent.pidInCharge() > 0 && agent.pidInCharge() !== agent.pid ? true : undefined,
    )
    agent.cutPower()
    expect(JSON.parse(await readFile(join(agent.dataDir, 'upgrade', 'state.json'), 'utf8'))).not.toHaveProperty('confirmed')
    agent.start()
    await until('the old agent', 20_000, () => (agent.pidInCharge() === agent.pid ? true : undefined))
    expect(await outcome(id, nodeId)).toMatchObject({ State: 'done' })
    await runs(agent, '0.2.0')
  })

  it('of the old agent alone ends the new one, even if that hangs', async () => {
    const { agent, nodeId } = await joinNode(true)
    await upgrade(nodeId, '0.9.5-hang', { ConfirmSeconds: 600, HoldSeconds: 1 })
    await until('the trial', 20_000, () => (/connected/.test(agent.log()) && agent.pidInCharge() === 0 ? true : undefined))
    const first = agent.pid
    process.kill(first, 'SIGKILL')
    await until('the old agent in charge again', 30_000, () =>
      agent.pid !== first && agent.pidInCharge() === agent.pid ? true : undefined,
    )
    expect(await runs(agent, '0.1.0')).toMatchObject({ IsOnline: true })
  })

  it('that spoils the confirmed file leaves the one before, or the installed one, to start', async () => {
    const { agent, nodeId } = await joinNode(true)
    for (const version of ['0.2.0', '0.3.0']) {
      expect(await outcome(await upgrade(nodeId, version), nodeId)).toMatchObject({ State: 'done' })
      await runs(agent, version)
    }
    const kept = JSON.parse(await readFile(join(agent.dataDir, 'upgrade', 'state.json'), 'utf8')) as Record<string, { sha256: string }>
    for (const [spoilt, expected] of [
      ['confirmed', '0.2.0'],
      ['previous', '0.1.0'],
    ] as const) {
      await agent.stop()
      await writeFile(join(agent.dataDir, 'upgrade', `${kept[spoilt]?.sha256}.mjs`), '')
      agent.start()
      await runs(agent, expected)
    }
    expect(agent.log()).toContain('is not intact')
  })
})

it('goes to a fleet a few nodes at a time, and stops when it fails on too many', async () => {
  const nodes = await Promise.all([1, 2, 3].map(() => joinNode(true)))
  const ids = Object.fromEntries(nodes.map(({ nodeId }, index) => [`NodeIds.${index + 1}`, nodeId]))
  const { UpgradeId } = await server.littoral('UpgradeNodes', { ...ids, AgentVersion: '0.9.1-syntax', MaxAtOnce: 1, MaxFailures: 1 })
  const stopped = await until('the upgrade to stop', 60_000, async () => {
    const upgraded = (await server.littoral('GetUpgrade', { UpgradeId: String(UpgradeId) })) as {
      State: string
      StopReason?: string
      Nodes: Outcome[]
    }
    return upgraded.State === 'stopped' ? upgraded : undefined
  })
  expect(stopped.StopReason).toBe('it failed on 2 nodes, and may fail on 1')
  expect(stopped.Nodes.map(({ State }) => State)).toEqual(['failed', 'failed', 'left'])
  for (const { agent } of nodes) await runs(agent, '0.1.0')
})
