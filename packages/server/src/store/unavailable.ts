// The fault of a store that cannot serve right now: overloaded, out of disk, or dead. The reason is logged, never sent.
import { Fault } from '@littoral/contract/errors'

export function unavailable(reason: string, cause?: unknown): Fault {
  return new Fault('ServiceUnavailable', {}, { cause: new Error(`The store is unavailable: ${reason}`, { cause }) })
}
