// The transactions that functions given to Store.read and Store.write work with: they read from a snapshot, and a write
// transaction records what was read and what shall be done, for the writer to check and apply.
import type { Compilable } from 'kysely'
import type { FaultSpec } from '@littoral/contract/errors'
import type { ReadTx, WriteExpectation, WriteTx } from '../store.ts'
import { fingerprint, stepKind } from './batch.ts'
import type { Step } from './batch.ts'
import { compile } from './compile.ts'
import type { Compiled } from './compile.ts'
import type { Row } from './driver.ts'
import type { Readers, Snapshot } from './readers.ts'

/** Reads of one snapshot, which is taken at the first read. */
export class SnapshotReads implements ReadTx {
  readonly #readers: Readers
  readonly #purpose: 'read' | 'write'
  #snapshot: Snapshot | Promise<Snapshot> | undefined
  #isOver = false

  constructor(readers: Readers, purpose: 'read' | 'write') {
    this.#readers = readers
    this.#purpose = purpose
  }

  async all<R>(query: Compilable<R>): Promise<R[]> {
    return (await this.rows(compile(query), false)) as R[]
  }

  async first<R>(query: Compilable<R>): Promise<R | undefined> {
    return (await this.rows(compile(query), true))[0] as R | undefined
  }

  async rows({ sql, params }: Compiled, isFirstOnly: boolean): Promise<Row[]> {
    if (this.#isOver) throw new Error('A transaction was used after its function had returned.')
    this.#snapshot ??= this.#readers.acquire(this.#purpose)
    const { connection } = this.#snapshot instanceof Promise ? await this.#snapshot : this.#snapshot
    try {
      const statement = connection.statement(sql)
      if (!isFirstOnly) return statement.all(params)
      const row = statement.first(params)
      return row === undefined ? [] : [row]
    } catch (error) {
      throw new Error(`A query failed: ${sql}`, { cause: error })
    }
  }

  /** Gives the snapshot back; whoever kept the transaction gets an error from it. */
  end(): void {
    this.#isOver = true
    const snapshot = this.#snapshot
    if (snapshot instanceof Promise) snapshot.then((late) => late.release()).catch(() => {})
    else snapshot?.release()
  }
}

export class Recording implements WriteTx {
  readonly steps: Step[] = []
  /** What a step's refusal means, by the index of the step. */
  readonly expectations: (WriteExpectation | undefined)[] = []
  readonly topics: string[] = []
  hasStatements = false
  readonly #reads: SnapshotReads
  #isOver = false

  constructor(readers: Readers) {
    this.#reads = new SnapshotReads(readers, 'write')
  }

  async all<R>(query: Compilable<R>): Promise<R[]> {
    return (await this.#recorded(query, false)) as R[]
  }

  async first<R>(query: Compilable<R>): Promise<R | undefined> {
    return (await this.#recorded(query, true))[0] as R | undefined
  }

  async peek<R>(query: Compilable<R>): Promise<R | undefined> {
    this.#mayStillRead()
    return this.#reads.first(query)
  }

  async peekAll<R>(query: Compilable<R>): Promise<R[]> {
    this.#mayStillRead()
    return this.#reads.all(query)
  }

  run(query: Compilable, expectation?: WriteExpectation): void {
    this.#queue(expectation?.none ? stepKind.change : stepKind.run, query, expectation)
  }

  append(query: Compilable): void {
    this.#queue(stepKind.append, query, undefined)
  }

  require(query: Compilable, fault: FaultSpec): void {
    this.#queue(stepKind.require, query, { none: fault })
  }

  announce(topic: string): void {
    this.topics.push(topic)
  }

  end(): void {
    this.#isOver = true
    this.#reads.end()
  }

  #queue(kind: Step['kind'], query: Compilable, expectation: WriteExpectation | undefined): void {
    if (this.#isOver) throw new Error('A statement was queued after the function of its transaction had returned.')
    this.hasStatements = true
    this.steps.push({ kind, ...compile(query) })
    this.expectations.push(expectation)
  }

  async #recorded(query: Compilable, isFirstOnly: boolean): Promise<Row[]> {
    this.#mayStillRead()
    const { sql, params } = compile(query)
    const rows = await this.#reads.rows({ sql, params }, isFirstOnly)
    const kind = isFirstOnly ? stepKind.sameFirst : stepKind.sameRows
    this.steps.push({ kind, sql, params: [...params, fingerprint(rows)] })
    this.expectations.push(undefined)
    return rows
  }

  #mayStillRead(): void {
    if (this.hasStatements) throw new Error('A write transaction reads first and then queues; this read came after a queued statement.')
  }
}
