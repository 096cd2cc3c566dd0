// Read connections on the main thread. Who reads at the same time shares one snapshot; after a commit was acknowledged,
// the next reader gets a new one, so that everybody sees what was acknowledged before they began.
import type { Connection } from './connection.ts'
import { unavailable } from '../unavailable.ts'

export interface Snapshot {
  readonly connection: Connection
  release(): void
}

export interface Readers {
  /** A snapshot at least as new as the last acknowledged commit. `write`: its reads are made again at commit. */
  acquire(purpose: 'read' | 'write'): Snapshot | Promise<Snapshot>
  /** A commit was acknowledged. */
  refresh(): void
  close(): void
}

const maxConnections = 8
const maxWaitMs = 10_000

interface Waiting {
  readonly timer: NodeJS.Timeout
  readonly admit: (snapshot: Snapshot | Promise<Snapshot>) => void
}

export class ReaderPool implements Readers {
  readonly #open: () => Connection
  readonly #connections: Connection[] = []
  readonly #idle: Connection[] = []
  readonly #waiting: Waiting[] = []
  #current: SharedSnapshot | undefined
  #isClosed = false

  constructor(open: () => Connection) {
    this.#open = open
  }

  acquire(): Snapshot | Promise<Snapshot> {
    if (this.#isClosed) throw unavailable('it is closed')
    if (this.#current) return this.#current.join()
    const connection = this.#idle.pop() ?? this.#connect()
    return connection ? this.#begin(connection) : this.#wait()
  }

  refresh(): void {
    this.#current = undefined
  }

  close(): void {
    this.#isClosed = true
    for (const { timer, admit } of this.#waiting.splice(0)) {
      clearTimeout(timer)
      admit(Promise.reject(unavailable('it is closed')))
    }
    for (const connection of this.#connections) connection.close()
    this.#connections.length = 0
  }

  #connect(): Connection | undefined {
    if (this.#connections.length >= maxConnections) return undefined
    const connection = this.#open()
    this.#connections.push(connection)
    return connection
  }

  #begin(connection: Connection): Snapshot {
    connection.statement('BEGIN').run([])
    const snapshot = new SharedSnapshot(connection, () => this.#end(snapshot))
    this.#current = snapshot
    return snapshot.join()
  }

  #end(snapshot: SharedSnapshot): void {
    // Closing has ended its transaction already.
    if (this.#isClosed) return
    if (this.#current === snapshot) this.#current = undefined
    snapshot.connection.statement('COMMIT').run([])
    this.#idle.push(snapshot.connection)
    // All who wait came before the snapshot that begins now, so one serves them all.
    for (const { timer, admit } of this.#waiting.splice(0)) {
      clearTimeout(timer)
      admit(this.acquire())
    }
  }

  #wait(): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(unavailable(`all ${maxConnections} read connections were busy for ${maxWaitMs} ms`))
      }, maxWaitMs)
      const waiting: Waiting = { timer, admit: resolve }
      this.#waiting.push(waiting)
    })
  }
}

class SharedSnapshot implements Snapshot {
  readonly connection: Connection
  readonly #end: () => void
  #users = 0

  constructor(connection: Connection, end: () => void) {
    this.connection = connection
    this.#end = end
  }

  join(): this {
    this.#users += 1
    return this
  }

  release(): void {
    this.#users -= 1
    if (this.#users === 0) this.#end()
  }
}
