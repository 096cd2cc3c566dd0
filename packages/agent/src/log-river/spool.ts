// What was collected and is not with the sink yet, on disk and bounded. How far each source was read lies in the same lines as
// what was read there, so neither can be on disk without the other: after a crash nothing is missing, and nothing is in here twice.
//
// 1. Entries leave in the order in which they came, and only when the sink has them, or when there is no room: the oldest first.
// 2. Every record that had to go is counted, and the count is on disk until the sink was told.
// 3. The state is written only after the lines it speaks of are safe on disk.
import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { oneAfterAnother, readIfPresent, writeAtomically } from '../files.ts'
import type { LogRecord } from './records.ts'
import { type Entry, formatEntry, listSegments, parseEntry, readLines, scanSegment, type Segment, segmentPath } from './segments.ts'

export interface SpoolOptions {
  readonly folder: string
  /** All of it together. */
  readonly mostBytes: number
  readonly segmentBytes?: number
  /** So many records had to make room. */
  readonly onDropped?: (count: number) => void
}

/** What is to be sent next. */
export interface Chunk {
  /** Of this spool, and the same when it is read again. */
  readonly id: string
  readonly records: readonly LogRecord[]
  readonly segment: number
  readonly end: number
  /** Behind it there is more already. */
  readonly hasMore: boolean
  /** Records lost so far that the sink was not told of. */
  readonly dropped: number
}

interface State {
  readonly name: string
  readonly segment: number
  readonly offset: number
  readonly dropped: number
  readonly positions: Record<string, unknown>
}

export class Spool {
  readonly #options: Required<SpoolOptions>
  readonly #segments: Segment[] = []
  readonly #inTurn = oneAfterAnother()
  readonly #positions = new Map<string, unknown>()
  #name = ''
  #file: FileHandle | undefined
  /** Of the oldest segment: how far the sink has it. */
  #sentBytes = 0
  #sentRecords = 0
  #dropped = 0
  #onAppend: () => void = () => {}

  private constructor(options: SpoolOptions) {
    const segmentBytes = Math.max(1, Math.min(1024 * 1024, Math.floor(options.mostBytes / 4)))
    this.#options = { segmentBytes, onDropped: () => {}, ...options }
  }

  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options)
    await spool.#load()
    return spool
  }

  /** How far a source was read. */
  position(source: string): unknown {
    return this.#positions.get(source)
  }

  sources(): string[] {
    return [...this.#positions.keys()]
  }

  /** A position of null takes back what was known: it lasts, where forget() may not, as older lines can still be there. */
  #note({ source, position }: Entry): void {
    if (position === null) this.#positions.delete(source)
    else this.#positions.set(source, position)
  }

  /** The source is gone for good. */
  forget(source: string): void {
    this.#positions.delete(source)
  }

  /** Records that the sink does not have. */
  get waiting(): number {
    return this.#segments.reduce((sum, { records }) => sum + records, 0) - this.#sentRecords
  }

  get dropped(): number {
    return this.#dropped
  }

  set onAppend(listener: () => void) {
    this.#onAppend = listener
  }

  /** Throws where the disk does not take it; the position is then what it was. */
  append(entry: Entry): Promise<void> {
    return this.#inTurn(async () => {
      const line = formatEntry(entry)
      const newest = this.#segments.at(-1)
      if (newest === undefined || (newest.bytes > 0 && newest.bytes + line.length > this.#options.segmentBytes)) await this.#begin()
      await this.#write(line)
      this.#segments.at(-1)!.records += entry.lines.length
      this.#note(entry)
      while (this.#segments.length > 1 && this.#bytes() > this.#options.mostBytes) await this.#dropOldest()
      this.#onAppend()
    })
  }

  /** The oldest records that the sink does not have; undefined when it has all. */
  read(): Promise<Chunk | undefined> {
    return this.#inTurn(async () => {
      const [oldest, next] = this.#segments
      if (oldest === undefined) return undefined
      if (this.#sentBytes >= oldest.bytes) {
        if (next === undefined) return undefined
        await this.#removeOldest()
        return this.#chunkOf(next)
      }
      return this.#chunkOf(oldest)
    })
  }

  /** The sink has the chunk, and knows of the records that were lost before it. */
  acknowledge({ segment, end, records, dropped }: Chunk): Promise<void> {
    return this.#inTurn(async () => {
      const oldest = this.#segments[0]
      this.#dropped = Math.max(0, this.#dropped - dropped)
      if (oldest?.number === segment) {
        this.#sentBytes = end
        this.#sentRecords += records.length
      } else {
        // It made room while it was on its way, and has arrived all the same.
        this.#dropped = Math.max(0, this.#dropped - records.length)
      }
      await this.#save()
    })
  }

  /** The sink will never take so many records. On disk with the next acknowledgement. */
  refuse(count: number): void {
    this.#dropped += count
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#save()
      await this.#file?.close()
      this.#file = undefined
    })
  }

  #bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async #chunkOf(segment: Segment): Promise<Chunk | undefined> {
    const from = this.#sentBytes
    if (from >= segment.bytes) return undefined
    const file = await open(segmentPath(this.#options.folder, segment.number), 'r')
    const { text, end } = await readLines(file, from, segment.bytes).finally(() => file.close())
    const records = text
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [parseEntry(line)]))
      .flatMap((entry) => entry?.lines.map((line) => ({ ...line, ...(entry.origin && { origin: entry.origin }) })) ?? [])
    const hasMore = end < segment.bytes || this.#segments.length > 1
    return { id: `${this.#name}-${segment.number}-${from}-${end}`, records, segment: segment.number, end, hasMore, dropped: this.#dropped }
  }

  async #begin(): Promise<void> {
    await this.#file?.datasync()
    await this.#file?.close()
    this.#file = undefined
    const number = (this.#segments.at(-1)?.number ?? 0) + 1
    this.#file = await open(segmentPath(this.#options.folder, number), 'wx', 0o600)
    this.#segments.push({ number, bytes: 0, records: 0 })
  }

  async #write(line: Buffer): Promise<void> {
    const newest = this.#segments.at(-1)!
    this.#file ??= await open(segmentPath(this.#options.folder, newest.number), 'r+', 0o600)
    try {
      for (let done = 0; done < line.length;) {
        done += (await this.#file.write(line, done, line.length - done, newest.bytes + done)).bytesWritten
      }
    } catch (error) {
      await this.#file.truncate(newest.bytes).catch(() => {})
      throw error
    }
    newest.bytes += line.length
  }

  async #dropOldest(): Promise<void> {
    const [oldest] = this.#segments
    const lost = (oldest?.records ?? 0) - this.#sentRecords
    this.#dropped += lost
    await this.#removeOldest()
    if (lost > 0) this.#options.onDropped(lost)
  }

  async #removeOldest(): Promise<void> {
    const oldest = this.#segments.shift()
    this.#sentBytes = 0
    this.#sentRecords = 0
    await this.#save()
    if (oldest !== undefined) await rm(segmentPath(this.#options.folder, oldest.number), { force: true })
  }

  async #save(): Promise<void> {
    await this.#file?.datasync()
    const state: State = {
      name: this.#name,
      segment: this.#segments[0]?.number ?? 0,
      offset: this.#sentBytes,
      dropped: this.#dropped,
      positions: Object.fromEntries(this.#positions),
    }
    await writeAtomically(this.#statePath(), JSON.stringify(state))
  }

  #statePath(): string {
    return join(this.#options.folder, 'state.json')
  }

  async #load(): Promise<void> {
    const { folder } = this.#options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const state = parseState(await readIfPresent(this.#statePath()))
    this.#name = state?.name ?? randomUUID()
    this.#dropped = state?.dropped ?? 0
    for (const [source, position] of Object.entries(state?.positions ?? {})) this.#positions.set(source, position)
    for (const number of await listSegments(folder)) {
      // Those before were sent, or dropped and counted; only their removal did not happen any more.
      if (number < (state?.segment ?? 0)) await rm(segmentPath(folder, number), { force: true })
      else await this.#take(number, number === state?.segment ? state.offset : 0)
    }
    if (state === undefined) await this.#save()
  }

  async #take(number: number, sentBytes: number): Promise<void> {
    let sentRecords = 0
    const segment = await scanSegment(this.#options.folder, number, (entry, at) => {
      this.#note(entry)
      if (at < sentBytes) sentRecords += entry.lines.length
    })
    this.#segments.push(segment)
    if (sentBytes === 0) return
    this.#sentBytes = Math.min(sentBytes, segment.bytes)
    this.#sentRecords = sentRecords
  }
}

function parseState(text: string | undefined): State | undefined {
  try {
    const { name, segment, offset, dropped, positions } = JSON.parse(text ?? '') as Record<keyof State, unknown>
    const isRight =
      typeof name === 'string' && [segment, offset, dropped].every((value) => Number.isSafeInteger(value) && Number(value) >= 0)
    if (!isRight || typeof positions !== 'object' || positions === null) return undefined
    return { name, segment: Number(segment), offset: Number(offset), dropped: Number(dropped), positions: { ...positions } }
  } catch {
    return undefined
  }
}
