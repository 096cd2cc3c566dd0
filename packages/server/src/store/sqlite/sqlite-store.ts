// The Store on SQLite. Functions run on the main thread against snapshots; what they queued is collected until the end
// of the event loop's turn and goes to the writer as one batch. Opened by sqlite/open.ts.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Compilable } from 'kysely'
import { Fault } from '@littoral/contract/errors'
import type { StoreLog } from '../options.ts'
import type { ReadTx, Store, WriteExpectation, WriteTx } from '../store.ts'
import { Topics } from '../topics.ts'
import { unavailable } from '../unavailable.ts'
import { BatchPacker, stepKind } from './batch.ts'
import type { BatchResult, Refusal, Step } from './batch.ts'
import { compile } from './compile.ts'
import { messageOf } from './errors.ts'
import type { Readers } from './readers.ts'
import { Recording, SnapshotReads } from './recording.ts'
import type { Writer } from './writer.ts'

const maxTries = 12
const maxBackoffMs = 64
/** More than this many unanswered writes are refused instead of piling up in memory. */
const maxWaiting = 20_000

/** So many who wait for one commit are told in one turn of the event loop. */
const helping = 12

type Verdict = 'applied' | 'conflict'

/** A request on its way to the writer. */
interface Request {
  readonly steps: readonly Step[]
  readonly expectations: readonly (WriteExpectation | undefined)[]
  readonly topics: readonly string[]
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (error: Error) => void
}

export interface SqliteStoreParts {
  readonly writer: Writer
  readonly readers: Readers
  readonly log: StoreLog
  readonly groupLimit: number
}

export class SqliteStore implements Store {
  readonly #parts: SqliteStoreParts
  readonly #topics: Topics
  readonly #packer = new BatchPacker()
  readonly #rides = new Set<() => readonly Compilable[]>()
  #queue: Request[] = []
  #waiting = 0
  #isFlushPlanned = false
  #underWay = 0
  #isClosed = false
  #whenAnswered: (() => void) | undefined

  constructor(parts: SqliteStoreParts) {
    this.#parts = parts
    this.#topics = new Topics(parts.log)
  }

  async read<T>(fn: (tx: ReadTx) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw unavailable('it is closed')
    const tx = new SnapshotReads(this.#parts.readers, 'read')
    try {
      return await fn(tx)
    } finally {
      tx.end()
    }
  }

  async write<T>(fn: (tx: WriteTx) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      if (this.#isClosed) throw unavailable('it is closed')
      const tx = new Recording(this.#parts.readers)
      let value: T
      try {
        value = await fn(tx)
      } finally {
        tx.end()
      }
      if (!tx.hasStatements) {
        this.#topics.announce(tx.topics)
        return value
      }
      if ((await this.#submit(tx)) === 'applied') return value
      if (tries >= maxTries) throw unavailable(`a write met a conflict ${tries} times in a row`)
      // The first try again is at once: most conflicts are with something that is over by now.
      if (tries > 1) await sleep(Math.random() * Math.min(maxBackoffMs, 2 ** (tries - 1)))
    }
  }

  changes(topic: string, listener: () => void): () => void {
    return this.#topics.listen(topic, listener)
  }

  ride(source: () => readonly Compilable[]): () => void {
    this.#rides.add(source)
    return () => this.#rides.delete(source)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#waiting > 0 || this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        this.#whenAnswered = resolve
      })
    }
    // Readers first: the last connection to close checkpoints, and that must be the writer's.
    this.#parts.readers.close()
    await this.#parts.writer.close()
  }

  #submit({ steps, expectations, topics }: Recording): Promise<Verdict> {
    if (this.#queue.length + this.#waiting >= maxWaiting) throw unavailable(`${maxWaiting} writes are waiting`)
    return new Promise((resolve, reject) => {
      this.#queue.push({ steps, expectations, topics, resolve, reject })
      this.#planFlush()
    })
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return
    this.#isFlushPlanned = true
    setImmediate(() => this.#flush())
  }

  /** One group at a time is on its way: what comes meanwhile goes with the next one. */
  #flush(): void {
    this.#isFlushPlanned = false
    if (this.#underWay > 0) return
    const riders = this.#board()
    const queue = riders ? [riders, ...this.#queue] : this.#queue
    this.#queue = []
    for (let from = 0; from < queue.length; from += this.#parts.groupLimit) {
      const requests = queue.slice(from, from + this.#parts.groupLimit)
      this.#waiting += requests.length
      this.#underWay += 1
      this.#parts.writer.post(this.#packer.pack(requests.map((request) => request.steps)), (result) => this.#settle(requests, result))
    }
  }

  /** What rides along, as one request that goes first. */
  #board(): Request | undefined {
    const steps: Step[] = []
    try {
      for (const source of this.#rides) for (const query of source()) steps.push({ kind: stepKind.run, ...compile(query) })
    } catch (error) {
      this.#parts.log.error({ error: messageOf(error) }, 'statements that ride along could not be made')
    }
    if (steps.length === 0) return undefined
    const reject = (error: Error): void => this.#parts.log.error({ error: error.message }, 'statements that ride along were refused')
    return { steps, expectations: [], topics: [], resolve() {}, reject }
  }

  #settle(requests: readonly Request[], result: BatchResult): void {
    this.#underWay -= 1
    if (this.#underWay === 0 && this.#queue.length > 0) this.#planFlush()
    // Before anybody is told: who reads after the answer must see what was written.
    this.#parts.readers.refresh()
    if (result.failure) this.#parts.log.error(result.failure, 'a group of writes could not be committed')
    const refusals = new Map(result.refusals.map((refusal) => [refusal.request, refusal]))
    const topics = new Set<string>()
    for (const [index, request] of requests.entries()) {
      if (!result.failure && !refusals.has(index)) for (const topic of request.topics) topics.add(topic)
    }
    this.#topics.announce(topics)
    this.#tell(requests, (request, index) => conclude(request, refusals.get(index), result.failure), 0)
  }

  /** A few at a time: each of them goes on to write its answer, and the event loop must get to look at its sockets meanwhile. */
  #tell(requests: readonly Request[], end: (request: Request, index: number) => void, from: number): void {
    const until = Math.min(from + helping, requests.length)
    for (let index = from; index < until; index += 1) end(requests[index] as Request, index)
    this.#waiting -= until - from
    if (until < requests.length) setImmediate(() => this.#tell(requests, end, until))
    else if (this.#waiting === 0 && this.#queue.length === 0) this.#whenAnswered?.()
  }
}

function conclude(request: Request, refusal: Refusal | undefined, failure: BatchResult['failure']): void {
  if (failure) request.reject(unavailable(describe(failure), failure))
  else if (refusal === undefined) request.resolve('applied')
  else if (refusal.reason === 'conflict') request.resolve('conflict')
  else request.reject(meaningOf(refusal, request.expectations[refusal.step]))
}

/** What a refused step was declared to mean; without a declaration it is a programming error. */
function meaningOf({ reason, message }: Refusal, expectation: WriteExpectation | undefined): Error {
  const spec = reason === 'unique' ? expectation?.unique : reason === 'missing' ? expectation?.missing : expectation?.none
  const isDeclared = reason === 'unique' || reason === 'missing' || reason === 'none' || reason === 'require'
  return isDeclared && spec ? Fault.from(spec) : new Error(`A statement was refused: ${message}`)
}

function describe({ trouble, message }: { readonly trouble: string; readonly message: string }): string {
  return trouble === 'full' ? `the disk is full (${message})` : message
}
