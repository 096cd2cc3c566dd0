// The Operation type and operation(): the only way to declare one. Everything about an operation that can be derived
// (types, decoding, validation, OpenAPI, reference pages, SDK tests, CLI) is derived from the value made here.
import type { Static, TObject } from 'typebox'
import type { FaultName } from './errors.ts'

export type Access = 'create' | 'get' | 'list' | 'update' | 'delete'

export interface Operation<In extends TObject = TObject, Out extends TObject = TObject> {
  readonly action: string
  /** One sentence, present tense. The reference page and OpenAPI begin with it. */
  readonly summary: string
  /** More, in Markdown, where one sentence is not enough. */
  readonly description?: string
  readonly access: Access
  readonly input: In
  /** Without RequestId and without the family's envelope (Success, Code …): http/reply.ts adds those. */
  readonly output: Out
  readonly errors: readonly FaultName[]
  /** Calls per second and account; absent means no limit is published. */
  readonly callsPerSecond?: number
  /** Accepted misspellings and old names of parameters: wire name → declared name. */
  readonly aliases?: Readonly<Record<string, string>>
  /** Parameters that must never reach a log, a trace or an error message. */
  readonly secrets?: readonly string[]
  readonly example: { readonly input: Static<In>; readonly output: Static<Out> }
}

/** Declares an operation; the example is checked against the schemas by the compiler. */
export function operation<const In extends TObject, const Out extends TObject>(declared: Operation<In, Out>): Operation<In, Out> {
  return declared
}

/** A family is one API of one product: operations that share a version, an envelope and an error style. */
export interface Family {
  /** Product code as used in policies (`esa:CreateEdgeContainerApp`) and in the docs. */
  readonly product: string
  readonly version: string
  readonly title: string
  /**
   * `plain`: fields plus RequestId; failures are 4xx/5xx.
   * `iot`: also Success and Code; business failures are HTTP 200 (../../shared contract: pop-gateway §9, iot-edge §2).
   */
  readonly envelope: 'plain' | 'iot'
  /**
   * What a missing or wrong parameter is called when its schema names no `fault` of its own.
   * `plain` families answer 400, `iot` answers 400 `Missing{Name}` and 200 `iot.common.InvalidParam`.
   */
  readonly invalid: FaultName
  readonly missing?: FaultName
  readonly operations: Readonly<Record<string, AnyOperation>>
}

// A family mixes operations of every shape, so the one `any` of the contract lives here.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyOperation = Operation<any, any>

export type Input<Op extends AnyOperation> = Static<Op['input']>
export type Output<Op extends AnyOperation> = Static<Op['output']>

export type Handler<Op extends AnyOperation, Ctx> = (input: Input<Op>, ctx: Ctx) => Promise<Output<Op>>
export type Handlers<Operations extends Readonly<Record<string, AnyOperation>>, Ctx> = {
  readonly [Action in keyof Operations]: Handler<Operations[Action], Ctx>
}

/**
 * Keywords of ours that a property schema may carry beside JSON Schema's own:
 *
 * - `fault`: the FaultName answered when this property breaks its rule, or is missing in a family without `missing`.
 * - `doc`: one sentence for the reference page (JSON Schema's `description` is used; there is no second one).
 * - `contentMediaType: 'application/json'` + `contentSchema`: a string that holds JSON. It is checked at the door
 *   against contentSchema, and the handler still receives the text as it was sent. An object or a list that a JSON body has
 *   in its place counts as its JSON text.
 * - `xmlItem`: the element name of an array's entries in an XML answer (default: the array's own name, repeated).
 */
export interface SchemaKeywords {
  readonly fault?: FaultName
  readonly contentMediaType?: 'application/json'
  readonly contentSchema?: object
  readonly xmlItem?: string
}
