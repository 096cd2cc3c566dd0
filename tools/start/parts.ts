// Starts the server and the local node as `npm start` needs them, and waits until each is really there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Gateway } from '../journey/driver.ts'
import { until } from '../journey/wait.ts'
import { popCall, type Key } from '../official-clients.ts'
import { startPart, type Part } from './processes.ts'
import type { Screen } from './screen.ts'
import type { StartSettings } from './settings.ts'

const serverTimeoutMs = 20_000
const nodeTimeoutMs = 20_000

interface Place {
  readonly root: string
  readonly screen: Screen
  readonly settings: StartSettings
  readonly engineSocket: string | undefined
}

export interface RunningServer {
  readonly part: Part
  readonly url: string
  readonly key: Key
  readonly keyPath: string
}

export function startServer({ root, screen, settings }: Place): Promise<RunningServer> {
  const { host, port, dataFolder } = settings
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const url = `http://${host === '0.0.0.0' ? '127.0.0.1' : address.replace(/:\d+$/, '')}:${port}`
  return screen.step('server', async (say) => {
    const env = { LITTORAL_LISTEN: address, LITTORAL_DATA: dataFolder }
    const part = startPart({ name: 'server', root, folder: dataFolder, args: ['serve'], env })
    await until('the server’s first answer', serverTimeoutMs, () => {
      const ended = part.ended()
      if (ended !== undefined) throw new Error(ended)
      return isAnswering(url)
    })
    say(url)
    return { part, url, ...rootKey(dataFolder) }
  })
}

async function isAnswering(url: string): Promise<true | undefined> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(2000) })
    return true
  } catch {
    return undefined
  }
}

/** The key from the environment, else the one the server keeps beside its database. */
function rootKey(dataFolder: string): { key: Key; keyPath: string } {
  const { LITTORAL_ACCESS_KEY_ID: accessKeyId, LITTORAL_ACCESS_KEY_SECRET: accessKeySecret } = process.env
  if (accessKeyId && accessKeySecret) return { key: { accessKeyId, accessKeySecret }, keyPath: 'LITTORAL_ACCESS_KEY_SECRET' }
  const keyPath = join(dataFolder, 'root-key.json')
  return { key: JSON.parse(readFileSync(keyPath, 'utf8')) as Key, keyPath }
}

interface NodeEntry {
  readonly NodeId: string
  readonly IsOnline: boolean
  readonly GatewayIotId?: string
  readonly Runtimes?: readonly { readonly Name: string; readonly IsAvailable: boolean }[]
}

export interface RunningNode {
  readonly part: Part
  readonly nodeId: string
}

/** The local node: one agent with the identity of the gateway, for both environments. */
export function joinNode(place: Place & { url: string; key: Key; gateway: Gateway }): Promise<RunningNode> {
  const { root, screen, settings, url, gateway, engineSocket } = place
  return screen.step('local node', async (say) => {
    const args = ['agent', '--server', url, '--data', join(settings.dataFolder, 'agent')]
    args.push('--gateway', `${gateway.productKey}/${gateway.deviceName}`)
    args.push('--runtime', engineSocket ? 'engine,process' : 'process')
    // Not as an argument: every user of the machine can read those.
    const env = { LITTORAL_GATEWAY_SECRET: gateway.deviceSecret, ...(engineSocket ? { LITTORAL_ENGINE_SOCKET: engineSocket } : {}) }
    const part = startPart({ name: 'agent', root, folder: settings.dataFolder, args, env })
    const call = popCall(url, place.key, '2026-12-01')
    const node = await until('the node’s first report', nodeTimeoutMs, async () => {
      const ended = part.ended()
      if (ended !== undefined) throw new Error(ended)
      const { Nodes } = (await call('ListNodes', {})) as { Nodes: NodeEntry[] }
      return Nodes.find((candidate) => candidate.IsOnline && candidate.GatewayIotId === gateway.iotId)
    })
    const runtimes = (node.Runtimes ?? []).filter((runtime) => runtime.IsAvailable).map((runtime) => runtime.Name)
    say(`${node.NodeId}: ${runtimes.join(', ')}`)
    return { part, nodeId: node.NodeId }
  })
}
