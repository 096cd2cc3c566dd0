// All containers of this agent as the engine has them. One list per look; details are asked again only for containers
// that may have changed.
import type { ConnectedEngine } from './link.ts'
import { findContainer, listContainers, type ContainerDetails } from './client/containers.ts'
import { isHolder, memberOf, ownerLabel } from './labels.ts'

export interface Inventory {
  /** Containers by instance and container name. */
  instances: Map<string, Map<string, ContainerDetails>>
  /** Holders by container id. */
  holders: Map<string, ContainerDetails>
}

export interface InventoryReader {
  read(connected: ConnectedEngine, signal: AbortSignal): Promise<Inventory>
  /** The same without a question where it was read a moment ago and nothing was heard since; for what may be a little late. */
  recall(connected: ConnectedEngine, signal: AbortSignal): Promise<Inventory>
  /** The containers of an instance as they were seen last, whatever has happened since; without a question. */
  lastSeen(instanceId: string): readonly ContainerDetails[]
  /** Something happened to this container: its details are asked again on the next look. */
  changed(containerId: string): void
  allChanged(): void
}

/**
 * Details are asked again after this time even when nothing was heard. Every list shows whether a container runs, so all that a
 * missed event can hide for so long is one that ended and was started again by somebody else between two lists.
 */
const freshForMs = 300_000
/** A little more than the pause between two looks of the reconciler. */
const recentMs = 11_000

interface DetailsCache {
  ask(connected: ConnectedEngine, id: string, state: string, signal: AbortSignal): Promise<ContainerDetails | undefined>
  keepOnly(ids: ReadonlySet<string>): void
  changed(id: string): void
  clear(): void
}

function openDetails(): DetailsCache {
  const cache = new Map<string, { details: ContainerDetails; state: string; atMs: number }>()
  const versions = new Map<string, number>()
  return {
    async ask(connected, id, state, signal) {
      const cached = cache.get(id)
      if (cached !== undefined && cached.state === state && performance.now() - cached.atMs < freshForMs) return cached.details
      const version = versions.get(id) ?? 0
      const found = await findContainer(connected.engine, id, { signal })
      // An event that came while we asked may be newer than the answer, which is then good for this look only.
      if (found !== undefined && found.State.Status === state && (versions.get(id) ?? 0) === version) {
        cache.set(id, { details: found, state, atMs: performance.now() })
      }
      return found
    },
    keepOnly(ids) {
      for (const id of cache.keys()) if (!ids.has(id)) cache.delete(id)
      for (const id of versions.keys()) if (!ids.has(id)) versions.delete(id)
    },
    changed(id) {
      cache.delete(id)
      versions.set(id, (versions.get(id) ?? 0) + 1)
    },
    clear: () => cache.clear(),
  }
}

export function openInventory(owner: string): InventoryReader {
  const details = openDetails()
  let last: { inventory: Inventory; atMs: number } | undefined
  let news = 0
  let seen: Inventory = { instances: new Map(), holders: new Map() }
  const heard = () => {
    last = undefined
    news += 1
  }
  const reader: InventoryReader = {
    async read(connected, signal) {
      const [atMs, newsBefore] = [performance.now(), news]
      const list = await listContainers(connected.engine, [ownerLabel(owner)], signal)
      const all = await Promise.all(list.map(({ Id, State }) => details.ask(connected, Id, State, signal)))
      details.keepOnly(new Set(list.map(({ Id }) => Id)))
      const inventory = sortOut(all.filter((one) => one !== undefined))
      seen = inventory
      last = news === newsBefore ? { inventory, atMs } : undefined
      return inventory
    },
    lastSeen: (instanceId) => [...(seen.instances.get(instanceId)?.values() ?? [])],
    recall(connected, signal) {
      const isRecent = last !== undefined && performance.now() - last.atMs < recentMs
      return isRecent && last !== undefined ? Promise.resolve(last.inventory) : reader.read(connected, signal)
    },
    changed(containerId) {
      heard()
      details.changed(containerId)
    },
    allChanged() {
      heard()
      details.clear()
    },
  }
  return reader
}

function sortOut(all: readonly ContainerDetails[]): Inventory {
  const inventory: Inventory = { instances: new Map(), holders: new Map() }
  for (const details of all) {
    const labels = details.Config.Labels
    const member = memberOf(labels)
    if (isHolder(labels)) inventory.holders.set(details.Id, details)
    if (member === undefined) continue
    const members = inventory.instances.get(member.instanceId) ?? new Map<string, ContainerDetails>()
    members.set(member.container, details)
    inventory.instances.set(member.instanceId, members)
  }
  return inventory
}

/** The holder whose network a member uses; undefined for a container with a network of its own. */
export function holderIdOf(details: ContainerDetails): string | undefined {
  const mode = details.HostConfig.NetworkMode ?? ''
  return mode.startsWith('container:') ? mode.slice('container:'.length) : undefined
}
