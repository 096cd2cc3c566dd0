import { describe, expect, it } from 'vitest'
import { compareEdgeVersions, isEdgeVersion, isEdgeVersionAtLeast } from './edge-version.ts'

describe('edge versions', () => {
  it.each([
    ['2.10.0', '2.9.7', 1],
    ['2.9.7', '2.10.0', -1],
    ['v1.8', '1.8.0', 0],
    ['V1.8.2', 'v1.8.10', -1],
    ['2', '1.99.99.99', 1],
    ['2.4', '2.4.0.1', -1],
  ])('compares %s with %s by number', (a, b, sign) => {
    expect(Math.sign(compareEdgeVersions(a, b))).toBe(sign)
  })

  it.each(['2.0.0', 'v2.4.9', 'V1', '1.2.3.4'])('accepts %s', (text) => expect(isEdgeVersion(text)).toBe(true))
  it.each(['', 'v', '2.0.0-beta', '1.2.3.4.5', '2..0', 'vv1', ' 1', '1.'])('refuses %j', (text) => expect(isEdgeVersion(text)).toBe(false))

  it('takes a gateway that reports nonsense for the oldest', () => {
    expect(isEdgeVersionAtLeast('dev', '0.0.1')).toBe(false)
    expect(isEdgeVersionAtLeast('v2.4.0', '2.4.0')).toBe(true)
  })
})
