// The time of the next attempt by the server's clock, whatever the node's says.
import { expect, it } from 'vitest'
import { nextAttemptAtMs } from './next-attempt.ts'

it('keeps the distance, and neither the past nor the far future of a node', () => {
  const at = (distanceMs: number) => nextAttemptAtMs({ observedAtMs: 5, nextAttemptAtMs: 5 + distanceMs, receivedAtMs: 1_000_000 })
  expect([at(300_000), at(-300_000), at(1e15)]).toEqual([1_300_000, 1_000_000, 4_600_000])
  expect(nextAttemptAtMs({ observedAtMs: 5, receivedAtMs: 7 })).toBeUndefined()
})
