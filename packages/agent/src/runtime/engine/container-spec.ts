// From a container of a group to what the engine is asked to create.
import type { GroupContainer } from '@littoral/contract/node/desired-state'
import { normalizeImageName } from '@littoral/contract/node/image-name'
import { pinnedImage } from '@littoral/contract/node/image-pin'
import type { ContainerSpec } from './client/containers.ts'
import type { Labels } from './labels.ts'
import type { ConnectedEngine } from './link.ts'

export interface MemberPlace {
  labels: Labels
  holderId: string
}

/** Command replaces the image's entry point and args its arguments; a command without args drops the image's arguments. */
export function memberSpec(container: GroupContainer, place: MemberPlace, connected: ConnectedEngine): ContainerSpec {
  const network = `container:${place.holderId}`
  const spec: ContainerSpec = {
    Image: normalizeImageName(pinnedImage(container)),
    Env: container.env.map(({ name, value }) => `${name}=${value}`),
    Labels: place.labels,
    HostConfig: { ...commonHostConfig(connected), ...limits(container, connected), NetworkMode: network, IpcMode: network },
  }
  if (container.command !== undefined && container.command.length > 0) spec.Entrypoint = container.command
  if (container.args !== undefined && container.args.length > 0) spec.Cmd = container.args
  else if (spec.Entrypoint !== undefined) spec.Cmd = []
  return spec
}

/** The agent restarts containers itself: engines differ in when and how often they do. */
export function commonHostConfig({ engine }: ConnectedEngine): ContainerSpec['HostConfig'] {
  // Whatever driver the operator chose for others, ours must be readable and bounded.
  const log = engine.isPodman
    ? { Type: 'k8s-file', Config: { 'max-size': '10m' } }
    : { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } }
  return { RestartPolicy: { Name: 'no' }, LogConfig: log }
}

export function limits(
  container: Pick<GroupContainer, 'cpus' | 'memoryBytes' | 'storageBytes'>,
  { info }: ConnectedEngine,
): Partial<ContainerSpec['HostConfig']> {
  return {
    // An engine refuses more processors than the machine has; all of them is then the same limit.
    NanoCpus: Math.round(Math.min(container.cpus, info.NCPU) * 1e9),
    Memory: container.memoryBytes,
    // The same value: no swap beyond the limit.
    MemorySwap: container.memoryBytes,
    PidsLimit: pidsLimit(container.cpus),
    ...(hasHardStorageLimit(info.Driver) ? { StorageOpt: { size: String(container.storageBytes) } } : {}),
  }
}

/**
 * Processes and threads a container may have. No version can ask for a number, so it grows with its processors: far above what
 * programs of that size need, and far below what would take the node down.
 */
export function pidsLimit(cpus: number): number {
  return 1024 * Math.max(1, Math.ceil(cpus))
}

/** overlay2 would need XFS with project quotas, which cannot be seen from here; there storage-limit.ts watches instead. */
export function hasHardStorageLimit(storageDriver: string): boolean {
  return storageDriver === 'btrfs' || storageDriver === 'zfs'
}
