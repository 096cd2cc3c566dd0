// The store's face: read(fn), write(fn), changes(topic). Operations and loops use it; what stands behind it (SQLite
// with a writer thread, later PostgreSQL) is chosen in dialect.ts. See docs/decisions/0002-optimistic-writes.md.
import type { FaultSpec } from '@littoral/contract/errors'
import type { Compilable } from 'kysely'

/** Consistent reads: everything read through one ReadTx comes from one snapshot. */
export interface ReadTx {
  all<Row>(query: Compilable<Row>): Promise<Row[]>
  first<Row>(query: Compilable<Row>): Promise<Row | undefined>
}

export interface WriteExpectation {
  /** Thrown when a UNIQUE or PRIMARY KEY constraint is violated. */
  readonly unique?: FaultSpec
  /** Thrown when a FOREIGN KEY constraint is violated. */
  readonly missing?: FaultSpec
  /** Thrown when the statement changed no row. */
  readonly none?: FaultSpec
}

/**
 * A write transaction. The function given to Store.write reads first, decides, then queues statements; they are applied
 * in order, all of them or none, by the one writer, which first makes sure that everything read is still true (else the
 * function runs again). Invariants:
 *
 * 1. A read after the first queued statement throws: it could not see that statement.
 * 2. The function may run more than once, so it has no effect but its reads and its queued statements.
 * 3. Store.write resolves only after COMMIT has returned and the data is on disk.
 */
export interface WriteTx extends ReadTx {
  /** A read whose result may be stale: it is not checked again at commit. For rows that never change, and for lists. */
  peek<Row>(query: Compilable<Row>): Promise<Row | undefined>
  /** The same for every row of a list. */
  peekAll<Row>(query: Compilable<Row>): Promise<Row[]>
  /** Queues a statement. */
  run(query: Compilable, expectation?: WriteExpectation): void
  /** Queues a row for a table that refuses none, having no key, no reference and no check. It costs less than run(). */
  append(query: Compilable): void
  /** Queues a check: the query must return at least one row at commit time, otherwise the fault is thrown. */
  require(query: Compilable, fault: FaultSpec): void
  /** Wakes whoever listens to the topic, after commit. */
  announce(topic: string): void
}

export interface Store {
  read<T>(fn: (tx: ReadTx) => Promise<T>): Promise<T>
  write<T>(fn: (tx: WriteTx) => Promise<T>): Promise<T>
  /** Calls the listener after every commit that announced the topic; returns the way to stop. */
  changes(topic: string, listener: () => void): () => void
  /**
   * Statements that ride along: the source is asked right before each group of writes goes to the writer, and what it
   * gives is applied first, in the same commit. They cost no commit of their own. Returns the way to stop.
   */
  ride(source: () => readonly Compilable[]): () => void
  close(): Promise<void>
}
