// Releases, their progress and their policies as the wire shows them.
import type { GetReleasePolicy } from '@littoral/contract/littoral/release-policies'
import type { GetRelease, PlanRelease } from '@littoral/contract/littoral/releases'
import type { Output } from '@littoral/contract/operation'
import { formatAmount } from '../../domain/release-policy.ts'
import type { Preview } from '../../domain/release-preview.ts'
import { releaseState } from '../../domain/release-progress.ts'
import type { Release } from '../../domain/release.ts'
import type { Standing, StandingState, Survey } from '../../domain/standing.ts'
import type { StoredPolicy } from '../../store/edge-container/release-policies.ts'
import { toTime } from './views.ts'

type GetReleaseOutput = Output<typeof GetRelease>
type ReleaseView = GetReleaseOutput['Release']

export function toReleaseView(release: Release): ReleaseView {
  const { paused, ending } = release
  return {
    ReleaseId: release.id,
    AppId: release.appId,
    PublishEnv: release.environment,
    Revision: release.revision,
    Kind: release.kind,
    VersionId: release.versionId,
    ...(release.restVersionId !== undefined && { RestVersionId: release.restVersionId }),
    State: releaseState(release),
    PublishType: release.publishType,
    Percentage: release.percentage,
    Regions: [...release.regions],
    IsFull: release.isFull,
    Remarks: release.remarks,
    CreatedBy: release.createdBy,
    CreatedAt: toTime(release.createdAtMs),
    ...(release.startAtMs !== undefined && { StartAt: toTime(release.startAtMs) }),
    ...(release.hasBegun && { StartedAt: toTime(release.startedAtMs) }),
    ...(paused && { PausedAt: toTime(paused.atMs), PausedBy: paused.by }),
    ...(release.finishedAtMs !== undefined && { EndedAt: toTime(release.finishedAtMs) }),
    ...(ending && { EndingCode: ending.code, EndingMessage: ending.message }),
  }
}

export function toProgressView(found: Survey): NonNullable<GetReleaseOutput['Progress']> {
  const count = (state: StandingState) => found.standings.filter((standing) => standing.state === state).length
  return {
    Nodes: found.standings.length,
    Covered: found.standings.filter(({ isMember }) => isMember).length,
    Proven: found.proven,
    Failed: found.failed,
    Late: count('late'),
    Unreached: count('unreached'),
    InDoubt: found.inDoubt,
    MayChange: found.mayChange,
    FailureBudget: found.budget,
  }
}

export function toReleaseNodeView({ node, state, assigned, report, failure }: Standing, at: number): GetReleaseOutput['Nodes'][number] {
  return {
    NodeId: node.id,
    Place: at + 1,
    State: state,
    ...(assigned && { VersionId: assigned.version }),
    ...(report && { Phase: report.phase }),
    ...(failure && { FailureCode: failure.code, FailureMessage: failure.message }),
  }
}

type PreviewView = Omit<Output<typeof PlanRelease>, 'TotalCount' | 'PageNumber' | 'PageSize'>

export function toPreviewView(preview: Preview, release: Release, { from, to }: { from: number; to: number }): PreviewView {
  return {
    Covered: preview.covered,
    Changing: preview.changing,
    AtOnce: preview.atOnce,
    ...(release.restVersionId !== undefined && { RestVersionId: release.restVersionId }),
    Nodes: preview.nodes.slice(from, to).map(({ node, place, now, then, change }) => ({
      NodeId: node.id,
      Place: place,
      Region: node.region,
      IsOnline: node.isOnline,
      ...(now !== undefined && { Now: now }),
      ...(then !== undefined && { Then: then }),
      Change: change,
    })),
  }
}

export function toPolicyView(policy: StoredPolicy): Output<typeof GetReleasePolicy>['Policy'] {
  return {
    MaxUnavailable: formatAmount(policy.maxUnavailable),
    FailureBudget: formatAmount(policy.failureBudget),
    CanaryNodes: policy.canaryNodes,
    BakeSeconds: policy.bakeSeconds,
    DeadlineSeconds: policy.deadlineSeconds,
    AutoRollback: policy.isAutoRollback,
    ConfirmSeconds: policy.confirmSeconds,
    ...(policy.updated && { UpdatedAt: toTime(policy.updated.atMs), UpdatedBy: policy.updated.by }),
  }
}
