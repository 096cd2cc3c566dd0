// The node's end of commands that someone attached to: their output goes out in frames, never more than a window ahead of what
// the server has acknowledged; what is typed comes in and is acknowledged once the command has taken it.
import type { ExecRequest, NodeMessage } from '@littoral/contract/node/stream'
import { streamWindowBytes } from '@littoral/contract/node/protocol'
import { toReason } from './attempts.ts'
import type { ExecSession } from './runtime/runtime.ts'
import { SendWindow } from './send-window.ts'

export type OpenExec = (request: ExecRequest, signal: AbortSignal) => Promise<ExecSession>

interface OpenCommand {
  readonly abort: AbortController
  readonly window: SendWindow
  session?: ExecSession
  /** Writes to the command in order, also those that came before it was there. */
  input: Promise<void>
}

const maxCommands = 16
const frameBytes = 16 * 1024

export class ExecStreams {
  readonly #openExec: OpenExec
  readonly #send: (message: NodeMessage) => void
  readonly #open = new Map<string, OpenCommand>()

  constructor(openExec: OpenExec, send: (message: NodeMessage) => void) {
    this.#openExec = openExec
    this.#send = send
  }

  open(id: string, request: ExecRequest): void {
    if (this.#open.has(id)) return
    if (this.#open.size >= maxCommands) {
      const message = `this node serves at most ${maxCommands} terminals at once`
      return this.#send({ type: 'streamEnd', id, error: { code: 'TooManyStreams', message } })
    }
    const abort = new AbortController()
    const command: OpenCommand = { abort, window: new SendWindow(streamWindowBytes, abort.signal), input: Promise.resolve() }
    this.#open.set(id, command)
    void this.#run(id, command, request)
  }

  acknowledge(id: string, bytes: number): void {
    this.#open.get(id)?.window.acknowledge(bytes)
  }

  /** What was typed. Bytes for a command that is over are dropped: nobody waits for their acknowledgement any more. */
  input(id: string, bytes: Uint8Array): void {
    const command = this.#open.get(id)
    if (!command) return
    command.input = command.input.then(async () => {
      await command.session?.write(bytes)
      this.#send({ type: 'streamInputAck', id, bytes: bytes.byteLength })
    })
  }

  resize(id: string, columns: number, rows: number): void {
    const command = this.#open.get(id)
    if (command) command.input = command.input.then(() => command.session?.resize(columns, rows))
  }

  cancel(id: string): void {
    const command = this.#open.get(id)
    this.#open.delete(id)
    command?.abort.abort()
    command?.session?.close()
  }

  /** The connection is gone, and every command with it. */
  close(): void {
    for (const id of [...this.#open.keys()]) this.cancel(id)
  }

  async #run(id: string, command: OpenCommand, request: ExecRequest): Promise<void> {
    const { signal } = command.abort
    // Input waits until the command is there.
    let isThere = () => {}
    command.input = new Promise((resolve) => (isThere = resolve))
    try {
      const session = await this.#openExec(request, signal)
      command.session = session
      if (signal.aborted) return session.close()
      this.#send({ type: 'streamOpened', id })
      isThere()
      for await (const bytes of session.output) await this.#sendAll(id, command, bytes)
      const exitCode = signal.aborted ? undefined : await session.exitCode()
      if (exitCode !== undefined) this.#send({ type: 'streamEnd', id, exitCode })
    } catch (error) {
      if (!signal.aborted) this.#send({ type: 'streamEnd', id, error: toReason(error) })
    } finally {
      isThere()
      command.session?.close()
      if (this.#open.get(id) === command) this.#open.delete(id)
    }
  }

  async #sendAll(id: string, { window }: OpenCommand, bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.byteLength; from += frameBytes) {
      const frame = bytes.subarray(from, from + frameBytes)
      if (!(await window.take(frame.byteLength))) return
      this.#send({ type: 'streamBytes', id, base64: Buffer.from(frame).toString('base64') })
    }
  }
}
