// One node in the test's own process: a real agent over a real socket, with the memory runtime unless others are named.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAgent, type Agent } from '../packages/agent/src/agent.ts'
import { parseConfig, type RuntimeName } from '../packages/agent/src/config.ts'
import { MemoryMachine, MemoryRuntime } from '../packages/agent/src/runtime/memory.ts'
import type { Gateway } from '../tools/journey/driver.ts'

export interface TestNodeOptions {
  readonly url: string
  readonly token?: string
  readonly gateway?: Gateway
  /** Real runtimes in place of the fake. */
  readonly runtimes?: readonly Exclude<RuntimeName, 'memory'>[]
  readonly environment?: 'prod' | 'staging'
  /** Where the engine runtime finds its engine. */
  readonly engineSocket?: string
  readonly name?: string
  /** The only address its ports are opened on, so that several nodes of one machine can have the same ports. */
  readonly address?: string
  /** More arguments of the agent. */
  readonly args?: readonly string[]
}

export interface TestNode {
  readonly nodeId: string
  readonly name: string
  /** What the node remembers. */
  readonly machine: MemoryMachine
  readonly dataDir: string
  readonly log: readonly string[]
  /** What a driver process wrote, line by line. */
  logs(key: string): Promise<string[]>
  /** Ends the agent as if the machine had lost its network; what runs on the machine stays. */
  disconnect(): Promise<void>
  /** Starts the agent again on the same machine and folder. */
  reconnect(): Promise<void>
  close(): Promise<void>
}

let count = 0

export async function openTestNode(options: TestNodeOptions): Promise<Omit<TestNode, 'nodeId'>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'littoral-node-'))
  const name = options.name ?? `test-node-${process.pid}-${(count += 1)}`
  const machine = new MemoryMachine()
  const log: string[] = []
  if (options.engineSocket) process.env['LITTORAL_ENGINE_SOCKET'] = options.engineSocket
  const open = () => {
    const runtimes = options.runtimes ? {} : { runtimes: [new MemoryRuntime(machine)] }
    return startAgent({ config: configOf(options, { dataDir, name }), log: (line) => void log.push(line), firstPauseMs: 50, ...runtimes })
  }
  let agent: Agent | undefined = await open()
  const disconnect = async () => {
    await agent?.stop()
    agent = undefined
  }
  return {
    name,
    machine,
    dataDir,
    log,
    logs: async (key) => {
      const path = join(dataDir, 'process', 'logs', encodeURIComponent(key), 'current.log')
      const text = await readFile(path, 'utf8').catch(() => '')
      return text.split('\n').filter((line) => line !== '')
    },
    disconnect,
    reconnect: async () => {
      agent ??= await open()
    },
    close: async () => {
      await disconnect()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function configOf(
  { url, token, gateway, runtimes, environment, address, args: others = [] }: TestNodeOptions,
  { dataDir, name }: { dataDir: string; name: string },
) {
  const joinFlags = gateway
    ? ['--gateway', `${gateway.productKey}/${gateway.deviceName}`, '--secret', gateway.deviceSecret]
    : ['--token', token ?? '']
  const more = [...(environment ? ['--environment', environment] : []), ...(address ? ['--address', address] : [])]
  const args = [
    '--server',
    url,
    '--data',
    dataDir,
    '--name',
    name,
    '--runtime',
    runtimes?.join(',') ?? 'memory',
    ...joinFlags,
    ...more,
    ...others,
  ]
  return parseConfig(args, {})
}
