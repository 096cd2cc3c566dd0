// What an upgrade does to what runs: a container of a real engine and the port that leads to it notice nothing.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openForwarder } from '../../packages/agent/src/forwarder/client.ts'
import { openEngine, type Engine } from '../../packages/agent/src/runtime/engine/client/connection.ts'
import { listContainers, removeContainer } from '../../packages/agent/src/runtime/engine/client/containers.ts'
import { bundleAgent } from '../../tools/bundle.mjs'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { createApp, createVersion, publish, waitPublished } from '../../tools/journey/app.ts'
import { asJsonText, type Call, popCall } from '../../tools/official-clients.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import { type AgentProcess, openAgentProcess, until } from './agent-process.ts'

const image = 'littoral-test/upgrade:1'
const port = 26_080
let folder: string
let handle: EngineHandle
let engine: Engine
let server: TestServer
let agent: AgentProcess | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-upgrades-'))
  const bundles = join(folder, 'data', 'agents')
  await mkdir(bundles, { recursive: true })
  await bundleAgent({ out: join(bundles, 'littoral-agent-0.2.0.mjs'), version: '0.2.0' })
  handle = await ensureEngine()
  engine = await openEngine({ socketPath: handle.socketPath })
  await makeSampleImage(handle.socketPath, { tag: image, body: 'steady' })
  server = await openTestServer({ dataFolder: join(folder, 'data') })
}, 120_000)

afterAll(async () => {
  await agent?.stop()
  for (const Labels of [containers('member'), containers('holder')]) {
    for (const { Id } of await Labels) await removeContainer(engine, Id)
  }
  if (agent) {
    const forwarder = openForwarder({ folder: join(agent.dataDir, 'engine', 'forwarder'), onLost: () => {} })
    if (await forwarder.isRunning()) await forwarder.ask('retire', {})
    forwarder.close()
  }
  await agent?.dispose()
  await server.close()
  engine.close()
  await handle.stop()
  await rm(folder, { recursive: true, force: true })
}, 120_000)

let owner = 'none'
const containers = async (role: 'member' | 'holder') =>
  (await listContainers(engine, [`littoral.node=${owner}`])).filter(({ Labels }) => Labels['littoral.role'] === role)

it('neither restarts a container nor refuses a connection to its port', async () => {
  const bundle = await bundleAgent({ out: join(folder, 'littoral-agent.mjs'), version: '0.1.0' })
  const token = String((await server.littoral('CreateNodeToken', {}))['Token'])
  const env = { LITTORAL_ENGINE_SOCKET: handle.socketPath }
  agent = await openAgentProcess({ bundle, url: server.url, joinWith: ['--token', token], isSupervised: true, runtime: 'engine', env })
  const node = agent
  const nodeId = await until('the node', 30_000, async () => {
    const { Nodes } = (await server.littoral('ListNodes', {})) as { Nodes: { NodeId: string; IsOnline: boolean }[] }
    return Nodes.find(({ IsOnline }) => IsOnline)?.NodeId
  })
  const { readOwner } = await import('../../packages/agent/src/owner.ts')
  owner = await readOwner(node.dataDir)
  const pop = popCall(server.url, server.key, '2024-09-10')
  const call: Call = (action, input) => pop(action, asJsonText(input))
  const appId = await createApp(call, { name: 'steady', servicePort: port, targetPort: 8080 })
  const versionId = await createVersion(call, { appId, name: 'version-1', image, port: 8080 })
  await publish(call, { appId, versionId, environment: 'prod' })
  await waitPublished(call, { appId, versionId, environment: 'prod' })
  const before = (await containers('member')).map(({ Id }) => Id)
  expect(before).toHaveLength(1)

  const answers: string[] = []
  let isOver = false
  const asking = (async () => {
    for (; !isOver; await sleep(20)) answers.push(await ask())
  })()
  const input = { 'NodeIds.1': nodeId, AgentVersion: '0.2.0', ConfirmSeconds: 60, HoldSeconds: 1 }
  const UpgradeId = String((await server.littoral('UpgradeNodes', input))['UpgradeId'])
  await until(`the upgrade; the agent said ${node.log()}`, 90_000, async () => {
    const { Nodes } = (await server.littoral('GetUpgrade', { UpgradeId })) as { Nodes: { State: string; Message?: string }[] }
    if (Nodes[0]?.State === 'failed') throw new Error(Nodes[0].Message)
    return Nodes[0]?.State === 'done' ? true : undefined
  })
  isOver = true
  await asking
  expect(new Set(answers)).toEqual(new Set(['steady']))
  expect(answers.length).toBeGreaterThan(10)
  expect((await containers('member')).map(({ Id, State }) => [Id, State])).toEqual(before.map((id) => [id, 'running']))
}, 180_000)

async function ask(): Promise<string> {
  try {
    return (await (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5000) })).text()).trim()
  } catch (error) {
    return `failed: ${error instanceof Error ? `${error.message} ${String(error.cause)}` : String(error)}`
  }
}
