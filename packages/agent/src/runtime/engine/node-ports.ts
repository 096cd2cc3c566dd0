// The node's ports of a group, in the forwarder's words: which are open, where they lead, how they are moved.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GroupWorkload } from '@littoral/contract/node/desired-state'
import { makeFolderIfPossible, replaceIfPossible } from '../../files.ts'
import type { Forwarder } from '../../forwarder/client.ts'
import { ForwarderError } from '../../forwarder/ports.ts'
import type { ForwardedPort } from '../../forwarder/protocol.ts'
import { StepError } from '../runtime.ts'
import type { KeptWorkload } from './labels.ts'

export interface ServedPort {
  servicePort: number
  port: number
}

export interface NodePorts {
  /** Has the process that keeps the ports started while the containers are, so that nobody waits for it afterwards. */
  expect(workload: KeptWorkload): void
  /** Opens what is not open and points all ports of the group at the host. Throws StepError PortInUse or PortForbidden. */
  activate(instanceId: string, workload: GroupWorkload, host: string): Promise<void>
  list(): Promise<ForwardedPort[]>
  /** Closes the ports that still lead to this instance. */
  release(instanceId: string): Promise<void>
  /** Waits until no connection to the instance is open, at most so long. */
  drain(instanceId: string, waitMs: number): Promise<void>
  cut(instanceId: string): Promise<void>
}

const portId = (key: string, servicePort: number) => `${key}|${servicePort}`

/** `address`: the only one that ports are opened on; without it all of the machine's. */
export function openNodePorts(forwarder: Forwarder, folder: string, address?: string): NodePorts {
  const file = join(folder, 'fallback-ports.json')
  const fallbacks = readFallbacks(file)
  const remember = (id: string, port: number) => {
    if (fallbacks[id] === port) return
    fallbacks[id] = port
    makeFolderIfPossible(folder)
    replaceIfPossible(file, JSON.stringify(fallbacks))
  }
  const on = address === undefined ? {} : { address }
  return {
    expect(workload) {
      if (workload.kind === 'group' && workload.ports.length > 0) forwarder.ask('hello', {}).catch(() => {})
    },
    async activate(instanceId, workload, host) {
      // All are opened before the first one moves, so that a taken port leaves the old version serving on every port.
      for (const { servicePort, fallback } of workload.ports) {
        const id = portId(workload.key, servicePort)
        const preferred = fallback ? fallbacks[id] : undefined
        const { port } = await translate(
          forwarder.ask('open', { id, port: servicePort, fallback, ...on, ...(preferred === undefined ? {} : { preferred }) }),
        )
        if (fallback && port !== servicePort) remember(id, port)
      }
      for (const { servicePort, targetPort } of workload.ports) {
        const target = { host, port: targetPort, owner: instanceId }
        await translate(forwarder.ask('point', { id: portId(workload.key, servicePort), target }))
      }
    },
    // A port that an earlier agent opened on another address is not open where it should be.
    list: async () => (await forwarder.list()).filter((open) => open.address === address),
    async release(instanceId) {
      for (const { id, target } of await forwarder.list()) if (target?.owner === instanceId) await forwarder.ask('close', { id })
    },
    async drain(instanceId, waitMs) {
      if (await forwarder.isRunning()) await forwarder.ask('drain', { owner: instanceId, waitMs }, waitMs + 10_000)
    },
    async cut(instanceId) {
      if (await forwarder.isRunning()) await forwarder.ask('cut', { owner: instanceId })
    },
  }
}

/** The ports of a group that lead to an instance now; `host`: where it is, as far as that is known. */
export function servedPorts(
  workload: Pick<GroupWorkload, 'key' | 'ports'>,
  { instanceId, host }: { instanceId: string; host?: string },
  open: readonly ForwardedPort[],
): ServedPort[] {
  return workload.ports.flatMap(({ servicePort }) => {
    const leadsThere = ({ target }: ForwardedPort) => target?.owner === instanceId && (host === undefined || target.host === host)
    const found = open.find((port) => port.id === portId(workload.key, servicePort) && leadsThere(port))
    return found === undefined ? [] : [{ servicePort, port: found.port }]
  })
}

async function translate<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ForwarderError) throw new StepError(error.failure.code, error.message, { cause: error })
    throw error
  }
}

function readFallbacks(file: string): Record<string, number> {
  try {
    const read = JSON.parse(readFileSync(file, 'utf8')) as unknown
    const isPort = ([, port]: [string, unknown]) => Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536
    return Object.fromEntries(Object.entries(read ?? {}).filter(isPort)) as Record<string, number>
  } catch {
    return {}
  }
}
