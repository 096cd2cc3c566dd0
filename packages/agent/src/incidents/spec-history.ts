// What the last two versions of each workload looked like on this node, as places and without secrets, for the difference that
// an incident shows. One small file; without it an incident has no difference to show.
import { randomBytes } from 'node:crypto'
import type { Workload } from '@littoral/contract/node/desired-state'
import type { Incident } from '@littoral/contract/node/incident'
import { readIfPresent, writeAtomically } from '../files.ts'
import { specChanges, specPlaces, type SpecPlaces } from './spec-places.ts'

interface KnownVersion {
  readonly version: string
  readonly digest: string
  readonly places: SpecPlaces
}

const keptPerWorkload = 3

export class SpecHistory {
  readonly #file: string
  readonly #log: (line: string) => void
  readonly #key: string
  readonly #byKey: Map<string, readonly KnownVersion[]>
  #saving: Promise<void> = Promise.resolve()

  private constructor(file: string, log: (line: string) => void, { key, byKey }: Kept) {
    this.#file = file
    this.#log = log
    this.#key = key
    this.#byKey = byKey
  }

  static async open(file: string, log: (line: string) => void): Promise<SpecHistory> {
    return new SpecHistory(file, log, parse(await readIfPresent(file)))
  }

  /** Notes what is wanted now, and forgets what is wanted no more. */
  note(desired: readonly Workload[]): void {
    const wanted = new Set(desired.map(({ key }) => key))
    let isChanged = false
    for (const workload of desired) {
      const { key, version, digest } = workload
      const known = this.#byKey.get(key) ?? []
      if (known[0]?.digest === digest) continue
      const entry = known.find((one) => one.digest === digest) ?? { version, digest, places: specPlaces(workload, this.#key) }
      this.#byKey.set(key, [entry, ...known.filter((one) => one.digest !== digest)].slice(0, keptPerWorkload))
      isChanged = true
    }
    for (const key of this.#byKey.keys()) if (!wanted.has(key)) isChanged = this.#byKey.delete(key) || isChanged
    if (isChanged) this.#save()
  }

  /** How a version differs from the one that was wanted before it. */
  difference(key: string, digest: string): Pick<Incident, 'previousVersion' | 'changes' | 'isCut'> {
    const known = this.#byKey.get(key) ?? []
    const version = known.find((one) => one.digest === digest)
    const previous = known.find((one) => one.digest !== digest)
    if (version === undefined || previous === undefined) return { changes: [], isCut: false }
    return { previousVersion: previous.version, ...specChanges(previous.places, version.places) }
  }

  saved(): Promise<void> {
    return this.#saving
  }

  #save(): void {
    const text = JSON.stringify({ key: this.#key, byKey: Object.fromEntries(this.#byKey) })
    this.#saving = this.#saving
      .then(() => writeAtomically(this.#file, text))
      .catch((error: unknown) => this.#log(`the versions of workloads could not be noted: ${String(error)}`))
  }
}

interface Kept {
  readonly key: string
  readonly byKey: Map<string, readonly KnownVersion[]>
}

function parse(text: string | undefined): Kept {
  const byKey = new Map<string, readonly KnownVersion[]>()
  try {
    const value = JSON.parse(text ?? 'null') as { key?: unknown; byKey?: Record<string, unknown> } | null
    for (const [key, list] of Object.entries(value?.byKey ?? {})) {
      if (Array.isArray(list)) byKey.set(key, list.filter(isKnownVersion).slice(0, keptPerWorkload))
    }
    if (typeof value?.key === 'string' && value.key.length >= 32) return { key: value.key, byKey }
  } catch {
    // Cut short by a power loss.
  }
  return { key: randomBytes(16).toString('hex'), byKey: new Map() }
}

function isKnownVersion(value: unknown): value is KnownVersion {
  const { version, digest, places } = (value ?? {}) as Partial<Record<keyof KnownVersion, unknown>>
  return typeof version === 'string' && typeof digest === 'string' && typeof places === 'object' && places !== null
}
