// A real server on a free port with a folder of its own, and on request one node with the memory runtime beside it, for
// the tests that come from outside.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../packages/server/src/config.ts'
import { openServer, type RunningServer } from '../packages/server/src/server.ts'
import { until } from '../tools/journey/wait.ts'
import { popCall, type Call, type Key } from '../tools/official-clients.ts'
import { openTestNode, type TestNode, type TestNodeOptions } from './test-node.ts'

export { codeOf } from '../tools/official-clients.ts'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export interface TestServerOptions {
  /** An existing folder is used and kept: for tests that open a server again. */
  readonly dataFolder?: string
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
  readonly withNode?: boolean
}

export interface TestServer {
  readonly url: string
  readonly key: Key
  readonly dataFolder: string
  readonly nodeId: string | undefined
  readonly log: readonly LogLine[]
  /** Calls an operation of Littoral's own family. */
  readonly littoral: Call
  /** Starts a node and waits until the server sees it. */
  openNode(options?: Partial<TestNodeOptions>): Promise<TestNode>
  /** Ends the server alone; nodes and folder stay. */
  stopServer(): Promise<void>
  close(): Promise<void>
}

export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const isFolderOurs = options.dataFolder === undefined
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'littoral-test-')))
  const log: LogLine[] = []
  const config = readConfig({
    LITTORAL_LISTEN: `127.0.0.1:${options.port ?? 0}`,
    LITTORAL_DATA: dataFolder,
    LITTORAL_THROTTLE: 'off',
    LITTORAL_HEARTBEAT_MS: '500',
    // No test asks a registry of the world.
    LITTORAL_DEFAULT_REGISTRY: 'none',
    ...options.env,
  })
  const running = await openServer(config, { log: recorder(log) })
  const nodes: TestNode[] = []
  const littoral = popCall(running.url, running.rootKey, '2026-12-01')
  const openNode = async (nodeOptions: Partial<TestNodeOptions> = {}) => {
    const node = await joinNode(running, littoral, nodeOptions)
    nodes.push(node)
    return node
  }
  const nodeId = options.withNode ? (await openNode()).nodeId : undefined
  return {
    url: running.url,
    key: running.rootKey,
    dataFolder,
    nodeId,
    log,
    littoral,
    openNode,
    stopServer: () => running.stop(),
    close: async () => {
      for (const node of nodes) await node.close()
      await running.stop()
      if (isFolderOurs) await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

async function joinNode(running: RunningServer, littoral: Call, options: Partial<TestNodeOptions>): Promise<TestNode> {
  const token = options.gateway ? undefined : String((await littoral('CreateNodeToken', {}))['Token'])
  const node = await openTestNode({ url: running.url, ...(token ? { token } : {}), ...options })
  const nodeId = await until('the node', 10_000, async () => {
    const { Nodes } = (await littoral('ListNodes', { PageSize: 100 })) as { Nodes: { NodeId: string; Name: string; IsOnline: boolean }[] }
    return Nodes.find((entry) => entry.IsOnline && entry.Name === node.name)?.NodeId
  })
  return { ...node, nodeId }
}

function recorder(lines: LogLine[]) {
  const at = (level: LogLine['level']) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as LogLine['fields'], message })
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
