// The connections that lead through the forwarder, counted and ended by the instance they lead to.
import type net from 'node:net'

interface Connection {
  owner: string
  client: net.Socket
  upstream: net.Socket
}

export class Connections {
  readonly #open = new Set<Connection>()
  readonly #waiting = new Set<() => void>()

  add(connection: Connection): void {
    this.#open.add(connection)
    let sides = 2
    const onClose = () => {
      sides -= 1
      if (sides > 0) return
      this.#open.delete(connection)
      for (const check of this.#waiting) check()
    }
    connection.client.once('close', onClose)
    connection.upstream.once('close', onClose)
  }

  /** Open connections, of one owner or of all. */
  count(owner?: string): number {
    return owner === undefined ? this.#open.size : this.#of(owner).length
  }

  /** Answers when no connection to the owner is open any more, or after the wait, with how many are left. */
  drain(owner: string, waitMs: number): Promise<number> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.count(owner) === 0) done()
      }
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve(this.count(owner))
      }
      const timer = setTimeout(done, waitMs)
      this.#waiting.add(check)
      check()
    })
  }

  /** Ends every connection to the owner; answers how many there were. */
  cut(owner: string): number {
    const cut = this.#of(owner)
    for (const { client, upstream } of cut) {
      client.resetAndDestroy()
      upstream.destroy()
    }
    return cut.length
  }

  #of(owner: string): Connection[] {
    return [...this.#open].filter((connection) => connection.owner === owner)
  }
}
