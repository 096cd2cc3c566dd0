// A few hundred seeds of the simulation with every test run, more with --all; `npm run test:simulation` runs 10,000.
import { describe, expect, it } from 'vitest'
import { runSeeds } from './run.ts'
import { World } from './world.ts'

const seeds = process.env['LITTORAL_TEST_LONG'] ? 2000 : 200

describe('releases under failures', () => {
  it(`keep their promises through ${seeds} seeds`, { timeout: 600_000 }, () => {
    expect(runSeeds(1, seeds)).toEqual([])
  })

  it('keep their promises in a fleet of 300 nodes', { timeout: 120_000 }, () => {
    for (const seed of [7, 8, 9]) expect(() => new World(seed, 300).run()).not.toThrow()
  })

  it('are the same story every time for one seed', () => {
    const told = [1, 2].map(() => {
      const world = new World(11)
      world.run()
      return JSON.stringify([world.nowMs, world.control.releases, [...world.control.generations]])
    })
    expect(told[0]).toBe(told[1])
  })
})
