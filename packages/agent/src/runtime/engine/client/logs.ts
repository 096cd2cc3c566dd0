// The output of a container as text chunks: the last lines, then what is still to come.
import { StringDecoder } from 'node:string_decoder'
import type { Engine } from './connection.ts'
import { demultiplex } from './log-frames.ts'

export interface LogOptions {
  /** Absent: all lines. */
  tailLines?: number
  /** Only what was written later than this time, as `onTime` or the engine gave it. */
  after?: string
  follow: boolean
  /** A container with a terminal writes plain bytes, any other multiplexed frames. */
  isTty: boolean
  /** Told when each piece was written, to go on from there later. Not for containers with a terminal. */
  onTime?: (time: string) => void
  signal?: AbortSignal | undefined
}

/** Yields text until the container ends (follow) or the tail is out. Reads no faster than it is consumed. */
export async function* readLogs(engine: Engine, containerId: string, options: LogOptions): AsyncGenerator<string> {
  const { follow, tailLines: tail, after } = options
  const hasTimes = !options.isTty && (options.onTime !== undefined || after !== undefined)
  const since = after === undefined ? undefined : unixTime(after)
  const query = { stdout: true, stderr: true, follow, tail, since, timestamps: hasTimes ? true : undefined }
  const body = await engine.stream({ path: `/containers/${containerId}/logs`, query, signal: options.signal })
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  let pending = ''
  const split = demultiplex((stream, payload) => {
    const piece = hasTimes ? timedPiece(payload) : { text: payload }
    // `since` is inclusive, and whole seconds on Podman.
    if (piece.time !== undefined && after !== undefined && !isLater(piece.time, after)) return
    if (piece.time !== undefined) options.onTime?.(piece.time)
    pending += decoders[stream].write(piece.text)
  })
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (options.isTty) pending += decoders.stdout.write(chunk)
      else split(chunk)
      if (pending === '') continue
      const text = pending
      pending = ''
      yield text
    }
  } catch (error) {
    if (!options.signal?.aborted) throw error
  } finally {
    body.destroy()
  }
}

/** A frame begins with its time and a space, also in the middle of a line that is too long for one frame. */
function timedPiece(payload: Buffer): { text: Buffer; time?: string } {
  const space = payload.indexOf(0x20)
  if (space < 0 || space > 40) return { text: payload }
  return { time: payload.toString('latin1', 0, space), text: payload.subarray(space + 1) }
}

/** Docker's times have nine decimals always, so they sort as text; Date holds only three. */
function isLater(left: string, right: string): boolean {
  return left.length === right.length ? left > right : Date.parse(left) > Date.parse(right)
}

/** `2026-11-22T06:40:23.123456789Z` → seconds with nine decimals, which Date cannot hold. */
function unixTime(date: string): string {
  const decimals = /\.(\d{1,9})/.exec(date)?.[1] ?? '0'
  return `${Math.floor(Date.parse(date) / 1000)}.${decimals.padEnd(9, '0')}`
}
