// Calls of which many may come, made at most so often: the last one always counts.

export class Delayed {
  readonly #everyMs: number
  #timer: NodeJS.Timeout | undefined
  #lastMs = Number.NEGATIVE_INFINITY

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  /** Makes the call now or, soon after an earlier one, when its time has come; one that is waiting already is enough. */
  call(work: () => void): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined
        this.#lastMs = performance.now()
        work()
      },
      Math.max(0, this.#lastMs + this.#everyMs - performance.now()),
    )
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}
