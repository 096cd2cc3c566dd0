import { expect, it } from 'vitest'
import { regionProblem } from './region-problem.ts'

const regions = [
  { code: 'zhejiang', area: 'huadong' },
  { code: 'fujian', area: 'huadong', isp: 'telecom' },
  { code: 'fujian', area: 'huadong', isp: 'unicom' },
]

it('has nothing to tell of a node in one of the regions', () => {
  expect(regionProblem(regions, { region: 'fujian', isRegionPinned: false })).toBe(undefined)
})

it('names the region, those there are, and what to do, which depends on who said it', () => {
  const said = "the region atlantis of this node is none of the server's (zhejiang, fujian), so releases by region pass it over. "
  expect(regionProblem(regions, { region: 'atlantis', isRegionPinned: false })).toBe(
    `${said}Start the agent with another --region, or add atlantis to LITTORAL_REGIONS of the server`,
  )
  expect(regionProblem(regions, { region: 'atlantis', isRegionPinned: true })).toBe(
    `${said}Join with a token of another region, or add atlantis to LITTORAL_REGIONS of the server`,
  )
  expect(regionProblem(regions, { region: 'Zhejiang', isRegionPinned: false })).toContain('none of')
})

it('stays within what a node is told, however many regions there are', () => {
  const many = Array.from({ length: 500 }, (_, place) => ({ code: `${place}`.padStart(64, 'r'), area: 'a' }))
  const problem = regionProblem(many, { region: 'x'.repeat(64), isRegionPinned: false })
  expect(problem).toContain('and 480 more')
  expect(problem?.length).toBeLessThan(2000)
})
