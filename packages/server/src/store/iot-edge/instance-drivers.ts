// Drivers assigned to edge instances, with their version and configuration there, and the devices behind them.
import { Fault } from '@littoral/contract/errors'
import type { Selectable } from 'kysely'
import type { ConfigBlock, ConfiguredDevice } from '../../domain/driver-config.ts'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { InstanceDriverRow } from '../tables/iot-edge.ts'

/** A configuration block has an id of its own, new with every call that sets it. */
export interface StoredBlock extends ConfigBlock {
  readonly id: string
}

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

/** The devices of an instance by the driver they are behind; devices without one are left out. */
export async function listDevices(tx: ReadTx, instanceId: string): Promise<Map<string, ConfiguredDevice[]>> {
  const rows = await tx.all(
    db
      .selectFrom('instance_devices')
      .innerJoin('devices', 'devices.iot_id', 'instance_devices.iot_id')
      .select(['instance_devices.driver_id', 'instance_devices.config', 'devices.product_key', 'devices.name'])
      .where('instance_devices.instance_id', '=', instanceId)
      .orderBy('instance_devices.created_at_ms')
      .orderBy('instance_devices.iot_id'),
  )
  const byDriver = new Map<string, ConfiguredDevice[]>()
  for (const row of rows) {
    if (row.driver_id === null) continue
    const device = { productKey: row.product_key, deviceName: row.name, ...present({ config: row.config }) }
    byDriver.set(row.driver_id, [...(byDriver.get(row.driver_id) ?? []), device])
  }
  return byDriver
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
