// What a driver may ask of its gateway, whichever way it speaks: its config, its devices' coming and going, what they report.
// A driver speaks for its own devices only, which are those its config lists.
import { readFile } from 'node:fs/promises'
import type { LocalDriver } from '../packages/local-door.ts'
import { codes, DriverFault } from './codes.ts'
import type { DeviceBook, DeviceValue } from './device-book.ts'
import { cloudId, type DeviceName, deviceKey } from './device-names.ts'
import type { ThingModels } from './thing-models.ts'

export interface CallAnswer {
  readonly code: number
  readonly message: string
  readonly data: unknown
}

/** A connection of a driver on which its devices can be called. */
export interface DriverLine {
  callDevice(device: DeviceName, service: string, params: unknown, timeoutMs: number): Promise<CallAnswer>
}

export interface DeskParts {
  readonly book: DeviceBook
  readonly models: ThingModels
  /** Told whether the driver has any connection. */
  readonly onConnected?: (isConnected: boolean) => void
}

/** The driver's devices, as its config lists them. */
interface Listed {
  readonly byKey: ReadonlyMap<string, DeviceName>
  readonly byCloudId: ReadonlyMap<string, DeviceName>
  readonly productKeys: ReadonlySet<string>
}

const maxAgeMs = 366 * 24 * 3600 * 1000

export class DriverDesk {
  readonly driver: LocalDriver
  readonly #book: DeviceBook
  readonly #models: ThingModels
  readonly #onConnected: (isConnected: boolean) => void
  readonly #lines = new Set<DriverLine>()
  readonly #online = new Map<string, { readonly device: DeviceName; readonly line: DriverLine }>()
  #devices: Promise<Listed> | undefined

  constructor(driver: LocalDriver, { book, models, onConnected = () => {} }: DeskParts) {
    this.driver = driver
    this.#book = book
    this.#models = models
    this.#onConnected = onConnected
  }

  /** The text under a key of the config store. Throws DriverFault. */
  async config(key: string): Promise<string> {
    const { driverId, driverName } = this.driver
    if (key === `gw_driverconfig_${driverId}` || key === `gw_driverconfig_${driverName}`) return this.#configText()
    const product = /^gw_TSL_(config_)?(.+)$/.exec(key)
    if (!product) throw new DriverFault(codes.invalidParam, `there is nothing under ${key.slice(0, 80)}`)
    const { productKeys } = await this.#listed()
    // A product key could begin with config_: what the driver has devices of decides.
    const productKey = [product[2] ?? '', key.slice('gw_TSL_'.length)].find((name) => productKeys.has(name))
    if (productKey === undefined)
      throw new DriverFault(codes.invalidParam, `this driver has no device of the product in ${key.slice(0, 80)}`)
    if (key === `gw_TSL_config_${productKey}`) return '{}'
    return (await this.#models.find(productKey)) ?? emptyModel(productKey)
  }

  /** A key whose changes this driver may be told of. Throws DriverFault. */
  async checkKey(key: string): Promise<void> {
    await this.config(key)
  }

  /** Throws DriverFault where the device is not one of the driver's. */
  async deviceOf(asked: Partial<DeviceName>): Promise<DeviceName> {
    const { productKey, deviceName } = asked
    if (!productKey || !deviceName) throw new DriverFault(codes.invalidParam, 'productKey and deviceName are needed')
    const device = (await this.#listed()).byKey.get(deviceKey({ productKey, deviceName }))
    if (device) return device
    throw new DriverFault(codes.notRegistered, `the device ${productKey}/${deviceName} is not bound with this driver`)
  }

  /** The device that goes by this one word on the bus, if it is one of the driver's. */
  async deviceByCloudId(id: string): Promise<DeviceName | undefined> {
    return (await this.#listed()).byCloudId.get(id)
  }

  async online(device: DeviceName, line: DriverLine): Promise<void> {
    if (!this.#book.setOnline(device, this.driver.driverId, true)) throw new DriverFault(codes.unknown, 'this gateway has too many devices')
    if (!this.#online.has(deviceKey(device))) this.driver.note?.(`device ${deviceKey(device)} is online`)
    this.#online.set(deviceKey(device), { device, line })
  }

  offline(device: DeviceName): void {
    if (!this.#online.delete(deviceKey(device))) return
    this.driver.note?.(`device ${deviceKey(device)} is offline`)
    this.#book.setOnline(device, this.driver.driverId, false)
  }

  /** The driver has opened a connection. */
  lineBegan(line: DriverLine): void {
    this.#lines.add(line)
    this.#onConnected(true)
  }

  /** The connection is gone, and its devices with it. */
  lineEnded(line: DriverLine): void {
    if (this.#lines.delete(line)) this.#onConnected(this.#lines.size > 0)
    for (const { device, line: theirs } of [...this.#online.values()]) if (theirs === line) this.offline(device)
  }

  /** All devices go offline: the driver is gone. */
  close(): void {
    for (const { device } of [...this.#online.values()]) this.offline(device)
  }

  /** Devices that are online and that the new config does not list any more go offline. */
  async configChanged(): Promise<void> {
    this.#devices = undefined
    const { byKey } = await this.#listed()
    for (const [key, { device }] of [...this.#online]) if (!byKey.has(key)) this.offline(device)
  }

  /** `said` is {name: {value, time}}; throws DriverFault. */
  properties(device: DeviceName, said: unknown): void {
    this.#checkOnline(device)
    if (!isRecord(said)) throw new DriverFault(codes.invalidParam, 'properties must be an object')
    const values = Object.entries(said).flatMap(([name, entry]) =>
      isRecord(entry) && entry['value'] !== undefined ? toValue(name, entry) : [],
    )
    this.#book.setProperties(device, this.driver.driverId, values)
  }

  /** `said` is {value, time}; throws DriverFault. */
  event(device: DeviceName, name: string, said: unknown): void {
    this.#checkOnline(device)
    const event = isRecord(said) ? said : {}
    this.#book.addEvent(device, this.driver.driverId, toValue(name, { value: event['value'] ?? {}, time: event['time'] }))
  }

  /** The connection on which a device is online. */
  lineOf(device: DeviceName): DriverLine | undefined {
    return this.#online.get(deviceKey(device))?.line
  }

  #checkOnline(device: DeviceName): void {
    if (!this.#online.has(deviceKey(device))) throw new DriverFault(codes.offline, `${deviceKey(device)} is not online`)
  }

  async #configText(): Promise<string> {
    try {
      return await readFile(this.driver.configPath, 'utf8')
    } catch (error) {
      throw new DriverFault(codes.unknown, `the config cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #listed(): Promise<Listed> {
    this.#devices ??= this.#readDevices().catch((error: unknown) => {
      this.#devices = undefined
      throw error
    })
    return this.#devices
  }

  async #readDevices(): Promise<Listed> {
    const { deviceList = [] } = JSON.parse(await this.#configText()) as { deviceList?: DeviceName[] }
    const devices = deviceList.map(({ productKey, deviceName }): DeviceName => ({ productKey, deviceName }))
    return {
      byKey: new Map(devices.map((device) => [deviceKey(device), device])),
      byCloudId: new Map(devices.map((device) => [cloudId(device), device])),
      productKeys: new Set(devices.map(({ productKey }) => productKey)),
    }
  }
}

/** A time that cannot be true is replaced by now: it would hide later values. */
function toValue(name: string, { value, time }: Record<string, unknown>): DeviceValue {
  const nowMs = Date.now()
  const isTrue = typeof time === 'number' && Number.isInteger(time) && time <= nowMs + 60_000 && time > nowMs - maxAgeMs
  return { name, value: JSON.stringify(value), atMs: isTrue ? time : nowMs }
}

/** For a product without one. */
function emptyModel(productKey: string): string {
  return JSON.stringify({ profile: { productKey }, properties: [], events: [], services: [] })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
