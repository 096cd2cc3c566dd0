// A writer without a thread, for `:memory:`: commits in this thread, on the connection that also reads. A batch waits
// for open reads, since what they see must not change under them; a file's readers have snapshots of their own instead.
import type { Batch, BatchResult } from './batch.ts'
import type { Durable } from './open-durable.ts'
import { GroupWriter } from './group-writer.ts'
import type { MemoryReaders } from './memory-readers.ts'
import type { Writer } from './writer.ts'

const maxWaitMs = 5000

export class InlineWriter implements Writer {
  readonly #durable: Durable
  readonly #writer: GroupWriter
  readonly #readers: MemoryReaders
  #tail: Promise<void> = Promise.resolve()

  constructor(durable: Durable, readers: MemoryReaders) {
    this.#durable = durable
    this.#readers = readers
    this.#writer = new GroupWriter(durable.connection)
  }

  post(batch: Batch, done: (result: BatchResult) => void): void {
    this.#tail = this.#tail.then(async () => {
      const isQuiet = await this.#readers.whenQuiet(maxWaitMs)
      const message = 'a store.read stayed open, perhaps because it waits for a store.write'
      if (!isQuiet) done({ refusals: [], failure: { trouble: 'busy', message } })
      else done(this.#writer.commit([batch])[0] ?? { refusals: [] })
    })
  }

  async close(): Promise<void> {
    await this.#tail
    this.#durable.close()
  }
}
