// How far a release is, in the vendor's percentages and in our own words. Pure; what GetEdgeContainerAppStatus, GetRelease
// and ListReleases show.
import type { Release } from './release.ts'
import { inLine, type LineNode, membersOf, type Share } from './share.ts'
import { type RolloutView, survey } from './standing.ts'

/** The share a release aims for. One by region aims for the nodes that are there, rounded down, at least 1 where there is one. */
export function expectedPercentage(release: Share & Pick<Release, 'appId' | 'publishType'>, nodes: readonly LineNode[]): number {
  if (release.isFull) return 100
  if (release.publishType === 'percentage') return release.percentage
  const members = membersOf(release, inLine(release.appId, nodes)).size
  return members === 0 ? 0 : Math.max(1, Math.floor((100 * members) / nodes.length))
}

/** Share of the nodes that have proven the version; the whole of what was asked for only when the release is through. */
export function reachedPercentage(view: RolloutView, nowMs: number): number {
  const expected = view.environment === 'staging' ? 100 : expectedPercentage(view.release, view.nodes)
  if (view.release.status === 'published') return expected
  const reached =
    view.environment === 'staging' ? 100 * Number(hasReadyReport(view)) : (100 * provenMembers(view, nowMs)) / view.nodes.length
  return view.nodes.length === 0 ? 0 : Math.max(0, Math.min(expected - 1, Math.floor(reached)))
}

function provenMembers(view: RolloutView, nowMs: number): number {
  return survey(view, nowMs).standings.filter(({ state }) => state === 'proven').length
}

function hasReadyReport({ assignments, reports, target }: RolloutView): boolean {
  const holders = new Set(assignments.filter(({ digest }) => digest === target.digest).map(({ nodeId }) => nodeId))
  return reports.some(
    ({ nodeId, version, digest, phase }) =>
      holders.has(nodeId) && version === target.version && digest === target.digest && phase === 'ready',
  )
}

export const releaseStates = ['scheduled', 'running', 'paused', 'stopped', 'succeeded', 'rollingBack', 'rolledBack', 'superseded'] as const
export type ReleaseState = (typeof releaseStates)[number]

/** One word for where a release is. A rollback that is through is never called a success. */
export function releaseState({ status, kind, hasBegun, paused }: Pick<Release, 'status' | 'kind' | 'hasBegun' | 'paused'>): ReleaseState {
  if (status === 'stopped' || status === 'superseded') return status
  if (status === 'published') return kind === 'publish' ? 'succeeded' : 'rolledBack'
  if (paused !== undefined) return 'paused'
  if (!hasBegun) return 'scheduled'
  return kind === 'publish' ? 'running' : 'rollingBack'
}
