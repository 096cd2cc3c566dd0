// The vendor's Node clients as data: their model classes carry static names() and types() tables, so requests can be
// built from wire-shaped values and answers turned back into them. Used by the generator, the scaffold and test/sdk.
import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

export type TypeRef = string | ModelClass | { type: string; itemType?: TypeRef; keyType?: string; valueType?: TypeRef }

export interface ModelClass {
  new (map?: Record<string, unknown>): object
  names(): Record<string, string>
  types(): Record<string, TypeRef>
}

export interface OfficialClient {
  [method: string]: (request: object) => Promise<{ statusCode: number; body: object }>
}

export interface OfficialSdk {
  readonly Client: new (config: object) => OfficialClient
  model(name: string): ModelClass | undefined
  method(action: string): string
  hasMethod(action: string): boolean
}

export function officialSdk(packageName: string): OfficialSdk {
  const loaded = load(packageName) as Record<string, unknown> & { default: OfficialSdk['Client'] }
  const method = (action: string) => action[0]!.toLowerCase() + action.slice(1)
  return {
    Client: loaded.default,
    model: (name) => loaded[name] as ModelClass | undefined,
    method,
    hasMethod: (action) => typeof loaded.default.prototype[method(action)] === 'function',
  }
}

/** The configuration class that a client package expects: both cores have one of the same name. */
export function configOf(packageName: string, values: Record<string, unknown>): object {
  const core = packageName.includes('esa') ? '@alicloud/openapi-core' : '@alicloud/openapi-client'
  const loaded = load(core) as { Config?: ModelClass; $OpenApiUtil?: { Config: ModelClass } }
  const Config = loaded.$OpenApiUtil?.Config ?? loaded.Config
  if (!Config) throw new Error(`${core} exports no Config class`)
  return new Config(values)
}

/** The class behind a type reference and whether it is a list of it. */
export function modelOf(ref: TypeRef | undefined): ModelClass | undefined {
  if (typeof ref === 'function') return ref
  if (typeof ref === 'object' && ref.type === 'array') return modelOf(ref.itemType)
  return undefined
}

/** A wire-shaped value as an instance of the class; names the class does not know are left out. */
export function toModel(model: ModelClass, value: Record<string, unknown>): object {
  const types = model.types()
  const map: Record<string, unknown> = {}
  for (const [property, wireName] of Object.entries(model.names())) {
    if (value[wireName] === undefined) continue
    map[property] = toProperty(types[property], value[wireName])
  }
  return new model(map)
}

function toProperty(ref: TypeRef | undefined, value: unknown): unknown {
  const model = modelOf(ref)
  if (model && Array.isArray(value)) return value.map((entry) => toModel(model, entry as Record<string, unknown>))
  if (model && typeof value === 'object' && value !== null) return toModel(model, value as Record<string, unknown>)
  return value
}

/** An answer's body in the wire's own spelling, without what the server left out. */
export function toWire(body: object): Record<string, unknown> {
  const model = body.constructor as ModelClass
  const wire: Record<string, unknown> = {}
  for (const [property, wireName] of Object.entries(model.names())) {
    const value = (body as Record<string, unknown>)[property]
    if (value !== undefined && value !== null) wire[wireName] = toWireValue(value)
  }
  return wire
}

function toWireValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toWireValue)
  if (typeof value !== 'object' || value === null) return value
  const constructor = value.constructor as Partial<ModelClass>
  return typeof constructor.names === 'function' ? toWire(value) : value
}
