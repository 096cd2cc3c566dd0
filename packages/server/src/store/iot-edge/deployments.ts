// Deployments with their snapshots. Created and closed by operations, moved on by loops/deployments.ts.
import { Fault } from '@littoral/contract/errors'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import type { Selectable } from 'kysely'
import type { Deployment, LogLine, Snapshot } from '../../domain/deployment.ts'
import type { Page } from '../../domain/edge-page.ts'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { DeploymentRow, DeploymentSnapshotRow } from '../tables/iot-edge.ts'
import * as deployedResources from './deployed-resources.ts'
import { newestPage } from './newest.ts'

export async function find(tx: ReadTx, id: string): Promise<Deployment | undefined> {
  const row = await tx.first(db.selectFrom('deployments').selectAll().where('id', '=', id))
  if (row === undefined) return undefined
  const snapshots = await tx.all(db.selectFrom('deployment_snapshots').selectAll().where('deployment_id', '=', id).orderBy('place'))
  return toDeployment(row, snapshots)
}

/** A job of this instance; throws iot.edge.DeploymentNotExist. */
export async function get(tx: ReadTx, instanceId: string, id: string): Promise<Deployment> {
  const deployment = await find(tx, id)
  if (deployment?.instanceId !== instanceId) throw new Fault('iot.edge.DeploymentNotExist')
  return deployment
}

/** The job of the instance that has not ended. */
export async function findUnfinished(tx: ReadTx, instanceId: string): Promise<Deployment | undefined> {
  const query = db.selectFrom('deployments').select('id').where('instance_id', '=', instanceId).where('status', '<', 2)
  const unfinished = await tx.first(query)
  return unfinished && find(tx, unfinished.id)
}

export interface DeploymentFilter {
  readonly instanceId: string
  readonly fromMs?: number
  readonly toMs?: number
}

/** One page, newest first, without the snapshots, and how many there are in all. */
export async function page(tx: ReadTx, filter: DeploymentFilter, at: Page): Promise<{ deployments: Deployment[]; total: number }> {
  let query = db.selectFrom('deployments').where('instance_id', '=', filter.instanceId)
  if (filter.fromMs !== undefined) query = query.where('created_at_ms', '>=', filter.fromMs)
  if (filter.toMs !== undefined) query = query.where('created_at_ms', '<=', filter.toMs)
  const counted = await tx.first(query.select((e) => e.fn.countAll<number>().as('total')))
  const rows = await tx.all(newestPage(query.selectAll(), 'deployments', at))
  return { deployments: rows.map((row) => toDeployment(row, [])), total: Number(counted?.total ?? 0) }
}

/** Forgets every job of an instance, with what they have put on its gateway. */
export function removeAll(tx: WriteTx, instanceId: string): void {
  tx.run(db.deleteFrom('deployments').where('instance_id', '=', instanceId))
  deployedResources.removeAll(tx, instanceId)
}

/** So many jobs are looked at in one pass; the others wait for the next, which comes at once while there is something to do. */
const maxUnfinished = 10_000

export interface Movable {
  readonly id: string
  readonly isDispatched: boolean
}

/** The jobs that can move on, oldest first: those that wait for a gateway that is off line are left out. */
export async function listMovable(tx: ReadTx): Promise<Movable[]> {
  const rows = await tx.all(
    db
      .selectFrom('deployments')
      .select(['id', 'dispatched_at_ms'])
      .where('status', '<', 2)
      .where((e) => {
        const gateway = e.selectFrom('nodes').select('nodes.id').whereRef('nodes.gateway_iot_id', '=', 'deployments.gateway_iot_id')
        return e.or([e('status', '=', 0), e('dispatched_at_ms', 'is not', null), e.exists(gateway.where('nodes.is_online', '=', 1))])
      })
      .orderBy('created_at_ms')
      .orderBy('id')
      .limit(maxUnfinished),
  )
  return rows.map((row) => ({ id: row.id, isDispatched: row.dispatched_at_ms !== null }))
}

/** Stores a job as the newest of its instance; throws iot.edge.InstanceIsRunning at commit. */
export function insert(tx: WriteTx, deployment: Deployment): void {
  tx.run(db.insertInto('deployments').values(toRow(deployment)), { unique: { name: 'iot.edge.InstanceIsRunning' } })
  deployment.snapshots.forEach((snapshot, place) => {
    tx.run(db.insertInto('deployment_snapshots').values(toSnapshotRow(deployment, snapshot, place)))
  })
  tx.run(db.updateTable('edge_instances').set({ latest_deployment_id: deployment.id }).where('id', '=', deployment.instanceId))
  tx.announce('deployments')
}

/** Writes what changed of a job and its snapshots; the frozen content is never written again. */
export function update(tx: WriteTx, before: Deployment, after: Deployment): void {
  const { status, modified_at_ms, dispatched_at_ms, completed_at_ms } = toRow(after)
  tx.run(db.updateTable('deployments').set({ status, modified_at_ms, dispatched_at_ms, completed_at_ms }).where('id', '=', after.id))
  after.snapshots.forEach((snapshot, place) => {
    if (snapshot === before.snapshots[place]) return
    const row = toSnapshotRow(after, snapshot, place)
    const changed = {
      status: row.status,
      stage: row.stage,
      log: row.log,
      modified_at_ms: row.modified_at_ms,
      completed_at_ms: row.completed_at_ms,
    }
    tx.run(db.updateTable('deployment_snapshots').set(changed).where('deployment_id', '=', after.id).where('place', '=', place))
    if (snapshot.status === 2) deployedResources.update(tx, after, snapshot)
  })
  tx.announce('deployments')
}

function toRow(deployment: Deployment): DeploymentRow {
  return {
    id: deployment.id,
    account_id: deployment.accountId,
    instance_id: deployment.instanceId,
    type: deployment.type,
    status: deployment.status,
    gateway_iot_id: deployment.gatewayIotId,
    task_id: deployment.taskId,
    created_at_ms: deployment.createdAtMs,
    modified_at_ms: deployment.modifiedAtMs,
    dispatched_at_ms: deployment.dispatchedAtMs ?? null,
    completed_at_ms: deployment.completedAtMs ?? null,
  }
}

function toSnapshotRow(deployment: Deployment, snapshot: Snapshot, place: number): DeploymentSnapshotRow {
  return {
    deployment_id: deployment.id,
    place,
    id: snapshot.id,
    account_id: deployment.accountId,
    resource_type: snapshot.resourceType,
    resource_id: snapshot.resourceId,
    resource_name: snapshot.resourceName,
    operate_type: snapshot.operateType,
    status: snapshot.status,
    stage: snapshot.stage,
    workload_key: snapshot.workloadKey ?? null,
    created_at_ms: snapshot.createdAtMs,
    modified_at_ms: snapshot.modifiedAtMs,
    completed_at_ms: snapshot.completedAtMs ?? null,
    log: JSON.stringify(snapshot.log),
    workload: snapshot.workload === undefined ? null : JSON.stringify(snapshot.workload),
    content: snapshot.content ?? null,
  }
}

function toDeployment(row: Selectable<DeploymentRow>, snapshots: readonly Selectable<DeploymentSnapshotRow>[]): Deployment {
  return {
    id: row.id,
    accountId: row.account_id,
    instanceId: row.instance_id,
    type: row.type as Deployment['type'],
    status: row.status as Deployment['status'],
    gatewayIotId: row.gateway_iot_id,
    taskId: row.task_id,
    snapshots: snapshots.map(toSnapshot),
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
    ...present({ dispatchedAtMs: row.dispatched_at_ms, completedAtMs: row.completed_at_ms }),
  }
}

function toSnapshot(row: Selectable<DeploymentSnapshotRow>): Snapshot {
  return {
    id: row.id,
    resourceType: row.resource_type as Snapshot['resourceType'],
    resourceId: row.resource_id,
    resourceName: row.resource_name,
    operateType: row.operate_type as Snapshot['operateType'],
    status: row.status as Snapshot['status'],
    stage: row.stage as Snapshot['stage'],
    log: JSON.parse(row.log) as LogLine[],
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
    ...present({ workloadKey: row.workload_key, completedAtMs: row.completed_at_ms, content: row.content }),
    ...(row.workload === null ? {} : { workload: JSON.parse(row.workload) as DriverWorkload }),
  }
}
