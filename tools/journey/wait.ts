// Waiting for a condition with a deadline; the only way the journeys and the tests wait.
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks until an answer comes that is not undefined. A thrown error ends the wait at once. `everyMs` keeps the pause
 * between two questions the same, for operations whose call rate is limited.
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined> | T | undefined,
  everyMs?: number,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (let pauseMs = everyMs ?? 20; ; pauseMs = everyMs ?? Math.min(250, pauseMs * 1.5)) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${Math.round(timeoutMs / 1000)} s`)
    await sleep(pauseMs)
  }
}
