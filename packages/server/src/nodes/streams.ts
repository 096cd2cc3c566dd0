// Streams over one node's socket: opened by the server, fed by the node, acknowledged by bytes once the consumer is done with
// them, so that the node never has more than a window under way however slow the reader is.
import type { ServerMessage, StreamRequest } from '@littoral/contract/node/stream'

/** Of one node; what more is asked for is refused here and not queued. */
const mostStreams = 64

export interface StreamEnd {
  /** Of a command that ended by itself. */
  readonly exitCode?: number
  readonly error?: { readonly code: string; readonly message: string }
}

/** Who reads a stream. `end` is called exactly once, unless the stream was cancelled before. */
export interface StreamConsumer {
  opened?(): void
  /** The bytes count as under way until this resolves. */
  data(chunk: string | Buffer): void | Promise<void>
  inputTaken?(bytes: number): void
  end(outcome: StreamEnd): void
}

export interface NodeStream {
  input(bytes: Buffer): void
  resize(columns: number, rows: number): void
  /** Ends the stream without a word to the consumer. */
  cancel(): void
}

/** An error with a code that handlers translate, such as NodeUnreachable. */
export function streamError(code: string, message: string): Error & { code: string } {
  return Object.assign(new Error(message), { code })
}

export class Streams {
  readonly #send: (message: ServerMessage) => void
  readonly #open = new Map<string, StreamConsumer>()
  #last = 0

  constructor(send: (message: ServerMessage) => void) {
    this.#send = send
  }

  /** Throws NodeUnreachable when the node has enough to do. */
  open(request: StreamRequest, consumer: StreamConsumer): NodeStream {
    if (this.#open.size >= mostStreams) throw streamError('NodeUnreachable', 'too many streams of this node are open')
    const id = `${request.kind}-${++this.#last}`
    this.#open.set(id, consumer)
    this.#send({ type: 'streamOpen', id, request })
    return {
      input: (bytes) => this.#send({ type: 'streamInput', id, base64: bytes.toString('base64') }),
      resize: (columns, rows) => this.#send({ type: 'streamResize', id, columns, rows }),
      cancel: () => {
        if (this.#open.delete(id)) this.#send({ type: 'streamCancel', id })
      },
    }
  }

  opened(id: string): void {
    this.#open.get(id)?.opened?.()
  }

  /** Acknowledged even when the stream is over, because the node counts what is under way. */
  take(id: string, chunk: string | Buffer): void {
    const acknowledge = () => this.#send({ type: 'streamAck', id, bytes: Buffer.byteLength(chunk) })
    const taken = this.#open.get(id)?.data(chunk)
    if (taken === undefined) acknowledge()
    else taken.then(acknowledge, () => this.#readerFailed(id))
  }

  inputTaken(id: string, bytes: number): void {
    this.#open.get(id)?.inputTaken?.(bytes)
  }

  end(id: string, outcome: StreamEnd): void {
    this.#end(id, outcome)
  }

  /** Fails everything under way: the socket is gone. */
  close(): void {
    for (const id of [...this.#open.keys()]) this.#end(id, { error: { code: 'NodeUnreachable', message: 'the node disconnected' } })
  }

  #readerFailed(id: string): void {
    if (this.#open.has(id)) this.#send({ type: 'streamCancel', id })
    this.#end(id, { error: { code: 'ReaderFailed', message: 'the reader went away' } })
  }

  #end(id: string, outcome: StreamEnd): void {
    const consumer = this.#open.get(id)
    this.#open.delete(id)
    consumer?.end(outcome)
  }
}
