// Removes what lies in the object store and nothing uses any more: packages of versions that were deleted, uploads that no version
// ever named, bytes that another upload took the place of. What is not used becomes a leftover; it goes when it has been one for as
// long as the operator lets it lie. Whoever begins to use an object takes it off the list in the same write.
import * as objectLeftovers from '../store/iot-edge/leftovers.ts'
import * as objectUses from '../store/iot-edge/object-uses.ts'
import * as records from '../store/iot-edge/objects.ts'
import type { Store } from '../store/store.ts'
import { type Loop, loop } from './loop.ts'

/** The object store, as far as it is tidied; see objects/object-store.ts. */
export interface KeptObjects {
  keyOf(address: string): string | undefined
  listDigests(): AsyncIterable<string>
  remove(sha256: string, isUnused: () => Promise<boolean>): Promise<boolean>
}

const pageSize = 200

interface Pass {
  readonly store: Store
  readonly objects: KeptObjects
  /** What was used when the pass began, and the bytes of all keys that stay. */
  readonly uses: objectUses.ObjectUses
  readonly nowMs: number
  /** Leftovers from then, or from before, are removed. */
  readonly untilMs: number
  readonly signal: AbortSignal
}

export function leftovers(objects: KeptObjects): Loop<number> {
  return loop({
    name: 'leftovers',
    wakeOn: [],
    everyMs: 3600 * 1000,
    async pass({ store, now, settings, log }, signal) {
      const { leftoversKeptMs } = settings
      if (leftoversKeptMs === 0) return 0
      const uses = await objectUses.list(store, (address) => objects.keyOf(address), signal)
      const pass = { store, objects, uses, nowMs: now(), untilMs: now() - leftoversKeptMs, signal }
      const keys = await passKeys(pass)
      const blobs = await passBlobs(pass)
      if (keys + blobs > 0) log.info({ keys, blobs }, 'objects that nothing used were removed')
      return keys + blobs
    },
  })
}

/** Page by page; afterwards the bytes of all keys that stay count as used. */
async function passKeys(pass: Pass): Promise<number> {
  const { store, uses, signal } = pass
  let removed = 0
  for (let after: string | undefined = ''; after !== undefined;) {
    signal.throwIfAborted()
    const from: string = after
    const page = await store.read((tx) => records.listAfter(tx, from, pageSize))
    const names = page.map(({ key }) => key)
    const due = await dueOf(pass, 'key', names)
    for (const { key, sha256 } of page) {
      if (due.has(key) && (await removeKey(pass, { key, sha256 }))) removed++
      else if (sha256 !== null) uses.digests.add(sha256)
    }
    after = page.length < pageSize ? undefined : names.at(-1)
  }
  return removed
}

async function passBlobs(pass: Pass): Promise<number> {
  const found = new Set<string>()
  let removed = 0
  let page: string[] = []
  const endPage = async () => {
    for (const sha256 of await dueOf(pass, 'blob', page)) if (await removeBlob(pass, sha256)) removed++
    page = []
  }
  for await (const sha256 of pass.objects.listDigests()) {
    pass.signal.throwIfAborted()
    found.add(sha256)
    page.push(sha256)
    if (page.length === pageSize) await endPage()
  }
  await endPage()
  await forgetGone(pass.store, found)
  return removed
}

/** Brings the list of leftovers up to date with what is used, and returns those that have lain for long enough. */
async function dueOf(pass: Pass, kind: objectLeftovers.LeftoverKind, names: readonly string[]): Promise<Set<string>> {
  if (names.length === 0) return new Set()
  const { store, uses, nowMs, untilMs } = pass
  const used = kind === 'key' ? uses.keys : uses.digests
  const known = await store.read((tx) => objectLeftovers.listByNames(tx, kind, names))
  const fresh = names.filter((name) => !used.has(name) && !known.has(name))
  const usedAgain = names.filter((name) => used.has(name) && known.has(name))
  if (fresh.length + usedAgain.length > 0) {
    await store.write(async (tx) => {
      for (const name of fresh) objectLeftovers.insert(tx, { kind, name, sinceMs: nowMs })
      objectLeftovers.remove(tx, kind, usedAgain)
    })
  }
  return new Set(names.filter((name) => !used.has(name) && (known.get(name) ?? nowMs) <= untilMs))
}

/** The bytes are as old a leftover as the key was: they need not lie for as long again. */
async function removeKey({ store, untilMs }: Pass, { key, sha256 }: { key: string; sha256: string | null }): Promise<boolean> {
  return store.write(async (tx) => {
    const leftover = await objectLeftovers.find(tx, 'key', key)
    if (leftover === undefined || leftover.sinceMs > untilMs) return false
    records.remove(tx, key)
    objectLeftovers.remove(tx, 'key', [key])
    if (sha256 !== null) objectLeftovers.insert(tx, { kind: 'blob', name: sha256, sinceMs: leftover.sinceMs })
    return true
  })
}

async function removeBlob({ store, objects, untilMs }: Pass, sha256: string): Promise<boolean> {
  const isUnused = () =>
    store.read(async (tx) => {
      const leftover = await objectLeftovers.find(tx, 'blob', sha256)
      return leftover !== undefined && leftover.sinceMs <= untilMs && !(await records.hasDigest(tx, sha256))
    })
  const isRemoved = await objects.remove(sha256, isUnused)
  if (isRemoved) await store.write(async (tx) => objectLeftovers.remove(tx, 'blob', [sha256]))
  return isRemoved
}

/** Bytes that are not there any more: the process ended between the two steps, or somebody removed them by hand. */
async function forgetGone(store: Store, found: ReadonlySet<string>): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const from: string = after
    const page = await store.read((tx) => objectLeftovers.listAfter(tx, 'blob', from, pageSize))
    const gone = page.flatMap(({ name }) => (found.has(name) ? [] : [name]))
    if (gone.length > 0) await store.write(async (tx) => objectLeftovers.remove(tx, 'blob', gone))
    after = page.length < pageSize ? undefined : page.at(-1)?.name
  }
}
