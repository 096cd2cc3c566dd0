import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countOf, inLine, membersOf, type Share, wholeShare } from './share.ts'

const nodesOf = (count: number) => Array.from({ length: count }, (_, at) => ({ id: `node-${at}`, region: at % 2 ? 'jiangsu' : 'zhejiang' }))
const share = (change: Partial<Share>): Share => ({ ...wholeShare, isFull: false, ...change })
const ids = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 200 })
const percentages = fc.integer({ min: 1, max: 100 })

describe('a share of the nodes', () => {
  it.each([
    [34, 3, 1],
    [100, 3, 3],
    [1, 3, 1],
    [99, 3, 2],
    [30, 10, 3],
    [0, 10, 0],
    [50, 0, 0],
  ])('of %i %% of %i is %i', (percentage, total, count) => {
    expect(countOf(percentage, total)).toBe(count)
  })

  it('only gains nodes when the percentage grows, whoever asks in whatever order', () => {
    fc.assert(
      fc.property(ids, percentages, percentages, (found, a, b) => {
        const nodes = found.map((id) => ({ id, region: '' }))
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((percentage) => membersOf(share({ percentage }), inLine('app', nodes)))
        const turned = membersOf(share({ percentage: Math.min(a, b) }), inLine('app', nodes.toReversed()))
        expect([...turned]).toEqual([...less!])
        for (const id of less!) expect(more!.has(id)).toBe(true)
      }),
    )
  })

  it('and what is left of it, counted from the back, never overlap by more than rounding', () => {
    fc.assert(
      fc.property(ids, fc.integer({ min: 1, max: 99 }), (found, percentage) => {
        const line = inLine(
          'app',
          found.map((id) => ({ id, region: '' })),
        )
        const front = membersOf(share({ percentage: 100 - percentage }), line)
        const back = membersOf(share({ percentage, isFromBack: true }), line)
        const both = [...front].filter((id) => back.has(id))
        expect(both.length).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('is another one for another application', () => {
    const first = (app: string) =>
      inLine(app, nodesOf(50))
        .map(({ id }) => id)
        .join()
    expect(first('app-1')).not.toBe(first('app-2'))
  })

  it('is not far from fair: every node is first in line for some application', () => {
    const firsts = new Set(Array.from({ length: 500 }, (_, app) => inLine(`app-${app}`, nodesOf(10))[0]?.id))
    expect(firsts.size).toBe(10)
  })

  it('takes in the nodes of named regions beside it', () => {
    const members = membersOf(share({ percentage: 0, regions: ['jiangsu'] }), inLine('app', nodesOf(4)))
    expect([...members].sort()).toEqual(['node-1', 'node-3'])
    expect(membersOf(wholeShare, inLine('app', nodesOf(4))).size).toBe(4)
  })
})
