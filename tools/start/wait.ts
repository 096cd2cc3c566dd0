// Waiting for a condition with a deadline; the only way anything here waits.
import { setTimeout as sleep } from 'node:timers/promises'

/** Asks until an answer comes that is not undefined. A thrown error ends the wait at once. */
export async function until<T>(what: string, timeoutMs: number, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (let pauseMs = 20; ; pauseMs = Math.min(250, pauseMs * 1.5)) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${Math.round(timeoutMs / 1000)} s`)
    await sleep(pauseMs)
  }
}
