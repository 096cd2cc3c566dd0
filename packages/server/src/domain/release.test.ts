import { Fault } from '@littoral/contract/errors'
import { describe, expect, it } from 'vitest'
import { newRelease, parseTime, type ReleaseRequest, requireSupported, requireUnused } from './release.ts'

const nowMs = Date.parse('2026-01-05T08:00:00Z')
const draft = { id: 'rel-2', environment: 'prod', remarks: 'note', createdBy: 'LTAI' } as const
const version = { id: 'ver-2', accountId: '1', appId: 'app-1' }

function refusal(act: () => unknown): [code: string, message: string] {
  try {
    act()
  } catch (error) {
    if (error instanceof Fault) return [error.code, error.message]
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('what can be asked of a release', () => {
  it.each<[string, Partial<ReleaseRequest>, string]>([
    ['Percentage', { percentage: 30 }, 'InvalidParameter.Percentage'],
    ['PublishType', { publishType: 'region' }, 'InvalidParameter'],
    ['Regions', { regions: ['zhejiang'] }, 'InvalidParameter'],
    ['FullRelease', { isFullRelease: true }, 'InvalidParameter'],
    ['StartTime', { startTime: '2026-01-05T08:00:01Z' }, 'InvalidParameter'],
  ])('%s is refused by its name for production', (field, change, code) => {
    const [actual, message] = refusal(() => requireSupported({ environment: 'prod', ...change }, nowMs))
    expect(actual).toBe(code)
    expect(message).toContain(field)
    expect(message).toContain('not supported yet')
  })

  it('the whole of production, now, is fine', () => {
    const whole: ReleaseRequest = {
      environment: 'prod',
      percentage: 100,
      publishType: 'percentage',
      regions: [],
      isFullRelease: false,
      startTime: '2026-01-05T08:00:00Z',
    }
    expect(() => requireSupported(whole, nowMs)).not.toThrow()
    expect(() => requireSupported({ environment: 'prod' }, nowMs)).not.toThrow()
  })

  it('staging is always whole, so shares and regions do not count there, but a later start does', () => {
    const shares: ReleaseRequest = { environment: 'staging', percentage: 30, publishType: 'region', regions: ['x'], isFullRelease: true }
    expect(() => requireSupported(shares, nowMs)).not.toThrow()
    expect(refusal(() => requireSupported({ ...shares, startTime: '2027-01-01T00:00:00Z' }, nowMs))[1]).toContain('StartTime')
  })

  it.each(['', 'now', '2026-01-05', '2026-01-05 08:00:00', '2026-01-05T08:00:00+08:00', '2026-02-30T08:00:00Z', '2026-13-01T00:00:00Z'])(
    '%j is not a time',
    (text) => {
      expect(refusal(() => parseTime(text, 'StartTime'))).toEqual(['InvalidParameter', expect.stringContaining('StartTime')])
    },
  )
})

describe('a new release', () => {
  it('begins an environment at revision 1, publishing', () => {
    expect(newRelease(draft, version, undefined, nowMs)).toEqual({
      ...draft,
      accountId: '1',
      appId: 'app-1',
      versionId: 'ver-2',
      revision: 1,
      status: 'publishing',
      percentage: 100,
      startedAtMs: nowMs,
    })
  })

  it('follows one that is through', () => {
    const current = { status: 'published', versionId: 'ver-1', revision: 7 } as const
    expect(newRelease(draft, version, current, nowMs)).toMatchObject({ revision: 8, versionId: 'ver-2' })
  })

  it('waits for another version that is under way, and may repeat its own', () => {
    const current = { status: 'publishing', revision: 7 } as const
    const [code, message] = refusal(() => newRelease(draft, version, { ...current, versionId: 'ver-1' }, nowMs))
    expect(code).toBe('InternalException')
    expect(message).toContain('ver-1')
    expect(newRelease(draft, version, { ...current, versionId: 'ver-2' }, nowMs).revision).toBe(8)
  })
})

describe('a version that is in use', () => {
  it('says where', () => {
    const inUse = [
      { versionId: 'ver-1', environment: 'prod', status: 'published' },
      { versionId: 'ver-2', environment: 'staging', status: 'publishing' },
    ] as const
    expect(refusal(() => requireUnused('ver-1', inUse))).toEqual([
      'InternalException',
      expect.stringContaining('ver-1 is deployed in prod'),
    ])
    expect(refusal(() => requireUnused('ver-2', inUse))[1]).toContain('ver-2 is being published to staging')
    expect(() => requireUnused('ver-3', inUse)).not.toThrow()
  })
})
