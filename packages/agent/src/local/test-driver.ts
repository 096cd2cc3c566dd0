// A driver's end of the bus for tests, on the same library that the vendor's library for Node is written on. It makes the same
// calls in the same order: look at the objects, ask for the name, register, then config and devices.
import { createRequire } from 'node:module'

type Callback = (error: unknown, ...values: unknown[]) => void
type Remote = Record<string, (...args: unknown[]) => void>

interface Bus {
  readonly connection: {
    once(event: string, listener: (error?: Error) => void): void
    end(): void
    message(message: object): void
    stream: { destroy(): void }
  }
  serial: number
  getService(name: string): { getInterface(path: string, name: string, done: (error: unknown, found: Remote) => void): void }
  requestName(name: string, flags: number, done: (error: unknown, code: number) => void): void
  releaseName(name: string, done: (error: unknown) => void): void
  exportInterface(object: object, path: string, description: object): void
  invokeDbus(message: object, done: Callback): void
}

const library = createRequire(import.meta.url)('@homebridge/dbus-native') as { createClient(options: { busAddress: string }): Bus }

export const pathOf = (name: string) => `/${name.replaceAll('.', '/')}`

export class TestDriver {
  readonly bus: Bus
  readonly #driverId: string
  readonly notified: { key: string; value: string }[] = []

  private constructor(bus: Bus, driverId: string) {
    this.bus = bus
    this.#driverId = driverId
  }

  static async connect(socket: string, driverId: string): Promise<TestDriver> {
    const bus = library.createClient({ busAddress: `unix:path=${socket}` })
    await new Promise<void>((resolve, reject) => {
      bus.connection.once('connect', () => resolve())
      bus.connection.once('error', (error) => reject(error ?? new Error('no connection')))
    })
    return new TestDriver(bus, driverId)
  }

  /** Name and object of the driver, as the library makes them; gives the code of the name. */
  async register(): Promise<number> {
    const name = `iot.driver.id${this.#driverId}`
    const code = await new Promise<number>((resolve, reject) =>
      this.bus.requestName(name, 4, (error, given) => (error ? reject(new Error(JSON.stringify(error))) : resolve(given))),
    )
    const object = {
      notify_config: (key: string, value: string) => {
        this.notified.push({ key, value })
        return 0
      },
    }
    this.bus.exportInterface(object, pathOf(name), {
      name,
      methods: { notify_config: ['ss', 'i', ['key', 'value'], ['code']] },
      signals: {},
      properties: {},
    })
    await this.ask('iot.dmp.dimu', 'registerDriver', JSON.stringify({ params: { driverLocalId: this.#driverId } }))
    return code
  }

  /** A method of one of the gateway's objects, found the way the library does: by what the object says of itself. */
  async ask(name: string, method: string, ...args: unknown[]): Promise<unknown[]> {
    const remote = await new Promise<Remote>((resolve, reject) =>
      this.bus
        .getService(name)
        .getInterface(pathOf(name), name, (error, found) => (error ? reject(new Error(JSON.stringify(error))) : resolve(found))),
    )
    return new Promise((resolve, reject) =>
      remote[method]!(...args, (error: unknown, ...values: unknown[]) =>
        error ? reject(new Error(JSON.stringify(error))) : resolve(values),
      ),
    )
  }

  async online(productKey: string, deviceName: string): Promise<Record<string, unknown>> {
    const [text] = await this.ask(
      'iot.dmp.dimu',
      'connect',
      JSON.stringify({ productKey, deviceName, driverName: this.#driverId, isLocal: 'False' }),
    )
    return JSON.parse(String(text)) as Record<string, unknown>
  }

  /** The device's own object, on which the gateway calls it. */
  async serve(
    cloudId: string,
    callServices: (service: string, args: string) => Promise<string> | string,
    path = `/iot/device/id${cloudId}`,
  ): Promise<void> {
    const name = `iot.device.id${cloudId}`
    await new Promise<void>((resolve) => this.bus.requestName(name, 4, () => resolve()))
    this.bus.exportInterface({ callServices }, path, {
      name,
      methods: { callServices: ['ss', 's', ['service', 'args'], ['result']] },
      signals: {},
      properties: {},
    })
  }

  report(cloudId: string, member: string, content: object): void {
    const name = `iot.device.id${cloudId}`
    const signal = { type: 4, destination: 'iot.dmp.subscribe', path: pathOf(name), interface: name, member }
    this.bus.connection.message({ ...signal, serial: this.bus.serial++, signature: 's', body: [JSON.stringify(content)] })
  }

  end(): void {
    this.bus.connection.stream.destroy()
  }
}
