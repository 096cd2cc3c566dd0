// Follows what one container writes to its standard outputs, from where it was read before, into the spool. It ends with the
// container's run, or with an error; river.ts starts it again.
import type { OutputPiece, OutputPort } from '../runtime/runtime.ts'
import { type LogLine, longestLineBytes, type RecordOrigin } from './records.ts'
import type { Spool } from './spool.ts'

export interface Following {
  readonly containerId: string
  readonly source: string
  readonly origin: RecordOrigin
  readonly port: OutputPort
  /** Where it was never read before: only what was written at this time or later. */
  readonly sinceMs?: number | undefined
  readonly spool: Spool
  readonly signal: AbortSignal
}

export async function followOutput(following: Following): Promise<void> {
  const { containerId, source, origin, port, sinceMs, spool, signal } = following
  const after = spool.position(source)
  const lines = new LineMaker(after)
  const read = port.read(containerId, { after, signal, ...(after === undefined && sinceMs !== undefined && { sinceMs }) })
  for await (const pieces of read) {
    const made = pieces.flatMap((piece) => lines.take(piece))
    if (made.length > 0) await spool.append({ source, position: lines.safePosition, origin, lines: made })
  }
  if (signal.aborted) return
  const rest = lines.flush()
  if (rest.length > 0) await spool.append({ source, position: lines.safePosition, origin, lines: rest })
}

interface Begun {
  chunks: Buffer[]
  bytes: number
  time: string
}

/** Pieces to lines. Both outputs may have begun one; a position is only safe where neither has. */
class LineMaker {
  readonly #begun = new Map<OutputPiece['stream'], Begun>()
  #safe: unknown
  #last: unknown

  constructor(after: unknown) {
    this.#safe = after
    this.#last = after
  }

  get safePosition(): unknown {
    return this.#safe
  }

  take(piece: OutputPiece): LogLine[] {
    const made: LogLine[] = []
    let rest = piece.bytes
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      this.#add(piece, rest.subarray(0, end))
      made.push(...this.#finish(piece.stream))
      rest = rest.subarray(end + 1)
    }
    if (rest.length > 0) this.#add(piece, rest)
    if ((this.#begun.get(piece.stream)?.bytes ?? 0) >= longestLineBytes) made.push(...this.#finish(piece.stream))
    this.#last = piece.position
    if (this.#begun.size === 0) this.#safe = piece.position
    return made
  }

  /** A last line without an end. */
  flush(): LogLine[] {
    const made = [...this.#begun.keys()].flatMap((stream) => this.#finish(stream))
    this.#safe = this.#last
    return made
  }

  #add({ stream, time }: OutputPiece, bytes: Buffer): void {
    const begun = this.#begun.get(stream) ?? { chunks: [], bytes: 0, time }
    begun.chunks.push(bytes)
    begun.bytes += bytes.length
    this.#begun.set(stream, begun)
  }

  #finish(stream: OutputPiece['stream']): LogLine[] {
    const begun = this.#begun.get(stream)
    this.#begun.delete(stream)
    if (begun === undefined) return []
    const text = Buffer.concat(begun.chunks).toString('utf8')
    return [{ time: begun.time, stream, text: text.endsWith('\r') ? text.slice(0, -1) : text }]
  }
}
