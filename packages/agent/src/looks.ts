// What the runtimes said when they were last asked. One that cannot be asked right now keeps what it said before.
import type { PlacedInstance } from './plan.ts'
import type { Runtime } from './runtime/runtime.ts'
import { limited } from './waits.ts'

export class Looks {
  readonly #runtimes: readonly Runtime[]
  readonly #timeoutMs: number
  readonly #lastKnown = new Map<string, readonly PlacedInstance[]>()
  /** Why a runtime could not be asked, by its name. */
  readonly unavailable = new Map<string, string>()

  constructor(runtimes: readonly Runtime[], timeoutMs: number) {
    this.#runtimes = runtimes
    this.#timeoutMs = timeoutMs
  }

  instances(): PlacedInstance[] {
    return [...this.#lastKnown.values()].flat()
  }

  async observe(closing: AbortSignal): Promise<void> {
    await Promise.all(
      this.#runtimes.map(async (runtime) => {
        try {
          const instances = await limited((signal) => runtime.observe(signal), this.#timeoutMs, closing)
          this.#lastKnown.set(
            runtime.name,
            instances.map((instance) => ({ ...instance, runtime: runtime.name })),
          )
          this.unavailable.delete(runtime.name)
        } catch (error) {
          this.unavailable.set(runtime.name, error instanceof Error ? error.message : String(error))
        }
      }),
    )
  }
}
