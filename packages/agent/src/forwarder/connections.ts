// The connections that lead through the forwarder, counted and ended by the instance they lead to.
import type net from 'node:net'

interface Connection {
  owner: string
  client: net.Socket
  upstream: net.Socket
}

export interface Connections {
  add(connection: Connection): void
  /** Open connections, of one owner or of all. */
  count(owner?: string): number
  /** Answers when no connection to the owner is open any more, or after the wait, with how many are left. */
  drain(owner: string, waitMs: number): Promise<number>
  /** Ends every connection to the owner; answers how many there were. */
  cut(owner: string): number
}

export function openConnections(): Connections {
  const open = new Set<Connection>()
  const waiting = new Set<() => void>()
  const count = (owner?: string) => (owner === undefined ? open.size : [...open].filter((one) => one.owner === owner).length)
  return {
    count,
    add(connection) {
      open.add(connection)
      let sides = 2
      const onClose = () => {
        sides -= 1
        if (sides > 0) return
        open.delete(connection)
        for (const check of waiting) check()
      }
      connection.client.once('close', onClose)
      connection.upstream.once('close', onClose)
    },
    drain: (owner, waitMs) =>
      new Promise((resolve) => {
        const check = () => {
          if (count(owner) === 0) done()
        }
        const done = () => {
          clearTimeout(timer)
          waiting.delete(check)
          resolve(count(owner))
        }
        const timer = setTimeout(done, waitMs)
        waiting.add(check)
        check()
      }),
    cut(owner) {
      const cut = [...open].filter((connection) => connection.owner === owner)
      for (const { client, upstream } of cut) {
        client.resetAndDestroy()
        upstream.destroy()
      }
      return cut.length
    },
  }
}
