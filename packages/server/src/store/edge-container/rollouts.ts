// One consistent view of a release: what it asks for, what is assigned, what nodes reported. Read by the rollouts loop and
// by GetEdgeContainerAppStatus, so that both speak of the same thing.
import type { GroupWorkload } from '@littoral/contract/node/desired-state'
import type { Release } from '../../domain/release.ts'
import type { RemovalView } from '../../domain/rollout.ts'
import type { RolloutAssignment, RolloutView } from '../../domain/standing.ts'
import { environments, workloadKey } from '../../domain/app.ts'
import { toGroupWorkload } from '../../domain/workload.ts'
import { db } from '../db.ts'
import * as assignments from '../assignments.ts'
import * as pins from '../image-pins.ts'
import type { NodeRecord } from '../nodes.ts'
import * as reports from '../reports.ts'
import type { ReadTx } from '../store.ts'
import * as apps from './apps.ts'
import * as policies from './release-policies.ts'
import * as state from './rollout-state.ts'
import * as versions from './versions.ts'

export interface Rollout {
  readonly view: RolloutView
  readonly workload: GroupWorkload
  /** What nodes run that the release does not cover. */
  readonly rest?: GroupWorkload
  /** Nobody knows yet which digests the version's tags stand for. */
  readonly hasOpenImages: boolean
}

/**
 * What a release that is in effect comes to. Undefined when the version is gone, which only happens together with its
 * application. `nodes`: all of the account.
 */
export async function find(tx: ReadTx, release: Release, nodes: readonly NodeRecord[], watchingSinceMs = 0): Promise<Rollout | undefined> {
  const { environment, appId, restVersionId, restartToken } = release
  const version = await versions.find(tx, release)
  if (version === undefined) return undefined
  const app = await apps.get(tx, release)
  const policy = await policies.find(tx, appId)
  // Only what can still fail bakes on its node: a rollback must not keep what it takes back any longer than it has to.
  // Nor must a node go back from it by itself.
  const isJudged = environment === 'prod' && release.kind === 'publish'
  const bakes = isJudged && policy.bakeSeconds > 0
  const workload = {
    ...toGroupWorkload(app, version, environment),
    ...(restartToken !== undefined && { restartToken }),
    ...(bakes && { bakeSeconds: policy.bakeSeconds }),
    ...(isJudged && policy.confirmSeconds > 0 && { confirmSeconds: policy.confirmSeconds }),
  }
  const restVersion = restVersionId === undefined ? undefined : await versions.find(tx, { ...release, versionId: restVersionId })
  const rest = restVersion && toGroupWorkload(app, restVersion, environment)
  return {
    workload,
    ...(rest && { rest }),
    hasOpenImages: await pins.hasOpen(tx, version.id),
    view: {
      environment,
      release,
      target: workload,
      rest,
      policy,
      nodes: nodes.filter((node) => node.environments.includes(environment)),
      assignments: environment === 'staging' ? await listWithToken(tx, workload.key) : await listAssignments(tx, workload.key),
      reports: await reports.listByKey(tx, workload.key),
      marks: environment === 'staging' ? [] : await state.listMarks(tx, appId),
      failures: await state.listFailures(tx, release.id),
      watchingSinceMs,
      triedSinceMs: release.resumedAtMs ?? release.startedAtMs,
    },
  }
}

/** The one assignment of staging, with the token of the instance it asks for. */
async function listWithToken(tx: ReadTx, key: string): Promise<RolloutAssignment[]> {
  return (await assignments.listByKey(tx, key)).map(({ nodeId, version, digest, workload }) => {
    const token = workload.kind === 'group' ? workload.restartToken : undefined
    return { nodeId, version, digest, ...(token !== undefined && { restartToken: token }) }
  })
}

/** What is left of a deleted application on nodes. */
export async function findRemoval(tx: ReadTx, appId: string, nodes: readonly NodeRecord[]): Promise<RemovalView> {
  const ofApp: reports.StoredReport[] = []
  for (const environment of environments) ofApp.push(...(await reports.listByKey(tx, workloadKey(appId, environment))))
  const onlineNodeIds = nodes.filter((node) => node.isOnline).map((node) => node.id)
  return { assignments: await listAppAssignments(tx, appId), reports: ofApp, onlineNodeIds }
}

/** Whether anything of an application is on a node, or may be: it is assigned, or a node that is there or away spoke of it. */
export async function isPlaced(tx: ReadTx, appId: string): Promise<boolean> {
  for (const environment of environments) {
    const key = workloadKey(appId, environment)
    if ((await listAssignments(tx, key)).length + (await reports.listByKey(tx, key)).length > 0) return true
  }
  return false
}

/** Where an application is assigned, in both environments. */
export async function listAppAssignments(tx: ReadTx, appId: string): Promise<{ nodeId: string; key: string }[]> {
  const found: { nodeId: string; key: string }[] = []
  for (const environment of environments) found.push(...(await listAssignments(tx, workloadKey(appId, environment))))
  return found
}

/** Which nodes have the workload assigned, without the workload itself: it is large, and the same on every node. */
export async function listAssignments(
  tx: ReadTx,
  key: string,
): Promise<{ nodeId: string; key: string; version: string; digest: string }[]> {
  const rows = await tx.all(db.selectFrom('assignments').select(['node_id', 'version', 'digest']).where('key', '=', key).orderBy('node_id'))
  return rows.map((row) => ({ nodeId: row.node_id, key, version: row.version, digest: row.digest }))
}
