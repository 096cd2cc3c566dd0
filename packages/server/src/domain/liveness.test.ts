// When a silent node is lost: values in, values out.
import { describe, expect, it } from 'vitest'
import { planLiveness } from './liveness.ts'

describe('liveness', () => {
  it('loses a node after three silent heartbeats and not before', () => {
    const online = [
      { id: 'just-now', lastSeenAtMs: 100_000 },
      { id: 'two-beats', lastSeenAtMs: 70_001 },
      { id: 'three-beats', lastSeenAtMs: 70_000 },
      { id: 'long-gone', lastSeenAtMs: 0 },
    ]
    expect(planLiveness(online, { nowMs: 100_000, heartbeatMs: 10_000, watchingSinceMs: 0 })).toEqual({
      lost: ['three-beats', 'long-gone'],
      seenBeforeMs: 70_000,
    })
  })

  it('does not lose a node whose clock, or ours, went back', () => {
    expect(
      planLiveness([{ id: 'ahead', lastSeenAtMs: 500_000 }], { nowMs: 100_000, heartbeatMs: 10_000, watchingSinceMs: 0 }).lost,
    ).toEqual([])
  })

  it('gives every node time to come back after the server was down', () => {
    const online = [{ id: 'away', lastSeenAtMs: 0 }]
    expect(planLiveness(online, { nowMs: 119_999, heartbeatMs: 10_000, watchingSinceMs: 90_000 }).lost).toEqual([])
    expect(planLiveness(online, { nowMs: 120_000, heartbeatMs: 10_000, watchingSinceMs: 90_000 }).lost).toEqual(['away'])
  })
})
