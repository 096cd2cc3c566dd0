// The files of a spool: lines that are appended to the newest and read from the oldest. One line is one entry, as JSON. What the
// power cut off at the end of a file is cut away when the file is opened again.
import { createReadStream } from 'node:fs'
import { appendFile, type FileHandle, readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LogLine, RecordOrigin } from './records.ts'

/** Some lines of one source, and how far the source was read with them. */
export interface Entry {
  readonly source: string
  readonly position: unknown
  readonly origin?: RecordOrigin
  readonly lines: readonly LogLine[]
}

export interface Segment {
  readonly number: number
  bytes: number
  records: number
}

const suffix = '.ndjson'

export function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(10, '0')}${suffix}`)
}

export async function listSegments(folder: string): Promise<number[]> {
  const names = await readdir(folder)
  const numbers = names.filter((name) => /^\d{10}\.ndjson$/.test(name)).map((name) => Number(name.slice(0, -suffix.length)))
  return numbers.toSorted((a, b) => a - b)
}

/** Reads a segment through; `onEntry` gets each entry with the byte its line begins at. */
export async function scanSegment(folder: string, number: number, onEntry: (entry: Entry, at: number) => void): Promise<Segment> {
  const path = segmentPath(folder, number)
  const segment: Segment = { number, bytes: 0, records: 0 }
  const input = createReadStream(path)
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const entry = parseEntry(line)
    // Only the end of the newest file can be half a line; nothing behind it was ever written.
    if (entry === undefined) break
    onEntry(entry, segment.bytes)
    segment.bytes += Buffer.byteLength(line) + 1
    segment.records += entry.lines.length
  }
  input.destroy()
  const { size } = await stat(path)
  if (size > segment.bytes) await truncate(path, segment.bytes)
  // A last line that is whole but for its line feed.
  else if (size < segment.bytes) await appendFile(path, '\n')
  return segment
}

export function formatEntry({ source, position, origin, lines }: Entry): Buffer {
  const packed = lines.map(({ time, stream, text }) => [time, stream, text])
  return Buffer.from(`${JSON.stringify({ s: source, p: position, o: origin, r: packed })}\n`)
}

export function parseEntry(line: string): Entry | undefined {
  try {
    const { s, p, o, r } = JSON.parse(line) as { s: string; p: unknown; o?: RecordOrigin; r: [string, LogLine['stream'], string][] }
    if (typeof s !== 'string' || !Array.isArray(r)) return undefined
    return { source: s, position: p, ...(o && { origin: o }), lines: r.map(([time, stream, text]) => ({ time, stream, text })) }
  } catch {
    return undefined
  }
}

const readBytes = 256 * 1024

/** Whole lines from a byte on, at least one and otherwise no more than a batch is to have. */
export async function readLines(file: FileHandle, from: number, to: number): Promise<{ text: string; end: number }> {
  for (let wanted = readBytes; ; wanted *= 2) {
    const length = Math.min(wanted, to - from)
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, from)
    const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1
    if (end > 0) return { text: buffer.toString('utf8', 0, end), end: from + end }
    if (bytesRead < length || length === to - from) return { text: '', end: to }
  }
}
