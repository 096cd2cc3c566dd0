// One driver's connection to its bus: signs it in, answers what it calls, and calls it. The bus has two ends only, the driver
// and this agent, so nothing is passed on between connections.
import type { Socket } from 'node:net'
import { BusViolation, type BusHeader, FrameReader, isPlain, readHeader } from './frames.ts'
import { type BusMessage, messageTypes, readBody, toBytes } from './codec.ts'

/** A call or a signal of the driver, with its values. */
export interface BusRequest extends BusHeader {
  readonly values: readonly unknown[]
}

export interface BusAnswer {
  readonly signature: string
  readonly body: readonly unknown[]
  /** Whose answer it is; this agent's unless said. */
  readonly sender?: string
}

/** An error the driver gets as the answer to its call. */
export class BusError extends Error {
  readonly errorName: string

  constructor(errorName: string, message: string) {
    super(message)
    this.errorName = errorName
  }
}

export interface BusCall {
  readonly path: string
  readonly interface: string
  readonly member: string
  readonly signature: string
  readonly body: readonly unknown[]
}

export interface BusEvents {
  /** Throws BusError. */
  readonly onCall: (request: BusRequest, line: BusLine) => Promise<BusAnswer>
  readonly onSignal: (request: BusRequest, line: BusLine) => void
  readonly onEnd: (line: BusLine) => void
  readonly log: (text: string) => void
}

interface Waiting {
  readonly resolve: (values: readonly unknown[]) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

export const ownName = ':1.0'
const signInMs = 10_000
const mostWaiting = 256
/** Calls of the driver that are being answered; more of them at once is a driver gone wild. */
const mostAnswering = 1024
/** A driver that does not read what it is sent. */
const mostUnread = 32 * 1024 * 1024
const noReplyExpected = 1
const longestText = 1000

let connections = 0

export class BusLine {
  readonly unique = `:1.${++connections}`
  readonly names = new Set<string>()
  readonly #socket: Socket
  readonly #events: BusEvents
  readonly #reader = new FrameReader()
  readonly #waiting = new Map<number, Waiting>()
  #serial = 0
  #answering = 0
  #isSignedIn = false
  #isFirst = true
  #signInTimer: NodeJS.Timeout

  constructor(socket: Socket, events: BusEvents) {
    this.#socket = socket
    this.#events = events
    this.#signInTimer = setTimeout(() => this.#violated(new BusViolation('nobody signed in')), signInMs)
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#ended())
  }

  /** Calls the driver; throws with what it answered, or when it is gone or does not answer in time. */
  call(call: BusCall, timeoutMs: number): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the driver is not connected'))
      if (this.#waiting.size >= mostWaiting) return reject(new Error('too many calls of this driver are under way'))
      const timer = setTimeout(() => {
        this.#waiting.delete(serial)
        reject(new DOMException(`the driver did not answer within ${timeoutMs} ms`, 'TimeoutError'))
      }, timeoutMs)
      const serial = this.#send({ ...call, type: messageTypes.call, destination: this.unique, sender: ownName })
      this.#waiting.set(serial, { resolve, reject, timer })
    })
  }

  signal(call: BusCall, sender: string): void {
    this.#send({ ...call, type: messageTypes.signal, flags: noReplyExpected, destination: this.unique, sender })
  }

  end(): void {
    this.#socket.destroy()
  }

  #received(chunk: Buffer): void {
    try {
      this.#reader.push(chunk)
      while (!this.#isSignedIn) {
        const line = this.#reader.line()
        if (line === undefined) return
        this.#signIn(line)
      }
      for (let message = this.#reader.message(); message; message = this.#reader.message()) this.#take(message)
    } catch (error) {
      this.#violated(error)
    }
  }

  // The sockets of drivers are handed to them alone, so who has one is let in whatever he calls himself.
  #signIn(line: string): void {
    const [word, way] = (this.#isFirst ? line.replace(/^\0/, '') : line).split(' ')
    this.#isFirst = false
    if (word === 'AUTH' && (way === 'EXTERNAL' || way === 'ANONYMOUS')) this.#socket.write(`OK ${guid}\r\n`)
    else if (word === 'AUTH') this.#socket.write('REJECTED EXTERNAL ANONYMOUS\r\n')
    else if (word === 'DATA') this.#socket.write(`OK ${guid}\r\n`)
    else if (word === 'CANCEL') this.#socket.write('REJECTED EXTERNAL ANONYMOUS\r\n')
    else if (word === 'BEGIN') {
      clearTimeout(this.#signInTimer)
      this.#isSignedIn = true
    } else this.#socket.write('ERROR "this bus does not know that"\r\n')
  }

  #take(message: Buffer): void {
    const header = readHeader(message)
    const isKnown = isPlain(header)
    const request: BusRequest = { ...header, values: header.hasBody && isKnown ? readBody(message) : [] }
    const waiting = this.#waiting.get(header.replySerial)
    switch (header.type) {
      case messageTypes.call:
        return this.#answer(request, isKnown)
      case messageTypes.signal:
        return isKnown ? this.#events.onSignal(request, this) : undefined
      case messageTypes.answer:
        this.#settle(header.replySerial)
        return waiting?.resolve(request.values)
      case messageTypes.error:
        this.#settle(header.replySerial)
        return waiting?.reject(new Error(textOf(request.values[0]) || header.errorName))
    }
  }

  #settle(serial: number): void {
    clearTimeout(this.#waiting.get(serial)?.timer)
    this.#waiting.delete(serial)
  }

  #answer(request: BusRequest, isKnown: boolean): void {
    if (this.#answering >= mostAnswering) throw new BusViolation('more calls at once than are taken')
    this.#answering += 1
    const answered = isKnown
      ? this.#events.onCall(request, this)
      : Promise.reject(new BusError('org.freedesktop.DBus.Error.InvalidArgs', 'only texts, numbers and flags are taken'))
    const isWanted = (request.flags & noReplyExpected) === 0
    const reply = (message: Omit<BusMessage, 'serial'>) => {
      if (isWanted) this.#send({ ...message, flags: noReplyExpected, replySerial: request.serial, destination: this.unique })
    }
    void answered
      .then(({ signature, body, sender = ownName }) =>
        reply({ type: messageTypes.answer, sender, ...(signature === '' ? {} : { signature, body }) }),
      )
      .catch((error: unknown) => {
        const errorName = error instanceof BusError ? error.errorName : 'org.freedesktop.DBus.Error.Failed'
        const text = (error instanceof Error ? error.message : String(error)).replaceAll('\0', '').slice(0, longestText)
        reply({ type: messageTypes.error, sender: ownName, errorName, signature: 's', body: [text] })
      })
      .finally(() => (this.#answering -= 1))
  }

  #send(message: Omit<BusMessage, 'serial'>): number {
    this.#serial = (this.#serial % 0x7fffffff) + 1
    if (this.#socket.destroyed) return this.#serial
    if (this.#socket.writableLength > mostUnread) this.#violated(new BusViolation('it does not read what it is sent'))
    else this.#write({ ...message, serial: this.#serial })
    return this.#serial
  }

  /** What cannot be said in D-Bus came from the driver itself, such as a text with a zero in it. */
  #write(message: BusMessage): void {
    try {
      this.#socket.write(toBytes(message))
    } catch (error) {
      this.#violated(error)
    }
  }

  #violated(error: unknown): void {
    this.#events.log(`the connection was cut: ${error instanceof Error ? error.message : String(error)}`)
    this.#socket.destroy()
  }

  #ended(): void {
    clearTimeout(this.#signInTimer)
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(new Error('the driver disconnected'))
    }
    this.#waiting.clear()
    this.#events.onEnd(this)
  }
}

/** A value of a driver where a text belongs; empty where it is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/**
 * Which of the gateway's objects a call is for. Libraries that look a name up call its owner instead, and then the path says it.
 */
export function calledObject({ destination, path }: BusRequest): string {
  return destination === ownName ? path.slice(1).replaceAll('/', '.') : destination
}

/** Names the bus to its clients; they only want it to stay the same. */
export const guid = '6c6974746f72616c6c6f63616c627573'
