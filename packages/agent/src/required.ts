// The agent's CommonJS packages, loaded when they are first needed and with `require`: an `import` of one starts Node's parser
// for CommonJS exports, which costs an agent that lives for months 5 MB for nothing.
import { createRequire } from 'node:module'

/** Messages to bytes and back. The library has no types of its own for this. */
export interface BusCodec {
  marshall(message: object): Buffer
  unmarshall(bytes: Buffer): { readonly body?: unknown[] }
}

interface Packages {
  ajv: typeof import('ajv')
  ws: typeof import('ws')
  yauzl: typeof import('yauzl')
  /** The D-Bus library's part for messages; the rest of it, a parser for XML among it, is of no use to an end that is the bus. */
  '@homebridge/dbus-native/lib/message.js': BusCodec
}

const require = createRequire(import.meta.url)

export function required<Name extends keyof Packages>(name: Name): Packages[Name] {
  return require(name) as Packages[Name]
}
