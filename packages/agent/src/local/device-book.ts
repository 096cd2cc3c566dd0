// What is known of the devices behind this gateway's drivers, and what of it the server does not know yet.
//
// 1. Of a property the newest value counts: what is replaced before it was sent is never sent. Events are all sent, the newest
//    hundred of each device; what does not fit is counted and said.
// 2. One message is under way at a time. What the server did not take before the connection was lost is sent again.
// 3. The first message of a connection says which devices are online, so that the server cannot keep one online by mistake.
import type { DeviceNews, DeviceReport } from '@littoral/contract/node/device-report'
import { type DeviceName, deviceKey } from './device-names.ts'

export interface DeviceValue {
  readonly name: string
  /** JSON text. */
  readonly value: string
  readonly atMs: number
}

export interface DeviceBookOptions {
  readonly log: (line: string) => void
  readonly now?: () => number
  readonly minIntervalMs?: number
  readonly takenTimeoutMs?: number
}

interface Entry {
  readonly device: DeviceName
  driverId: string
  isOnline: boolean
  sinceMs: number
  isStateNew: boolean
  readonly properties: Map<string, DeviceValue>
  readonly newProperties: Set<string>
  events: DeviceValue[]
}

type Send = (report: DeviceReport) => void

const mostDevices = 5000
const mostProperties = 200
const mostEvents = 100
const devicesAtOnce = 200
/** Values are up to 8 KB, a message is up to 16 MB. */
const valuesAtOnce = 1000
const longestName = 64
const longestValue = 8192

export class DeviceBook {
  readonly #options: Required<DeviceBookOptions>
  readonly #entries = new Map<string, Entry>()
  #send: Send | undefined
  #isOnlineTold = false
  #underWay: DeviceReport | undefined
  #seq = 0
  #dropped = 0
  #lastSentAtMs = 0
  #timer: NodeJS.Timeout | undefined
  #takenTimer: NodeJS.Timeout | undefined

  constructor(options: DeviceBookOptions) {
    this.#options = { now: Date.now, minIntervalMs: 1000, takenTimeoutMs: 30_000, ...options }
  }

  connected(send: Send): void {
    this.#send = send
    this.#isOnlineTold = false
    for (const entry of this.#entries.values()) if (entry.isOnline) entry.isStateNew = true
    this.#schedule()
  }

  disconnected(): void {
    this.#send = undefined
    clearTimeout(this.#timer)
    clearTimeout(this.#takenTimer)
    this.#timer = undefined
    if (this.#underWay) this.#putBack(this.#underWay)
  }

  /** The server has stored a message. */
  taken(seq: number): void {
    if (this.#underWay?.seq !== seq) return
    clearTimeout(this.#takenTimer)
    this.#underWay = undefined
    this.#forgetGone()
    this.#schedule()
  }

  isOnline(device: DeviceName): boolean {
    return this.#entries.get(deviceKey(device))?.isOnline === true
  }

  /** False where the gateway has as many devices as it can keep. */
  setOnline(device: DeviceName, driverId: string, isOnline: boolean): boolean {
    const entry = this.#entry(device, driverId)
    if (!entry) return false
    if (entry.isOnline === isOnline) return true
    this.#options.log(`device ${deviceKey(device)} of driver ${driverId} is ${isOnline ? 'online' : 'offline'}`)
    Object.assign(entry, { isOnline, sinceMs: this.#options.now(), isStateNew: true })
    this.#schedule()
    return true
  }

  setProperties(device: DeviceName, driverId: string, values: readonly DeviceValue[]): void {
    const entry = this.#entry(device, driverId)
    for (const value of values) {
      const fits = entry && isBounded(value) && (entry.properties.size < mostProperties || entry.properties.has(value.name))
      if (!fits) {
        this.#dropped += 1
        continue
      }
      entry.properties.set(value.name, value)
      entry.newProperties.add(value.name)
    }
    this.#schedule()
  }

  addEvent(device: DeviceName, driverId: string, event: DeviceValue): void {
    const entry = this.#entry(device, driverId)
    if (!entry || !isBounded(event)) this.#dropped += 1
    else this.#keepEvents(entry, [...entry.events, event])
    this.#schedule()
  }

  #keepEvents(entry: Entry, events: readonly DeviceValue[]): void {
    this.#dropped += Math.max(0, events.length - mostEvents)
    entry.events = events.slice(-mostEvents)
  }

  #entry(device: DeviceName, driverId: string): Entry | undefined {
    const key = deviceKey(device)
    const found = this.#entries.get(key)
    if (found) {
      found.driverId = driverId
      return found
    }
    if (this.#entries.size >= mostDevices) return undefined
    const { now } = this.#options
    const entry = {
      device,
      driverId,
      isOnline: false,
      sinceMs: now(),
      isStateNew: false,
      properties: new Map(),
      newProperties: new Set<string>(),
    }
    const made: Entry = { ...entry, events: [] }
    this.#entries.set(key, made)
    return made
  }

  #schedule(): void {
    if (!this.#send || this.#underWay || this.#timer) return
    const waitMs = Math.max(0, this.#lastSentAtMs + this.#options.minIntervalMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#flush()
    }, waitMs)
  }

  #flush(): void {
    if (!this.#send || this.#underWay) return
    if (this.#dropped > 0) this.#options.log(`${this.#dropped} values of devices were too many or too large and are not kept`)
    this.#dropped = 0
    const devices = this.#takeNews()
    if (devices.length === 0 && this.#isOnlineTold) return
    const online = this.#isOnlineTold
      ? {}
      : { online: [...this.#entries.values()].filter((entry) => entry.isOnline).map((entry) => entry.device) }
    const report: DeviceReport = { seq: ++this.#seq, ...online, devices }
    this.#isOnlineTold = true
    this.#underWay = report
    this.#lastSentAtMs = performance.now()
    this.#takenTimer = setTimeout(() => this.#notTaken(), this.#options.takenTimeoutMs)
    this.#send(report)
  }

  /** The server is slow or has lost it: all of it comes again with the next message, and it counts once there. */
  #notTaken(): void {
    if (this.#underWay) this.#putBack(this.#underWay)
    this.#isOnlineTold = false
    this.#schedule()
  }

  #takeNews(): DeviceNews[] {
    const news: DeviceNews[] = []
    let values = 0
    for (const entry of this.#entries.values()) {
      if (!entry.isStateNew && entry.newProperties.size === 0 && entry.events.length === 0) continue
      if (news.length >= devicesAtOnce || values >= valuesAtOnce) break
      const properties = [...entry.newProperties].flatMap((name) => entry.properties.get(name) ?? [])
      const { device, driverId, isOnline, sinceMs, events } = entry
      news.push({ ...device, driverId, ...(entry.isStateNew ? { state: { isOnline, sinceMs } } : {}), properties, events })
      values += properties.length + events.length
      entry.isStateNew = false
      entry.newProperties.clear()
      entry.events = []
    }
    return news
  }

  #putBack({ devices }: DeviceReport): void {
    this.#underWay = undefined
    for (const news of devices) {
      const entry = this.#entry(news, news.driverId)
      if (!entry) continue
      entry.isStateNew ||= news.state !== undefined
      for (const { name } of news.properties) entry.newProperties.add(name)
      this.#keepEvents(entry, [...news.events, ...entry.events])
    }
  }

  /** Devices that are offline, and of which the server knows everything, need no place here. */
  #forgetGone(): void {
    for (const [key, entry] of this.#entries) {
      const isKnown = !entry.isStateNew && entry.newProperties.size === 0 && entry.events.length === 0
      if (!entry.isOnline && isKnown) this.#entries.delete(key)
    }
  }

  close(): void {
    this.disconnected()
  }
}

function isBounded({ name, value }: DeviceValue): boolean {
  return name.length > 0 && name.length <= longestName && value.length <= longestValue
}
