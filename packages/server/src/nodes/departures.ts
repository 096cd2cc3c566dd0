// Nodes whose connection has closed: each gets a moment to come back, which agents that restart and links that flap do, and is
// away then. Without this a node that has gone counts as online until three of its heartbeats are missing. Used by hub.ts.
import type { Services } from '../operations/context.ts'
import * as nodes from '../store/nodes.ts'

/** Nodes taken off line in one write. */
const nodesAtOnce = 500

type Needs = Pick<Services, 'store' | 'log' | 'settings'>

export class Departures {
  readonly #services: Needs
  readonly #waiting = new Map<string, NodeJS.Timeout>()
  readonly #gone = new Map<string, number>()
  #writing: Promise<void> | undefined

  constructor(services: Needs) {
    this.#services = services
  }

  /** `seenAtMs`: when it was last noted as seen over this connection; a node that was seen later is somewhere else. */
  left(nodeId: string, seenAtMs: number): void {
    const count = () => {
      this.#waiting.delete(nodeId)
      this.#gone.set(nodeId, seenAtMs)
      this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined))
    }
    clearTimeout(this.#waiting.get(nodeId))
    this.#waiting.set(nodeId, setTimeout(count, this.#services.settings.heartbeatMs / 2).unref())
  }

  returned(nodeId: string): void {
    clearTimeout(this.#waiting.get(nodeId))
    this.#waiting.delete(nodeId)
    this.#gone.delete(nodeId)
  }

  /** A server that stops says nothing of its nodes: they go over to the next one. Resolves when nothing is being written. */
  async stop(): Promise<void> {
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
    this.#gone.clear()
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#gone.size > 0) {
      const gone = [...this.#gone].slice(0, nodesAtOnce)
      for (const [nodeId] of gone) this.#gone.delete(nodeId)
      try {
        await this.#services.store.write(async (tx) => {
          for (const [nodeId, seenAtMs] of gone) nodes.updateOffline(tx, nodeId, seenAtMs)
        })
      } catch (error) {
        // The liveness loop finds them a little later.
        this.#services.log.error({ err: error, nodes: gone.length }, 'nodes that left could not be taken off line')
      }
    }
  }
}
