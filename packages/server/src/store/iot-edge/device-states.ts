// What devices behind gateways said of themselves: written on behalf of nodes, read by operations.
import type { DeviceRef, DeviceValue } from '@littoral/contract/node/device-report'
import type { Selectable } from 'kysely'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import { prepared } from '../prepared.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { DeviceHistoryRow, DevicePropertyRow, DeviceStateRow } from '../tables/device-states.ts'

export interface DeviceState {
  readonly iotId: string
  readonly nodeId: string
  readonly driverId: string
  /** What its driver said, and whether the node that passed it on is still there. */
  readonly isOnline: boolean
  readonly sinceMs: number
  readonly firstOnlineAtMs?: number
  readonly lastOnlineAtMs?: number
}

export type HistoryKind = DeviceHistoryRow['kind']

const namesAtOnce = 500

/** The devices among these that are bound behind the node's gateway: `<ProductKey>/<DeviceName>` → id. */
export async function listBound(tx: ReadTx, nodeId: string, refs: readonly DeviceRef[]): Promise<Map<string, string>> {
  const names = [...new Set(refs.map(({ deviceName }) => deviceName))]
  const bound = new Map<string, string>()
  for (let from = 0; from < names.length; from += namesAtOnce) {
    const rows = await tx.all(
      db
        .selectFrom('nodes')
        .innerJoin('edge_instances', 'edge_instances.gateway_iot_id', 'nodes.gateway_iot_id')
        .innerJoin('instance_devices', 'instance_devices.instance_id', 'edge_instances.id')
        .innerJoin('devices', 'devices.iot_id', 'instance_devices.iot_id')
        .where('nodes.id', '=', nodeId)
        .where('devices.name', 'in', names.slice(from, from + namesAtOnce))
        .select(['devices.iot_id', 'devices.product_key', 'devices.name']),
    )
    for (const row of rows) bound.set(`${row.product_key}/${row.name}`, row.iot_id)
  }
  return bound
}

/** How many properties are kept of each of these devices. */
export async function countProperties(tx: ReadTx, iotIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await tx.all(
    db
      .selectFrom('device_properties')
      .where('iot_id', 'in', [...iotIds])
      .groupBy('iot_id')
      .select((e) => ['iot_id', e.fn.countAll<number>().as('total')]),
  )
  return new Map(rows.map((row) => [row.iot_id, Number(row.total)]))
}

/** The devices that count as online by this node's word. */
export async function listOnlineIds(tx: ReadTx, nodeId: string): Promise<string[]> {
  const rows = await tx.all(db.selectFrom('device_states').select('iot_id').where('node_id', '=', nodeId).where('is_online', '=', 1))
  return rows.map((row) => row.iot_id)
}

const states = () =>
  db
    .selectFrom('device_states')
    .leftJoin('nodes', 'nodes.id', 'device_states.node_id')
    .selectAll('device_states')
    .select('nodes.is_online as is_node_online')

/** What is known of these devices; one that was never online is left out. */
export async function listByIds(tx: ReadTx, iotIds: readonly string[]): Promise<Map<string, DeviceState>> {
  const rows = await tx.all(states().where('iot_id', 'in', [...iotIds]))
  return new Map(rows.map((row) => [row.iot_id, toState(row)]))
}

export interface NodeDevice extends DeviceState, DeviceRef {}

/** Devices behind a node, those that are online first, and how many there are. */
export async function pageByNode(tx: ReadTx, nodeId: string, limit: number): Promise<{ devices: NodeDevice[]; total: number }> {
  const rows = await tx.all(
    states()
      .innerJoin('devices', 'devices.iot_id', 'device_states.iot_id')
      .select(['devices.product_key', 'devices.name'])
      .where('device_states.node_id', '=', nodeId)
      .orderBy('device_states.is_online', 'desc')
      .orderBy('devices.name')
      .orderBy('devices.product_key')
      .limit(limit),
  )
  const query = db.selectFrom('device_states').where('node_id', '=', nodeId)
  const total = Number((await tx.first(query.select((e) => e.fn.countAll<number>().as('total'))))?.total ?? 0)
  return { devices: rows.map((row) => ({ ...toState(row), productKey: row.product_key, deviceName: row.name })), total }
}

export async function listProperties(tx: ReadTx, iotIds: readonly string[]): Promise<DevicePropertyRow[]> {
  return tx.all(
    db
      .selectFrom('device_properties')
      .selectAll()
      .where('iot_id', 'in', [...iotIds])
      .orderBy('iot_id')
      .orderBy('name'),
  )
}

export interface HistoryFilter {
  readonly iotId: string
  readonly kind: HistoryKind
  readonly name?: string
  readonly fromMs: number
  readonly untilMs: number
  readonly isAscending: boolean
  readonly limit: number
}

/** What was said in the window, both ends included. */
export async function listHistory(tx: ReadTx, filter: HistoryFilter): Promise<DeviceHistoryRow[]> {
  let query = db
    .selectFrom('device_history')
    .selectAll()
    .where('iot_id', '=', filter.iotId)
    .where('kind', '=', filter.kind)
    .where('at_ms', '>=', filter.fromMs)
    .where('at_ms', '<=', filter.untilMs)
  if (filter.name !== undefined) query = query.where('name', '=', filter.name)
  const direction = filter.isAscending ? 'asc' : 'desc'
  return tx.all(query.orderBy('at_ms', direction).orderBy('name', direction).limit(filter.limit))
}

export interface StateChange {
  readonly iotId: string
  readonly nodeId: string
  readonly driverId: string
  readonly isOnline: boolean
  readonly sinceMs: number
  readonly nowMs: number
}

/** A device that is bound no more meanwhile is refused at commit. */
export function updateState(tx: WriteTx, { iotId, nodeId, driverId, isOnline, sinceMs, nowMs }: StateChange): void {
  const onlineAtMs = isOnline ? nowMs : null
  const said = { node_id: nodeId, driver_id: driverId, is_online: isOnline ? 1 : 0, since_ms: sinceMs }
  tx.run(
    db
      .insertInto('device_states')
      .values({ iot_id: iotId, ...said, first_online_at_ms: onlineAtMs, last_online_at_ms: onlineAtMs })
      .onConflict((conflict) =>
        conflict.column('iot_id').doUpdateSet((e) => ({
          ...said,
          first_online_at_ms: e.fn.coalesce('device_states.first_online_at_ms', 'excluded.first_online_at_ms'),
          last_online_at_ms: e.fn.coalesce('excluded.last_online_at_ms', 'device_states.last_online_at_ms'),
        })),
      ),
  )
}

/** These are not online any more, by the word of the node that said they were. */
export function updateOffline(tx: WriteTx, nodeId: string, iotIds: readonly string[], nowMs: number): void {
  for (let from = 0; from < iotIds.length; from += namesAtOnce) {
    tx.run(
      db
        .updateTable('device_states')
        .set({ is_online: 0, since_ms: nowMs })
        .where('node_id', '=', nodeId)
        .where('is_online', '=', 1)
        .where('iot_id', 'in', iotIds.slice(from, from + namesAtOnce)),
    )
  }
}

const insertProperty = prepared((row: DevicePropertyRow) => {
  const { iot_id, name, value, at_ms } = row
  return db
    .insertInto('device_properties')
    .values({ iot_id, name, value, at_ms })
    .onConflict((conflict) =>
      conflict
        .columns(['iot_id', 'name'])
        .doUpdateSet((e) => ({ value: e.ref('excluded.value'), at_ms: e.ref('excluded.at_ms') }))
        .whereRef('device_properties.at_ms', '<=', 'excluded.at_ms'),
    )
})

const insertHistory = prepared((row: DeviceHistoryRow) => {
  const { iot_id, kind, name, at_ms, value, received_at_ms } = row
  return db
    .insertInto('device_history')
    .values({ iot_id, kind, name, at_ms, value, received_at_ms })
    .onConflict((conflict) => conflict.doNothing())
})

/** The newest value of a property, and its place among those before. */
export function updateProperty(tx: WriteTx, iotId: string, { name, value, atMs }: DeviceValue, nowMs: number): void {
  tx.run(insertProperty({ iot_id: iotId, name, value, at_ms: atMs }))
  tx.run(insertHistory({ iot_id: iotId, kind: 'property', name, at_ms: atMs, value, received_at_ms: nowMs }))
}

/** Said twice, an event counts once. */
export function insertEvent(tx: WriteTx, iotId: string, { name, value, atMs }: DeviceValue, nowMs: number): void {
  tx.run(insertHistory({ iot_id: iotId, kind: 'event', name, at_ms: atMs, value, received_at_ms: nowMs }))
}

export async function countHistory(tx: ReadTx): Promise<number> {
  return Number((await tx.first(db.selectFrom('device_history').select((e) => e.fn.countAll<number>().as('total'))))?.total ?? 0)
}

export function removeHistoryBefore(tx: WriteTx, beforeMs: number): void {
  tx.run(db.deleteFrom('device_history').where('received_at_ms', '<', beforeMs))
}

type StateRow = Selectable<DeviceStateRow> & { is_node_online: number | null }

function toState(row: StateRow): DeviceState {
  return {
    iotId: row.iot_id,
    nodeId: row.node_id,
    driverId: row.driver_id,
    isOnline: row.is_online === 1 && row.is_node_online === 1,
    sinceMs: row.since_ms,
    ...present({ firstOnlineAtMs: row.first_online_at_ms, lastOnlineAtMs: row.last_online_at_ms }),
  }
}
