// The nodes of the release measurement: agents in one process, each with its own folder, owner, address and forwarder, all on
// one container engine. Simulated nodes on one machine; their containers are real. Questions: open, held.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAgent, type Agent } from '../packages/agent/src/agent.ts'
import { parseConfig } from '../packages/agent/src/config.ts'
import { openEngine, type Engine } from '../packages/agent/src/runtime/engine/client/connection.ts'
import { listContainers, removeContainer } from '../packages/agent/src/runtime/engine/client/containers.ts'
import { answerQuestions } from './processes.ts'
import { addressOf } from './sides.ts'

export interface OpenNodes {
  readonly url: string
  readonly socketPath: string
  /** One join token per node. */
  readonly tokens: readonly string[]
}

/** How many containers of each kind the nodes have. */
export interface Held {
  readonly members: number
  readonly holders: number
}

interface Node {
  readonly agent: Agent
  readonly owner: string
  readonly folder: string
}

const nodes: Node[] = []
let engine: Engine

async function open({ url, socketPath, tokens }: OpenNodes): Promise<void> {
  process.env['LITTORAL_ENGINE_SOCKET'] = socketPath
  engine = await openEngine({ socketPath })
  for (const [at, token] of tokens.entries()) {
    const folder = await mkdtemp(join(tmpdir(), 'littoral-bench-node-'))
    const place = ['--data', folder, '--name', `bench-${at}`, '--address', addressOf(at)]
    const args = ['--server', url, '--token', token, '--environment', 'prod', '--runtime', 'engine', ...place]
    const agent = await startAgent({ config: parseConfig(args, {}), log: logOf(at), firstPauseMs: 50 })
    const { content: owner } = JSON.parse(await readFile(join(folder, 'owner.json'), 'utf8')) as { content: string }
    nodes.push({ agent, folder, owner })
  }
}

/** LITTORAL_BENCH_LOG=1 shows what the agents say. */
function logOf(at: number): (line: string) => void {
  return process.env['LITTORAL_BENCH_LOG'] ? (line) => console.error(`${Date.now()} node ${at}: ${line}`) : () => {}
}

async function held(): Promise<Held> {
  const owners = new Set(nodes.map(({ owner }) => owner))
  const all = (await listContainers(engine, ['littoral.node'])).filter(({ Labels }) => owners.has(Labels['littoral.node'] ?? ''))
  const count = (role: string) => all.filter(({ State, Labels }) => State === 'running' && Labels['littoral.role'] === role).length
  return { members: count('member'), holders: count('holder') }
}

async function close(): Promise<void> {
  try {
    await Promise.all(nodes.map(({ agent }) => agent.stop()))
    for (const role of ['member', 'holder']) await Promise.all(nodes.map(({ owner }) => removeAll(owner, role)))
  } finally {
    // The forwarders end when their folders are gone.
    for (const { folder } of nodes) await rm(folder, { recursive: true, force: true })
  }
}

async function removeAll(owner: string, role: string): Promise<void> {
  const left = await listContainers(engine, [`littoral.node=${owner}`, `littoral.role=${role}`])
  await Promise.all(left.map(({ Id }) => removeContainer(engine, Id)))
}

// Ctrl-C reaches this process too; it ends when the measurement has let go, and removes its containers first.
process.on('SIGINT', () => {})
answerQuestions({ open, held }, close)
