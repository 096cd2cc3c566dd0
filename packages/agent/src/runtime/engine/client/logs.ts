// The output of a container as text chunks: the last lines, then what is still to come.
import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'
import type { Call, Engine } from './connection.ts'
import { isEngineError } from './engine-error.ts'
import { demultiplex } from './log-frames.ts'

/** How far a log was read: what was written before this time, and so many pieces of this very time. */
export interface LogPosition {
  /** As the engine writes it: nanoseconds on Docker, whole seconds on Podman, where many pieces share one. */
  time: string
  pieces: number
}

export interface LogOptions {
  /** Absent: all lines. */
  tailLines?: number
  /** Only what comes behind this position, as `onPosition` gave it. */
  after?: LogPosition
  follow: boolean
  /** A container with a terminal writes plain bytes, any other multiplexed frames. */
  isTty: boolean
  /** Told after each piece, to go on from there later. Not for containers with a terminal. */
  onPosition?: (position: LogPosition) => void
  signal?: AbortSignal | undefined
}

/** Yields text until the container ends (follow) or the tail is out. Reads no faster than it is consumed. */
export function readLogs(engine: Engine, containerId: string, options: LogOptions): AsyncGenerator<string> {
  const isTailOurs = engine.isPodman && options.tailLines !== undefined && !options.isTty
  return isTailOurs ? readTail(engine, containerId, options) : readPieces(engine, containerId, options)
}

/** Podman 4 joins or drops the parts of a line that was written in several pieces when it is asked for a tail. */
async function* readTail(engine: Engine, containerId: string, { tailLines = 0, ...options }: LogOptions): AsyncGenerator<string> {
  let position: LogPosition | undefined
  const onPosition = (reached: LogPosition) => {
    position = reached
    options.onPosition?.(reached)
  }
  let lines: string[] = []
  for await (const text of readPieces(engine, containerId, { ...options, follow: false, onPosition })) {
    const [first = '', ...rest] = text.split(/(?<=\n)/)
    if (lines.at(-1)?.endsWith('\n') === false) lines.push(`${lines.pop()}${first}`, ...rest)
    else lines.push(first, ...rest)
    if (lines.length > tailLines) lines = lines.slice(lines.length - tailLines)
  }
  if (lines.length > 0) yield lines.join('')
  if (options.follow) yield* readPieces(engine, containerId, position === undefined ? options : { ...options, after: position })
}

async function* readPieces(engine: Engine, containerId: string, options: LogOptions): AsyncGenerator<string> {
  const { follow, tailLines: tail, after } = options
  const hasTimes = !options.isTty && (options.onPosition !== undefined || after !== undefined)
  const since = after === undefined ? undefined : unixTime(after.time)
  const query = { stdout: true, stderr: true, follow, tail, since, timestamps: hasTimes ? true : undefined }
  const body = await openLog(engine, { path: `/containers/${containerId}/logs`, query, signal: options.signal }, follow)
  if (body === undefined) return
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  let pending = ''
  const isNew = newPieces(after, options.onPosition)
  const split = demultiplex((stream, payload) => {
    const piece = hasTimes ? timedPiece(payload) : { text: payload }
    if (piece.time === undefined || isNew(piece.time)) pending += decoders[stream].write(piece.text)
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

/** Undefined when aborted. Podman sends the head of its answer with the first line only, so that a quiet log is asked again. */
export async function openLog(engine: Engine, call: Call, isFollowed: boolean): Promise<Readable | undefined> {
  while (!call.signal?.aborted) {
    try {
      return await engine.stream({ ...call, isLongLived: isFollowed })
    } catch (error) {
      if (!call.signal?.aborted && !(engine.isPodman && isFollowed && isEngineError(error, 'timedOut'))) throw error
    }
  }
  return undefined
}

/** Tells which pieces were not read before, and where they lead: the engine's `since` is inclusive. */
export function newPieces(after: LogPosition | undefined, onPosition: LogOptions['onPosition']): (time: string) => boolean {
  let known = after?.pieces ?? 0
  let position = after
  return (time) => {
    if (after !== undefined && time !== after.time && !isLater(time, after.time)) return false
    if (time === after?.time && known > 0) {
      known -= 1
      return false
    }
    if (time === position?.time) position = { time, pieces: position.pieces + 1 }
    else if (position === undefined || isLater(time, position.time)) position = { time, pieces: 1 }
    onPosition?.(position)
    return true
  }
}

/** A frame begins with its time and a space, also in the middle of a line that is too long for one frame. */
export function timedPiece(payload: Buffer): { text: Buffer; time?: string } {
  const space = payload.indexOf(0x20)
  if (space < 0 || space > 40) return { text: payload }
  return { time: payload.toString('latin1', 0, space), text: payload.subarray(space + 1) }
}

/** Docker's times have nine decimals always, so they sort as text; Date holds only three. */
function isLater(left: string, right: string): boolean {
  return left.length === right.length ? left > right : Date.parse(left) > Date.parse(right)
}

/** `2026-11-22T06:40:23.123456789Z` → seconds with nine decimals, which Date cannot hold. */
export function unixTime(date: string): string {
  const decimals = /\.(\d{1,9})/.exec(date)?.[1] ?? '0'
  return `${Math.floor(Date.parse(date) / 1000)}.${decimals.padEnd(9, '0')}`
}
