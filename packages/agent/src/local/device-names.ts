// How a device is named: by its product and its name there, and on the bus by both in one word.

export interface DeviceName {
  readonly productKey: string
  readonly deviceName: string
}

/**
 * The one word. One of the vendor's libraries makes it up by itself before it asks, so it cannot be chosen freely
 * (contract: iot-edge §8).
 */
export function cloudId({ productKey, deviceName }: DeviceName): string {
  return `${productKey}_${deviceName}`
}

/** A key for maps; neither part can hold a slash. */
export function deviceKey({ productKey, deviceName }: DeviceName): string {
  return `${productKey}/${deviceName}`
}
