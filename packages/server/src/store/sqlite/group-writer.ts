// Group commit: applies many requests in one transaction, each under its own savepoint. Runs on the writer thread, or
// inline for `:memory:`. Invariants:
//
// 1. A request is applied completely or not at all, and one that is refused does not touch its neighbours.
// 2. Every read a request decided on is made again right before its statements; a difference refuses it.
// 3. Nothing is answered before COMMIT has returned; a failed COMMIT fails every request of the group.
import type { Batch, BatchResult, Refusal } from './batch.ts'
import { fingerprint, stepKind } from './batch.ts'
import type { Connection } from './connection.ts'
import type { Value } from './driver.ts'
import { messageOf, troubleOf } from './errors.ts'

/** Where decoding of a batch has got to. */
interface Cursor {
  readonly flat: readonly Value[]
  at: number
}

interface DecodedStep {
  readonly sql: string
  readonly kind: number
  readonly params: readonly Value[]
}

/** After so many requests, so that it is over before the next group is there; each that writes much leaves three to ten pages of 4 KB. */
const requestsPerCheckpoint = 64

type Verdict = Pick<Refusal, 'reason' | 'step' | 'message'>

export class GroupWriter {
  readonly #connection: Connection
  readonly #texts: string[] = []
  #sinceCheckpoint = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Applies the batches in order, in one transaction; answers one result per batch. */
  commit(batches: readonly Batch[]): BatchResult[] {
    try {
      this.#do('BEGIN IMMEDIATE')
      const results = batches.map((batch) => ({ refusals: this.#applyBatch(batch) }))
      this.#do('COMMIT')
      for (const { requestCount } of batches) this.#sinceCheckpoint += requestCount
      return results
    } catch (error) {
      this.#rollBack()
      for (const batch of batches) this.#learn(batch)
      const failure = { trouble: troubleOf(error), message: messageOf(error) }
      return batches.map(() => ({ refusals: [], failure }))
    }
  }

  /**
   * Brings what the log holds into the database's file, when it is time. To be called when everybody has their answer: it takes
   * as long as ten commits, and nobody has to wait for it. One that fails is made up for by the next, or by the database.
   */
  checkpoint(): void {
    if (this.#sinceCheckpoint < requestsPerCheckpoint) return
    this.#sinceCheckpoint = 0
    try {
      this.#connection.statement('PRAGMA wal_checkpoint(PASSIVE)').all([])
    } catch {
      // A disk that is full or broken shows at the next commit, which has somebody to tell.
    }
  }

  #applyBatch(batch: Batch): Refusal[] {
    this.#learn(batch)
    const refusals: Refusal[] = []
    const cursor: Cursor = { flat: batch.flat, at: 0 }
    for (let request = 0; request < batch.requestCount; request += 1) {
      const refused = this.#applyRequest(this.#decode(cursor))
      if (refused) refusals.push({ request, ...refused })
    }
    return refusals
  }

  #applyRequest(steps: readonly DecodedStep[]): Verdict | undefined {
    const firstStatement = steps.findIndex((step) => step.kind <= stepKind.change)
    // A statement that fails undoes itself; only what comes after one needs a savepoint.
    const needsSavepoint = firstStatement >= 0 && firstStatement < steps.length - 1
    if (needsSavepoint) this.#do('SAVEPOINT request')
    const refused = this.#applySteps(steps)
    if (needsSavepoint) {
      if (refused) this.#do('ROLLBACK TO request')
      this.#do('RELEASE request')
    }
    return refused
  }

  #applySteps(steps: readonly DecodedStep[]): Verdict | undefined {
    for (const [index, step] of steps.entries()) {
      try {
        const reason = this.#applyStep(step)
        if (reason) return { reason, step: index, message: '' }
      } catch (error) {
        const trouble = troubleOf(error)
        // These say nothing about this request, and SQLite may have rolled the whole transaction back.
        if (trouble === 'full' || trouble === 'io' || trouble === 'busy' || !this.#connection.database.inTransaction) throw error
        return { reason: trouble, step: index, message: `${messageOf(error)} in: ${step.sql}` }
      }
    }
    return undefined
  }

  #applyStep({ sql, kind, params }: DecodedStep): 'none' | 'require' | 'conflict' | undefined {
    const statement = this.#connection.statement(sql)
    switch (kind) {
      case stepKind.run:
        statement.run(params)
        return undefined
      case stepKind.change:
        return statement.run(params) === 0 ? 'none' : undefined
      case stepKind.require:
        return statement.first(params) === undefined ? 'require' : undefined
      default: {
        const own = params.slice(0, -1)
        const first = kind === stepKind.sameFirst ? statement.first(own) : undefined
        const rows = kind === stepKind.sameRows ? statement.all(own) : first === undefined ? [] : [first]
        return fingerprint(rows) === params[params.length - 1] ? undefined : 'conflict'
      }
    }
  }

  #decode(cursor: Cursor): DecodedStep[] {
    const { flat } = cursor
    const steps: DecodedStep[] = []
    const count = flat[cursor.at++] as number
    for (let index = 0; index < count; index += 1) {
      const sql = this.#texts[flat[cursor.at++] as number] ?? ''
      const kind = flat[cursor.at++] as number
      const size = flat[cursor.at++] as number
      steps.push({ sql, kind, params: flat.slice(cursor.at, cursor.at + size) })
      cursor.at += size
    }
    return steps
  }

  /** Takes over the texts a batch brings; done for a failed group too, since they are sent only once. */
  #learn({ isReset, texts }: Batch): void {
    if (isReset) this.#texts.length = 0
    for (let index = 0; index < texts.length; index += 2) this.#texts[texts[index] as number] = texts[index + 1] as string
  }

  #rollBack(): void {
    try {
      // Disk full and I/O errors have often done it already.
      if (this.#connection.database.inTransaction) this.#do('ROLLBACK')
    } catch {
      // The next BEGIN fails then, and its group comes by here again.
    }
  }

  #do(sql: string): void {
    this.#connection.statement(sql).run([])
  }
}
