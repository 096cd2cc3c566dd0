// Devices of the registry: register, read, list, delete, and whether a device is connected.
import * as operations from '@littoral/contract/iot-edge/device-registry'
import type { Handlers } from '@littoral/contract/operation'
import { type Device, parseDeviceName } from '../../domain/device.ts'
import { newPage } from '../../domain/edge-page.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import { openDeviceSecret, sealDeviceSecret } from '../../store/iot-edge/device-secrets.ts'
import * as devices from '../../store/iot-edge/devices.ts'
import * as products from '../../store/iot-edge/products.ts'
import type { Context } from '../context.ts'
import * as nodes from '../../store/nodes.ts'
import { presenceOf } from './presence.ts'
import { refuseSet } from './refuse-set.ts'
import { type DeviceEntry, toDeviceEntry, toDeviceView } from './registry-views.ts'

export const handlers = {
  async RegisterDevice(input, { store, principal, ids, now, box }) {
    refuseSet(input, ['AppKey', 'DevEui', 'JoinEui', 'LoraNodeType', 'PinCode'])
    const device: Device = {
      iotId: ids.letters(30),
      accountId: principal.accountId,
      productKey: input.ProductKey,
      name: input.DeviceName ? parseDeviceName(input.DeviceName) : ids.letters(20),
      createdAtMs: now(),
      ...present({ nickname: input.Nickname || undefined }),
    }
    const secret = ids.hex(32)
    const sealedSecret = sealDeviceSecret(box, device.iotId, secret)
    await store.write(async (tx) => {
      await products.get(tx, principal.accountId, input.ProductKey)
      devices.insert(tx, { ...device, sealedSecret })
    })
    const { iotId, productKey, name, nickname } = device
    return { Data: { IotId: iotId, ProductKey: productKey, DeviceName: name, DeviceSecret: secret, ...present({ Nickname: nickname }) } }
  },

  async QueryDeviceDetail(input, { store, principal, box }) {
    const ref = deviceRef(input)
    return store.read(async (tx) => {
      const device = await devices.get(tx, principal.accountId, ref)
      return { Data: toDeviceView(device, openDeviceSecret(box, device), await presenceOf(tx, device.iotId)) }
    })
  },

  async QueryDevice(input, { store, principal, box }) {
    refuseSet(input, ['NextToken'])
    const at = newPage(input.CurrentPage ?? 1, input.PageSize ?? 10, 50)
    return store.read(async (tx) => {
      const { key } = await products.get(tx, principal.accountId, input.ProductKey)
      const { devices: found, total } = await devices.page(tx, key, at)
      const DeviceInfo: DeviceEntry[] = []
      for (const device of found) {
        DeviceInfo.push(toDeviceEntry(device, openDeviceSecret(box, device), await presenceOf(tx, device.iotId)))
      }
      const pages = { Page: at.currentPage, PageSize: at.pageSize, PageCount: Math.ceil(total / at.pageSize), Total: total }
      return { Data: { DeviceInfo }, ...pages }
    })
  },

  async DeleteDevice(input, { store, principal }) {
    const ref = deviceRef(input)
    await store.write(async (tx) => {
      const { iotId } = await devices.get(tx, principal.accountId, ref)
      // A gateway is a node by this identity alone: without it nothing of its node is left, and its socket is closed.
      await nodes.removeByGateway(tx, iotId)
      devices.remove(tx, iotId)
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>

/** How a call names a device: by id, which goes first, or by product and name; throws iot.common.InvalidParam. */
export function deviceRef(input: { IotId?: string; ProductKey?: string; DeviceName?: string }): devices.DeviceRef {
  const { IotId, ProductKey, DeviceName } = input
  if (IotId) return { iotId: IotId }
  if (!ProductKey || !DeviceName) throw invalidParam('IotId', 'is needed, or ProductKey together with DeviceName.')
  return { productKey: ProductKey, name: DeviceName }
}
