// Where drivers are about to be started: while a driver's package is fetched, the process that will become the driver is brought as
// far as it gets without it, into its control groups and its view of the files. Nothing of the driver runs before its start.
// One at most for each driver; one that no start comes for is cleared away. Used by index.ts.
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import type { DriverInstance } from './instance.ts'

export interface BerthsOptions {
  readonly make: (driver: DriverWorkload) => Promise<DriverInstance>
  readonly drop: (instance: DriverInstance) => Promise<void>
  /** A start follows its preparation within moments, or not at all. */
  readonly patienceMs?: number
}

interface Berth {
  readonly digest: string
  readonly instance: DriverInstance
  readonly timer: NodeJS.Timeout
}

const usualPatienceMs = 60_000

export class Berths {
  readonly #options: Required<BerthsOptions>
  readonly #berths = new Map<string, Berth>()
  readonly #making = new Map<string, { readonly digest: string; readonly done: Promise<void> }>()
  readonly #dropping = new Set<Promise<void>>()
  #isClosed = false

  constructor(options: BerthsOptions) {
    this.#options = { patienceMs: usualPatienceMs, ...options }
  }

  /** Makes one, unless there is one; never rejects, because a start does without as well and says what is wrong. */
  prepare(driver: DriverWorkload): Promise<void> {
    const before = this.#making.get(driver.key)
    if (before?.digest === driver.digest) return before.done
    // One at a time for each driver, or the first of two would be lost.
    const making = { digest: driver.digest, done: (before?.done ?? Promise.resolve()).then(() => this.#make(driver)) }
    this.#making.set(driver.key, making)
    return making.done.finally(() => {
      if (this.#making.get(driver.key) === making) this.#making.delete(driver.key)
    })
  }

  async #make(driver: DriverWorkload): Promise<void> {
    const { key, digest } = driver
    if (this.#berths.get(key)?.digest === digest) return
    this.discard(key)
    const instance = await this.#options.make(driver).catch(() => undefined)
    if (instance === undefined) return
    const timer = setTimeout(() => this.discard(key), this.#options.patienceMs)
    this.#berths.set(key, { digest, instance, timer: timer.unref() })
    if (this.#isClosed) this.discard(key)
  }

  /** The one for exactly this, if there is one and it still waits. */
  take({ key, digest }: DriverWorkload): DriverInstance | undefined {
    const berth = this.#berths.get(key)
    if (berth?.digest !== digest || !berth.instance.isWaiting) {
      this.discard(key)
      return undefined
    }
    clearTimeout(berth.timer)
    this.#berths.delete(key)
    return berth.instance
  }

  discard(key: string): void {
    const berth = this.#berths.get(key)
    if (berth === undefined) return
    clearTimeout(berth.timer)
    this.#berths.delete(key)
    const dropping = this.#options.drop(berth.instance).finally(() => this.#dropping.delete(dropping))
    this.#dropping.add(dropping)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#making.values()].map(({ done }) => done))
    for (const key of [...this.#berths.keys()]) this.discard(key)
    await Promise.all(this.#dropping)
  }
}
