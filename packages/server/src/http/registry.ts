// The registry: every operation that is served, with what is derived from its declaration compiled once. It is the router:
// a request's version and action lead to one entry. Made by server.ts from the families and their handlers.
import { Fault, type FaultName } from '@littoral/contract/errors'
import { gatewayFaults } from '@littoral/contract/errors/gateway'
import type { AnyOperation, Family } from '@littoral/contract/operation'
import { type Decode, formDecoder } from '@littoral/contract/wire/form'
import type { JsonSchema } from '@littoral/contract/wire/schema'
import type { Context } from '../operations/context.ts'
import { type CheckInput, type CheckOutput, compileCheck, compileOutputCheck, createValidator, schemaFaults } from './check.ts'

// Handlers of every shape share one map here; each family's map is checked against its operations where it is written.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyHandler = (input: any, context: Context) => Promise<object>

export interface ServedFamily {
  readonly family: Family
  readonly handlers: Readonly<Record<string, AnyHandler>>
}

export interface ServedOperation {
  readonly family: Family
  readonly operation: AnyOperation
  readonly handle: AnyHandler
  readonly decode: Decode
  readonly check: CheckInput
  readonly checkOutput: CheckOutput
  /** Whether the operation says of itself that it may answer this fault. */
  mayAnswer(fault: FaultName): boolean
}

export interface Registry {
  /**
   * The operation a request asks for; both names are case-sensitive. Throws MissingAction, MissingVersion,
   * InvalidVersion or InvalidAction.NotFound.
   */
  find(version: string, action: string): ServedOperation
  readonly operations: readonly ServedOperation[]
}

/** Throws when a family lacks a handler, two families claim one action, or a schema uses a keyword nobody checks. */
export function createRegistry(served: readonly ServedFamily[]): Registry {
  const ajv = createValidator()
  const byVersion = new Map<string, Map<string, ServedOperation>>()
  for (const { family, handlers } of served) {
    const byAction = byVersion.get(family.version) ?? new Map<string, ServedOperation>()
    byVersion.set(family.version, byAction)
    for (const operation of Object.values(family.operations)) {
      const { action } = operation
      const handle = handlers[action]
      if (handle === undefined) throw new Error(`${action} has no handler`)
      if (byAction.has(action)) throw new Error(`${action} of ${family.version} is declared twice`)
      byAction.set(action, serve(family, operation, handle, ajv))
    }
  }
  return {
    find: (version, action) => find(byVersion, version, action),
    operations: [...byVersion.values()].flatMap((actions) => [...actions.values()]),
  }
}

function find(byVersion: ReadonlyMap<string, ReadonlyMap<string, ServedOperation>>, version: string, action: string): ServedOperation {
  if (action === '') throw new Fault('Missing', { Name: 'Action' })
  if (version === '') throw new Fault('Missing', { Name: 'Version' })
  const byAction = byVersion.get(version)
  if (byAction === undefined) throw new Fault('InvalidVersion')
  const found = byAction.get(action)
  if (found === undefined) throw new Fault('InvalidAction.NotFound')
  return found
}

function serve(family: Family, operation: AnyOperation, handle: AnyHandler, ajv: ReturnType<typeof createValidator>): ServedOperation {
  try {
    const declared = new Set<FaultName>([...operation.errors, family.invalid, ...schemaFaults(operation.input as JsonSchema)])
    return {
      family,
      operation,
      handle,
      decode: formDecoder(operation.input as object, operation.aliases),
      check: compileCheck(ajv, operation, family),
      checkOutput: compileOutputCheck(ajv, operation),
      mayAnswer: (fault) => declared.has(fault) || fault in gatewayFaults,
    }
  } catch (cause) {
    throw new Error(`The schema of ${operation.action} cannot be compiled`, { cause })
  }
}
