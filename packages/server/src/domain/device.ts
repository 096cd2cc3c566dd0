// Products and devices: what a gateway is known by before it is a node.
import { Fault } from '@littoral/contract/errors'
import { lengthOf, widthOf } from './text.ts'

export interface Product {
  readonly key: string
  readonly accountId: string
  readonly name: string
  /** 0 device, 1 gateway. */
  readonly nodeType: 0 | 1
  readonly createdAtMs: number
  /** Parameters that are kept and echoed, with no meaning here. */
  readonly details: ProductDetails
}

export interface ProductDetails {
  readonly dataFormat: 0 | 1
  readonly aliyunCommodityCode?: string
  readonly categoryKey?: string
  readonly description?: string
  readonly netType?: string
  readonly protocolType?: string
  readonly publishAuto?: boolean
  readonly resourceGroupId?: string
  readonly validateType?: number
}

export interface Device {
  readonly iotId: string
  readonly accountId: string
  readonly productKey: string
  readonly name: string
  readonly nickname?: string
  readonly createdAtMs: number
}

/** Throws iot.prod.InvalidFormattedProductName. */
export function parseProductName(name: string): string {
  const width = widthOf(name)
  if (width < 4 || width > 30 || !/^[A-Za-z0-9_\-@()\u4e00-\u9fa5]+$/.test(name)) throw new Fault('iot.prod.InvalidFormattedProductName')
  return name
}

/** Throws iot.prod.LongProductDesc. */
export function parseProductDescription(text: string | undefined): string | undefined {
  if (text !== undefined && lengthOf(text) > 100) throw new Fault('iot.prod.LongProductDesc')
  return text === '' ? undefined : text
}

/** Throws iot.device.InvalidFormattedDeviceName. */
export function parseDeviceName(name: string): string {
  if (!/^[A-Za-z0-9_\-@.:]{4,32}$/.test(name)) throw new Fault('iot.device.InvalidFormattedDeviceName')
  return name
}
