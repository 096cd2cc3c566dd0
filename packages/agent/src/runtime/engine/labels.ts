// What we write on every container, and how an instance is read back from it: a restarted agent knows its containers by
// nothing else. Lists always filter by the agent's own name, because an engine may serve other agents and other people.
import type { DriverWorkload, GroupContainer, GroupWorkload, Workload } from '@littoral/contract/node/desired-state'
import { runDigest } from '../runtime.ts'

const names = {
  node: 'littoral.node',
  role: 'littoral.role',
  key: 'littoral.key',
  version: 'littoral.version',
  digest: 'littoral.digest',
  instance: 'littoral.instance',
  container: 'littoral.container',
  restartToken: 'littoral.restart-token',
  createdAt: 'littoral.created-at-ms',
  workload: 'littoral.workload',
} as const

export type Labels = Record<string, string>
export type Role = 'holder' | 'member'

/** A driver's config and files change without a new instance, so they are not part of what is written down. */
export type KeptWorkload = GroupWorkload | Omit<DriverWorkload, 'config' | 'files'>

export interface InstanceIdentity {
  instanceId: string
  createdAtMs: number
  workload: KeptWorkload
  runDigest: string
}

export const ownerLabel = (owner: string) => `${names.node}=${owner}`
export const instanceLabel = (instanceId: string) => `${names.instance}=${instanceId}`

export function holderLabels(owner: string): Labels {
  return { [names.node]: owner, [names.role]: 'holder' satisfies Role }
}

/** The first container of an instance carries the whole workload; an instance without it is incomplete. */
export function memberLabels(owner: string, identity: InstanceIdentity, container: string): Labels {
  const { workload } = identity
  const labels: Labels = {
    [names.node]: owner,
    [names.role]: 'member' satisfies Role,
    [names.key]: workload.key,
    [names.version]: workload.version,
    [names.digest]: workload.digest,
    [names.instance]: identity.instanceId,
    [names.container]: container,
    [names.createdAt]: String(identity.createdAtMs),
  }
  if (workload.kind === 'group' && workload.restartToken !== undefined) labels[names.restartToken] = workload.restartToken
  if (container === containerNames(workload)[0]) labels[names.workload] = JSON.stringify(workload)
  return labels
}

export function isHolder(labels: Labels | null): boolean {
  return labels?.[names.role] === 'holder'
}

/** The ids a container was labelled with; undefined for a holder or for something foreign. */
export function memberOf(labels: Labels | null): { instanceId: string; container: string } | undefined {
  const instanceId = labels?.[names.instance]
  const container = labels?.[names.container]
  return instanceId === undefined || container === undefined ? undefined : { instanceId, container }
}

/** What the labels of any one container tell of its instance, even when the first container is missing. */
export function looseIdentity(labels: Labels | null): {
  key: string
  version: string
  digest: string
  createdAtMs: number
  restartToken?: string
} {
  const restartToken = labels?.[names.restartToken]
  return {
    key: labels?.[names.key] ?? '',
    version: labels?.[names.version] ?? '',
    digest: labels?.[names.digest] ?? '',
    createdAtMs: Number(labels?.[names.createdAt] ?? 0),
    ...(restartToken === undefined ? {} : { restartToken }),
  }
}

/** Every look asks several times for the identity that the same labels tell. */
const identities = new WeakMap<Labels, InstanceIdentity>()

/** The instance's identity from the labels of its first container; undefined when these are not that container's. */
export function identityOf(labels: Labels | null): InstanceIdentity | undefined {
  const known = labels === null ? undefined : identities.get(labels)
  if (known !== undefined) return known
  const identity = readIdentity(labels)
  if (labels !== null && identity !== undefined) identities.set(labels, identity)
  return identity
}

function readIdentity(labels: Labels | null): InstanceIdentity | undefined {
  const text = labels?.[names.workload]
  const member = memberOf(labels)
  if (text === undefined || member === undefined) return undefined
  const workload = JSON.parse(text) as KeptWorkload
  return {
    instanceId: member.instanceId,
    createdAtMs: Number(labels?.[names.createdAt] ?? 0),
    workload,
    runDigest: runDigest(workload as Workload),
  }
}

export function keptWorkload(workload: Workload): KeptWorkload {
  if (workload.kind === 'group') return workload
  const { config: _config, files: _files, ...kept } = workload
  return kept
}

export const driverContainerName = 'driver'

export function containerNames(workload: KeptWorkload): string[] {
  return workload.kind === 'group' ? workload.containers.map(({ name }) => name) : [driverContainerName]
}

export function groupContainer(workload: KeptWorkload, name: string): GroupContainer | undefined {
  return workload.kind === 'group' ? workload.containers.find((container) => container.name === name) : undefined
}

/** A name the engine accepts, and people recognise in its own lists. */
export function containerName(instanceId: string, container: string): string {
  return `littoral-${instanceId}-${container.replace(/[^a-zA-Z0-9_.-]/g, '-')}`
}

/** `app-8806886-prod-1f9c02ab`: the readable part of the key and a random end. */
export function newInstanceId(key: string, random: string): string {
  const readable = key
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return `${readable.slice(0, 64).replace(/-+$/, '')}-${random}`
}
