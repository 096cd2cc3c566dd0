// Devices of the device registry. A gateway proves itself with its device's secret when its node connects.
import { Fault, type FaultSpec } from '@littoral/contract/errors'
import type { Device, Product } from '../../domain/device.ts'
import type { Page } from '../../domain/edge-page.ts'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import type { SecretBox } from '../secret-box.ts'
import type { ReadTx, Store, WriteTx } from '../store.ts'
import { openDeviceSecret } from './device-secrets.ts'
import { newestPage } from './newest.ts'

export interface RegisteredDevice extends Device {
  /** To be opened where it is needed; see device-secrets.ts. */
  readonly sealedSecret: string
  readonly productName: string
  readonly nodeType: Product['nodeType']
}

/** A device is named by its id, or by its product and its name there. */
export type DeviceRef = { readonly iotId: string } | { readonly productKey: string; readonly name: string }

export async function find(tx: ReadTx, ref: DeviceRef): Promise<RegisteredDevice | undefined> {
  const row = await tx.first(
    'iotId' in ref
      ? joined().where('devices.iot_id', '=', ref.iotId)
      : joined().where('devices.product_key', '=', ref.productKey).where('devices.name', '=', ref.name),
  )
  return row && toDevice(row)
}

function joined() {
  return db
    .selectFrom('devices')
    .innerJoin('products', 'products.key', 'devices.product_key')
    .selectAll('devices')
    .select(['products.name as product_name', 'products.node_type'])
}
type JoinedRow = ReturnType<typeof joined> extends { executeTakeFirstOrThrow(): Promise<infer Row> } ? Row : never

/** Those of the account's devices that exist, in the order of the ids. */
export async function listByIds(tx: ReadTx, accountId: string, iotIds: readonly string[]): Promise<RegisteredDevice[]> {
  const rows = await tx.all(
    joined()
      .where('devices.iot_id', 'in', [...iotIds])
      .where('devices.account_id', '=', accountId),
  )
  const byId = new Map(rows.map((row) => [row.iot_id, toDevice(row)]))
  return [...new Set(iotIds)].flatMap((iotId) => byId.get(iotId) ?? [])
}

/** One page of a product's devices, newest first, and how many there are in all. */
export async function page(tx: ReadTx, productKey: string, at: Page): Promise<{ devices: RegisteredDevice[]; total: number }> {
  const rows = await tx.all(newestPage(joined().where('devices.product_key', '=', productKey), 'devices', at))
  return { devices: rows.map(toDevice), total: await count(tx, productKey) }
}

export async function count(tx: ReadTx, productKey: string): Promise<number> {
  const query = db.selectFrom('devices').where('product_key', '=', productKey)
  return Number((await tx.first(query.select((e) => e.fn.countAll<number>().as('total'))))?.total ?? 0)
}

/** Throws iot.device.NotExistedDevice, or iot.common.AuthActionPermissionDeny when it is another account's. */
export async function get(tx: ReadTx, accountId: string, ref: DeviceRef): Promise<RegisteredDevice> {
  const device = await find(tx, ref)
  if (device === undefined) throw new Fault('iot.device.NotExistedDevice')
  if (device.accountId !== accountId) throw new Fault('iot.common.AuthActionPermissionDeny')
  return device
}

/** What gateways prove themselves with when their nodes connect; devices that are no gateways are not found. */
export function gatewayDirectory(store: Store, box: SecretBox) {
  return {
    async find(productKey: string, deviceName: string): Promise<{ accountId: string; iotId: string; deviceSecret: string } | undefined> {
      const device = await store.read((tx) => find(tx, { productKey, name: deviceName }))
      if (device?.nodeType !== 1) return undefined
      return { accountId: device.accountId, iotId: device.iotId, deviceSecret: openDeviceSecret(box, device) }
    },
    require(tx: WriteTx, iotId: string, missing: FaultSpec): void {
      tx.require(db.selectFrom('devices').select('iot_id').where('iot_id', '=', iotId), missing)
    },
  }
}

/** Throws iot.device.AlreadyExistedDeviceName at commit. */
export function insert(tx: WriteTx, device: Device & { readonly sealedSecret: string }): void {
  const row = {
    iot_id: device.iotId,
    account_id: device.accountId,
    product_key: device.productKey,
    name: device.name,
    secret: device.sealedSecret,
    nickname: device.nickname ?? null,
    created_at_ms: device.createdAtMs,
  }
  tx.run(db.insertInto('devices').values(row), {
    unique: { name: 'iot.device.AlreadyExistedDeviceName' },
    missing: { name: 'iot.prod.NotExistedProduct' },
  })
}

/** Throws iot.edge.DeviceAlreadyBound at commit when the device is in an edge instance. */
export function remove(tx: WriteTx, iotId: string): void {
  tx.run(db.deleteFrom('devices').where('iot_id', '=', iotId), {
    missing: { name: 'iot.edge.DeviceAlreadyBound', params: { IotId: iotId } },
  })
}

function toDevice(row: JoinedRow): RegisteredDevice {
  return {
    iotId: row.iot_id,
    accountId: row.account_id,
    productKey: row.product_key,
    productName: row.product_name,
    nodeType: row.node_type as Product['nodeType'],
    name: row.name,
    sealedSecret: row.secret,
    createdAtMs: row.created_at_ms,
    ...present({ nickname: row.nickname }),
  }
}
