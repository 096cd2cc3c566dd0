import { describe, expect, it } from 'vitest'
import { randomIds } from './ids.ts'

describe('growing digits', () => {
  const nowMs = Date.parse('2026-11-22T20:00:00Z')

  it('are more for each later millisecond', () => {
    const made = Array.from({ length: 1000 }, (_, late) => randomIds.growing(nowMs + late))
    expect(made).toEqual(made.toSorted())
  })

  it('are others each time, within a millisecond and when the clock was set back', () => {
    const made = [nowMs, nowMs, nowMs - 1, nowMs].flatMap((atMs) => Array.from({ length: 10_000 }, () => randomIds.growing(atMs)))
    expect(new Set(made).size).toBe(40_000)
  })

  it('are 18 as clients know them, also where the clock has lost the year', () => {
    for (const atMs of [nowMs, 0, 86_400_000]) expect(randomIds.growing(atMs)).toMatch(/^\d{18}$/)
  })
})
