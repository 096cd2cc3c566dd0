// Handlers of the operations on releases: history, holding, planning ahead, and why.
import type { operations } from '@littoral/contract/littoral/index'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { type Environment, workloadKey } from '../../domain/app.ts'
import { explainNode } from '../../domain/explanation.ts'
import { type PortUser, portRivals } from '../../domain/port-rivals.ts'
import { newPublish, parseTarget } from '../../domain/release-request.ts'
import { previewRelease } from '../../domain/release-preview.ts'
import { releaseState } from '../../domain/release-progress.ts'
import type { Release } from '../../domain/release.ts'
import { imageHoldMs, withHold } from '../../domain/rollout.ts'
import type { RolloutView } from '../../domain/standing.ts'
import { survey } from '../../domain/standing.ts'
import * as assignments from '../../store/assignments.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as policies from '../../store/edge-container/release-policies.ts'
import * as releases from '../../store/edge-container/releases.ts'
import * as state from '../../store/edge-container/rollout-state.ts'
import * as rollouts from '../../store/edge-container/rollouts.ts'
import * as versions from '../../store/edge-container/versions.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'
import type { ReadTx, WriteTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { toPreviewView, toProgressView, toReleaseNodeView, toReleaseView } from './release-views.ts'
import { toTime } from './views.ts'

type ReleaseOperations = Pick<
  typeof operations,
  'GetRelease' | 'ListReleases' | 'PauseRelease' | 'ResumeRelease' | 'PlanRelease' | 'ExplainNode'
>

/** Failures shown of one release. */
const maxFailures = 500

export const releaseHandlers: Handlers<ReleaseOperations, Context> = {
  async GetRelease({ ReleaseId, PageNumber = 1, PageSize = 100 }, { store, principal: { accountId }, now }) {
    return store.read(async (tx) => {
      const release = await get(tx, { accountId, id: ReleaseId })
      const effective = await releases.findEffective(tx, release)
      const rollout = effective?.id === release.id ? await rollouts.find(tx, release, await nodes.list(tx, { accountId })) : undefined
      const found = rollout && survey(rollout.view, now())
      const failures = await state.listFailures(tx, release.id)
      const shown = (found?.standings ?? []).map(toReleaseNodeView)
      return {
        Release: toReleaseView(release),
        ...(found && { Progress: toProgressView(found) }),
        Failures: failures.slice(0, maxFailures).map(({ nodeId, code, message, failedAtMs }) => ({
          NodeId: nodeId,
          Code: code,
          Message: message,
          FailedAt: toTime(failedAtMs),
        })),
        Nodes: shown.slice((PageNumber - 1) * PageSize, PageNumber * PageSize),
        TotalCount: shown.length,
        PageNumber,
        PageSize,
      }
    })
  },

  async ListReleases({ AppId, PublishEnv, PageNumber = 1, PageSize = 20 }, { store, principal: { accountId } }) {
    const wanted = { appId: AppId, environment: PublishEnv, offset: (PageNumber - 1) * PageSize, limit: PageSize }
    const { releases: found, total } = await store.read(async (tx) => {
      await apps.get(tx, { accountId, appId: AppId })
      return releases.page(tx, wanted)
    })
    return { TotalCount: total, PageNumber, PageSize, Releases: found.map(toReleaseView) }
  },

  async PauseRelease({ ReleaseId }, { store, principal: { accountId, accessKeyId }, now }) {
    const paused = { atMs: now(), by: accessKeyId }
    const release = await store.write(async (tx) => {
      const found = await getNewest(tx, { accountId, id: ReleaseId })
      if (!found.isNewest || found.release.status !== 'publishing') throw notHeld('Release.NotUnderWay', found.release)
      if (found.release.paused !== undefined) return found.release
      releases.updatePaused(tx, ReleaseId, paused)
      return { ...found.release, paused }
    })
    return { Release: toReleaseView(release) }
  },

  async ResumeRelease({ ReleaseId }, { store, principal: { accountId }, now }) {
    const release = await store.write(async (tx) => {
      const found = await getNewest(tx, { accountId, id: ReleaseId })
      const { paused, finishedAtMs: _finishedAtMs, ending: _ending, ...held } = found.release
      const isHeld = held.status === 'stopped' || (held.status === 'publishing' && paused !== undefined)
      if (!found.isNewest || !isHeld) throw notHeld('Release.NotHeld', found.release)
      if (held.status === 'stopped') {
        state.removeFailures(tx, ReleaseId)
        releases.updateResumed(tx, ReleaseId, now())
      } else releases.updatePaused(tx, ReleaseId, undefined)
      return { ...held, status: 'publishing' as const }
    })
    return { Release: toReleaseView(release) }
  },

  async PlanRelease({ PageNumber = 1, PageSize = 100, ...input }, { store, principal, settings, now }) {
    const { AppId, VersionId, PublishEnv: environment = 'prod' } = input
    const ref = { accountId: principal.accountId, appId: AppId, versionId: VersionId }
    const codes = settings.regions.map(({ code }) => code)
    const target = parseTarget(
      {
        environment,
        ...(input.Percentage !== undefined && { percentage: input.Percentage }),
        ...(input.PublishType && { publishType: input.PublishType }),
        ...(input.Regions && { regions: input.Regions }),
        ...(input.FullRelease !== undefined && { isFullRelease: input.FullRelease }),
      },
      codes,
      now(),
    )
    const draft = { id: 'planned', environment, remarks: '', createdBy: principal.accessKeyId }
    return store.read(async (tx) => {
      await apps.get(tx, ref)
      const version = await versions.get(tx, ref)
      const before = await releases.findHistory(tx, { appId: AppId, environment })
      const release = newPublish(draft, version, { target, before }, now())
      const key = workloadKey(AppId, environment)
      const assigned = new Map((await rollouts.listAssignments(tx, key)).map((entry) => [entry.nodeId, entry.version]))
      const serving = await nodes.list(tx, { accountId: ref.accountId, environment })
      const view = { release, key, policy: await policies.find(tx, AppId), nodes: serving, assigned }
      const preview = previewRelease(view, now())
      const page = { from: (PageNumber - 1) * PageSize, to: PageNumber * PageSize }
      return { ...toPreviewView(preview, release, page), TotalCount: preview.nodes.length, PageNumber, PageSize }
    })
  },

  async ExplainNode({ NodeId, AppId, VersionId, PublishEnv: environment = 'prod' }, { store, principal: { accountId }, now }) {
    return store.read(async (tx) => {
      const node = await nodes.find(tx, NodeId)
      if (node === undefined || node.accountId !== accountId) throw new Fault('Node.NotFound', { NodeId })
      const { servicePort } = await apps.get(tx, { accountId, appId: AppId })
      const { current, effective } = await releases.findHistory(tx, { appId: AppId, environment })
      const rollout = effective && (await rollouts.find(tx, effective, await nodes.list(tx, { accountId })))
      const versionId = VersionId ?? current?.versionId
      const told = await onNode(tx, { appId: AppId, environment, nodeId: NodeId })
      const causes = explainNode(
        { current, rollout: rollout && effective && held(rollout, effective), node, versionId, environment },
        now(),
      )
      const isReady = versionId !== undefined && told.ready === versionId
      const isTold = versionId !== undefined && told.assigned === versionId
      if (isTold && !isReady && environment === 'prod')
        causes.push(...portRivals(workloadKey(AppId, 'prod'), servicePort, await portUsers(tx, NodeId)))
      return {
        IsReady: isReady,
        ...(versionId !== undefined && { VersionId: versionId }),
        ...(told.assigned !== undefined && { AssignedVersionId: told.assigned }),
        ...(told.serving !== undefined && { ServingVersionId: told.serving }),
        Causes: causes.map(({ code, message }) => ({ Code: code, Message: message })),
      }
    })
  },
}

/** As the loop sees it: a release that has told nobody yet waits a while for the digests of its images. */
function held(rollout: rollouts.Rollout, release: Release): RolloutView {
  const { view } = rollout
  const isToldToNobody = view.assignments.every(({ digest }) => digest !== view.target.digest)
  return isToldToNobody ? withHold(rollout, release, imageHoldMs) : view
}

async function portUsers(tx: ReadTx, nodeId: string): Promise<PortUser[]> {
  const said = new Map((await reports.listByNode(tx, nodeId)).map((report) => [report.key, report]))
  return (await assignments.listByNode(tx, nodeId)).map(({ key, workload }) => ({
    key,
    workload,
    serves: (said.get(key)?.addresses ?? []).map(({ port }) => port),
  }))
}

/** Throws Release.NotFound. */
async function get(tx: ReadTx, ref: { accountId: string; id: string }): Promise<Release> {
  const release = await releases.find(tx, ref)
  if (release === undefined) throw new Fault('Release.NotFound', { ReleaseId: ref.id })
  return release
}

async function getNewest(tx: WriteTx, ref: { accountId: string; id: string }): Promise<{ release: Release; isNewest: boolean }> {
  const release = await get(tx, ref)
  return { release, isNewest: (await releases.findCurrent(tx, release))?.id === release.id }
}

function notHeld(fault: 'Release.NotUnderWay' | 'Release.NotHeld', release: Release): Fault {
  return new Fault(fault, { ReleaseId: release.id, State: releaseState(release) })
}

/** What a node is told, and what it says of it. A version is ready only where the report is about exactly what was assigned. */
async function onNode(tx: ReadTx, { appId, environment, nodeId }: { appId: string; environment: Environment; nodeId: string }) {
  const key = workloadKey(appId, environment)
  const assigned = (await rollouts.listAssignments(tx, key)).find((entry) => entry.nodeId === nodeId)
  const report = await reports.find(tx, nodeId, key)
  const isReady = report?.phase === 'ready' && report.version === assigned?.version && report.digest === assigned.digest
  return {
    assigned: assigned?.version,
    serving: report?.serving?.version ?? (report?.phase === 'ready' ? report.version : undefined),
    ready: isReady ? report.version : undefined,
  }
}
