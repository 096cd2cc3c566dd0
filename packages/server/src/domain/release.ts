// A release: the intent that an environment runs a version (contract: esa-edge-container §4.3, §5). Handlers make them,
// the rollouts loop finishes them; all are kept as history. Pure.
import { Fault } from '@littoral/contract/errors'
import type { Environment } from './app.ts'
import type { Version } from './version.ts'

/** superseded: the same version was published again before this one was through. */
export type ReleaseStatus = 'publishing' | 'published' | 'superseded'

export interface Release {
  readonly id: string
  readonly accountId: string
  readonly appId: string
  readonly environment: Environment
  /** Counts up per application and environment; the one with the highest is the current one. */
  readonly revision: number
  readonly versionId: string
  readonly status: ReleaseStatus
  readonly percentage: number
  readonly remarks: string
  /** Access key id of who published. */
  readonly createdBy: string
  readonly startedAtMs: number
  readonly finishedAtMs?: number
}

export interface ReleaseRequest {
  readonly environment: Environment
  readonly percentage?: number
  readonly publishType?: 'percentage' | 'region'
  readonly regions?: readonly string[]
  readonly isFullRelease?: boolean
  readonly startTime?: string
}

/**
 * Refuses by name what is declared and not supported yet: InvalidParameter, InvalidParameter.Percentage. Staging is always
 * whole, so there only StartTime counts (contract §5.1).
 */
export function requireSupported(request: ReleaseRequest, nowMs: number): void {
  const unsupported = (field: string, rest: string) => new Fault('InvalidParameter', { Detail: `${field}: ${rest} is not supported yet.` })
  if (request.environment === 'prod') {
    if (request.isFullRelease === true) throw unsupported('FullRelease', 'a release by region')
    if (request.percentage !== undefined && request.percentage !== 100) {
      throw new Fault('InvalidParameter.Percentage', { Detail: 'Percentage: a share other than 100 is not supported yet.' })
    }
    if (request.publishType === 'region') throw unsupported('PublishType', 'a release by region')
    if (request.regions !== undefined && request.regions.length > 0) throw unsupported('Regions', 'a release by region')
  }
  if (request.startTime !== undefined && parseTime(request.startTime, 'StartTime') > nowMs) {
    throw unsupported('StartTime', 'a release that begins in the future')
  }
}

/**
 * The release that takes an environment to a version. `current` is the environment's newest release. While another
 * version is being published it is refused with InternalException; the same version takes the place of its own release.
 */
export function newRelease(
  draft: Pick<Release, 'id' | 'environment' | 'remarks' | 'createdBy'>,
  version: Pick<Version, 'id' | 'accountId' | 'appId'>,
  current: Pick<Release, 'status' | 'versionId' | 'revision'> | undefined,
  nowMs: number,
): Release {
  if (current?.status === 'publishing' && current.versionId !== version.id) {
    throw new Fault('InternalException', {
      Detail: `Version ${current.versionId} is being published to ${draft.environment}; another one has to wait until it is through.`,
    })
  }
  return {
    ...draft,
    accountId: version.accountId,
    appId: version.appId,
    versionId: version.id,
    revision: (current?.revision ?? 0) + 1,
    status: 'publishing',
    percentage: 100,
    startedAtMs: nowMs,
  }
}

/** Throws InternalException when an environment runs the version, is about to, or would fall back to it. */
export function requireUnused(versionId: string, inUse: readonly Pick<Release, 'versionId' | 'environment' | 'status'>[]): void {
  const use = inUse.find((release) => release.versionId === versionId)
  if (use === undefined) return
  const state = use.status === 'publishing' ? 'is being published to' : 'is deployed in'
  throw new Fault('InternalException', { Detail: `Version ${versionId} ${state} ${use.environment}.` })
}

/** Milliseconds of a time written as 2026-01-05T08:00:00Z. Throws InvalidParameter naming `where`. */
export function parseTime(text: string, where: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text) ? Date.parse(text) : Number.NaN
  // Date.parse rolls 30 February over to March, hence the way back.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(text.slice(0, 19))) {
    throw new Fault('InvalidParameter', { Detail: `${where}: a UTC time such as 2026-01-05T08:00:00Z.` })
  }
  return ms
}
