// Who wants to know of which change. A topic is a word, or a word and an id (`assignments/<nodeId>`).
import type { StoreLog } from './options.ts'

export class Topics {
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #log: StoreLog

  constructor(log: StoreLog) {
    this.#log = log
  }

  listen(topic: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners)
    // A wrapper of its own, so that the same function may listen twice.
    const entry = (): void => listener()
    listeners.add(entry)
    return () => {
      listeners.delete(entry)
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic)
    }
  }

  announce(topics: Iterable<string>): void {
    for (const topic of topics) {
      // A copy: whoever begins to listen because of this change did not miss it.
      for (const listener of Array.from(this.#listeners.get(topic) ?? [])) {
        try {
          listener()
        } catch (error) {
          this.#log.error({ topic, error: error instanceof Error ? error.message : String(error) }, 'a listener of the store failed')
        }
      }
    }
  }
}
