// All containers of this agent as the engine has them. Which there are is asked when one came or went that was not heard of, and
// now and then; details only of those that may have changed: an engine with many containers takes long to list them.
import type { ConnectedEngine } from './link.ts'
import { findContainer, listContainers, type ContainerDetails } from './client/containers.ts'
import { isHolder, memberOf, ownerLabel } from './labels.ts'

export interface Inventory {
  /** Containers by instance and container name. */
  instances: Map<string, Map<string, ContainerDetails>>
  /** Holders by container id. */
  holders: Map<string, ContainerDetails>
  /** Whatever was made before this moment, by `performance.now()`, is in it. */
  askedAtMs: number
}

export interface InventoryReader {
  read(connected: ConnectedEngine, signal: AbortSignal): Promise<Inventory>
  /** The same without a question where it was read a moment ago and nothing was heard since; for what may be a little late. */
  recall(connected: ConnectedEngine, signal: AbortSignal): Promise<Inventory>
  /** The containers of an instance as they were seen last, whatever has happened since; without a question. */
  lastSeen(instanceId: string): readonly ContainerDetails[]
  /** Something happened to this container, or it was just made or removed: it is asked for again on the next look. */
  changed(containerId: string): void
  allChanged(): void
}

/**
 * Details are asked again after this time even when nothing was heard. Every list shows whether a container runs, so all that a
 * missed event can hide for so long is one that ended and was started again by somebody else between two lists.
 */
const freshForMs = 300_000
/** So long a list stands for which containers there are, unless one was heard of that is not in it. */
const listedForMs = 5000
/** A little more than the pause between two looks of the reconciler. */
const recentMs = 11_000

/** What is known of a container; `state`: what a list just said, if there was one. */
interface DetailsCache {
  ask(connected: ConnectedEngine, container: { id: string; state?: string }, signal: AbortSignal): Promise<ContainerDetails | undefined>
  keepOnly(ids: ReadonlySet<string>): void
  changed(id: string): void
  clear(): void
}

function openDetails(): DetailsCache {
  const cache = new Map<string, { details: ContainerDetails; state: string; atMs: number }>()
  const versions = new Map<string, number>()
  return {
    async ask({ engine }, { id, state }, signal) {
      const cached = cache.get(id)
      const isFresh = cached !== undefined && performance.now() - cached.atMs < freshForMs
      if (isFresh && (state === undefined || cached.state === state)) return cached.details
      const version = versions.get(id) ?? 0
      const found = await findContainer(engine, id, { signal })
      if (found === undefined) return undefined
      // An event that came while we asked may be newer than the answer, which is then good for this look only.
      const { Status } = found.State
      const isSettled = (state ?? Status) === Status && (versions.get(id) ?? 0) === version
      if (isSettled) cache.set(id, { details: found, state: Status, atMs: performance.now() })
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

type Found = readonly (ContainerDetails | undefined)[]

interface Roll {
  /** Details of all containers there are; lists them only where it has to. */
  call(connected: ConnectedEngine, signal: AbortSignal): Promise<Found>
  changed(id: string): void
  clear(): void
}

function openRoll(owner: string): Roll {
  const details = openDetails()
  let listed: { readonly ids: Set<string>; readonly atMs: number } | undefined
  let strangers = 0
  const forget = () => {
    listed = undefined
    strangers += 1
  }

  async function callListed(connected: ConnectedEngine, signal: AbortSignal): Promise<Found> {
    const [atMs, strangersBefore] = [performance.now(), strangers]
    const list = await listContainers(connected.engine, [ownerLabel(owner)], signal)
    const found = await Promise.all(list.map(({ Id: id, State: state }) => details.ask(connected, { id, state }, signal)))
    const ids = new Set(list.map(({ Id }) => Id))
    details.keepOnly(ids)
    if (strangers === strangersBefore) listed = { ids, atMs }
    return found
  }

  return {
    call(connected, signal) {
      const known = listed
      if (known === undefined || performance.now() - known.atMs >= listedForMs) return callListed(connected, signal)
      return Promise.all(
        [...known.ids].map(async (id) => {
          const found = await details.ask(connected, { id }, signal)
          if (found === undefined) known.ids.delete(id)
          return found
        }),
      )
    },
    changed(id) {
      if (listed?.ids.has(id) !== true) forget()
      details.changed(id)
    },
    clear() {
      forget()
      details.clear()
    },
  }
}

export function openInventory(owner: string): InventoryReader {
  const roll = openRoll(owner)
  let news = 0
  let seen: Inventory = sortOut([], 0)
  /** Whether nothing was heard since it was seen. */
  let isCurrent = false
  const heard = () => {
    isCurrent = false
    news += 1
  }
  const reader: InventoryReader = {
    async read(connected, signal) {
      const [askedAtMs, newsBefore] = [performance.now(), news]
      const inventory = sortOut(await roll.call(connected, signal), askedAtMs)
      seen = inventory
      isCurrent = news === newsBefore
      return inventory
    },
    lastSeen: (instanceId) => [...(seen.instances.get(instanceId)?.values() ?? [])],
    recall(connected, signal) {
      const isRecent = isCurrent && performance.now() - seen.askedAtMs < recentMs
      return isRecent ? Promise.resolve(seen) : reader.read(connected, signal)
    },
    changed(containerId) {
      heard()
      roll.changed(containerId)
    },
    allChanged() {
      heard()
      roll.clear()
    },
  }
  return reader
}

function sortOut(all: Found, askedAtMs: number): Inventory {
  const inventory: Inventory = { instances: new Map(), holders: new Map(), askedAtMs }
  for (const details of all) {
    if (details === undefined) continue
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
