// Channels of the drivers assigned to edge instances; they go with the assignment.
import { Fault } from '@littoral/contract/errors'
import type { Selectable } from 'kysely'
import type { Channel } from '../../domain/channel.ts'
import type { StoredBlock } from '../../domain/driver-config.ts'
import type { Page } from '../../domain/edge-page.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { InstanceChannelRow } from '../tables/iot-edge-rest.ts'
import { contains } from './contains.ts'
import { newestPage } from './newest.ts'

/** Whose channels are meant. */
export interface ChannelOwner {
  readonly instanceId: string
  readonly driverId: string
}

function ofDriver({ instanceId, driverId }: ChannelOwner) {
  return db.selectFrom('instance_channels').where('instance_id', '=', instanceId).where('driver_id', '=', driverId)
}

/** Throws iot.edge.ChannelNotExist. */
export async function get(tx: ReadTx, owner: ChannelOwner, id: string): Promise<Channel> {
  const row = await tx.first(ofDriver(owner).selectAll().where('id', '=', id))
  if (row === undefined) throw new Fault('iot.edge.ChannelNotExist')
  return toChannel(row)
}

/** Those of the channels that exist, in the order of the ids. */
export async function listByIds(tx: ReadTx, owner: ChannelOwner, ids: readonly string[]): Promise<Channel[]> {
  const rows = await tx.all(
    ofDriver(owner)
      .selectAll()
      .where('id', 'in', [...ids]),
  )
  const byId = new Map(rows.map((row) => [row.id, toChannel(row)]))
  return [...new Set(ids)].flatMap((id) => byId.get(id) ?? [])
}

/** All channels of an instance by their driver, oldest first. */
export async function listByDriver(tx: ReadTx, instanceId: string): Promise<Map<string, Channel[]>> {
  const query = db.selectFrom('instance_channels').selectAll().where('instance_id', '=', instanceId)
  const byDriver = new Map<string, Channel[]>()
  for (const row of await tx.all(query.orderBy('created_at_ms').orderBy('id'))) {
    byDriver.set(row.driver_id, [...(byDriver.get(row.driver_id) ?? []), toChannel(row)])
  }
  return byDriver
}

/** One page, newest first, and how many there are in all; `name` is part of the name. */
export async function page(tx: ReadTx, owner: ChannelOwner & { name?: string }, at: Page): Promise<{ channels: Channel[]; total: number }> {
  const { name = '' } = owner
  const query = ofDriver(owner).where((e) => (name === '' ? e.lit(true) : contains(e.ref('name'), name)))
  const counted = await tx.first(query.select((e) => e.fn.countAll<number>().as('total')))
  const rows = await tx.all(newestPage(query.selectAll(), 'instance_channels', at))
  return { channels: rows.map(toChannel), total: Number(counted?.total ?? 0) }
}

const nameExists = { unique: { name: 'iot.edge.ChannelNameExist' } } as const

/** Throws iot.common.ParameterSizeLimit, iot.edge.ChannelNameExist, iot.edge.InstanceDriverNotExist at commit. */
export function insert(tx: WriteTx, channel: Channel, limit: number): void {
  const isBelowLimit = db
    .selectFrom('instance_channels')
    .where('instance_id', '=', channel.instanceId)
    .select((e) => e.fn.countAll<number>().as('total'))
    .having((e) => e(e.fn.countAll<number>(), '<', limit))
  tx.require(isBelowLimit, { name: 'iot.common.ParameterSizeLimit', params: { Detail: `An edge instance has ${limit} channels at most.` } })
  const row = {
    id: channel.id,
    instance_id: channel.instanceId,
    driver_id: channel.driverId,
    account_id: channel.accountId,
    name: channel.name,
    created_at_ms: channel.createdAtMs,
    modified_at_ms: channel.modifiedAtMs,
    configs: JSON.stringify(channel.configs),
  }
  tx.run(db.insertInto('instance_channels').values(row), { ...nameExists, missing: { name: 'iot.edge.InstanceDriverNotExist' } })
}

/** Throws iot.edge.ChannelNameExist, iot.edge.ChannelNotExist at commit. */
export function update(tx: WriteTx, { id, name, configs, modifiedAtMs }: Channel): void {
  const columns = { name, configs: JSON.stringify(configs), modified_at_ms: modifiedAtMs }
  const query = db.updateTable('instance_channels').set(columns).where('id', '=', id)
  tx.run(query, { ...nameExists, none: { name: 'iot.edge.ChannelNotExist' } })
}

/** Their devices are on no channel then. */
export function remove(tx: WriteTx, { instanceId, driverId }: ChannelOwner, ids: readonly string[]): void {
  const query = db.deleteFrom('instance_channels').where('instance_id', '=', instanceId).where('driver_id', '=', driverId)
  tx.run(query.where('id', 'in', [...ids]))
}

function toChannel(row: Selectable<InstanceChannelRow>): Channel {
  return {
    id: row.id,
    instanceId: row.instance_id,
    driverId: row.driver_id,
    accountId: row.account_id,
    name: row.name,
    configs: JSON.parse(row.configs) as StoredBlock[],
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
  }
}
