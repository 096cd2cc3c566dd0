// Takes what nodes say of their workloads' use and stores it, all nodes together in one write every few seconds. It is the
// first thing to give way: what does not fit is dropped and counted, nothing waits for it.
import type { WorkloadSample } from '@littoral/contract/node/sample'
import type { Services } from '../operations/context.ts'
import * as samples from '../store/samples.ts'

const flushMs = 1000
const rowsAtOnce = 500
const mostWaiting = 20_000

export class SampleIntake {
  readonly #services: Pick<Services, 'store' | 'now' | 'log'>
  readonly #waiting: samples.NodeSample[] = []
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | undefined
  #dropped = 0

  constructor(services: Pick<Services, 'store' | 'now' | 'log'>) {
    this.#services = services
  }

  /** The server's clock counts: the node's may be wrong by years. */
  take(nodeId: string, said: readonly WorkloadSample[]): void {
    const atMs = this.#services.now()
    for (const sample of said) {
      if (this.#waiting.length >= mostWaiting) this.#dropped += 1
      else this.#waiting.push({ ...sample, nodeId, atMs })
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined))
    }, flushMs)
    this.#timer.unref()
  }

  /** Stores what is waiting. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#flushing
    await this.#flush()
  }

  async #flush(): Promise<void> {
    const { store, log } = this.#services
    if (this.#dropped > 0) log.warn({ dropped: this.#dropped }, 'nodes say more of what they use than can be stored')
    this.#dropped = 0
    while (this.#waiting.length > 0) {
      const rows = this.#waiting.splice(0, rowsAtOnce)
      try {
        await store.write(async (tx) => {
          for (const row of rows) samples.insert(tx, row)
        })
      } catch (error) {
        log.error({ err: error, rows: rows.length }, 'samples could not be stored')
      }
    }
  }
}
