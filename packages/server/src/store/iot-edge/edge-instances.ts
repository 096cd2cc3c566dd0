// Edge instances, each with the state of its newest deployment.
import { Fault } from '@littoral/contract/errors'
import type { Page } from '../../domain/edge-page.ts'
import type { EdgeInstance } from '../../domain/edge-instance.ts'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import { contains } from './contains.ts'
import { newestPage } from './newest.ts'

function joined() {
  return db
    .selectFrom('edge_instances')
    .leftJoin('deployments', 'deployments.id', 'edge_instances.latest_deployment_id')
    .selectAll('edge_instances')
    .select(['deployments.type as deployment_type', 'deployments.status as deployment_status'])
}
type JoinedRow = ReturnType<typeof joined> extends { executeTakeFirstOrThrow(): Promise<infer Row> } ? Row : never

/** Throws iot.edge.InstanceNotExist, or iot.common.AuthActionPermissionDeny when it is another account's. */
export async function get(tx: ReadTx, accountId: string, id: string): Promise<EdgeInstance> {
  const row = await tx.first(joined().where('edge_instances.id', '=', id))
  if (row === undefined) throw new Fault('iot.edge.InstanceNotExist')
  if (row.account_id !== accountId) throw new Fault('iot.common.AuthActionPermissionDeny')
  return toInstance(row)
}

/** The instance that has this gateway. */
export async function findIdByGateway(tx: ReadTx, iotId: string): Promise<string | undefined> {
  return (await tx.first(db.selectFrom('edge_instances').select('id').where('gateway_iot_id', '=', iotId)))?.id
}

/** The instances that have these gateways, by gateway. */
export async function idsByGateway(tx: ReadTx, iotIds: readonly string[]): Promise<Map<string, string>> {
  const query = db.selectFrom('edge_instances').select(['id', 'gateway_iot_id'])
  const rows = await tx.all(query.where('gateway_iot_id', 'in', [...iotIds]))
  return new Map(rows.map((row) => [row.gateway_iot_id ?? '', row.id]))
}

/** One page, newest first, and how many there are in all. */
export async function page(
  tx: ReadTx,
  filter: { accountId: string; name?: string },
  at: Page,
): Promise<{ instances: EdgeInstance[]; total: number }> {
  const { accountId, name = '' } = filter
  const counted = await tx.first(
    db
      .selectFrom('edge_instances')
      .where('account_id', '=', accountId)
      .where((e) => (name === '' ? e.lit(true) : contains(e.ref('name'), name)))
      .select((e) => e.fn.countAll<number>().as('total')),
  )
  const found = joined()
    .where('edge_instances.account_id', '=', accountId)
    .where((e) => (name === '' ? e.lit(true) : contains(e.ref('edge_instances.name'), name)))
  const rows = await tx.all(newestPage(found, 'edge_instances', at))
  return { instances: rows.map(toInstance), total: Number(counted?.total ?? 0) }
}

export async function isNameTaken(tx: ReadTx, accountId: string, name: string): Promise<boolean> {
  const query = db.selectFrom('edge_instances').select('id').where('account_id', '=', accountId).where('name', '=', name)
  return (await tx.first(query)) !== undefined
}

/** Throws iot.edge.InstanceNumLimitation, iot.edge.InstanceNameExist at commit. */
export function insert(tx: WriteTx, instance: EdgeInstance, limit: number): void {
  const isBelowLimit = db
    .selectFrom('edge_instances')
    .where('account_id', '=', instance.accountId)
    .select((e) => e.fn.countAll<number>().as('total'))
    .having((e) => e(e.fn.countAll<number>(), '<', limit))
  tx.require(isBelowLimit, { name: 'iot.edge.InstanceNumLimitation' })
  const row = {
    id: instance.id,
    account_id: instance.accountId,
    name: instance.name,
    spec: instance.spec,
    tags: instance.tags ?? null,
    is_enabled: instance.isEnabled ? 1 : 0,
    created_at_ms: instance.createdAtMs,
    modified_at_ms: instance.modifiedAtMs,
  }
  tx.run(db.insertInto('edge_instances').values(row), { unique: { name: 'iot.edge.InstanceNameExist' } })
}

/** Puts a gateway into an instance that has none; throws iot.edge.InstanceAlreadyBindGateway at commit. */
export function updateGateway(tx: WriteTx, { id, iotId, nowMs }: { id: string; iotId: string; nowMs: number }): void {
  const alreadyBound = { name: 'iot.edge.InstanceAlreadyBindGateway' } as const
  tx.run(
    db
      .updateTable('edge_instances')
      .set({ gateway_iot_id: iotId, modified_at_ms: nowMs })
      .where('id', '=', id)
      .where('gateway_iot_id', 'is', null),
    { unique: alreadyBound, none: alreadyBound },
  )
}

/** Writes name, tier, tags and switch; throws iot.edge.InstanceNameExist at commit. */
export function update(tx: WriteTx, { id, name, spec, tags, isEnabled, modifiedAtMs }: EdgeInstance): void {
  const columns = { name, spec, tags: tags ?? null, is_enabled: isEnabled ? 1 : 0, modified_at_ms: modifiedAtMs }
  tx.run(db.updateTable('edge_instances').set(columns).where('id', '=', id), { unique: { name: 'iot.edge.InstanceNameExist' } })
}

/** Writes the role, or takes it away. */
export function updateRole(tx: WriteTx, id: string, role: EdgeInstance['role'], nowMs: number): void {
  const { arn, name, attachedAtMs } = role ?? { arn: null, name: null, attachedAtMs: null }
  const columns = { role_arn: arn, role_name: name, role_attached_at_ms: attachedAtMs, modified_at_ms: nowMs }
  tx.run(db.updateTable('edge_instances').set(columns).where('id', '=', id))
}

/** Puts another gateway in the place of one; throws iot.edge.InstanceAlreadyBindGateway at commit. */
export function replaceGateway(tx: WriteTx, { id, iotId, nowMs }: { id: string; iotId: string; nowMs: number }): void {
  const columns = { gateway_iot_id: iotId, latest_deployment_id: null, modified_at_ms: nowMs }
  tx.run(db.updateTable('edge_instances').set(columns).where('id', '=', id), { unique: { name: 'iot.edge.InstanceAlreadyBindGateway' } })
}

/** Whether there is anything in an instance. */
export async function contentOf(tx: ReadTx, id: string): Promise<{ hasDrivers: boolean; hasDevices: boolean; hasRoutes: boolean }> {
  const driver = await tx.first(db.selectFrom('instance_drivers').select('driver_id').where('instance_id', '=', id).limit(1))
  const device = await tx.first(db.selectFrom('instance_devices').select('iot_id').where('instance_id', '=', id).limit(1))
  const route = await tx.first(db.selectFrom('message_routes').select('id').where('instance_id', '=', id).limit(1))
  return { hasDrivers: driver !== undefined, hasDevices: device !== undefined, hasRoutes: route !== undefined }
}

/** Its routes, bindings and deployments go with it; drivers and devices must be gone. */
export function remove(tx: WriteTx, id: string): void {
  tx.run(db.deleteFrom('deployments').where('instance_id', '=', id))
  tx.run(db.deleteFrom('edge_instances').where('id', '=', id))
}

function toInstance(row: JoinedRow): EdgeInstance {
  const { deployment_type: type, deployment_status: status, role_arn: arn, role_name: name, role_attached_at_ms: attachedAtMs } = row
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    spec: row.spec as EdgeInstance['spec'],
    isEnabled: row.is_enabled === 1,
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
    ...present({ tags: row.tags, gatewayIotId: row.gateway_iot_id }),
    ...(arn === null || name === null || attachedAtMs === null ? {} : { role: { arn, name, attachedAtMs } }),
    ...(type === null || status === null ? {} : { latestDeployment: { type, status } as NonNullable<EdgeInstance['latestDeployment']> }),
  }
}
