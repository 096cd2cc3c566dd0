// The log rings of all drivers of an agent: one for each driver and not for each instance, because what the version before said
// last is often the answer. Used by index.ts.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LogRing } from './log-ring.ts'

export class LogRings {
  readonly #folder: string
  readonly #rings = new Map<string, LogRing>()

  constructor(folder: string) {
    this.#folder = folder
  }

  of(key: string): LogRing {
    const name = nameOf(key)
    const ring = this.#rings.get(name) ?? new LogRing(join(this.#folder, name))
    this.#rings.set(name, ring)
    return ring
  }

  /** A line of the agent's own; after the ring was closed it is said to nobody. */
  note(key: string, text: string): void {
    this.#rings.get(nameOf(key))?.append(Buffer.from(`[littoral] ${text}\n`))
  }

  /** Removes what all other drivers wrote. */
  async keepOnly(keys: ReadonlySet<string>): Promise<void> {
    const wanted = new Set([...keys].map(nameOf))
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (wanted.has(name)) continue
      this.#rings.get(name)?.close()
      this.#rings.delete(name)
      await rm(join(this.#folder, name), { recursive: true, force: true })
    }
  }

  close(): void {
    for (const ring of this.#rings.values()) ring.close()
    this.#rings.clear()
  }
}

/** A key as the name of a folder. */
function nameOf(key: string): string {
  return encodeURIComponent(key).slice(0, 250)
}
