// The node's end of log streams: text of a runtime goes out in frames, never more than a window ahead of what the server has
// acknowledged, so that a slow reader costs neither side memory.
import { streamWindowBytes } from '@littoral/contract/node/protocol'
import type { CallRequest, ExecRequest, LogsRequest, NodeMessage } from '@littoral/contract/node/stream'
import { toReason } from './attempts.ts'
import { type ExecOptions, type LogOptions, StepError } from './runtime/runtime.ts'
import { SendWindow } from './send-window.ts'

export type OpenLogs = (request: LogsRequest, signal: AbortSignal) => AsyncIterable<string>
/** The answer of a device goes the way of log lines. */
export type OpenTexts = (request: LogsRequest | CallRequest, signal: AbortSignal) => AsyncIterable<string>

interface OpenStream {
  readonly abort: AbortController
  readonly window: SendWindow
}

const maxStreams = 64
const frameLength = 32 * 1024

export class LogStreams {
  readonly #openLogs: OpenTexts
  readonly #send: (message: NodeMessage) => void
  readonly #open = new Map<string, OpenStream>()

  constructor(openLogs: OpenTexts, send: (message: NodeMessage) => void) {
    this.#openLogs = openLogs
    this.#send = send
  }

  open(id: string, request: LogsRequest | CallRequest): void {
    if (this.#open.has(id)) return
    if (this.#open.size >= maxStreams) {
      this.#send({
        type: 'streamEnd',
        id,
        error: { code: 'TooManyStreams', message: `this node serves at most ${maxStreams} log streams at once` },
      })
      return
    }
    const abort = new AbortController()
    const stream: OpenStream = { abort, window: new SendWindow(streamWindowBytes, abort.signal) }
    this.#open.set(id, stream)
    void this.#pump(id, stream, request)
  }

  acknowledge(id: string, bytes: number): void {
    this.#open.get(id)?.window.acknowledge(bytes)
  }

  cancel(id: string): void {
    const stream = this.#open.get(id)
    this.#open.delete(id)
    stream?.abort.abort()
  }

  /** The connection is gone, and every stream with it. */
  close(): void {
    for (const id of [...this.#open.keys()]) this.cancel(id)
  }

  async #pump(id: string, stream: OpenStream, request: LogsRequest | CallRequest): Promise<void> {
    const { signal } = stream.abort
    try {
      for await (const text of this.#openLogs(request, signal)) {
        for (const frame of frames(text)) await this.#sendFrame(id, stream, frame)
        if (signal.aborted) return
      }
      if (!signal.aborted) this.#send({ type: 'streamEnd', id })
    } catch (error) {
      if (!signal.aborted) this.#send({ type: 'streamEnd', id, error: toReason(error) })
    } finally {
      if (this.#open.get(id) === stream) this.#open.delete(id)
    }
  }

  async #sendFrame(id: string, stream: OpenStream, text: string): Promise<void> {
    if (!(await stream.window.take(Buffer.byteLength(text)))) return
    this.#send({ type: 'streamData', id, text })
  }
}

/** What a runtime is asked for, from what the server asked for. */
export function toLogOptions({ container, tailLines, follow, sinceMs }: LogsRequest): LogOptions {
  return { tailLines, follow, ...(container === undefined ? {} : { container }), ...(sinceMs === undefined ? {} : { sinceMs }) }
}

export function toExecOptions({ kind: _kind, key: _key, instanceId: _instanceId, ...options }: ExecRequest): ExecOptions {
  return options
}

export function noSuchInstance(key: string): StepError {
  return new StepError('NotFound', `nothing of ${key} is on this node`)
}

// Not inside a surrogate pair: each half alone would arrive as a replacement character.
function* frames(text: string): Generator<string> {
  let start = 0
  while (start < text.length) {
    let end = Math.min(start + frameLength, text.length)
    const last = text.charCodeAt(end - 1)
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1
    yield text.slice(start, end)
    start = end
  }
}
