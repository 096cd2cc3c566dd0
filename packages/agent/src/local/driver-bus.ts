// The bus of one driver: the objects of the gateway on it, and the driver's own as far as the gateway calls them.
// Names, members and the shape of every text are those of the vendor's driver libraries (contract: iot-edge §8).
import type { Socket } from 'node:net'
import { type BusAnswer, BusError, BusLine, type BusRequest, calledObject, textOf } from './bus/bus-line.ts'
import { answerBus, answerPeer, busName, type BusPolicy } from './bus/bus-names.ts'
import { introspect, isServed } from './bus/introspection.ts'
import { codes, DriverFault } from './codes.ts'
import { cloudId, type DeviceName } from './device-names.ts'
import type { CallAnswer, DriverDesk, DriverLine } from './driver-desk.ts'

export const served: ReadonlySet<string> = new Set([
  'iot.dmp.configmanager',
  'iot.dmp.dimu',
  'iot.dmp.subscribe',
  'iot.gateway.watchdog',
  'iot.gateway.fileUploader',
])
const devicePrefix = 'iot.device.id'
const mostLines = 32
const mostSubscriptions = 64
const notifyTimeoutMs = 10_000

interface Connected {
  readonly line: BusLine
  readonly driverLine: DriverLine
  /** Config key → the bus name the driver wants to be told under. */
  readonly subscriptions: Map<string, string>
}

export class DriverBus {
  readonly #desk: DriverDesk
  readonly #log: (line: string) => void
  readonly #connected = new Map<BusLine, Connected>()
  readonly #policy: BusPolicy

  constructor(desk: DriverDesk, log: (line: string) => void) {
    this.#desk = desk
    this.#log = (text) => {
      log(`driver ${desk.driver.driverName}: ${text}`)
      desk.driver.note?.(text)
    }
    const onReleased = (name: string, line: BusLine) => void this.#released(name, line)
    this.#policy = { served, lines: () => this.#connected.keys(), checkName: (name) => this.#checkName(name), onReleased }
  }

  accept(socket: Socket): void {
    if (this.#connected.size >= mostLines) return void socket.destroy()
    this.adopt(new BusLine(socket, { onCall: this.onCall, onSignal: this.onSignal, onEnd: this.onEnd, log: this.#log }))
  }

  /** Takes a connection whose events come to this bus. */
  adopt(line: BusLine): void {
    const driverLine: DriverLine = {
      callDevice: (device, service, params, timeoutMs) =>
        callDevice(line, { device, service, params, timeoutMs, runtime: this.#desk.driver.runtime }),
    }
    this.#connected.set(line, { line, driverLine, subscriptions: new Map() })
    this.#desk.lineBegan(driverLine)
  }

  /** Tells whoever subscribed to it. */
  async configChanged(): Promise<void> {
    for (const { line, subscriptions } of [...this.#connected.values()]) {
      for (const [key, name] of subscriptions) {
        const value = await this.#desk.config(key)
        const call = { path: pathOf(name), interface: name, member: 'notify_config', signature: 'ss', body: [key, value] }
        line.call(call, notifyTimeoutMs).catch((error: unknown) => this.#log(`was not told of its new config: ${String(error)}`))
      }
    }
  }

  close(): void {
    for (const line of [...this.#connected.keys()]) line.end()
  }

  readonly onCall = (request: BusRequest, line: BusLine): Promise<BusAnswer> => this.#answer(request, line)

  readonly onSignal = (request: BusRequest): void => void this.#signalled(request)

  readonly onEnd = (line: BusLine): void => {
    const connected = this.#connected.get(line)
    this.#connected.delete(line)
    if (connected) this.#desk.lineEnded(connected.driverLine)
  }

  /** The libraries differ in how they call a driver: by its id or its name, with or without a prefix. */
  isOwnName(name: string): boolean {
    const { driverId, driverName } = this.#desk.driver
    return ['id', ''].some((prefix) => name === `iot.driver.${prefix}${driverId}` || name === `iot.driver.${prefix}${driverName}`)
  }

  /** A driver has the names of its own and of its devices, nobody else's. */
  #checkName(name: string): void {
    if (this.isOwnName(name) || name.startsWith(devicePrefix)) return
    throw new BusError('org.freedesktop.DBus.Error.AccessDenied', `this driver may not be ${name}`)
  }

  /**
   * A device without its name cannot be called, so it is offline. The library for Python gives the name up when it fails after
   * `connect`, and says no more than that.
   */
  async #released(name: string, line: BusLine): Promise<void> {
    if (!name.startsWith(devicePrefix)) return
    const device = await this.#desk.deviceByCloudId(name.slice(devicePrefix.length)).catch(() => undefined)
    const theirs = this.#connected.get(line)?.driverLine
    if (device && this.#desk.lineOf(device) === theirs) this.#desk.offline(device)
  }

  async #answer(request: BusRequest, line: BusLine): Promise<BusAnswer> {
    const peer = answerPeer(request)
    if (peer) return peer
    const object = calledObject(request)
    if (object === busName) return answerBus(request, line, this.#policy)
    if (request.member === 'Introspect' && isServed(object)) return { signature: 's', body: [introspect(object)] }
    const connected = this.#connected.get(line)
    if (connected && object === 'iot.dmp.configmanager') return this.#configCall(request, connected)
    if (connected && object === 'iot.dmp.dimu') return this.#deviceCall(request, connected)
    if (object === 'iot.gateway.fileUploader')
      return textAnswer({ code: codes.unknown, message: 'this gateway does not take files', params: {} })
    throw new BusError('org.freedesktop.DBus.Error.UnknownMethod', `this gateway has no ${object} ${request.member}`)
  }

  async #configCall({ member, values }: BusRequest, { subscriptions }: Connected): Promise<BusAnswer> {
    const [first = '', second = ''] = values.map(textOf)
    try {
      switch (member) {
        case 'get_config':
          return { signature: 'is', body: [codes.success, await this.#desk.config(first)] }
        case 'subscribe_config':
          this.#checkName(first)
          await this.#desk.checkKey(second)
          if (subscriptions.size >= mostSubscriptions) throw new DriverFault(codes.unknown, 'too many subscriptions')
          subscriptions.set(second, first)
          return { signature: 'i', body: [codes.success] }
        case 'unsubscribe_config':
          subscriptions.delete(second)
          return { signature: 'i', body: [codes.success] }
      }
    } catch (error) {
      if (!(error instanceof DriverFault)) throw error
      this.#log(`${member} was refused: ${error.message}`)
      return member === 'get_config' ? { signature: 'is', body: [error.code, ''] } : { signature: 'i', body: [error.code] }
    }
    throw new BusError('org.freedesktop.DBus.Error.UnknownMethod', `the config store has no ${member}`)
  }

  async #deviceCall({ member, values }: BusRequest, { driverLine }: Connected): Promise<BusAnswer> {
    try {
      const params = await this.#carryOut(member, textOf(values[0]), driverLine)
      return textAnswer({ code: codes.success, message: 'success', params })
    } catch (error) {
      if (!(error instanceof DriverFault)) throw error
      this.#log(`${member} was refused: ${error.message}`)
      return textAnswer({ code: error.code, message: error.message, params: {} })
    }
  }

  async #carryOut(member: string, text: string, line: DriverLine): Promise<object> {
    switch (member) {
      case 'registerDriver':
      case 'unregisterDriver':
        return {}
      case 'connect':
      case 'startupDevice':
      case 'registerDevice': {
        const asked = parseObject(text)
        const device = await this.#desk.deviceOf({
          productKey: textOf(asked['productKey']),
          deviceName: textOf(asked['deviceName'] ?? asked['deviceLocalId']),
        })
        await this.#desk.online(device, line)
        return { deviceCloudId: cloudId(device), productKey: device.productKey, deviceName: device.deviceName }
      }
      case 'disconnect':
      case 'shutdownDevice':
      case 'unregisterDevice': {
        const device = await this.#desk.deviceByCloudId(toCloudId(text))
        if (!device) throw new DriverFault(codes.notRegistered, `there is no device ${text.slice(0, 80)}`)
        this.#desk.offline(device)
        return {}
      }
    }
    throw new BusError('org.freedesktop.DBus.Error.UnknownMethod', `the device register has no ${member}`)
  }

  // A signal has no answer, so what is wrong with it is said in the log.
  async #signalled({ destination, interface: from, member, values: [said] }: BusRequest): Promise<void> {
    // Feeding the watchdog is accepted and does nothing: a driver that hangs is not ended for it.
    if (destination !== 'iot.dmp.subscribe' || !from.startsWith(devicePrefix)) return
    try {
      const device = await this.#desk.deviceByCloudId(from.slice(devicePrefix.length))
      if (!device) throw new DriverFault(codes.notRegistered, `there is no device ${from.slice(0, 80)}`)
      const content = parseObject(textOf(said))
      if (member === 'propertiesChanged') this.#desk.properties(device, content)
      else this.#desk.event(device, member, content['params'])
    } catch (error) {
      this.#log(`${member} was not taken: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

interface DeviceCall {
  readonly device: DeviceName
  readonly service: string
  readonly params: unknown
  readonly timeoutMs: number
  readonly runtime: string
}

/** Where the libraries have the object of a device. They differ for names with a dot in them, of which only Python makes a path. */
function devicePath(id: string, runtime: string): string {
  return runtime === 'python3' ? pathOf(`${devicePrefix}${id}`) : `${pathOf(devicePrefix)}${id}`
}

async function callDevice(line: BusLine, { device, service, params, timeoutMs, runtime }: DeviceCall): Promise<CallAnswer> {
  const id = cloudId(device)
  const body = [service, JSON.stringify({ params })]
  const call = { path: devicePath(id, runtime), interface: `${devicePrefix}${id}`, member: 'callServices', signature: 'ss', body }
  const values = await line.call(call, timeoutMs)
  const { code, message, params: answer } = parseObject(textOf(values[0]))
  const isProperty = service === 'get' || service === 'set'
  // The answer to a service is wrapped once more than that to get and set.
  const inner = !isProperty && typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : undefined
  const data = inner && 'data' in inner ? inner['data'] : answer
  const ownCode = typeof inner?.['code'] === 'number' && inner['code'] !== 0 ? inner['code'] : code
  return { code: Number(ownCode ?? codes.unknown), message: textOf(message), data: data ?? {} }
}

function textAnswer(content: object): BusAnswer {
  return { signature: 's', body: [JSON.stringify(content)] }
}

/** One library sends the id alone, the others an object that holds it. */
function toCloudId(text: string): string {
  return text.startsWith('{') ? textOf(parseObject(text)['deviceCloudId']) : text
}

/** Throws DriverFault. */
function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below, in the same words as for JSON that is no object.
  }
  throw new DriverFault(codes.invalidParam, 'a JSON object is needed')
}

function pathOf(name: string): string {
  return `/${name.replaceAll('.', '/')}`
}
