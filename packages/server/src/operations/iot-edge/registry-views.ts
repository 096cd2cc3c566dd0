// Products and devices of the registry → the shapes of the wire.
import type { QueryDevice, QueryDeviceDetail } from '@littoral/contract/iot-edge/device-registry'
import type { QueryProduct, QueryProductList } from '@littoral/contract/iot-edge/products'
import type { Output } from '@littoral/contract/operation'
import type { Product } from '../../domain/device.ts'
import { toLocalTime } from '../../domain/local-time.ts'
import { present } from '../../domain/present.ts'
import type { RegisteredDevice } from '../../store/iot-edge/devices.ts'
import { type DevicePresence, toStatus } from './thing-views.ts'

export function toProductView({ key, name, nodeType, details }: Product) {
  const { dataFormat, aliyunCommodityCode, description, protocolType } = details
  return {
    ProductKey: key,
    ProductName: name,
    NodeType: nodeType,
    DataFormat: dataFormat,
    AuthType: 'secret',
    Id2: false,
    ...present({ AliyunCommodityCode: aliyunCommodityCode, Description: description, ProtocolType: protocolType }),
  }
}

export function toDeviceView(device: RegisteredDevice, secret: string, presence: DevicePresence): Output<typeof QueryDeviceDetail>['Data'] {
  const { node } = presence
  const { status, activeAtMs, onlineAtMs } = toStatus(presence)
  const utc = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
  const local = (ms: number | undefined) => (ms === undefined ? undefined : toLocalTime(ms))
  return {
    IotId: device.iotId,
    ProductKey: device.productKey,
    ProductName: device.productName,
    DeviceName: device.name,
    DeviceSecret: secret,
    NodeType: device.nodeType,
    Status: status,
    Owner: true,
    GmtCreate: toLocalTime(device.createdAtMs),
    UtcCreate: new Date(device.createdAtMs).toISOString(),
    ...present({
      Nickname: device.nickname,
      Region: node?.region,
      IpAddress: node?.facts.address,
      FirmwareVersion: node?.facts.edgeVersion,
      GmtActive: local(activeAtMs),
      UtcActive: utc(activeAtMs),
      GmtOnline: local(onlineAtMs),
      UtcOnline: utc(onlineAtMs),
    }),
  }
}

export type ProductEntry = Output<typeof QueryProductList>['Data']['List']['ProductInfo'][number]

export function toProductEntry(product: Product, deviceCount: number): ProductEntry {
  return {
    ProductKey: product.key,
    ProductName: product.name,
    NodeType: product.nodeType,
    DataFormat: product.details.dataFormat,
    AuthType: 'secret',
    DeviceCount: deviceCount,
    GmtCreate: product.createdAtMs,
    ...present({ Description: product.details.description }),
  }
}

export function toProductDetail(product: Product, deviceCount: number): Output<typeof QueryProduct>['Data'] {
  const { categoryKey, validateType } = product.details
  return {
    ...toProductView(product),
    DeviceCount: deviceCount,
    Owner: true,
    GmtCreate: product.createdAtMs,
    ...present({ CategoryKey: categoryKey, ValidateType: validateType }),
  }
}

export type DeviceEntry = Output<typeof QueryDevice>['Data']['DeviceInfo'][number]

export function toDeviceEntry(device: RegisteredDevice, secret: string, presence: DevicePresence): DeviceEntry {
  return {
    IotId: device.iotId,
    DeviceId: device.iotId,
    ProductKey: device.productKey,
    DeviceName: device.name,
    DeviceSecret: secret,
    DeviceStatus: toStatus(presence).status,
    GmtCreate: toLocalTime(device.createdAtMs),
    UtcCreate: new Date(device.createdAtMs).toISOString(),
    ...present({ Nickname: device.nickname }),
  }
}
