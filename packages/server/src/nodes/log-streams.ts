// Log streams over one node's socket: asked for by a handler, answered in framed text, acknowledged by bytes so that the
// node never has more than a window under way, and ended by a timeout when the node does not answer.
import type { LogsRequest, ServerMessage } from '@littoral/contract/node/stream'

/** Lines asked for may be long; beyond this only the last part is kept. */
const mostBytes = 4 * 1024 * 1024
const mostStreams = 32

interface Stream {
  text: string
  readonly end: (outcome: { error?: { code: string; message: string } }) => void
}

/** An error with a code that handlers translate, such as NodeUnreachable. */
export function streamError(code: string, message: string): Error & { code: string } {
  return Object.assign(new Error(message), { code })
}

export class LogStreams {
  readonly #send: (message: ServerMessage) => void
  readonly #open = new Map<string, Stream>()
  #last = 0

  constructor(send: (message: ServerMessage) => void) {
    this.#send = send
  }

  /** The lines, oldest first; throws an Error whose `code` is NodeUnreachable or the node's own word. */
  async readLogs(request: LogsRequest, timeoutMs: number): Promise<string[]> {
    if (this.#open.size >= mostStreams) throw streamError('NodeUnreachable', 'too many log requests to this node are under way')
    const id = `logs-${++this.#last}`
    let timer: NodeJS.Timeout | undefined
    try {
      const text = await new Promise<string>((resolve, reject) => {
        const stream: Stream = {
          text: '',
          end: ({ error }) => (error ? reject(streamError(error.code, error.message)) : resolve(stream.text)),
        }
        this.#open.set(id, stream)
        timer = setTimeout(() => {
          this.#send({ type: 'streamCancel', id })
          reject(streamError('NodeUnreachable', `the node did not answer within ${timeoutMs} ms`))
        }, timeoutMs)
        this.#send({ type: 'streamOpen', id, request: { ...request, follow: false } })
      })
      const lines = toLines(text)
      return lines.slice(Math.max(0, lines.length - request.tailLines))
    } finally {
      clearTimeout(timer)
      this.#open.delete(id)
    }
  }

  /** Text that arrived. Acknowledged even when the stream is over, because the node counts what is under way. */
  take(id: string, text: string): void {
    const stream = this.#open.get(id)
    if (stream !== undefined) {
      stream.text += text
      if (stream.text.length > mostBytes) stream.text = stream.text.slice(-mostBytes)
    }
    this.#send({ type: 'streamAck', id, bytes: Buffer.byteLength(text) })
  }

  end(id: string, error?: { code: string; message: string }): void {
    this.#open.get(id)?.end(error ? { error } : {})
  }

  /** Fails everything under way: the socket is gone. */
  close(): void {
    for (const stream of this.#open.values()) stream.end({ error: { code: 'NodeUnreachable', message: 'the node disconnected' } })
  }
}

function toLines(text: string): string[] {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
