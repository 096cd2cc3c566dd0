// The last one to two megabytes of a driver's output, in two files that take turns, so that neither a talkative driver
// fills the disk nor a restart of the agent loses why it failed. Positions count bytes since the ring was opened.
import { closeSync, mkdirSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { diskReason } from '../../files.ts'

const fileBytes = 1024 * 1024
const readBytes = 64 * 1024

export class LogRing {
  readonly #folder: string
  readonly #fileBytes: number
  /** Absent while the disk takes nothing. */
  #fd: number | undefined
  #olderBytes: number
  #currentBytes: number
  /** Position of the first byte of the current file. */
  #currentAt: number
  readonly #waiting = new Set<() => void>()

  constructor(folder: string, maxFileBytes = fileBytes) {
    this.#folder = folder
    this.#fileBytes = maxFileBytes
    this.#olderBytes = sizeOf(this.#path('older.log'))
    this.#currentBytes = sizeOf(this.#path('current.log'))
    this.#currentAt = this.#olderBytes
  }

  /** Position after the last byte. */
  get end(): number {
    return this.#currentAt + this.#currentBytes
  }

  // Written at once and not queued: what a driver says just before it takes the machine down is what matters most, and a
  // queue would need a bound of its own.
  append(chunk: Uint8Array): void {
    try {
      if (this.#currentBytes > 0 && this.#currentBytes + chunk.byteLength > this.#fileBytes) this.#turn()
      const kept = chunk.byteLength > this.#fileBytes ? chunk.subarray(chunk.byteLength - this.#fileBytes) : chunk
      this.#fd ??= this.#open()
      this.#currentBytes += writeSync(this.#fd, kept)
    } catch (error) {
      // A disk that takes nothing costs lines, not the agent; the node says so by a condition.
      if (diskReason(error) === undefined) throw error
    }
    for (const wake of this.#waiting) wake()
  }

  /** Where the last `lines` lines begin. */
  tailPosition(lines: number): number {
    if (lines <= 0) return this.end
    let found = 0
    let position = this.end
    while (position > this.#firstPosition()) {
      const from = Math.max(this.#firstPosition(), position - readBytes)
      const block = this.#readRange(from, position)
      for (let i = block.length - 1; i >= 0; i--) {
        // The line feed at the very end ends the last line and begins none.
        if (block[i] !== 0x0a || from + i === this.end - 1) continue
        if (++found === lines) return from + i + 1
      }
      position = from
    }
    return this.#firstPosition()
  }

  /** Some bytes from a position on, and where to go on; what has fallen out of the ring meanwhile is skipped. */
  read(position: number): { content: Buffer; next: number } {
    const from = Math.max(position, this.#firstPosition())
    const content = this.#readRange(from, Math.min(this.end, from + readBytes))
    return { content, next: from + content.length }
  }

  /** Resolves when there is more after the position, or the signal aborts. */
  more(position: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.end <= position && !signal.aborted) return
        this.#waiting.delete(check)
        signal.removeEventListener('abort', check)
        resolve()
      }
      this.#waiting.add(check)
      signal.addEventListener('abort', check)
      check()
    })
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #open(): number {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    return openSync(this.#path('current.log'), 'a', 0o600)
  }

  #turn(): void {
    renameSync(this.#path('current.log'), this.#path('older.log'))
    this.close()
    this.#currentAt += this.#currentBytes
    this.#olderBytes = this.#currentBytes
    this.#currentBytes = 0
  }

  #firstPosition(): number {
    return this.#currentAt - this.#olderBytes
  }

  #readRange(from: number, to: number): Buffer {
    const content = Buffer.alloc(Math.max(0, to - from))
    const older = Math.min(content.length, Math.max(0, this.#currentAt - from))
    if (older > 0) readFully(this.#path('older.log'), content.subarray(0, older), from - this.#firstPosition())
    if (older < content.length) readFully(this.#path('current.log'), content.subarray(older), from + older - this.#currentAt)
    return content
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

/** The ring's text in whole lines: the last `tailLines`, and what follows until the signal aborts. */
export async function* readLines(
  ring: LogRing,
  { tailLines, follow }: { tailLines: number; follow: boolean },
  signal: AbortSignal,
): AsyncGenerator<string> {
  let position = ring.tailPosition(tailLines)
  let rest = Buffer.alloc(0)
  while (!signal.aborted) {
    const { content, next } = ring.read(position)
    position = next
    if (content.length === 0) {
      if (!follow) break
      await ring.more(position, signal)
      continue
    }
    const bytes = Buffer.concat([rest, content])
    const end = bytes.lastIndexOf(0x0a) + 1
    if (end > 0) yield bytes.toString('utf8', 0, end)
    rest = bytes.subarray(end)
    // A line that never ends is given out in parts.
    if (rest.length < readBytes) continue
    yield `${rest.toString('utf8')}\n`
    rest = Buffer.alloc(0)
  }
  if (rest.length > 0) yield `${rest.toString('utf8')}\n`
}

function readFully(path: string, target: Uint8Array, position: number): void {
  const fd = openSync(path, 'r')
  try {
    let done = 0
    while (done < target.byteLength) {
      const count = readSync(fd, target, done, target.byteLength - done, position + done)
      if (count === 0) break
      done += count
    }
  } finally {
    closeSync(fd)
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
