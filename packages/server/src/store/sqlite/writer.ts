// The writer as the store sees it: takes batches in order, answers each after its commit. thread-writer.ts does it on
// its own thread, inline-writer.ts in this one.
import type { Batch, BatchResult } from './batch.ts'

export interface Writer {
  /** Answers are given in the order of the batches. */
  post(batch: Batch, done: (result: BatchResult) => void): void
  /** Waits for what was posted, checkpoints and closes. */
  close(): Promise<void>
}
