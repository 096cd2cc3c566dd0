import { Fault } from '@littoral/contract/errors'
import { describe, expect, it } from 'vitest'
import { newPublish, newRollback, parseTarget, type ReleaseRequest } from './release-request.ts'
import { type EnvironmentReleases, parseTime, type Release, requireUnused } from './release.ts'
import { wholeShare } from './share.ts'

const nowMs = Date.parse('2026-01-05T08:00:00Z')
const draft = { id: 'rel-2', environment: 'prod', remarks: 'note', createdBy: 'LTAI' } as const
const version = (id: string) => ({ id, accountId: '1', appId: 'app-1' })
const codes = ['zhejiang', 'jiangsu']

function refusal(act: () => unknown): [code: string, message: string] {
  try {
    act()
  } catch (error) {
    if (error instanceof Fault) return [error.code, error.message]
    throw error
  }
  throw new Error('nothing was thrown')
}

function release(change: Partial<Release>): Release {
  return {
    ...draft,
    ...wholeShare,
    ...version('app'),
    kind: 'publish',
    publishType: 'percentage',
    versionId: 'ver-1',
    revision: 7,
    status: 'published',
    hasBegun: true,
    createdAtMs: nowMs,
    startedAtMs: nowMs,
    step: 0,
    ...change,
  }
}

const target = (request: Partial<ReleaseRequest> = {}) => parseTarget({ environment: 'prod', ...request }, codes, nowMs)
const publish = (id: string, before: EnvironmentReleases, request: Partial<ReleaseRequest> = {}) =>
  newPublish(draft, version(id), { target: target(request), before }, nowMs)
const rollback = (id: string, before: EnvironmentReleases, percentage?: number) =>
  newRollback({ id: 'rel-3', kind: 'rollback', remarks: '', createdBy: 'LTAI' }, version(id), { before, percentage }, nowMs)

const v1 = release({ versionId: 'ver-1' })
const v2at30 = release({ versionId: 'ver-2', revision: 8, percentage: 30, isFull: false, restVersionId: 'ver-1' })
const after1 = { current: v1, effective: v1, published: v1, baseline: v1 }
const after30 = { current: v2at30, effective: v2at30, published: v2at30, baseline: v1 }

describe('what can be asked of a release', () => {
  it.each<[Partial<ReleaseRequest>, string, string]>([
    [{ publishType: 'region' }, 'InvalidParameter', 'Regions'],
    [{ publishType: 'region', regions: ['atlantis'] }, 'InvalidParameter', 'atlantis'],
    [{ publishType: 'region', regions: ['zhejiang'], percentage: 30 }, 'InvalidParameter.Percentage', 'Percentage'],
    [{ regions: ['zhejiang'] }, 'InvalidParameter', 'Regions'],
    [{ startTime: 'tomorrow' }, 'InvalidParameter', 'StartTime'],
  ])('refuses %j', (change, code, words) => {
    const [actual, message] = refusal(() => target(change))
    expect(actual).toBe(code)
    expect(message).toContain(words)
  })

  it('takes a share, regions, all regions, or everything', () => {
    expect(target({ percentage: 30, isFullRelease: true })).toEqual({
      publishType: 'percentage',
      percentage: 30,
      regions: [],
      isFull: false,
    })
    expect(target()).toMatchObject({ percentage: 100, isFull: true })
    const regions = { publishType: 'region', regions: ['jiangsu', 'jiangsu'] } as const
    expect(target(regions)).toEqual({ publishType: 'region', percentage: 0, regions: ['jiangsu'], isFull: false })
    expect(target({ publishType: 'region', isFullRelease: true })).toMatchObject({ isFull: true })
  })

  it('takes a time in the future, and reads one in the past as now', () => {
    expect(target({ startTime: '2026-01-05T08:00:01Z' })).toMatchObject({ startAtMs: nowMs + 1000 })
    expect(target({ startTime: '2026-01-05T08:00:00Z' })).not.toHaveProperty('startAtMs')
  })

  it('staging is always whole, so shares and regions do not count there, but a later start does', () => {
    const shares = { environment: 'staging', percentage: 30, publishType: 'region', regions: ['x'], isFullRelease: false } as const
    expect(target(shares)).toEqual({ publishType: 'percentage', percentage: 100, regions: [], isFull: true })
    expect(target({ ...shares, startTime: '2027-01-01T00:00:00Z' })).toHaveProperty('startAtMs')
  })

  it.each(['', 'now', '2026-01-05', '2026-01-05 08:00:00', '2026-01-05T08:00:00+08:00', '2026-02-30T08:00:00Z', '2026-13-01T00:00:00Z'])(
    '%j is not a time',
    (text) => {
      expect(refusal(() => parseTime(text, 'StartTime'))).toEqual(['InvalidParameter', expect.stringContaining('StartTime')])
    },
  )
})

describe('a new release', () => {
  it('begins an environment at revision 1, publishing, with nothing to return to', () => {
    const first = publish('ver-1', {}, { percentage: 30 })
    expect(first).toMatchObject({ revision: 1, status: 'publishing', percentage: 30, hasBegun: true, startedAtMs: nowMs })
    expect(first).not.toHaveProperty('restVersionId')
  })

  it('leaves the baseline on the nodes it does not cover, whatever was out in between', () => {
    expect(publish('ver-2', after1)).toMatchObject({ revision: 8, versionId: 'ver-2', restVersionId: 'ver-1', isFull: true })
    expect(publish('ver-3', after30, { percentage: 10 })).toMatchObject({ revision: 9, restVersionId: 'ver-1', percentage: 10 })
  })

  it('waits for another version that is under way, but not for one that stopped', () => {
    const current = { ...v2at30, status: 'publishing' } as const
    const [code, message] = refusal(() => publish('ver-3', { ...after30, current, effective: current }))
    expect(code).toBe('InternalException')
    expect(message).toContain('ver-2')
    const stopped = { ...v2at30, status: 'stopped' } as const
    expect(publish('ver-3', { ...after1, current: stopped, effective: stopped })).toMatchObject({
      versionId: 'ver-3',
      restVersionId: 'ver-1',
    })
  })

  it('may be a further step of the same version, with more and never with less', () => {
    const current = { ...v2at30, status: 'publishing' } as const
    const before = { ...after1, current, effective: current }
    expect(publish('ver-2', before, { percentage: 50 })).toMatchObject({ percentage: 50, restVersionId: 'ver-1' })
    expect(publish('ver-2', after30, { percentage: 100 })).toMatchObject({ isFull: true, restVersionId: 'ver-1' })
    const [code, message] = refusal(() => publish('ver-2', after30, { percentage: 29 }))
    expect(code).toBe('InvalidParameter.Percentage')
    expect(message).toContain('RollbackEdgeContainerAppVersion')
    expect(refusal(() => publish('ver-1', after1, { publishType: 'region', regions: ['jiangsu'] }))[0]).toBe('InvalidParameter')
  })

  it('adds regions to the nodes that have the version already', () => {
    const byRegion = publish('ver-2', after30, { publishType: 'region', regions: ['jiangsu'] })
    expect(byRegion).toMatchObject({ publishType: 'region', percentage: 30, regions: ['jiangsu'], isFull: false })
    const more = publish('ver-2', { ...after30, current: byRegion, effective: byRegion }, { publishType: 'region', regions: ['zhejiang'] })
    expect(more.regions).toEqual(['jiangsu', 'zhejiang'])
  })

  it('waits for its time', () => {
    const later = publish('ver-2', after1, { startTime: '2026-01-05T09:00:00Z' })
    expect(later).toMatchObject({ hasBegun: false, startAtMs: nowMs + 3_600_000, startedAtMs: nowMs + 3_600_000 })
  })
})

describe('a rollback', () => {
  it('gives the named version everything, whatever is under way', () => {
    const current = { ...v2at30, status: 'publishing' } as const
    const back = rollback('ver-1', { ...after1, current, effective: current })
    expect(back).toMatchObject({ kind: 'rollback', versionId: 'ver-1', isFull: true, status: 'publishing', revision: 9 })
    expect(back).not.toHaveProperty('restVersionId')
  })

  it('gives it a share, and the newer version keeps the nodes that had it first', () => {
    expect(rollback('ver-1', after30, 80)).toMatchObject({ percentage: 80, restVersionId: 'ver-2', isFromBack: true })
    const v2 = { ...v2at30, percentage: 100, isFull: true }
    const after2 = { current: v2, effective: v2, published: v2, baseline: v2 }
    expect(rollback('ver-1', after2, 50)).toMatchObject({ percentage: 50, restVersionId: 'ver-2', isFromBack: false })
  })

  it('never gives it less than it has', () => {
    expect(refusal(() => rollback('ver-1', after30, 69))).toEqual(['InvalidParameter', expect.stringContaining('70 %')])
    expect(rollback('ver-1', after30, 70)).toMatchObject({ percentage: 70 })
  })
})

describe('a version that is in use', () => {
  it('says where', () => {
    const inUse = [
      { versionId: 'ver-1', environment: 'prod', status: 'published', restVersionId: 'ver-3', isFull: true },
      { versionId: 'ver-2', restVersionId: 'ver-0', environment: 'staging', status: 'publishing', isFull: true },
    ] as const
    expect(refusal(() => requireUnused('ver-1', inUse))).toEqual([
      'InternalException',
      expect.stringContaining('ver-1 is deployed in prod'),
    ])
    expect(refusal(() => requireUnused('ver-2', inUse))[1]).toContain('ver-2 is being published to staging')
    expect(refusal(() => requireUnused('ver-0', inUse))[1]).toContain('ver-0 is deployed in staging')
    expect(() => requireUnused('ver-3', inUse)).not.toThrow()
  })
})
