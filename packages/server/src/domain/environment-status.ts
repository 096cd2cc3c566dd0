// What one environment of an application shows of itself, from its releases and the rollout's progress (contract:
// esa-edge-container §4.3 and the table in §5.2). Pure; GetEdgeContainerAppStatus is its only reader.
import type { App, Environment } from './app.ts'
import { type EnvironmentReleases, isRollback, type Release } from './release.ts'

export interface EnvironmentStatus {
  readonly environment: Environment
  readonly deployStatus: 'undeploy' | 'deploying' | 'deployed' | 'undeploying'
  readonly publishStatus?: 'publishing' | 'published' | 'rollbacking' | 'rollbacked'
  readonly publishType?: 'percentage' | 'region'
  readonly isFullRelease: boolean
  readonly regions: readonly string[]
  readonly baselineVersionId?: string
  readonly deployedVersionId?: string
  readonly publishingVersionId?: string
  readonly expectPercentage: number
  readonly publishPercentage: number
  readonly publishedAtMs?: number
  readonly deployedAtMs?: number
  readonly rolledBackAtMs?: number
}

/** `progress`: the shares of the current release, as release-progress.ts counts them. */
export function environmentStatus(
  app: Pick<App, 'status'>,
  environment: Environment,
  releases: EnvironmentReleases,
  progress: { expected: number; reached: number },
): EnvironmentStatus {
  const { current, effective, published, baseline, lastPublish, lastRollback } = releases
  if (current === undefined) {
    return { environment, deployStatus: 'undeploy', expectPercentage: 0, publishPercentage: 0, isFullRelease: false, regions: [] }
  }
  // A first release that waits for its time deploys nothing yet.
  const begun = effective === undefined ? 'undeploy' : 'deploying'
  const running = published === undefined ? begun : 'deployed'
  return {
    environment,
    deployStatus: app.status === 'deleted' ? 'undeploying' : running,
    publishStatus: publishStatusOf(current),
    publishType: current.publishType,
    isFullRelease: current.publishType === 'region' && current.isFull,
    regions: current.publishType === 'region' ? current.regions : [],
    ...(baseline && { baselineVersionId: baseline.versionId }),
    ...(published && {
      deployedVersionId: published.versionId,
      ...(published.finishedAtMs !== undefined && { deployedAtMs: published.finishedAtMs }),
    }),
    publishingVersionId: current.versionId,
    expectPercentage: progress.expected,
    publishPercentage: progress.reached,
    // A release that waits for its time has not begun to be published (contract §5.4).
    ...(lastPublish?.hasBegun && !(current.kind === 'publish' && !current.hasBegun) && { publishedAtMs: lastPublish.startedAtMs }),
    ...(lastRollback && { rolledBackAtMs: lastRollback.startedAtMs }),
  }
}

/** There is no word for failure: a release that stopped stays under way until it is rolled back (contract §4.3). */
function publishStatusOf(release: Release): NonNullable<EnvironmentStatus['publishStatus']> {
  const isThrough = release.status === 'published'
  if (isRollback(release)) return isThrough ? 'rollbacked' : 'rollbacking'
  return isThrough ? 'published' : 'publishing'
}
