// Hands capsules to the server over the node's one socket: one at a time, in small parts, each acknowledged before the next,
// so that neither heartbeats nor streams wait behind it. A part that was lost with the connection is sent again; what the
// server has is not.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { incidentPartBytes, maxIncidentBytes } from '@littoral/contract/node/protocol'
import type { NodeMessage, ServerMessage } from '@littoral/contract/node/stream'
import type { IncidentFiles } from './files.ts'

type IncidentState = Extract<ServerMessage, { type: 'incidentState' }>

export interface UploaderOptions {
  readonly files: Pick<IncidentFiles, 'unsent' | 'read' | 'markSent'>
  readonly log: (line: string) => void
  readonly random?: () => number
  readonly answerTimeoutMs?: number
  readonly pauseMs?: number
}

interface Upload {
  readonly id: string
  readonly content: Buffer
}

export class IncidentUploader {
  readonly #options: Required<UploaderOptions>
  #send: ((message: NodeMessage) => void) | undefined
  #upload: Upload | undefined
  #timer: NodeJS.Timeout | undefined
  #isLooking = false

  constructor(options: UploaderOptions) {
    this.#options = { random: Math.random, answerTimeoutMs: 30_000, pauseMs: 60_000, ...options }
  }

  /** `send` of a server that takes incidents. */
  connected(send: (message: NodeMessage) => void): void {
    this.#send = send
    this.#upload = undefined
    this.wake()
  }

  disconnected(): void {
    this.#send = undefined
    this.#upload = undefined
    clearTimeout(this.#timer)
  }

  /** There may be something to hand over. */
  wake(): void {
    if (this.#send === undefined || this.#upload !== undefined || this.#isLooking) return
    this.#isLooking = true
    void this.#offerNext()
      .catch((error: unknown) => this.#later(`an incident cannot be handed over: ${String(error)}`))
      .finally(() => (this.#isLooking = false))
  }

  /** What the server says of the capsule that was offered. */
  async answered({ id, state, offset }: IncidentState): Promise<void> {
    const upload = this.#upload
    if (upload === undefined || upload.id !== id) return
    clearTimeout(this.#timer)
    if (state === 'wanted') return this.#sendPart(upload, offset)
    if (state === 'later') return this.#later()
    if (state === 'refused') this.#options.log(`the server refuses the incident ${id}; it stays on this node`)
    this.#upload = undefined
    await this.#options.files.markSent(id)
    this.wake()
  }

  async #offerNext(): Promise<void> {
    const [id] = await this.#options.files.unsent()
    if (id === undefined) return
    const content = await this.#contentOf(id)
    if (this.#send === undefined) return
    if (content === undefined) {
      // Not a capsule any more, or too large for anybody: out of the way, so that it does not stop the others.
      await this.#options.files.markSent(id)
      this.#timer = setTimeout(() => this.wake(), 0)
      return
    }
    this.#upload = { id, content }
    const sha256 = createHash('sha256').update(content).digest('hex')
    this.#await()
    this.#send({ type: 'incidentOffer', id, sizeBytes: content.length, sha256 })
  }

  async #contentOf(id: string): Promise<Buffer | undefined> {
    const text = await this.#options.files.read(id)
    if (text === undefined) return undefined
    const { gzip } = await import('node:zlib')
    const content = await promisify(gzip)(text)
    return content.length <= maxIncidentBytes ? content : undefined
  }

  #sendPart({ id, content }: Upload, offset: number): void {
    if (offset >= content.length) return this.#later(`the server asks for bytes that the incident ${id} does not have`)
    const part = content.subarray(offset, offset + incidentPartBytes)
    this.#await()
    this.#send?.({ type: 'incidentPart', id, offset, base64: part.toString('base64') })
  }

  #await(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#later(), this.#options.answerTimeoutMs)
  }

  /** Tries again after a pause, at another moment than the other nodes. */
  #later(problem?: string): void {
    if (problem !== undefined) this.#options.log(problem)
    this.#upload = undefined
    clearTimeout(this.#timer)
    if (this.#send === undefined) return
    this.#timer = setTimeout(() => this.wake(), this.#options.pauseMs * (0.5 + this.#options.random()))
  }
}
