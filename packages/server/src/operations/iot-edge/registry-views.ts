// Products and devices of the registry → the shapes of the wire.
import type { QueryDevice, QueryDeviceDetail } from '@littoral/contract/iot-edge/device-registry'
import type { QueryProduct, QueryProductList } from '@littoral/contract/iot-edge/products'
import type { Output } from '@littoral/contract/operation'
import type { Product } from '../../domain/device.ts'
import { toLocalTime } from '../../domain/local-time.ts'
import { present } from '../../domain/present.ts'
import type { RegisteredDevice } from '../../store/iot-edge/devices.ts'
import type { NodeRecord } from '../../store/nodes.ts'

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

/** With the node that is this gateway, once it has connected. */
export function toDeviceView(
  device: RegisteredDevice,
  secret: string,
  node: NodeRecord | undefined,
): Output<typeof QueryDeviceDetail>['Data'] {
  const utc = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
  const local = (ms: number | undefined) => (ms === undefined ? undefined : toLocalTime(ms))
  return {
    IotId: device.iotId,
    ProductKey: device.productKey,
    ProductName: device.productName,
    DeviceName: device.name,
    DeviceSecret: secret,
    NodeType: device.nodeType,
    Status: toStatus(node),
    Owner: true,
    GmtCreate: toLocalTime(device.createdAtMs),
    UtcCreate: new Date(device.createdAtMs).toISOString(),
    ...present({
      Nickname: device.nickname,
      Region: node?.region,
      IpAddress: node?.facts.address,
      FirmwareVersion: node?.facts.edgeVersion,
      GmtActive: local(node?.createdAtMs),
      UtcActive: utc(node?.createdAtMs),
      GmtOnline: local(node?.lastSeenAtMs),
      UtcOnline: utc(node?.lastSeenAtMs),
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

export function toDeviceEntry(device: RegisteredDevice, secret: string, node: NodeRecord | undefined): DeviceEntry {
  return {
    IotId: device.iotId,
    DeviceId: device.iotId,
    ProductKey: device.productKey,
    DeviceName: device.name,
    DeviceSecret: secret,
    DeviceStatus: toStatus(node),
    GmtCreate: toLocalTime(device.createdAtMs),
    UtcCreate: new Date(device.createdAtMs).toISOString(),
    ...present({ Nickname: device.nickname }),
  }
}

/** Only gateways have nodes; of the devices behind them nothing is known here. */
function toStatus(node: NodeRecord | undefined): 'UNACTIVE' | 'ONLINE' | 'OFFLINE' {
  if (node === undefined) return 'UNACTIVE'
  return node.isOnline ? 'ONLINE' : 'OFFLINE'
}
