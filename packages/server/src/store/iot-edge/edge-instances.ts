// Edge instances, each with the state of its newest deployment.
import { Fault } from '@littoral/contract/errors'
import { offsetOf, type Page } from '../../domain/edge-page.ts'
import type { EdgeInstance } from '../../domain/edge-instance.ts'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import { contains } from './contains.ts'

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
  const rows = await tx.all(
    joined()
      .where('edge_instances.account_id', '=', accountId)
      .where((e) => (name === '' ? e.lit(true) : contains(e.ref('edge_instances.name'), name)))
      .orderBy('edge_instances.created_at_ms', 'desc')
      .orderBy('edge_instances.id', 'desc')
      .limit(at.pageSize)
      .offset(offsetOf(at)),
  )
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

function toInstance(row: JoinedRow): EdgeInstance {
  const { deployment_type: type, deployment_status: status } = row
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    spec: row.spec as EdgeInstance['spec'],
    isEnabled: row.is_enabled === 1,
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
    ...present({ tags: row.tags, gatewayIotId: row.gateway_iot_id }),
    ...(type === null || status === null ? {} : { latestDeployment: { type, status } as NonNullable<EdgeInstance['latestDeployment']> }),
  }
}
