// The device registry as far as a gateway needs it: products, devices, and whether a device is connected.
import * as operations from '@littoral/contract/iot-edge/device-registry'
import type { Handlers } from '@littoral/contract/operation'
import { type Device, parseDeviceName, parseProductDescription, parseProductName, type Product } from '../../domain/device.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as devices from '../../store/iot-edge/devices.ts'
import * as products from '../../store/iot-edge/products.ts'
import * as nodes from '../../store/nodes.ts'
import type { Context } from '../context.ts'
import { toDeviceView, toProductView } from './views.ts'

export const handlers = {
  async CreateProduct(input, { store, principal, ids, now }) {
    refuseSet(input, ['JoinPermissionId'])
    if (input.AuthType && input.AuthType !== 'secret') throw invalidParam('AuthType', 'must be secret: nothing else is supported.')
    if (input.Id2 === true) throw invalidParam('Id2', 'must be false: internet device ids are not supported.')
    const product: Product = {
      key: `a1${ids.letters(9)}`,
      accountId: principal.accountId,
      name: parseProductName(input.ProductName),
      nodeType: input.NodeType,
      createdAtMs: now(),
      details: toDetails(input),
    }
    await store.write(async (tx) => products.insert(tx, product))
    return { ProductKey: product.key, Data: toProductView(product) }
  },

  async RegisterDevice(input, { store, principal, ids, now }) {
    refuseSet(input, ['AppKey', 'DevEui', 'JoinEui', 'LoraNodeType', 'PinCode'])
    const device: Device = {
      iotId: ids.letters(30),
      accountId: principal.accountId,
      productKey: input.ProductKey,
      name: input.DeviceName ? parseDeviceName(input.DeviceName) : ids.letters(20),
      secret: ids.hex(32),
      createdAtMs: now(),
      ...present({ nickname: input.Nickname || undefined }),
    }
    await store.write(async (tx) => {
      await products.get(tx, principal.accountId, input.ProductKey)
      devices.insert(tx, device)
    })
    const { iotId, productKey, name, secret, nickname } = device
    return { Data: { IotId: iotId, ProductKey: productKey, DeviceName: name, DeviceSecret: secret, ...present({ Nickname: nickname }) } }
  },

  async QueryDeviceDetail(input, { store, principal }) {
    const ref = deviceRef(input)
    return store.read(async (tx) => {
      const device = await devices.get(tx, principal.accountId, ref)
      return { Data: toDeviceView(device, await nodes.findByGateway(tx, device.iotId)) }
    })
  },
} satisfies Handlers<typeof operations, Context>

/** How a call names a device: by id, which goes first, or by product and name; throws iot.common.InvalidParam. */
export function deviceRef(input: { IotId?: string; ProductKey?: string; DeviceName?: string }): devices.DeviceRef {
  const { IotId, ProductKey, DeviceName } = input
  if (IotId) return { iotId: IotId }
  if (!ProductKey || !DeviceName) throw invalidParam('IotId', 'is needed, or ProductKey together with DeviceName.')
  return { productKey: ProductKey, name: DeviceName }
}

function refuseSet<In extends object>(input: In, names: readonly (keyof In & string)[]): void {
  const set = names.find((name) => input[name])
  if (set !== undefined) throw invalidParam(set, 'is not supported.')
}

type ProductInput = Parameters<(typeof handlers)['CreateProduct']>[0]

function toDetails(input: ProductInput): Product['details'] {
  return {
    dataFormat: input.DataFormat ?? 1,
    ...present({
      aliyunCommodityCode: input.AliyunCommodityCode,
      categoryKey: input.CategoryKey,
      description: parseProductDescription(input.Description),
      netType: input.NetType,
      protocolType: input.ProtocolType,
      publishAuto: input.PublishAuto,
      resourceGroupId: input.ResourceGroupId,
      validateType: input.ValidateType,
    }),
  }
}
