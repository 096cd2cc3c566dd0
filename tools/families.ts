// Every family of the contract by the name of its folder: what the generator and the derived tests walk over.
import { family as edgeContainer } from '@littoral/contract/edge-container/index'
import { family as iotEdge } from '@littoral/contract/iot-edge/index'
import { family as littoral } from '@littoral/contract/littoral/index'
import type { AnyOperation, Family } from '@littoral/contract/operation'

export interface NamedFamily {
  readonly name: string
  readonly family: Family
  /** The official Node client, where the vendor has one. */
  readonly sdk?: string
}

export const families: readonly NamedFamily[] = [
  { name: 'edge-container', family: edgeContainer, sdk: '@alicloud/esa20240910' },
  { name: 'iot-edge', family: iotEdge, sdk: '@alicloud/iot20180120' },
  { name: 'littoral', family: littoral },
]

/** By name: the order of a module's exports is not the same under every loader. */
export function operationsOf(family: Family): AnyOperation[] {
  return Object.values(family.operations).toSorted((a, b) => (a.action < b.action ? -1 : 1))
}

/** Every operation with its family. */
export function allOperations(): { named: NamedFamily; operation: AnyOperation }[] {
  return families.flatMap((named) => operationsOf(named.family).map((operation) => ({ named, operation })))
}
