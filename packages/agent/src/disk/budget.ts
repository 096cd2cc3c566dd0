// Keeps room on the disk: when it is short, or images and packages take more than their budget, what the node has not needed
// for the longest time goes first. What the desired state or an instance needs stays, and so does the last version that
// worked; nothing is touched that this agent did not bring here.
import { statfs } from 'node:fs/promises'
import type { Workload } from '@littoral/contract/node/desired-state'
import type { DiskReport } from '@littoral/contract/node/disk'
import { oneAfterAnother, readIfPresent, writeAtomically } from '../files.ts'
import type { Runtime, StockItem } from '../runtime/runtime.ts'
import type { GoodVersions } from './good-versions.ts'
import { type Candidate, type DiskSpace, isForgotten, removable, reserveBytes, shortBytes, tightest } from './room.ts'

export interface DiskBudgetOptions {
  readonly runtimes: readonly Pick<Runtime, 'name' | 'stock'>[]
  /** Where it is kept when each thing was needed last. */
  readonly file: string
  readonly budgetBytes?: number | undefined
  readonly good: Pick<GoodVersions, 'needs'>
  readonly onReport: (report: DiskReport) => void
  readonly log: (line: string) => void
  readonly now?: () => number
  /** Undefined where nothing can be known of the disk. */
  readonly diskOf?: (folder: string) => Promise<DiskSpace | undefined>
}

type Item = StockItem & Candidate & { readonly runtime: Pick<Runtime, 'name' | 'stock'> }

/** A look at everything there is costs the engine a call for each image, so it is not made for every pull. */
const lookEveryMs = 600_000
const noteEveryMs = 3600_000
const mostRemoved = 20

export class DiskBudget {
  readonly #options: Required<DiskBudgetOptions>
  readonly #neededAtMs: Map<string, number>
  #removed: DiskReport['removed'] = []
  #notedAtMs = 0
  #lookedAtMs = Number.NEGATIVE_INFINITY
  readonly #inTurn = oneAfterAnother()

  private constructor(options: DiskBudgetOptions, neededAtMs: Map<string, number>) {
    this.#options = { budgetBytes: undefined, now: Date.now, diskOf: spaceOf, ...options }
    this.#neededAtMs = neededAtMs
  }

  static async open(options: DiskBudgetOptions): Promise<DiskBudget> {
    return new DiskBudget(options, parseTimes(await readIfPresent(options.file)))
  }

  /** Looks, and removes what has to go. One at a time. */
  makeRoom(desired: readonly Workload[], signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#makeRoom(desired, signal))
  }

  /** When nothing is looked at or written any more; whoever asked was told how it went. */
  settled(): Promise<void> {
    return this.#inTurn(async () => {})
  }

  async #makeRoom(desired: readonly Workload[], signal: AbortSignal): Promise<void> {
    const { now, budgetBytes } = this.#options
    signal.throwIfAborted()
    const isDue = now() - this.#lookedAtMs >= lookEveryMs || now() < this.#lookedAtMs
    const isShort = shortBytes(await this.#disks(signal)) > 0
    if (!isShort && !isDue && budgetBytes === undefined) return
    this.#lookedAtMs = now()
    const { items, unknown } = await this.#items(desired, signal)
    await this.#noteNeeded(items, unknown)
    const left = await this.#removeUntilRoom(items, signal)
    await this.#report(left, signal)
  }

  async #removeUntilRoom(items: readonly Item[], signal: AbortSignal): Promise<Item[]> {
    const { budgetBytes = Number.POSITIVE_INFINITY, now } = this.#options
    const left = new Set(items)
    for (const item of removable(items)) {
      const isOverBudget = sum(left) > budgetBytes
      // Looked at anew for each: layers that images share are freed with the last of them.
      const isShort = shortBytes(await this.#disks(signal, item.runtime)) > 0
      if (!isOverBudget && !isShort && !isForgotten(item, now())) continue
      if (await this.#discard(item, signal)) left.delete(item)
    }
    return [...left]
  }

  async #discard(item: Item, signal: AbortSignal): Promise<boolean> {
    const { log, now } = this.#options
    try {
      await item.runtime.stock?.discard(item.id, signal)
    } catch (error) {
      signal.throwIfAborted()
      log(`${item.name} cannot be removed to make room: ${error instanceof Error ? error.message : String(error)}`)
      return false
    }
    log(`${item.name} was removed to make room: nothing here needs it, and it can be brought again`)
    const entry = { name: item.name.slice(0, 1024), sizeBytes: item.sizeBytes, atMs: now() }
    this.#removed = [entry, ...this.#removed].slice(0, mostRemoved)
    return true
  }

  /** `unknown`: runtimes that cannot say right now what they have; the others are looked at all the same. */
  async #items(desired: readonly Workload[], signal: AbortSignal): Promise<{ items: Item[]; unknown: Set<string> }> {
    const { runtimes, good, now } = this.#options
    const needed = good.needs()
    for (const workload of desired) for (const id of needsOf(runtimes, workload)) needed.add(id)
    const items: Item[] = []
    const unknown = new Set<string>()
    for (const runtime of runtimes) {
      const listed = await runtime.stock?.list(signal).catch(() => undefined)
      signal.throwIfAborted()
      if (listed === undefined) unknown.add(runtime.name)
      for (const item of listed ?? []) {
        const isNeeded = item.isInUse || needed.has(`${runtime.name} ${item.id}`)
        const neededAtMs = isNeeded ? now() : (this.#neededAtMs.get(`${runtime.name} ${item.id}`) ?? now())
        items.push({ ...item, runtime, isNeeded, neededAtMs })
      }
    }
    return { items, unknown }
  }

  /** Written once an hour, and when something came or went: an hour more or less does not matter here. */
  async #noteNeeded(items: readonly Item[], unknown: ReadonlySet<string>): Promise<void> {
    const { file, now } = this.#options
    const kept = [...this.#neededAtMs].filter(([id]) => unknown.has(id.slice(0, id.indexOf(' '))))
    const times = new Map([...kept, ...items.map((item) => [`${item.runtime.name} ${item.id}`, item.neededAtMs] as const)])
    const isSame = times.size === this.#neededAtMs.size && [...times.keys()].every((id) => this.#neededAtMs.has(id))
    this.#neededAtMs.clear()
    for (const [id, atMs] of times) this.#neededAtMs.set(id, atMs)
    if (isSame && Math.abs(now() - this.#notedAtMs) < noteEveryMs) return
    this.#notedAtMs = now()
    await writeAtomically(file, JSON.stringify(Object.fromEntries(times)))
  }

  async #disks(signal: AbortSignal, only?: Pick<Runtime, 'name' | 'stock'>): Promise<DiskSpace[]> {
    const { runtimes, diskOf } = this.#options
    const disks: DiskSpace[] = []
    for (const { stock } of only ? [only] : runtimes) {
      // An engine that is away says nothing of its folder.
      for (const folder of (await stock?.folders(signal).catch(() => [])) ?? []) {
        const disk = await diskOf(folder)
        if (disk && disk.totalBytes > 0) disks.push(disk)
      }
    }
    return disks
  }

  async #report(items: readonly Item[], signal: AbortSignal): Promise<void> {
    const { budgetBytes, onReport } = this.#options
    const disk = tightest(await this.#disks(signal))
    if (disk === undefined) return
    const stockBytes = sum(items)
    onReport({
      totalBytes: disk.totalBytes,
      freeBytes: disk.freeBytes,
      stockBytes,
      ...(budgetBytes === undefined ? {} : { budgetBytes }),
      isShort: disk.freeBytes < reserveBytes(disk) || (budgetBytes !== undefined && stockBytes > budgetBytes),
      removed: this.#removed,
    })
  }
}

/** Ids of what a workload needs, each after the name of its runtime. */
export function needsOf(runtimes: readonly Pick<Runtime, 'name' | 'stock'>[], workload: Workload): string[] {
  return runtimes.flatMap(({ name, stock }) => (stock?.needs(workload) ?? []).map((id) => `${name} ${id}`))
}

function sum(items: Iterable<Item>): number {
  let bytes = 0
  for (const { sizeBytes } of items) bytes += sizeBytes
  return bytes
}

async function spaceOf(folder: string): Promise<DiskSpace | undefined> {
  try {
    const { bsize, blocks, bavail } = await statfs(folder)
    return { totalBytes: bsize * blocks, freeBytes: bsize * bavail }
  } catch {
    return undefined
  }
}

function parseTimes(text: string | undefined): Map<string, number> {
  try {
    const times = Object.entries(JSON.parse(text ?? '{}') as Record<string, unknown>)
    return new Map(times.filter((entry): entry is [string, number] => typeof entry[1] === 'number'))
  } catch {
    // Cut short by a power loss: everything counts as needed just now.
    return new Map()
  }
}
