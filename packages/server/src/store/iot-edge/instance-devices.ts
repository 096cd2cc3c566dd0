// Devices behind the gateways of edge instances, each with its driver, its channel and its own configuration.
import { Fault } from '@littoral/contract/errors'
import type { Selectable } from 'kysely'
import type { ConfiguredDevice } from '../../domain/driver-config.ts'
import type { Page } from '../../domain/edge-page.ts'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { InstanceDeviceRow } from '../tables/iot-edge.ts'
import { newestPage } from './newest.ts'

export interface InstanceDevice {
  readonly iotId: string
  readonly instanceId: string
  readonly driverId?: string
  readonly channelId?: string
  /** JSON text, and the address it was read from if it came as a file. */
  readonly config?: { readonly text: string; readonly address?: string }
}

/** The instances that hold these devices, by device; one that is in none is left out. */
export async function holdersOf(tx: ReadTx, iotIds: readonly string[]): Promise<Map<string, InstanceDevice>> {
  const rows = await tx.all(
    db
      .selectFrom('instance_devices')
      .selectAll()
      .where('iot_id', 'in', [...iotIds]),
  )
  return new Map(rows.map((row) => [row.iot_id, toInstanceDevice(row)]))
}

/** Those of the devices that are in the instance, in the order of the ids. */
export async function listByIds(tx: ReadTx, instanceId: string, iotIds: readonly string[]): Promise<InstanceDevice[]> {
  const holders = await holdersOf(tx, iotIds)
  return [...new Set(iotIds)].flatMap((iotId) => {
    const device = holders.get(iotId)
    return device?.instanceId === instanceId ? [device] : []
  })
}

/** All of the devices; throws iot.edge.InstanceDeviceNotExist when one is not in the instance, or not with the driver. */
export async function getAll(tx: ReadTx, iotIds: readonly string[], of: { instanceId: string; driverId?: string }): Promise<void> {
  const holders = await holdersOf(tx, iotIds)
  for (const iotId of iotIds) {
    const device = holders.get(iotId)
    const isOther = of.driverId !== undefined && device?.driverId !== of.driverId
    if (device?.instanceId !== of.instanceId || isOther) throw new Fault('iot.edge.InstanceDeviceNotExist', { IotId: iotId })
  }
}

export interface DeviceFilter {
  readonly instanceId: string
  readonly driverId?: string
  readonly channelId?: string
}

export interface ListedDevice extends InstanceDevice {
  readonly productKey: string
  readonly deviceName: string
}

/** One page, the last one bound first, and how many there are in all. */
export async function page(tx: ReadTx, filter: DeviceFilter, at: Page): Promise<{ devices: ListedDevice[]; total: number }> {
  let query = db.selectFrom('instance_devices').where('instance_devices.instance_id', '=', filter.instanceId)
  if (filter.driverId !== undefined) query = query.where('driver_id', '=', filter.driverId)
  if (filter.channelId !== undefined) query = query.where('channel_id', '=', filter.channelId)
  const counted = await tx.first(query.select((e) => e.fn.countAll<number>().as('total')))
  const named = query
    .innerJoin('devices', 'devices.iot_id', 'instance_devices.iot_id')
    .selectAll('instance_devices')
    .select(['devices.product_key', 'devices.name'])
  const rows = await tx.all(newestPage(named, 'instance_devices', at))
  const devices = rows.map((row) => ({ ...toInstanceDevice(row), productKey: row.product_key, deviceName: row.name }))
  return { devices, total: Number(counted?.total ?? 0) }
}

/** The devices of an instance by the driver they are behind, the first one bound first; devices without one are left out. */
export async function listByDriver(tx: ReadTx, instanceId: string): Promise<Map<string, ConfiguredDevice[]>> {
  const rows = await tx.all(
    db
      .selectFrom('instance_devices')
      .innerJoin('devices', 'devices.iot_id', 'instance_devices.iot_id')
      .select([
        'instance_devices.driver_id',
        'instance_devices.config',
        'instance_devices.channel_id',
        'devices.product_key',
        'devices.name',
      ])
      .where('instance_devices.instance_id', '=', instanceId)
      .orderBy('instance_devices.created_at_ms')
      .orderBy('instance_devices.iot_id'),
  )
  const byDriver = new Map<string, ConfiguredDevice[]>()
  for (const row of rows) {
    if (row.driver_id === null) continue
    const optional = present({ config: row.config, channelId: row.channel_id })
    const devices = byDriver.get(row.driver_id) ?? []
    devices.push({ productKey: row.product_key, deviceName: row.name, ...optional })
    byDriver.set(row.driver_id, devices)
  }
  return byDriver
}

export interface NewInstanceDevice {
  readonly iotId: string
  readonly instanceId: string
  readonly accountId: string
  readonly driverId: string
  readonly createdAtMs: number
}

/** Throws iot.edge.DeviceAlreadyBound, iot.device.NotExistedDevice at commit. */
export function insert(tx: WriteTx, device: NewInstanceDevice): void {
  const row = {
    iot_id: device.iotId,
    instance_id: device.instanceId,
    account_id: device.accountId,
    driver_id: device.driverId,
    created_at_ms: device.createdAtMs,
  }
  tx.run(db.insertInto('instance_devices').values(row), {
    unique: { name: 'iot.edge.DeviceAlreadyBound', params: { IotId: device.iotId } },
    missing: { name: 'iot.device.NotExistedDevice' },
  })
}

/** Queued after the inserts of a call; throws iot.edge.InstanceDeviceLimitation at commit. */
export function requireLimit(tx: WriteTx, instanceId: string, limit: number): void {
  const count = db
    .selectFrom('instance_devices')
    .where('instance_id', '=', instanceId)
    .select((e) => e.fn.countAll<number>().as('total'))
    .having((e) => e(e.fn.countAll<number>(), '<=', limit))
  tx.require(count, { name: 'iot.edge.InstanceDeviceLimitation' })
}

/** Puts a device behind another driver, on none of its channels. */
export function updateDriver(tx: WriteTx, iotId: string, driverId: string): void {
  tx.run(db.updateTable('instance_devices').set({ driver_id: driverId, channel_id: null }).where('iot_id', '=', iotId))
}

/** Leaves the devices of a driver without one. */
export function removeDriver(tx: WriteTx, instanceId: string, driverId: string): void {
  const update = db.updateTable('instance_devices').set({ driver_id: null, channel_id: null })
  tx.run(update.where('instance_id', '=', instanceId).where('driver_id', '=', driverId))
}

export function updateConfig(tx: WriteTx, iotId: string, config: NonNullable<InstanceDevice['config']>): void {
  const columns = { config: config.text, config_address: config.address ?? null }
  tx.run(db.updateTable('instance_devices').set(columns).where('iot_id', '=', iotId))
}

export function removeConfigs(tx: WriteTx, instanceId: string, iotIds: readonly string[]): void {
  const update = db.updateTable('instance_devices').set({ config: null, config_address: null })
  tx.run(update.where('instance_id', '=', instanceId).where('iot_id', 'in', [...iotIds]))
}

/** Throws iot.edge.ChannelNotExist at commit. */
export function updateChannel(tx: WriteTx, iotIds: readonly string[], channelId: string): void {
  tx.run(
    db
      .updateTable('instance_devices')
      .set({ channel_id: channelId })
      .where('iot_id', 'in', [...iotIds]),
    { missing: { name: 'iot.edge.ChannelNotExist' } },
  )
}

export function remove(tx: WriteTx, instanceId: string, iotIds: readonly string[]): void {
  tx.run(
    db
      .deleteFrom('instance_devices')
      .where('instance_id', '=', instanceId)
      .where('iot_id', 'in', [...iotIds]),
  )
}

function toInstanceDevice(row: Selectable<InstanceDeviceRow>): InstanceDevice {
  const { config, config_address: address } = row
  return {
    iotId: row.iot_id,
    instanceId: row.instance_id,
    ...present({ driverId: row.driver_id, channelId: row.channel_id }),
    ...(config === null ? {} : { config: { text: config, ...present({ address }) } }),
  }
}
