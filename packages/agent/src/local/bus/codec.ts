// The D-Bus library, as far as it is used: messages to bytes and back. Loaded with the first driver that connects.
import { createRequire } from 'node:module'

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

interface Codec {
  marshall(message: BusMessage): Buffer
  unmarshall(bytes: Buffer): { readonly body?: unknown[] }
}

let codec: Codec | undefined

// Only its part for messages: the rest of the package, a parser for XML among it, is of no use to an end that is the bus.
function loaded(): Codec {
  codec ??= createRequire(import.meta.url)('@homebridge/dbus-native/lib/message.js') as Codec
  return codec
}

export function toBytes(message: BusMessage): Buffer {
  return loaded().marshall(message)
}

/** The values of a message whose header was read and found plain. */
export function readBody(message: Buffer): readonly unknown[] {
  return loaded().unmarshall(message).body ?? []
}
