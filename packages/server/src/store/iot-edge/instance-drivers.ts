// Drivers assigned to edge instances, with their version and configuration there.
import { Fault } from '@littoral/contract/errors'
import type { Selectable } from 'kysely'
import type { StoredBlock } from '../../domain/driver-config.ts'
import type { Page } from '../../domain/edge-page.ts'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { InstanceDriverRow } from '../tables/iot-edge.ts'
import { newestPage } from './newest.ts'

export interface InstanceDriver {
  readonly instanceId: string
  readonly driverId: string
  readonly accountId: string
  readonly driverName: string
  readonly version: string
  readonly orderId?: string
  readonly configs: readonly StoredBlock[]
  readonly createdAtMs: number
  readonly modifiedAtMs: number
}

/** Oldest assignment first. */
export async function list(tx: ReadTx, instanceId: string): Promise<InstanceDriver[]> {
  const rows = await tx.all(
    db.selectFrom('instance_drivers').selectAll().where('instance_id', '=', instanceId).orderBy('created_at_ms').orderBy('driver_id'),
  )
  return rows.map(toInstanceDriver)
}

export async function find(tx: ReadTx, instanceId: string, driverId: string): Promise<InstanceDriver | undefined> {
  const row = await tx.first(
    db.selectFrom('instance_drivers').selectAll().where('instance_id', '=', instanceId).where('driver_id', '=', driverId),
  )
  return row && toInstanceDriver(row)
}

/** Throws iot.edge.InstanceDriverNotExist. */
export async function get(tx: ReadTx, instanceId: string, driverId: string): Promise<InstanceDriver> {
  const found = await find(tx, instanceId, driverId)
  if (found === undefined) throw new Fault('iot.edge.InstanceDriverNotExist')
  return found
}

/** Throws iot.edge.InstanceDriverLimitation, iot.edge.InstanceHasSameNameDriver at commit. */
export function insert(tx: WriteTx, assigned: InstanceDriver, limit: number): void {
  const isBelowLimit = db
    .selectFrom('instance_drivers')
    .where('instance_id', '=', assigned.instanceId)
    .select((e) => e.fn.countAll<number>().as('total'))
    .having((e) => e(e.fn.countAll<number>(), '<', limit))
  tx.require(isBelowLimit, { name: 'iot.edge.InstanceDriverLimitation' })
  const row = {
    instance_id: assigned.instanceId,
    driver_id: assigned.driverId,
    account_id: assigned.accountId,
    driver_name: assigned.driverName,
    version: assigned.version,
    order_id: assigned.orderId ?? null,
    created_at_ms: assigned.createdAtMs,
    modified_at_ms: assigned.modifiedAtMs,
    configs: JSON.stringify(assigned.configs),
  }
  tx.run(db.insertInto('instance_drivers').values(row), {
    unique: { name: 'iot.edge.InstanceHasSameNameDriver' },
    missing: { name: 'iot.edge.DriverNotExist' },
  })
}

/** Throws iot.edge.InstanceDriverNotExist at commit. */
export function update(tx: WriteTx, assigned: InstanceDriver): void {
  const { version, orderId, modifiedAtMs, configs } = assigned
  tx.run(
    db
      .updateTable('instance_drivers')
      .set({ version, order_id: orderId ?? null, modified_at_ms: modifiedAtMs, configs: JSON.stringify(configs) })
      .where('instance_id', '=', assigned.instanceId)
      .where('driver_id', '=', assigned.driverId),
    { none: { name: 'iot.edge.InstanceDriverNotExist' } },
  )
}

/** Those of the drivers that are assigned, in the order of the ids. */
export async function listByIds(tx: ReadTx, instanceId: string, driverIds: readonly string[]): Promise<InstanceDriver[]> {
  const query = db.selectFrom('instance_drivers').selectAll().where('instance_id', '=', instanceId)
  const rows = await tx.all(query.where('driver_id', 'in', [...driverIds]))
  const byId = new Map(rows.map((row) => [row.driver_id, toInstanceDriver(row)]))
  return [...new Set(driverIds)].flatMap((id) => byId.get(id) ?? [])
}

/** One page, newest first, and how many there are in all. */
export async function page(tx: ReadTx, instanceId: string, at: Page): Promise<{ drivers: InstanceDriver[]; total: number }> {
  const query = db.selectFrom('instance_drivers').where('instance_id', '=', instanceId)
  const counted = await tx.first(query.select((e) => e.fn.countAll<number>().as('total')))
  const rows = await tx.all(newestPage(query.selectAll(), 'instance_drivers', at))
  return { drivers: rows.map(toInstanceDriver), total: Number(counted?.total ?? 0) }
}

/** Its channels go with it; throws iot.edge.InstanceDriverNotExist at commit. */
export function remove(tx: WriteTx, instanceId: string, driverId: string): void {
  const query = db.deleteFrom('instance_drivers').where('instance_id', '=', instanceId).where('driver_id', '=', driverId)
  tx.run(query, { none: { name: 'iot.edge.InstanceDriverNotExist' } })
}

function toInstanceDriver(row: Selectable<InstanceDriverRow>): InstanceDriver {
  return {
    instanceId: row.instance_id,
    driverId: row.driver_id,
    accountId: row.account_id,
    driverName: row.driver_name,
    version: row.version,
    configs: JSON.parse(row.configs) as StoredBlock[],
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
    ...present({ orderId: row.order_id }),
  }
}
