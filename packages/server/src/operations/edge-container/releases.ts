// Operations that publish a version, take it back, and show how far it got. They only write the intent; loops/rollouts.ts
// acts on it.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers, Input } from '@littoral/contract/operation'
import { environmentStatus } from '../../domain/environment-status.ts'
import { expectedPercentage, reachedPercentage } from '../../domain/release-progress.ts'
import {
  cancelledBy,
  newPublish,
  newRollback,
  parseTarget,
  refuseRollback,
  type ReleaseRequest,
  requireStaged,
} from '../../domain/release-request.ts'
import type { EnvironmentReleases, Release } from '../../domain/release.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as releases from '../../store/edge-container/releases.ts'
import * as rollouts from '../../store/edge-container/rollouts.ts'
import * as versions from '../../store/edge-container/versions.ts'
import * as nodes from '../../store/nodes.ts'
import type { WriteTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { findStaging } from './staging-instance.ts'
import { toStagingView, toStatusView } from './views.ts'

type ReleaseOperations = Pick<
  typeof operations,
  | 'PublishEdgeContainerAppVersion'
  | 'RollbackEdgeContainerAppVersion'
  | 'RebuildEdgeContainerAppStagingEnv'
  | 'GetEdgeContainerAppStatus'
  | 'GetEdgeContainerStagingDeployStatus'
>

export const releaseHandlers: Handlers<ReleaseOperations, Context> = {
  async PublishEdgeContainerAppVersion(input, { store, principal, ids, settings, now }) {
    const regionCodes = settings.regions.map(({ code }) => code)
    const target = parseTarget(toReleaseRequest(input), regionCodes, now())
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
      const before = await releases.findHistory(tx, { ...ref, ...draft })
      const release = newPublish(draft, version, { target, before }, now())
      apps.requirePresent(tx, ref)
      // One that waits for its time has not been published yet; the loop notes it when it begins.
      if (release.hasBegun) versions.updatePublished(tx, ref, now())
      else versions.requirePresent(tx, ref)
      replace(tx, before.current, release)
    })
    return {}
  },

  async RollbackEdgeContainerAppVersion({ AppId, VersionId, Remarks = '', UsedPercent = false, Percentage = 0 }, context) {
    const { store, principal, ids, now } = context
    const ref = { accountId: principal.accountId, appId: AppId, versionId: VersionId, environment: 'prod' as const }
    const draft = { id: `rel-${ids.digits(18)}`, kind: 'rollback' as const, remarks: Remarks, createdBy: principal.accessKeyId }
    // 0 is the documented default although the range begins at 1, so it means "not given" (contract §5.5).
    const percentage = UsedPercent && Percentage > 0 ? Percentage : undefined
    await store.write(async (tx) => {
      await apps.peek(tx, ref)
      const before = await releases.findHistory(tx, ref)
      const waiting = cancelledBy(VersionId, before)
      if (waiting !== undefined) return cancel(tx, waiting, { by: principal.accessKeyId, remarks: Remarks, nowMs: now() })
      const version = await versions.find(tx, ref)
      if (version === undefined || !(await releases.wasReleased(tx, ref))) return refuseRollback(VersionId, before)
      const release = newRollback(draft, version, { before, percentage }, now())
      apps.requirePresent(tx, ref)
      replace(tx, before.current, release)
      return undefined
    })
    return {}
  },

  async RebuildEdgeContainerAppStagingEnv({ AppId }, { store, principal, ids }) {
    const ref = { accountId: principal.accountId, appId: AppId, environment: 'staging' as const }
    const token = ids.hex(16)
    await store.write(async (tx) => {
      await apps.peek(tx, ref)
      const staged = requireStaged(await releases.findEffective(tx, ref))
      apps.requirePresent(tx, ref)
      releases.updateRestartToken(tx, staged.id, token)
    })
    return {}
  },

  async GetEdgeContainerAppStatus({ AppId, PublishEnv: environment = 'prod' }, { store, principal, now }) {
    const { accountId } = principal
    return store.read(async (tx) => {
      const app = await apps.get(tx, { accountId, appId: AppId })
      const history = await releases.findHistory(tx, { appId: AppId, environment })
      const ofAccount = await nodes.list(tx, { accountId })
      const { current } = history
      const rollout = current?.hasBegun ? await rollouts.find(tx, current, ofAccount) : undefined
      const serving = ofAccount.filter((node) => node.environments.includes(environment))
      const progress = {
        expected: current === undefined ? 0 : expectedPercentage(current, serving),
        reached: rollout === undefined ? 0 : reachedPercentage(rollout.view, now()),
      }
      return { AppStatus: toStatusView(environmentStatus(app, environment, history, progress)) }
    })
  },

  async GetEdgeContainerStagingDeployStatus({ AppId }, { store, principal }) {
    return store.read(async (tx) => {
      const app = await apps.get(tx, { accountId: principal.accountId, appId: AppId })
      return toStagingView((await findStaging(tx, app)).status)
    })
  },
}

/** Calls a release off that waits for its time, and puts nothing in its place. */
function cancel(tx: WriteTx, { id }: Release, { by, remarks, nowMs }: { by: string; remarks: string; nowMs: number }): void {
  const message = `cancelled before it began by ${by}${remarks === '' ? '' : `: ${remarks}`}`
  releases.updateEnded(tx, id, { status: 'superseded', ending: { code: 'Cancelled', message }, nowMs })
}

/** Puts a release in the place of the one before it, which ends unless it has ended already. */
function replace(tx: WriteTx, current: EnvironmentReleases['current'], next: Release): void {
  if (current !== undefined) {
    const by = `by ${next.createdBy} with release ${next.id} of version ${next.versionId}`
    const rolledBack = current.hasBegun ? ({ code: 'RolledBack', message: `rolled back ${by}` } as const) : undefined
    const cancelled = { code: 'Cancelled', message: `cancelled before it began ${by}` } as const
    const superseded = { code: 'Superseded', message: `superseded ${by}` } as const
    const ending = next.kind === 'publish' ? superseded : (rolledBack ?? cancelled)
    releases.updateEnded(tx, current.id, { status: 'superseded', ending, nowMs: next.createdAtMs })
  }
  releases.insert(tx, next)
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
