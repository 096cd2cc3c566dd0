// How much of a stream may be under way: taking from the window waits while it is full.

export class SendWindow {
  readonly #limit: number
  readonly #signal: AbortSignal
  #underWay = 0
  #resume = () => {}

  constructor(limit: number, signal: AbortSignal) {
    this.#limit = limit
    this.#signal = signal
    signal.addEventListener('abort', () => this.#resume(), { once: true })
  }

  /** Waits for room, then counts the bytes; false when the stream is over. One taker at a time. */
  async take(bytes: number): Promise<boolean> {
    while (this.#underWay >= this.#limit && !this.#signal.aborted) {
      await new Promise<void>((resolve) => (this.#resume = resolve))
    }
    if (this.#signal.aborted) return false
    this.#underWay += bytes
    return true
  }

  acknowledge(bytes: number): void {
    this.#underWay = Math.max(0, this.#underWay - bytes)
    this.#resume()
  }
}
