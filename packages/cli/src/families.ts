// Every operation the command line can call: the families of the contract.
import { family as edgeContainer } from '@littoral/contract/edge-container/index'
import { family as iotEdge } from '@littoral/contract/iot-edge/index'
import { family as littoral } from '@littoral/contract/littoral/index'
import type { AnyOperation, Family } from '@littoral/contract/operation'

export const families: readonly Family[] = [littoral, edgeContainer, iotEdge]

export interface Found {
  readonly family: Family
  readonly operation: AnyOperation
}

/** The operation of that name, in any letter case. */
export function findOperation(name: string): Found | undefined {
  for (const family of families) {
    const operation = Object.values(family.operations).find(({ action }) => action.toLowerCase() === name.toLowerCase())
    if (operation) return { family, operation }
  }
  return undefined
}
