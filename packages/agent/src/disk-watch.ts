// Whether the data folder takes what has to be kept: looked at now and then without writing, which would wear a memory card
// out, and told by whoever failed to write. States DiskFull, DataFolderReadOnly and DiskFailed, and has what could not be
// written tried again.
import { access, constants, statfs } from 'node:fs/promises'
import type { ConditionCode, Conditions } from './conditions.ts'
import { diskReason } from './files.ts'
import type { DiskNotes } from './kept.ts'

export interface DiskWatchOptions {
  readonly folder: string
  readonly conditions: Conditions
  readonly everyMs: number
}

/** Less than this is as good as nothing: the desired state alone may need more. */
const leastBytes = 256 * 1024

export class DiskWatch implements DiskNotes {
  readonly #folder: string
  readonly #conditions: Conditions
  readonly #everyMs: number
  readonly #unsaved = new Map<string, () => Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor({ folder, conditions, everyMs }: DiskWatchOptions) {
    this.#folder = folder
    this.#conditions = conditions
    this.#everyMs = everyMs
  }

  failed(what: string, error: unknown, retry: () => Promise<void>): void {
    const { code, message } = diskReason(error) ?? { code: 'DiskFailed' as const, message: String(error) }
    this.#conditions.set(`disk/${what}`, code, `${what} could not be written, which is tried again: ${message}`)
    this.#unsaved.set(what, retry)
  }

  succeeded(what: string): void {
    this.#unsaved.delete(what)
    this.#conditions.clear(`disk/${what}`)
  }

  start(): void {
    void this.look()
    this.#timer = setInterval(() => void this.look(), this.#everyMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** One look at the folder; then what is not on disk is written. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #look(): Promise<void> {
    const found = await this.#problem()
    if (found === undefined) this.#conditions.clear('disk')
    else this.#conditions.set('disk', found.code, found.message)
    for (const retry of [...this.#unsaved.values()]) await retry()
  }

  async #problem(): Promise<{ code: ConditionCode; message: string } | undefined> {
    try {
      await access(this.#folder, constants.W_OK)
      const { bavail, bsize, files, ffree } = await statfs(this.#folder)
      const isFull = bavail * bsize < leastBytes || (files > 0 && ffree === 0)
      return isFull ? { code: 'DiskFull', message: `no space is left on the disk of ${this.#folder}` } : undefined
    } catch (error) {
      return diskReason(error) ?? { code: 'DiskFailed', message: error instanceof Error ? error.message : String(error) }
    }
  }
}
