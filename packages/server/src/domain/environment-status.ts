// What one environment of an application shows of itself, from its releases and the rollout's progress (contract:
// esa-edge-container §4.3 and the table in §5.2). Pure; GetEdgeContainerAppStatus is its only reader.
import type { App, Environment } from './app.ts'
import type { Release } from './release.ts'

export interface EnvironmentStatus {
  readonly environment: Environment
  readonly deployStatus: 'undeploy' | 'deploying' | 'deployed' | 'undeploying'
  readonly publishStatus?: 'publishing' | 'published'
  readonly baselineVersionId?: string
  readonly deployedVersionId?: string
  readonly publishingVersionId?: string
  readonly expectPercentage: number
  readonly publishPercentage: number
  readonly publishedAtMs?: number
  readonly deployedAtMs?: number
}

export interface EnvironmentReleases {
  /** The newest release. */
  readonly current?: Release
  /** The newest release that is through. */
  readonly published?: Release
}

/** `reached` is the share of nodes that run the current release, as planned by rollout.ts. */
export function environmentStatus(
  app: Pick<App, 'status'>,
  environment: Environment,
  { current, published }: EnvironmentReleases,
  reached: number,
): EnvironmentStatus {
  if (current === undefined) return { environment, deployStatus: 'undeploy', expectPercentage: 0, publishPercentage: 0 }
  const running = published === undefined ? 'deploying' : 'deployed'
  return {
    environment,
    deployStatus: app.status === 'deleted' ? 'undeploying' : running,
    publishStatus: current.status === 'published' ? 'published' : 'publishing',
    ...(published && {
      baselineVersionId: published.versionId,
      deployedVersionId: published.versionId,
      ...(published.finishedAtMs !== undefined && { deployedAtMs: published.finishedAtMs }),
    }),
    publishingVersionId: current.versionId,
    expectPercentage: current.percentage,
    publishPercentage: reached,
    publishedAtMs: current.startedAtMs,
  }
}
