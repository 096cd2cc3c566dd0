// Operations that publish a version and show how far it got. Publishing only writes the intent; loops/rollouts.ts acts on it.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers, Input } from '@littoral/contract/operation'
import { workloadKey } from '../../domain/app.ts'
import { environmentStatus } from '../../domain/environment-status.ts'
import { newRelease, type ReleaseRequest, requireSupported } from '../../domain/release.ts'
import { reachedPercentage } from '../../domain/rollout.ts'
import { stagingStatus } from '../../domain/staging-status.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as releases from '../../store/edge-container/releases.ts'
import * as rollouts from '../../store/edge-container/rollouts.ts'
import * as versions from '../../store/edge-container/versions.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'
import type { Context } from '../context.ts'
import { toStagingView, toStatusView } from './views.ts'

type ReleaseOperations = Pick<
  typeof operations,
  'PublishEdgeContainerAppVersion' | 'GetEdgeContainerAppStatus' | 'GetEdgeContainerStagingDeployStatus'
>

export const releaseHandlers: Handlers<ReleaseOperations, Context> = {
  async PublishEdgeContainerAppVersion(input, { store, principal, ids, now }) {
    requireSupported(toReleaseRequest(input), now())
    const ref = { accountId: principal.accountId, appId: input.AppId, versionId: input.VersionId }
    const draft = {
      id: `rel-${ids.digits(18)}`,
      environment: input.PublishEnv,
      remarks: input.Remarks ?? '',
      createdBy: principal.accessKeyId,
    }
    await store.write(async (tx) => {
      await apps.peek(tx, ref)
      const version = await versions.peek(tx, ref)
      const current = await releases.findCurrent(tx, { ...ref, ...draft })
      const release = newRelease(draft, version, current, now())
      apps.requirePresent(tx, ref)
      versions.updatePublished(tx, ref, now())
      if (current !== undefined) releases.updateFinished(tx, current.id, 'superseded', now())
      releases.insert(tx, release)
    })
    return {}
  },

  async GetEdgeContainerAppStatus({ AppId, PublishEnv: environment = 'prod' }, { store, principal, now }) {
    const { accountId } = principal
    return store.read(async (tx) => {
      const app = await apps.get(tx, { accountId, appId: AppId })
      const both = await releases.findBoth(tx, { appId: AppId, environment })
      const rollout = both.current && (await rollouts.find(tx, both.current, await nodes.list(tx, { accountId })))
      const reached = rollout === undefined ? 0 : reachedPercentage(rollout.view, now())
      return { AppStatus: toStatusView(environmentStatus(app, environment, both, reached)) }
    })
  },

  async GetEdgeContainerStagingDeployStatus({ AppId }, { store, principal }) {
    const key = workloadKey(AppId, 'staging')
    return store.read(async (tx) => {
      const app = await apps.get(tx, { accountId: principal.accountId, appId: AppId })
      const current = await releases.findCurrent(tx, { appId: AppId, environment: 'staging' })
      const assignment = (await rollouts.listAssignments(tx, key)).find(({ version }) => version === current?.versionId)
      const node = assignment && (await nodes.find(tx, assignment.nodeId))
      const report = assignment && (await reports.find(tx, assignment.nodeId, key))
      const status = stagingStatus({
        isPublished: current !== undefined && app.status === 'created',
        isNodeOnline: node?.isOnline ?? false,
        assignment,
        report,
      })
      return toStagingView(status)
    })
  },
}

function toReleaseRequest(input: Input<typeof operations.PublishEdgeContainerAppVersion>): ReleaseRequest {
  return {
    environment: input.PublishEnv,
    ...(input.Percentage !== undefined && { percentage: input.Percentage }),
    ...(input.PublishType && { publishType: input.PublishType }),
    ...(input.Regions && { regions: input.Regions }),
    ...(input.FullRelease !== undefined && { isFullRelease: input.FullRelease }),
    ...(input.StartTime && { startTime: input.StartTime }),
  }
}
