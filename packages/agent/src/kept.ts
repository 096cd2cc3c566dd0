// Files of which it is known whether they are whole: JSON beside its checksum, and a copy that is used when it is not. A write
// that fails is no reason to stop: the value counts from then on, is said not to be on disk, and is written later.
// Used for the desired state, the identity, the owner's name and versions that are to be confirmed.
import { createHash, randomBytes } from 'node:crypto'
import { link, rename, rm } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { hasCode, readIfPresent, writeAtomically } from './files.ts'

export type Checked<T> = { readonly isValid: true; readonly value: T } | { readonly isValid: false; readonly problem: string }

/** Who is told what could not be written, and that it could in the end. */
export interface DiskNotes {
  failed(what: string, error: unknown, retry: () => Promise<void>): void
  succeeded(what: string): void
}

export interface KeptOptions<T> {
  readonly path: string
  /** For people, such as `the desired state`. */
  readonly what: string
  readonly check: (value: unknown) => Checked<T>
  /** `earlier`: the copy is the value before; `same`: it is the value again, where an earlier one is of no use. */
  readonly copy: 'earlier' | 'same'
  readonly disk?: DiskNotes | undefined
}

const prefix = '{"sha256":"'
const middle = '","content":'
const contentAt = prefix.length + 64 + middle.length

/** JSON that carries its checksum; still JSON, so that people can read it. */
export function seal(value: unknown): string {
  const content = JSON.stringify(value)
  return `${prefix}${checksum(content)}${middle}${content}}`
}

/** What a sealed text holds. A text without a checksum, as earlier agents wrote it, is taken as it is if it is JSON. */
export function unseal(text: string): Checked<unknown> {
  if (!text.startsWith(prefix)) return parse(text)
  const content = text.slice(contentAt, -1)
  const isFramed = text.endsWith('}') && text.slice(contentAt - middle.length, contentAt) === middle
  if (!isFramed || checksum(content) !== text.slice(prefix.length, prefix.length + 64)) {
    return { isValid: false, problem: 'its checksum is wrong' }
  }
  return parse(content)
}

export class Kept<T> {
  readonly #options: KeptOptions<T>
  #value: T | undefined
  #damage: string | undefined
  #isUnsaved = false
  #writing: Promise<void> = Promise.resolve()

  private constructor(options: KeptOptions<T>) {
    this.#options = options
  }

  static async open<T>(options: KeptOptions<T>): Promise<Kept<T>> {
    const kept = new Kept(options)
    await kept.#load()
    return kept
  }

  get value(): T | undefined {
    return this.#value
  }

  /** What was wrong on disk, until a new value is there. */
  get damage(): string | undefined {
    return this.#damage
  }

  /** The value counts at once, also when it cannot be written; it never throws. */
  async set(value: T): Promise<void> {
    this.#value = value
    this.#damage = undefined
    this.#isUnsaved = true
    await this.retry()
  }

  /** Writes what could not be written before. */
  async retry(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write())
    await this.#writing
  }

  async #write(): Promise<void> {
    const { path, copy, disk, what } = this.#options
    if (!this.#isUnsaved || this.#value === undefined) return
    this.#isUnsaved = false
    try {
      const text = seal(this.#value)
      if (copy === 'same') await writeAtomically(copyOf(path), text)
      else await keepEarlier(path)
      await writeAtomically(path, text)
      disk?.succeeded(what)
    } catch (error) {
      this.#isUnsaved = true
      disk?.failed(what, error, () => this.retry())
    }
  }

  async #load(): Promise<void> {
    const { path } = this.#options
    const current = await this.#read(path)
    if (current?.isValid) {
      this.#value = current.value
      return
    }
    const copy = await this.#read(copyOf(path))
    if (copy?.isValid) this.#value = copy.value
    if (current === undefined) {
      if (copy !== undefined) this.#damage = `${basename(path)}: it is missing`
      return
    }
    const aside = withWord(path, 'corrupt')
    // On a disk that takes no changes it stays where it is.
    const isAside = await rename(path, aside).then(
      () => true,
      () => false,
    )
    this.#damage = `${basename(path)}: ${current.problem}${isAside ? `; it was kept as ${basename(aside)}` : ''}`
  }

  async #read(path: string): Promise<Checked<T> | undefined> {
    let text: string | undefined
    try {
      text = await readIfPresent(path)
    } catch (error) {
      return { isValid: false, problem: error instanceof Error ? error.message : String(error) }
    }
    if (text === undefined) return undefined
    const opened = unseal(text)
    return opened.isValid ? this.#options.check(opened.value) : opened
  }
}

/** `desired.json` → `desired.previous.json`. */
export function copyOf(path: string): string {
  return withWord(path, 'previous')
}

function withWord(path: string, word: string): string {
  const extension = extname(path)
  return `${path.slice(0, path.length - extension.length)}.${word}${extension}`
}

// A link that takes the place of the older copy: at every moment both names lead to a whole file. One that was damaged
// meanwhile must not take the place of a good one.
async function keepEarlier(path: string): Promise<void> {
  const text = await readIfPresent(path)
  if (text === undefined || !unseal(text).isValid) return
  const spare = `${copyOf(path)}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await link(path, spare)
    await rename(spare, copyOf(path))
  } catch (error) {
    await rm(spare, { force: true }).catch(() => {})
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

function checksum(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

function parse(text: string): Checked<unknown> {
  try {
    return { isValid: true, value: JSON.parse(text) as unknown }
  } catch {
    return { isValid: false, problem: 'not JSON' }
  }
}
