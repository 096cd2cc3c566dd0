// One driver's connection over MQTT: what it publishes is a request, what it is sent is an answer or a call.
import { codes, DriverFault } from './codes.ts'
import type { DeviceName } from './device-names.ts'
import type { CallAnswer, DriverDesk, DriverLine } from './driver-desk.ts'
import { callTopic, type MqttRequest, parseTopic, replyTopic } from './mqtt-topics.ts'

interface Waiting {
  readonly resolve: (answer: CallAnswer) => void
  readonly timer: NodeJS.Timeout
}

const mostWaiting = 256
const version = '1.0'

export class MqttDriver implements DriverLine {
  readonly desk: DriverDesk
  readonly #publish: (topic: string, content: object) => void
  readonly #log: (line: string) => void
  readonly #waiting = new Map<string, Waiting>()
  #lastId = 0

  constructor(desk: DriverDesk, publish: (topic: string, content: object) => void, log: (line: string) => void) {
    this.desk = desk
    this.#publish = publish
    this.#log = (text) => {
      log(`driver ${desk.driver.driverName}: ${text}`)
      desk.driver.note?.(text)
    }
  }

  callDevice(device: DeviceName, service: string, params: unknown, timeoutMs: number): Promise<CallAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size >= mostWaiting) return reject(new Error('too many calls of this driver are under way'))
      const id = `${++this.#lastId}`
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(new DOMException(`the driver did not answer within ${timeoutMs} ms`, 'TimeoutError'))
      }, timeoutMs)
      this.#waiting.set(id, { resolve, timer })
      this.#publish(callTopic(this.desk.driver.driverId, device, service), { id, version, params })
    })
  }

  /** Takes what the driver published. Nothing of it ends the connection; what cannot be done is answered or logged. */
  async take(topic: string, payload: Buffer): Promise<void> {
    const request = parseTopic(topic, this.desk.driver.driverId)
    if (!request) return this.#log(`published to ${topic.slice(0, 200)}, which nobody reads`)
    const message = parse(payload)
    if (request.kind === 'answer') return this.#answered(message)
    const reply = replyTopic(request, this.desk.driver.driverId)
    try {
      const data = await this.#carryOut(request, message['params'])
      if (reply !== undefined) this.#publish(reply, { id: message['id'], version, code: codes.success, data })
    } catch (error) {
      const code = error instanceof DriverFault ? error.code : codes.unknown
      this.#log(`${request.kind} was refused: ${error instanceof Error ? error.message : String(error)}`)
      if (reply !== undefined) this.#publish(reply, { id: message['id'], version, code, data: {} })
    }
  }

  /** The connection stands. */
  began(): void {
    this.desk.lineBegan(this)
  }

  /** The connection is gone. */
  ended(): void {
    for (const { timer, resolve } of this.#waiting.values()) {
      clearTimeout(timer)
      resolve({ code: codes.unreachable, message: 'the driver disconnected', data: {} })
    }
    this.#waiting.clear()
    this.desk.lineEnded(this)
  }

  async #carryOut(request: Exclude<MqttRequest, { kind: 'answer' }>, params: unknown): Promise<unknown> {
    switch (request.kind) {
      case 'config':
        return JSON.parse(await this.desk.config(`gw_driverconfig_${this.desk.driver.driverId}`))
      case 'model':
        return JSON.parse(await this.desk.config(`gw_TSL_${request.productKey}`))
      case 'modelConfig':
        return JSON.parse(await this.desk.config(`gw_TSL_config_${request.productKey}`))
      case 'online':
        await this.desk.online(await this.desk.deviceOf(request.device), this)
        return {}
      case 'offline':
        this.desk.offline(await this.desk.deviceOf(request.device))
        return {}
      case 'properties':
        return this.desk.properties(await this.desk.deviceOf(request.device), params)
      case 'event':
        return this.desk.event(await this.desk.deviceOf(request.device), request.name, params)
    }
  }

  #answered({ id, code, data }: Record<string, unknown>): void {
    const waiting = this.#waiting.get(String(id))
    if (!waiting) return
    this.#waiting.delete(String(id))
    clearTimeout(waiting.timer)
    waiting.resolve({ code: Number(code ?? codes.unknown), message: '', data: data ?? {} })
  }
}

function parse(payload: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
