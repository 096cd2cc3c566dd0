// Takes what nodes say of their workloads' use and stores it, all nodes together in one write every few seconds. It is the
// first thing to give way: what does not fit is dropped and counted, nothing waits for it.
import type { WorkloadSample } from '@littoral/contract/node/sample'
import type { Services } from '../operations/context.ts'
import * as samples from '../store/samples.ts'

const flushMs = 1000
const rowsAtOnce = 500
const mostWaiting = 20_000

/** No more than a desired state can hold. */
const mostOfNode = 2000

export class SampleIntake {
  readonly #services: Pick<Services, 'store' | 'now' | 'log'>
  readonly #waiting: samples.NodeSample[] = []
  /** What each connected node said last of each workload, for those that do not repeat it. */
  readonly #last = new Map<string, Map<string, WorkloadSample>>()
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | undefined
  #dropped = 0

  constructor(services: Pick<Services, 'store' | 'now' | 'log'>) {
    this.#services = services
  }

  /** The server's clock counts: the node's may be wrong by years. With `isRestSame` what was said before counts again. */
  take(nodeId: string, said: readonly WorkloadSample[], isRestSame = false): void {
    const atMs = this.#services.now()
    const all = new Map([...(isRestSame ? (this.#last.get(nodeId) ?? []) : []), ...said.map((sample) => [sample.key, sample] as const)])
    if (all.size <= mostOfNode) this.#last.set(nodeId, all)
    for (const sample of all.values()) {
      if (this.#waiting.length >= mostWaiting) this.#dropped += 1
      else this.#waiting.push({ ...sample, nodeId, atMs })
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined))
    }, flushMs)
    this.#timer.unref()
  }

  /** The node's connection is over; the next one begins with everything. */
  forget(nodeId: string): void {
    this.#last.delete(nodeId)
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
