// What a publish or a rollback asks for, checked against what the environment has behind it (contract: esa-edge-container
// §5), and the release that comes of it. Pure.
import { Fault } from '@littoral/contract/errors'
import type { Environment } from './app.ts'
import { type EnvironmentReleases, isRollback, parseTime, type Release, shareOf } from './release.ts'
import { type Share, wholeShare } from './share.ts'
import type { Version } from './version.ts'

export interface ReleaseRequest {
  readonly environment: Environment
  readonly percentage?: number
  readonly publishType?: 'percentage' | 'region'
  readonly regions?: readonly string[]
  readonly isFullRelease?: boolean
  readonly startTime?: string
}

export interface ReleaseTarget extends Pick<Share, 'percentage' | 'regions' | 'isFull'> {
  readonly publishType: 'percentage' | 'region'
  /** Only when it lies in the future. */
  readonly startAtMs?: number
}

const whole = { publishType: 'percentage', percentage: 100, regions: [], isFull: true } as const

function invalid(field: string, rule: string): Fault {
  return new Fault('InvalidParameter', { Detail: `${field}: ${rule}` })
}

/**
 * What is asked for, with its defaults. Staging is always whole, so there only StartTime counts (contract §5.1). Throws
 * InvalidParameter and InvalidParameter.Percentage; `regionCodes` are those of the installation.
 */
export function parseTarget(request: ReleaseRequest, regionCodes: readonly string[], nowMs: number): ReleaseTarget {
  const startAtMs = request.startTime === undefined ? nowMs : parseTime(request.startTime, 'StartTime')
  const start = startAtMs > nowMs ? { startAtMs } : {}
  if (request.environment === 'staging') return { ...whole, ...start }
  return { ...(request.publishType === 'region' ? parseRegions(request, regionCodes) : parsePercentage(request)), ...start }
}

function parsePercentage({ percentage = 100, regions = [] }: ReleaseRequest): ReleaseTarget {
  // Ignoring them would send a version everywhere that was meant for one place.
  if (regions.length > 0) throw invalid('Regions', 'only together with PublishType region.')
  return { publishType: 'percentage', percentage, regions: [], isFull: percentage === 100 }
}

function parseRegions(request: ReleaseRequest, regionCodes: readonly string[]): ReleaseTarget {
  const { regions = [], isFullRelease = false, percentage = 100 } = request
  if (percentage !== 100) {
    throw new Fault('InvalidParameter.Percentage', { Detail: 'Percentage: a release by region takes whole regions; leave it out.' })
  }
  const codes = regions.map((text) => codeOf(text, regionCodes))
  if (regions.length === 0 && !isFullRelease) throw invalid('Regions', 'a release by region names regions, or sets FullRelease.')
  return { publishType: 'region', percentage: 0, regions: [...new Set(codes)], isFull: isFullRelease }
}

/** The code of the installation that is meant: the vendor's own texts write some of them in capitals (contract §9). */
function codeOf(text: string, regionCodes: readonly string[]): string {
  const code = regionCodes.find((known) => known === text) ?? regionCodes.find((known) => known.toLowerCase() === text.toLowerCase())
  if (code === undefined) throw invalid('Regions', `${text} is none of this installation (${regionCodes.join(', ')}).`)
  return code
}

export type ReleaseDraft = Pick<Release, 'id' | 'environment' | 'remarks' | 'createdBy'>
type Target = Pick<Version, 'id' | 'accountId' | 'appId'>

/**
 * The release that takes an environment to a version. While another version is under way it is refused with
 * InternalException; a further step of the same one, and any version after a release that stopped, takes its place.
 */
export function newPublish(
  draft: ReleaseDraft,
  version: Target,
  asked: { target: ReleaseTarget; before: EnvironmentReleases },
  nowMs: number,
): Release {
  const { target, before } = asked
  const { current, effective } = before
  // Staging knows no rollback, so there the next version is the only way to call off one that waits for its time.
  const isUnderWay = current?.status === 'publishing' && (current.hasBegun || draft.environment === 'prod')
  if (isUnderWay && current.versionId !== version.id) {
    const wayOut = draft.environment === 'staging' ? 'or fails' : 'fails or is rolled back'
    throw new Fault('InternalException', {
      Detail: `Version ${current.versionId} is being published to ${draft.environment}; another one has to wait until it is through, ${wayOut}.`,
    })
  }
  const step = effective?.versionId === version.id ? effective : undefined
  if (step !== undefined) requireMore(target, step)
  const share = {
    percentage: target.publishType === 'region' ? (step?.percentage ?? 0) : target.percentage,
    regions: [...new Set([...(step?.regions ?? []), ...target.regions])].sort(),
    isFull: target.isFull,
  }
  return assemble(
    { ...draft, kind: 'publish', publishType: target.publishType },
    version,
    { share, before, startAtMs: target.startAtMs },
    nowMs,
  )
}

/** A version that is out is taken back by a rollback, never by publishing it to less (contract §5.2). */
function requireMore(target: ReleaseTarget, step: Release): void {
  const held = shareOf(step)
  const rest = `Version ${step.versionId} is out to more than that already; use RollbackEdgeContainerAppVersion to take it back.`
  if (target.isFull || step.environment === 'staging') return
  if (target.publishType === 'region') {
    if (step.isFull) throw invalid('Regions', rest)
  } else if (target.percentage < held) throw new Fault('InvalidParameter.Percentage', { Detail: `Percentage: ${rest}` })
}

/**
 * The release that takes production back to a version. It is always possible, whatever is under way. `percentage`: the
 * share the version has afterwards; absent: everything. Throws InvalidParameter when it has more than that already.
 */
export function newRollback(
  draft: Omit<ReleaseDraft, 'environment'> & { kind: 'rollback' | 'revert' },
  version: Target,
  { before, percentage = 100 }: { before: EnvironmentReleases; percentage?: number | undefined },
  nowMs: number,
): Release {
  const share = { percentage, regions: [], isFull: percentage === 100 }
  const held = heldShare(version.id, before)
  if (percentage < held) throw invalid('Percentage', `version ${version.id} has ${held} % already, and a rollback never gives it less.`)
  return assemble({ ...draft, environment: 'prod', publishType: 'percentage' }, version, { share, before, startAtMs: undefined }, nowMs)
}

/**
 * What a rollback cancels without taking production anywhere: a release that waits for its time where nothing has begun. There is no
 * version to go back to, so it is called off by its own (contract §5.4).
 */
export function cancelledBy(versionId: string, { current, effective }: EnvironmentReleases): Release | undefined {
  return effective === undefined && current?.versionId === versionId ? current : undefined
}

/** Throws InternalException: there is nothing of the version to go back to. */
export function refuseRollback(versionId: string, { current, effective }: EnvironmentReleases): never {
  const waiting = effective === undefined ? current?.versionId : undefined
  const hint = waiting === undefined ? '' : ` A rollback that names ${waiting} cancels the release that waits for its time.`
  throw new Fault('InternalException', {
    Detail: `Version ${versionId} was never published to prod, so it cannot be gone back to.${hint}`,
  })
}

/** The share a version is meant to have now, as far as percentages say. */
function heldShare(versionId: string, { effective, baseline }: EnvironmentReleases): number {
  if (effective === undefined) return 0
  if (effective.versionId === versionId) return shareOf(effective)
  const isRest = baseline?.versionId === versionId && effective.regions.length === 0
  return isRest ? 100 - shareOf(effective) : 0
}

function assemble(
  draft: ReleaseDraft & Pick<Release, 'kind' | 'publishType'>,
  version: Target,
  asked: { share: Pick<Share, 'percentage' | 'regions' | 'isFull'>; before: EnvironmentReleases; startAtMs: number | undefined },
  nowMs: number,
): Release {
  const { share, before, startAtMs } = asked
  const { current, effective } = before
  const rest = draft.environment === 'prod' ? restOf(version.id, share.isFull, before) : undefined
  return {
    ...draft,
    ...wholeShare,
    ...(draft.environment === 'prod' && share),
    isFromBack: rest !== undefined && before.baseline?.versionId === version.id,
    accountId: version.accountId,
    appId: version.appId,
    versionId: version.id,
    ...(rest !== undefined && { restVersionId: rest }),
    revision: (before.lastRevision ?? current?.revision ?? 0) + 1,
    status: 'publishing',
    createdAtMs: nowMs,
    ...(startAtMs !== undefined && { startAtMs }),
    hasBegun: startAtMs === undefined,
    startedAtMs: startAtMs ?? nowMs,
    step: 0,
    ...(effective?.restartToken !== undefined && { restartToken: effective.restartToken }),
  }
}

/**
 * What the nodes run that are not covered: the baseline; where that is the target itself, the version it shares production
 * with, and nothing when it gets it all. A further step leaves to them what the step before it left.
 */
function restOf(versionId: string, isFull: boolean, { effective, baseline }: EnvironmentReleases): string | undefined {
  // After a rollback of everything that did not get through, the baseline is still the version that was fled from.
  const isBack = effective !== undefined && isRollback(effective) && effective.isFull
  const base = isBack ? effective.versionId : baseline?.versionId
  const isStep = effective?.versionId === versionId
  if (base !== undefined && base !== versionId) return (isStep ? effective.restVersionId : undefined) ?? base
  if (base === undefined || isFull) return undefined
  return isStep ? effective.restVersionId : effective?.versionId
}

/** The staging release whose instance is made anew. Throws InvalidParameter when there is none. */
export function requireStaged(effective: Release | undefined): Release {
  if (effective === undefined) throw invalid('AppId', 'nothing was published to staging, so there is nothing to make anew.')
  return effective
}
