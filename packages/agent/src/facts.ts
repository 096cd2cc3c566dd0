// What this node says of itself when it connects.
import { cpus, totalmem } from 'node:os'
import type { NodeFacts } from '@littoral/contract/node/report'
import type { AgentConfig } from './config.ts'
import type { IdentityStore } from './identity.ts'
import type { Runtime } from './runtime/runtime.ts'

// Put in by tools/bundle.mjs.
declare const LITTORAL_AGENT_VERSION: string | undefined

/** Version of the agent, which is the version of the repository. */
export const agentVersion = typeof LITTORAL_AGENT_VERSION === 'string' ? LITTORAL_AGENT_VERSION : '0.1.0'

export interface Self {
  readonly config: AgentConfig
  readonly runtimes: readonly Runtime[]
  readonly identity: Pick<IdentityStore, 'sealKey'>
}

export async function nodeFacts({ config, runtimes, identity }: Self, address: string): Promise<NodeFacts> {
  const found = await Promise.all(runtimes.map((runtime) => runtime.capabilities()))
  return {
    name: config.name,
    agentVersion,
    edgeVersion: config.edgeVersion,
    os: process.platform,
    arch: process.arch,
    region: config.region,
    environments: [...config.environments],
    runtimes: found.map(({ driverRuntimes: _driverRuntimes, driverRuntimeVersions: _versions, ...runtime }) => bounded(runtime)),
    driverRuntimes: [...new Set(found.flatMap(({ driverRuntimes }) => driverRuntimes))],
    driverRuntimeVersions: found.flatMap(({ driverRuntimeVersions = [] }) => driverRuntimeVersions),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    address,
    sealKey: identity.sealKey.publicKey,
  }
}

function bounded(runtime: NodeFacts['runtimes'][number]): NodeFacts['runtimes'][number] {
  const { reason, version } = runtime
  return {
    ...runtime,
    ...(reason === undefined ? {} : { reason: reason.slice(0, 500) }),
    ...(version === undefined ? {} : { version: version.slice(0, 64) }),
  }
}
