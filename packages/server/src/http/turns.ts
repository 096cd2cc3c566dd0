// Takes calls with large bodies a few at a time, so that a burst of them does not keep everybody else waiting: between
// two helpings the event loop looks at all sockets, and calls with small bodies, which are most reads, go first. Called
// by calls.ts.

/** A call whose body is larger than this is asked to wait for its turn; a form that only names things is far below. */
const smallBytes = 1024
/** So many wait no longer in one turn of the event loop; the store groups what one turn has brought. */
const helping = 3

export interface Turns {
  /** Resolves when it is this call's turn, at once for a small one. */
  wait(bodyBytes: number): Promise<void> | undefined
}

export function createTurns(): Turns {
  const waiting: (() => void)[] = []
  const next = (): void => {
    // Each but the first in an immediate of its own: a call has gone as far as it can before the next one begins.
    const [first, ...others] = waiting.splice(0, helping)
    first?.()
    for (const go of others) setImmediate(go)
    if (waiting.length > 0) setImmediate(next)
  }
  return {
    wait(bodyBytes) {
      if (bodyBytes <= smallBytes) return undefined
      return new Promise((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 1) setImmediate(next)
      })
    },
  }
}
