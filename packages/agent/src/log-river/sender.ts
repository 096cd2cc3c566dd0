// Takes what lies in the spool to the sink, batch after batch, each until the sink has it. One batch is under way at a time, so the
// order stays, and what may arrive twice after a crash is that one batch.
import { pause } from '../waits.ts'
import { type Batch, type LogRecord, noticeOf } from './records.ts'
import type { Delivery, Sink } from './sink.ts'
import type { Spool } from './spool.ts'

export interface SenderOptions {
  readonly spool: Spool
  readonly sink: Sink
  /** The sink's address as it may be shown. */
  readonly sinkName: string
  readonly log: (line: string) => void
  readonly now?: () => number
  readonly random?: () => number
  /** Records gather for so long before they go. */
  readonly gatherMs?: number
  readonly firstPauseMs?: number
}

const longestPauseMs = 60_000

export class Sender {
  readonly #options: Required<SenderOptions>
  readonly #closing = new AbortController()
  readonly #done: Promise<void>
  #wake: () => void = () => {}
  #isWoken = true
  #failures = 0
  #said = ''

  constructor(options: SenderOptions) {
    this.#options = { now: Date.now, random: Math.random, gatherMs: 1000, firstPauseMs: 1000, ...options }
    options.spool.onAppend = () => this.wake()
    this.#done = this.#run()
  }

  wake(): void {
    this.#isWoken = true
    this.#wake()
  }

  /** Does not wait for the sink: what is under way is sent again later. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the sender ends'))
    this.#wake()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      if (!this.#isWoken) await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#isWoken = false
      if (signal.aborted) return
      await pause(this.#options.gatherMs, signal)
      try {
        while (!signal.aborted && (await this.#sendNext()));
      } catch (error) {
        if (signal.aborted) return
        // The disk; the records are still there when it works again.
        this.#say(`the spool cannot be read: ${error instanceof Error ? error.message : String(error)}`)
        this.#isWoken = true
        await pause(this.#backoffMs(), signal)
      }
    }
  }

  /** Whether there is more to send at once. */
  async #sendNext(): Promise<boolean> {
    const { spool, now } = this.#options
    const chunk = await spool.read()
    if (chunk === undefined) return false
    const notice: LogRecord[] = chunk.dropped > 0 ? [noticeOf(chunk.dropped, now())] : []
    const batch = { id: chunk.id, records: [...notice, ...chunk.records] }
    const refused = batch.records.length === 0 ? 0 : await this.#deliver(batch)
    // Where all of it was refused, the notice was too: what it told of is still to be told.
    const isUnheard = refused > 0 && refused >= batch.records.length
    spool.refuse(isUnheard ? chunk.records.length + chunk.dropped : refused)
    await spool.acknowledge(chunk)
    return chunk.hasMore
  }

  /** Resolves with how many records the sink refused; rejects only when the sender ends. */
  async #deliver(batch: Batch): Promise<number> {
    for (;;) {
      const delivery = await this.#options.sink.deliver(batch, this.#closing.signal)
      this.#closing.signal.throwIfAborted()
      if (delivery.kind === 'taken') return this.#taken(delivery)
      if (delivery.kind === 'tooLarge') return this.#halve(batch, delivery.reason)
      this.#say(`the log sink ${this.#options.sinkName} takes nothing: ${delivery.reason}`)
      await pause(Math.max(this.#backoffMs(), delivery.afterMs ?? 0), this.#closing.signal)
      this.#closing.signal.throwIfAborted()
    }
  }

  #taken({ refused, reason }: Extract<Delivery, { kind: 'taken' }>): number {
    this.#failures = 0
    if (refused > 0) this.#say(`the log sink ${this.#options.sinkName} refuses ${refused} records: ${reason ?? 'it does not say why'}`)
    else if (this.#said !== '') {
      this.#options.log(`the log sink ${this.#options.sinkName} takes records again`)
      this.#said = ''
    }
    return refused
  }

  async #halve({ id, records }: Batch, reason: string): Promise<number> {
    if (records.length === 1) return this.#taken({ kind: 'taken', refused: 1, reason })
    const middle = Math.ceil(records.length / 2)
    const first = await this.#deliver({ id: `${id}.0`, records: records.slice(0, middle) })
    return first + (await this.#deliver({ id: `${id}.1`, records: records.slice(middle) }))
  }

  #backoffMs(): number {
    const { firstPauseMs, random } = this.#options
    const longestMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#failures++, 16))
    return longestMs * (0.5 + random() / 2)
  }

  /** Once, not at every attempt. */
  #say(line: string): void {
    if (line !== this.#said) this.#options.log(line)
    this.#said = line
  }
}
