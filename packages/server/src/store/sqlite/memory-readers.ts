// Readers of a `:memory:` database: there is one connection, so a read keeps the writer waiting instead of having a
// snapshot. The reads of a write do not, since they are made again at commit anyway.
import type { Connection } from './connection.ts'
import type { Readers, Snapshot } from './readers.ts'

export class MemoryReaders implements Readers {
  readonly #connection: Connection
  readonly #quietListeners: (() => void)[] = []
  #users = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  acquire(purpose: 'read' | 'write'): Snapshot {
    if (purpose === 'write') return { connection: this.#connection, release() {} }
    this.#users += 1
    return { connection: this.#connection, release: () => this.#release() }
  }

  refresh(): void {}

  close(): void {}

  /** Resolves true once nobody reads, false after the wait. */
  async whenQuiet(maxWaitMs: number): Promise<boolean> {
    const deadline = Date.now() + maxWaitMs
    while (this.#users > 0 && Date.now() < deadline) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#quietListeners.push(resolve)
        timer = setTimeout(resolve, deadline - Date.now())
      })
      clearTimeout(timer)
    }
    return this.#users === 0
  }

  #release(): void {
    this.#users -= 1
    if (this.#users > 0) return
    for (const listener of this.#quietListeners.splice(0)) listener()
  }
}
