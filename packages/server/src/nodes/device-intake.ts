// Takes what a node says of the devices behind its gateway and stores it. The node has one message under way and sends the next
// when this one is stored; what it says of devices that are not bound behind it is dropped and noted.
import type { DeviceNews, DeviceRef, DeviceReport } from '@littoral/contract/node/device-report'
import type { Services } from '../operations/context.ts'
import * as states from '../store/iot-edge/device-states.ts'
import type { WriteTx } from '../store/store.ts'

/** Of one device. A node may not make the server remember more, whatever its drivers say. */
const mostProperties = 1000

interface Known {
  /** `<ProductKey>/<DeviceName>` → id, of devices that are bound behind the node. */
  readonly bound: ReadonlyMap<string, string>
  readonly counts: ReadonlyMap<string, number>
  /** Devices the server holds for online that the node does not name. */
  readonly gone: readonly string[]
}

export class DeviceIntake {
  readonly #nodeId: string
  readonly #services: Pick<Services, 'store' | 'now' | 'log'>
  #writing: Promise<void> | undefined

  constructor(nodeId: string, services: Pick<Services, 'store' | 'now' | 'log'>) {
    this.#nodeId = nodeId
    this.#services = services
  }

  /** Calls `taken` when it is stored. What comes meanwhile is not taken, and the node says it again. */
  take(report: DeviceReport, taken: () => void): void {
    this.#writing ??= this.#store(report)
      .then(taken)
      .catch((error: unknown) => this.#services.log.error({ nodeId: this.#nodeId, err: error }, 'what devices said could not be stored'))
      .finally(() => (this.#writing = undefined))
  }

  async settled(): Promise<void> {
    await this.#writing
  }

  async #store(report: DeviceReport): Promise<void> {
    const known = await this.#read(report)
    const refs = [...report.devices, ...(report.online ?? [])]
    const strangers = refs.filter((ref) => !known.bound.has(keyOf(ref)))
    if (strangers.length > 0) {
      const { nodeId, devices } = { nodeId: this.#nodeId, devices: strangers.slice(0, 5).map(keyOf) }
      this.#services.log.warn({ nodeId, devices, count: strangers.length }, 'a node spoke for devices that are not bound behind it')
    }
    await this.#services.store.write(async (tx) => this.#write(tx, report, known))
  }

  #read({ devices, online }: DeviceReport): Promise<Known> {
    return this.#services.store.read(async (tx) => {
      const bound = await states.listBound(tx, this.#nodeId, [...devices, ...(online ?? [])])
      const counts = await states.countProperties(tx, [...new Set(devices.flatMap((news) => bound.get(keyOf(news)) ?? []))])
      const named = new Set((online ?? []).flatMap((ref) => bound.get(keyOf(ref)) ?? []))
      const gone = online === undefined ? [] : (await states.listOnlineIds(tx, this.#nodeId)).filter((iotId) => !named.has(iotId))
      return { bound, counts, gone }
    })
  }

  #write(tx: WriteTx, report: DeviceReport, { bound, counts, gone }: Known): void {
    const nowMs = this.#services.now()
    states.updateOffline(tx, this.#nodeId, gone, nowMs)
    for (const news of report.devices) {
      const iotId = bound.get(keyOf(news))
      if (iotId !== undefined) this.#writeNews(tx, { iotId, news, count: counts.get(iotId) ?? 0, nowMs })
    }
  }

  #writeNews(tx: WriteTx, { iotId, news, count, nowMs }: { iotId: string; news: DeviceNews; count: number; nowMs: number }): void {
    const { driverId, state } = news
    if (state) states.updateState(tx, { iotId, nodeId: this.#nodeId, driverId, ...state, nowMs })
    if (count + news.properties.length <= mostProperties) {
      for (const property of news.properties) states.updateProperty(tx, iotId, property, nowMs)
    } else this.#services.log.warn({ nodeId: this.#nodeId, device: keyOf(news) }, 'a device has more properties than are kept')
    for (const event of news.events) states.insertEvent(tx, iotId, event, nowMs)
  }
}

function keyOf({ productKey, deviceName }: DeviceRef): string {
  return `${productKey}/${deviceName}`
}
