// A release: the intent that an environment runs a version (contract: esa-edge-container §4.3, §5). Handlers make them,
// the rollouts loop carries them out and ends them; all are kept as history. Pure. release-request.ts makes new ones.
import { Fault } from '@littoral/contract/errors'
import type { Environment } from './app.ts'
import type { Share } from './share.ts'

/**
 * publishing: under way, also while it waits for its time or is paused · published: through · stopped: the version failed on
 * nodes and goes to no further one · superseded: another release took its place before it was through.
 */
export type ReleaseStatus = 'publishing' | 'published' | 'stopped' | 'superseded'

/** revert: a rollback that the application's policy asked for, made by the loop. */
export type ReleaseKind = 'publish' | 'rollback' | 'revert'

export interface Release extends Share {
  readonly id: string
  readonly accountId: string
  readonly appId: string
  readonly environment: Environment
  /** Counts up per application and environment; the one with the highest is the current one. */
  readonly revision: number
  readonly kind: ReleaseKind
  readonly versionId: string
  /** What nodes run that the release does not cover, and what a node returns to on which the version failed. */
  readonly restVersionId?: string
  readonly status: ReleaseStatus
  readonly publishType: 'percentage' | 'region'
  readonly remarks: string
  /** Access key id of who published; `littoral` for a revert. */
  readonly createdBy: string
  readonly createdAtMs: number
  /** When it is to begin; absent: at once. */
  readonly startAtMs?: number
  readonly hasBegun: boolean
  /** When it began; before that, when it is to begin. */
  readonly startedAtMs: number
  /** When it was last tried again after it had stopped. */
  readonly resumedAtMs?: number
  readonly paused?: { readonly atMs: number; readonly by: string }
  readonly finishedAtMs?: number
  /** Why it is not under way any more. */
  readonly ending?: Ending
  /** Counts up with everything the loop does for it, so that of two servers with the same plan only one carries it out. */
  readonly step: number
  /** Staging only: another value asks for the instance to be made anew. */
  readonly restartToken?: string
}

export interface Ending {
  readonly code: EndingCode
  readonly message: string
}

export type EndingCode = 'Completed' | 'FailureBudgetUsedUp' | 'NodesFailed' | 'Superseded' | 'RolledBack' | 'Cancelled'

/** What an environment has behind it. */
export interface EnvironmentReleases {
  /** The newest release, unless it was cancelled before it began: then nothing was ever told to a node. */
  readonly current?: Release
  /** Of the newest release, also of one that was cancelled. */
  readonly lastRevision?: number
  /** The newest release that has begun: what nodes are told. Another one than `current` while that waits for its time. */
  readonly effective?: Release
  /** The newest release that is through. */
  readonly published?: Release
  /** The newest release that is through and covered every node. */
  readonly baseline?: Release
  readonly lastPublish?: Release
  readonly lastRollback?: Release
}

export function isRollback({ kind }: Pick<Release, 'kind'>): boolean {
  return kind !== 'publish'
}

/** Whether it was taken back before a node was told of it. */
export function isCancelled({ hasBegun, status }: Pick<Release, 'hasBegun' | 'status'>): boolean {
  return !hasBegun && status === 'superseded'
}

/** The share of production that the release is meant to have, where it goes by percentage. */
export function shareOf({ isFull, percentage }: Pick<Release, 'isFull' | 'percentage'>): number {
  return isFull ? 100 : percentage
}

/** Throws InternalException when an environment runs the version, is about to, or would fall back to it. */
export function requireUnused(
  versionId: string,
  inUse: readonly Pick<Release, 'versionId' | 'environment' | 'status' | 'restVersionId' | 'isFull'>[],
): void {
  const isRest = ({ status, isFull, restVersionId }: (typeof inUse)[number]) =>
    restVersionId === versionId && !(status === 'published' && isFull)
  const use = inUse.find((release) => release.versionId === versionId || isRest(release))
  if (use === undefined) return
  const isTarget = use.versionId === versionId && use.status !== 'published'
  throw new Fault('InternalException', {
    Detail: `Version ${versionId} ${isTarget ? 'is being published to' : 'is deployed in'} ${use.environment}.`,
  })
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
