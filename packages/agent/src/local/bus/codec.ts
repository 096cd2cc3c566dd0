// The D-Bus library, as far as it is used: messages to bytes and back. Loaded with the first driver that connects.
import { required } from '../../required.ts'

export const messageTypes = { call: 1, answer: 2, error: 3, signal: 4 } as const

export interface BusMessage {
  readonly type: number
  readonly flags?: number
  readonly serial: number
  readonly path?: string
  readonly interface?: string
  readonly member?: string
  readonly errorName?: string
  readonly replySerial?: number
  readonly destination?: string
  readonly sender?: string
  readonly signature?: string
  readonly body?: readonly unknown[]
}

const codec = () => required('@homebridge/dbus-native/lib/message.js')

export function toBytes(message: BusMessage): Buffer {
  return codec().marshall(message)
}

/** The values of a message whose header was read and found plain. */
export function readBody(message: Buffer): readonly unknown[] {
  return codec().unmarshall(message).body ?? []
}
