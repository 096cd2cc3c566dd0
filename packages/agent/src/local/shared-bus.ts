// One socket for all drivers, where each cannot be given its own: who connects says which driver he is by the name he asks for.
// Before that he may only look around. Drivers of such a machine run as one user anyway, so nobody is kept apart by this.
import type { Socket } from 'node:net'
import { type BusAnswer, BusError, BusLine, type BusRequest, calledObject } from './bus/bus-line.ts'
import { answerBus, answerPeer, busName } from './bus/bus-names.ts'
import { introspect, isServed } from './bus/introspection.ts'
import { type DriverBus, served } from './driver-bus.ts'

const mostStrangers = 64

export class SharedBus {
  readonly #find: (name: string) => DriverBus | undefined
  readonly #lines = new Map<BusLine, DriverBus | undefined>()
  readonly #log: (line: string) => void

  /** `find` gives the bus of the driver that may have a name. */
  constructor(find: (name: string) => DriverBus | undefined, log: (line: string) => void) {
    this.#find = find
    this.#log = log
  }

  accept(socket: Socket): void {
    const strangers = [...this.#lines.values()].filter((bus) => bus === undefined)
    if (strangers.length >= mostStrangers) return void socket.destroy()
    const line = new BusLine(socket, {
      onCall: (request, from) => this.#answer(request, from),
      onSignal: (request, from) => this.#lines.get(from)?.onSignal(request),
      onEnd: (ended) => {
        this.#lines.get(ended)?.onEnd(ended)
        this.#lines.delete(ended)
      },
      log: this.#log,
    })
    this.#lines.set(line, undefined)
  }

  close(): void {
    for (const line of [...this.#lines.keys()]) line.end()
  }

  async #answer(request: BusRequest, line: BusLine): Promise<BusAnswer> {
    const known = this.#lines.get(line)
    if (known) return known.onCall(request, line)
    const [name] = request.values
    const bus = request.member === 'RequestName' && typeof name === 'string' ? this.#find(name) : undefined
    if (bus) {
      this.#lines.set(line, bus)
      bus.adopt(line)
      return bus.onCall(request, line)
    }
    return this.#answerStranger(request, line)
  }

  async #answerStranger(request: BusRequest, line: BusLine): Promise<BusAnswer> {
    const object = calledObject(request)
    const checkName = (name: string) => {
      throw new BusError('org.freedesktop.DBus.Error.AccessDenied', `no driver of this gateway is ${name}`)
    }
    if (object === busName) return answerBus(request, line, { served, lines: () => this.#lines.keys(), checkName })
    if (request.member === 'Introspect' && isServed(object)) return { signature: 's', body: [introspect(object)] }
    const answer = answerPeer(request)
    if (answer) return answer
    throw new BusError('org.freedesktop.DBus.Error.AccessDenied', 'ask for the name iot.driver.id<FUNCTION_ID> first')
  }
}
