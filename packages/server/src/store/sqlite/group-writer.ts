// Group commit: applies many requests in one transaction, each under its own savepoint where it needs one. Runs on the
// writer thread, or inline for `:memory:`. Invariants:
//
// 1. A request is applied completely or not at all, and one that is refused does not touch its neighbours.
// 2. Every read a request decided on is made again right before its statements; a difference refuses it.
// 3. Nothing is answered before COMMIT has returned; a failed COMMIT fails every request of the group.
import type { Batch, BatchResult, Refusal } from './batch.ts'
import { fingerprint, stepKind } from './batch.ts'
import type { Connection } from './connection.ts'
import type { Value } from './driver.ts'
import { messageOf, troubleOf } from './errors.ts'

interface DecodedStep {
  readonly sql: string
  readonly kind: number
  readonly params: readonly Value[]
}

type DecodedRequest = readonly DecodedStep[]

/** A table refused what it has no reason to refuse, after a statement of the same request that stands. */
class AppendRefused extends Error {
  override readonly name = 'AppendRefused'
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
    const decoded = batches.map((batch) => this.#decode(batch))
    try {
      const results = this.#transact(decoded)
      for (const { requestCount } of batches) this.#sinceCheckpoint += requestCount
      return results
    } catch (error) {
      this.#rollBack()
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

  #transact(batches: readonly DecodedRequest[][]): BatchResult[] {
    try {
      return this.#applyAll(batches, false)
    } catch (error) {
      if (!(error instanceof AppendRefused)) throw error
      this.#rollBack()
      return this.#applyAll(batches, true)
    }
  }

  /** `isWary`: nothing is taken for a statement that cannot be refused. */
  #applyAll(batches: readonly DecodedRequest[][], isWary: boolean): BatchResult[] {
    this.#do('BEGIN IMMEDIATE')
    const results = batches.map((requests) => {
      const refusals: Refusal[] = []
      for (const [request, steps] of requests.entries()) {
        const refused = this.#applyRequest(steps, isWary)
        if (refused) refusals.push({ request, ...refused })
      }
      return { refusals }
    })
    this.#do('COMMIT')
    return results
  }

  #applyRequest(steps: DecodedRequest, isWary: boolean): Verdict | undefined {
    const first = steps.findIndex((step) => step.kind <= stepKind.append)
    // A statement that fails undoes itself; only one that may be refused after it needs a savepoint.
    const needsSavepoint = first >= 0 && steps.some(({ kind }, at) => at > first && (isWary || kind !== stepKind.append))
    if (needsSavepoint) this.#do('SAVEPOINT request')
    const refused = this.#applySteps(steps)
    if (needsSavepoint) {
      if (refused) this.#do('ROLLBACK TO request')
      this.#do('RELEASE request')
    } else if (refused && first >= 0 && refused.step > first) throw new AppendRefused()
    return refused
  }

  #applySteps(steps: DecodedRequest): Verdict | undefined {
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
      case stepKind.append:
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

  /** Each batch in its turn, also of a group that fails then: texts are sent only once. */
  #decode(batch: Batch): DecodedRequest[] {
    this.#learn(batch)
    const { flat, requestCount } = batch
    let at = 0
    return Array.from({ length: requestCount }, () => {
      const steps: DecodedStep[] = []
      for (let left = flat[at++] as number; left > 0; left -= 1) {
        const sql = this.#texts[flat[at++] as number] ?? ''
        const kind = flat[at++] as number
        const size = flat[at++] as number
        steps.push({ sql, kind, params: flat.slice(at, at + size) })
        at += size
      }
      return steps
    })
  }

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
