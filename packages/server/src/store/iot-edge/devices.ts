// Devices of the device registry. A gateway proves itself with its device's secret when its node connects.
import { Fault } from '@littoral/contract/errors'
import type { Device, Product } from '../../domain/device.ts'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import type { ReadTx, Store, WriteTx } from '../store.ts'

export interface RegisteredDevice extends Device {
  readonly productName: string
  readonly nodeType: Product['nodeType']
}

/** A device is named by its id, or by its product and its name there. */
export type DeviceRef = { readonly iotId: string } | { readonly productKey: string; readonly name: string }

export async function find(tx: ReadTx, ref: DeviceRef): Promise<RegisteredDevice | undefined> {
  const query = db
    .selectFrom('devices')
    .innerJoin('products', 'products.key', 'devices.product_key')
    .selectAll('devices')
    .select(['products.name as product_name', 'products.node_type'])
  const row = await tx.first(
    'iotId' in ref
      ? query.where('devices.iot_id', '=', ref.iotId)
      : query.where('devices.product_key', '=', ref.productKey).where('devices.name', '=', ref.name),
  )
  if (row === undefined) return undefined
  return {
    iotId: row.iot_id,
    accountId: row.account_id,
    productKey: row.product_key,
    productName: row.product_name,
    nodeType: row.node_type as Product['nodeType'],
    name: row.name,
    secret: row.secret,
    createdAtMs: row.created_at_ms,
    ...present({ nickname: row.nickname }),
  }
}

/** Throws iot.device.NotExistedDevice, or iot.common.AuthActionPermissionDeny when it is another account's. */
export async function get(tx: ReadTx, accountId: string, ref: DeviceRef): Promise<RegisteredDevice> {
  const device = await find(tx, ref)
  if (device === undefined) throw new Fault('iot.device.NotExistedDevice')
  if (device.accountId !== accountId) throw new Fault('iot.common.AuthActionPermissionDeny')
  return device
}

/** What gateways prove themselves with when their nodes connect; devices that are no gateways are not found. */
export function gatewayDirectory(store: Store) {
  return {
    async find(productKey: string, deviceName: string): Promise<{ accountId: string; iotId: string; deviceSecret: string } | undefined> {
      const device = await store.read((tx) => find(tx, { productKey, name: deviceName }))
      if (device?.nodeType !== 1) return undefined
      return { accountId: device.accountId, iotId: device.iotId, deviceSecret: device.secret }
    },
  }
}

/** Throws iot.device.AlreadyExistedDeviceName at commit. */
export function insert(tx: WriteTx, device: Device): void {
  const row = {
    iot_id: device.iotId,
    account_id: device.accountId,
    product_key: device.productKey,
    name: device.name,
    secret: device.secret,
    nickname: device.nickname ?? null,
    created_at_ms: device.createdAtMs,
  }
  tx.run(db.insertInto('devices').values(row), {
    unique: { name: 'iot.device.AlreadyExistedDeviceName' },
    missing: { name: 'iot.prod.NotExistedProduct' },
  })
}
