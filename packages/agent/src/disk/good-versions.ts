// Which versions have worked on this node: for each workload the last two that were ready, with what they need of the stock, so
// that the disk budget never takes away what the node may have to go back to. One small file; without it nothing is known to
// have worked, and everything that is not wanted may go when room is short.
import type { Workload } from '@littoral/contract/node/desired-state'
import type { WorkloadReport } from '@littoral/contract/node/report'
import { readIfPresent, writeAtomically } from '../files.ts'

interface GoodVersion {
  readonly digest: string
  readonly version: string
  readonly needs: readonly string[]
}

const keptPerWorkload = 2

export class GoodVersions {
  readonly #file: string
  readonly #needsOf: (workload: Workload) => readonly string[]
  readonly #log: (line: string) => void
  readonly #byKey: Map<string, readonly GoodVersion[]>
  #saving: Promise<void> = Promise.resolve()

  private constructor(file: string, { needsOf, log }: GoodVersionsOptions, known: Map<string, readonly GoodVersion[]>) {
    this.#file = file
    this.#needsOf = needsOf
    this.#log = log
    this.#byKey = known
  }

  static async open(file: string, options: GoodVersionsOptions): Promise<GoodVersions> {
    return new GoodVersions(file, options, parse(await readIfPresent(file)))
  }

  /** Notes what works now, and forgets workloads that are neither wanted nor here. */
  note(desired: readonly Workload[], reports: readonly WorkloadReport[]): void {
    const wanted = new Map(desired.map((workload) => [workload.key, workload]))
    const present = new Set(reports.map(({ key }) => key))
    let isChanged = false
    for (const { key, digest, phase } of reports) {
      const workload = wanted.get(key)
      if (phase !== 'ready' || workload?.digest !== digest || this.#byKey.get(key)?.[0]?.digest === digest) continue
      const older = (this.#byKey.get(key) ?? []).filter((good) => good.digest !== digest)
      this.#byKey.set(key, [{ digest, version: workload.version, needs: this.#needsOf(workload) }, ...older].slice(0, keptPerWorkload))
      isChanged = true
    }
    for (const key of this.#byKey.keys()) {
      if (!wanted.has(key) && !present.has(key)) isChanged = this.#byKey.delete(key) || isChanged
    }
    if (isChanged) this.#save()
  }

  /** What all of them need, as needsOf() said. */
  needs(): Set<string> {
    return new Set([...this.#byKey.values()].flat().flatMap(({ needs }) => needs))
  }

  /** Whether this version has worked here. */
  has(key: string, digest: string): boolean {
    return this.#byKey.get(key)?.some((good) => good.digest === digest) ?? false
  }

  /** Resolves when everything noted so far is on the disk, or could not be written. */
  saved(): Promise<void> {
    return this.#saving
  }

  #save(): void {
    const text = JSON.stringify(Object.fromEntries(this.#byKey))
    this.#saving = this.#saving
      .then(() => writeAtomically(this.#file, text))
      .catch((error: unknown) => this.#log(`the versions that work could not be noted: ${String(error)}`))
  }
}

export interface GoodVersionsOptions {
  readonly needsOf: (workload: Workload) => readonly string[]
  readonly log: (line: string) => void
}

function parse(text: string | undefined): Map<string, readonly GoodVersion[]> {
  const known = new Map<string, readonly GoodVersion[]>()
  try {
    for (const [key, list] of Object.entries(JSON.parse(text ?? '{}') as Record<string, unknown>)) {
      const good = Array.isArray(list) ? list.filter(isGoodVersion) : []
      if (good.length > 0) known.set(key, good.slice(0, keptPerWorkload))
    }
  } catch {
    // Cut short by a power loss; it fills again with the first look.
  }
  return known
}

function isGoodVersion(value: unknown): value is GoodVersion {
  const { digest, version, needs } = (value ?? {}) as Partial<Record<keyof GoodVersion, unknown>>
  return typeof digest === 'string' && typeof version === 'string' && Array.isArray(needs) && needs.every((id) => typeof id === 'string')
}
