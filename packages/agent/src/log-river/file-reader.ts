// Follows the files of one container that match its pattern, from where each was read before, into the spool. Files are known by
// inode and by how they begin, so a file that is renamed goes on, and one that is emptied or replaced begins anew. They stay open
// between two looks: what was written just before the container ended is read when its file system cannot be entered any more.
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { OutputRoot } from '../runtime/runtime.ts'
import { type LogLine, longestLineBytes, type RecordOrigin } from './records.ts'
import { findFiles, type FoundFile } from './rooted.ts'
import type { Spool } from './spool.ts'

export interface FileReaderOptions {
  /** Begins the name of each source: `file:<container id>:`. */
  readonly prefix: string
  readonly pattern: string
  readonly origin: RecordOrigin
  readonly spool: Spool
  /** False: the container is older than the wish, so what its files hold at the first look is the past. */
  readonly isFromStart: boolean
  readonly now: () => number
}

interface FilePosition {
  readonly offset: number
  /** Digest of the first bytes, and of how many. */
  readonly head: string
  readonly headBytes: number
}

interface Followed {
  readonly path: string
  readonly file: FileHandle
  readonly source: string
  offset: number
  headBytes: number
  head: string
  isStale: boolean
}

/** Files of one container; more would be nobody's logs. */
export const mostFiles = 64
const headBytes = 256
const readBytes = 64 * 1024
/** Read in one look, so that one container cannot keep the others waiting. */
const mostBytesAtOnce = 4 * 1024 * 1024
const emptyHead = digest(Buffer.alloc(0))

export class FileReader {
  readonly #options: FileReaderOptions
  readonly #followed = new Map<string, Followed>()
  #isFirst = true
  #work: Promise<unknown> = Promise.resolve()

  constructor(options: FileReaderOptions) {
    this.#options = options
  }

  /**
   * Looks for files below the root, if there is one to look below, and reads what is new. `isLast`: the container has ended, so a last
   * line without an end is one.
   */
  read(root: OutputRoot | undefined, isLast: boolean): Promise<void> {
    const work = this.#work.then(async () => {
      if (root !== undefined) await this.#find(root)
      for (const followed of [...this.#followed.values()]) await this.#readOne(followed, isLast)
    })
    this.#work = work.catch(() => {})
    return work
  }

  async close(): Promise<void> {
    await this.#work
    for (const { file } of this.#followed.values()) await file.close()
    this.#followed.clear()
  }

  async #find(root: OutputRoot): Promise<void> {
    const all = await findFiles(root, this.#options.pattern, mostFiles)
    if (all === undefined) return
    for (const followed of this.#followed.values()) followed.isStale = true
    for (const found of all) {
      const known = this.#followed.get(found.inode)
      if (known !== undefined) {
        known.isStale = false
        await found.file.close()
      } else await this.#begin(found)
    }
    this.#isFirst = false
  }

  async #begin({ path, file, inode, sizeBytes }: FoundFile): Promise<void> {
    const source = `${this.#options.prefix}${inode}`
    const kept = toPosition(this.#options.spool.position(source))
    const followed: Followed = { path, file, source, offset: 0, headBytes: 0, head: emptyHead, isStale: false }
    this.#followed.set(inode, followed)
    if (kept !== undefined && (await headOf(file, kept.headBytes)) === kept.head) {
      Object.assign(followed, kept)
    } else if (kept === undefined && this.#isFirst && !this.#options.isFromStart) {
      followed.offset = await endOfLines(file, sizeBytes)
      await this.#remember(followed, [])
    }
  }

  async #readOne(followed: Followed, isLast: boolean): Promise<void> {
    const { file } = followed
    const { size } = await file.stat()
    if (size < followed.offset || (await headOf(file, followed.headBytes)) !== followed.head)
      Object.assign(followed, { offset: 0, headBytes: 0, head: emptyHead })
    for (let read = 0; isLast || read < mostBytesAtOnce;) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(readBytes), 0, readBytes, followed.offset)
      const block = buffer.subarray(0, bytesRead)
      const isAtEnd = bytesRead < readBytes
      const lines = block.lastIndexOf(0x0a) + 1
      // A line that fills the block is cut; what begins at the end of the file waits for the rest of its line.
      const taken = lines > 0 ? lines : isAtEnd && !(isLast || followed.isStale) ? 0 : Math.min(bytesRead, longestLineBytes)
      if (taken === 0) break
      followed.offset += taken
      await this.#remember(followed, this.#toLines(block.subarray(0, taken)))
      read += taken
    }
    if (followed.isStale && !isLast) await this.#leave(followed)
  }

  /** A file that does not match any more was read to its end, and goes. */
  async #leave(followed: Followed): Promise<void> {
    for (const [inode, one] of this.#followed) if (one === followed) this.#followed.delete(inode)
    await followed.file.close()
  }

  async #remember(followed: Followed, lines: readonly LogLine[]): Promise<void> {
    const { source, offset, file, path } = followed
    if (followed.headBytes < headBytes) {
      followed.headBytes = Math.min(offset, headBytes)
      followed.head = await headOf(file, followed.headBytes)
    }
    const position: FilePosition = { offset, head: followed.head, headBytes: followed.headBytes }
    await this.#options.spool.append({ source, position, origin: { ...this.#options.origin, path }, lines })
  }

  #toLines(block: Buffer): LogLine[] {
    const time = new Date(this.#options.now()).toISOString()
    const texts = block.toString('utf8').split('\n')
    if (texts.at(-1) === '') texts.pop()
    return texts.map((text) => ({ time, stream: 'file', text: text.endsWith('\r') ? text.slice(0, -1) : text }))
  }
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64').slice(0, 16)
}

async function headOf(file: FileHandle, bytes: number): Promise<string> {
  if (bytes === 0) return emptyHead
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, 0)
  return digest(buffer.subarray(0, bytesRead))
}

/** Where the line begins that is being written now, so that no half one is told. */
async function endOfLines(file: FileHandle, sizeBytes: number): Promise<number> {
  const from = Math.max(0, sizeBytes - longestLineBytes)
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(longestLineBytes), 0, sizeBytes - from, from)
  return from + buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1
}

function toPosition(value: unknown): FilePosition | undefined {
  const { offset, head, headBytes: bytes } = (value ?? {}) as Record<keyof FilePosition, unknown>
  if (typeof head !== 'string' || !Number.isSafeInteger(offset) || !Number.isSafeInteger(bytes)) return undefined
  if (Number(bytes) < 0 || Number(bytes) > headBytes || Number(offset) < 0) return undefined
  return { offset: Number(offset), head, headBytes: Number(bytes) }
}
