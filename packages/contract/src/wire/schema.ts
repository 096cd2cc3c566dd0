// The few JSON Schema keywords that the wire walks: what form.ts decodes by, registry.ts checks by and xml.ts writes by.
// A typebox schema is one of these.
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly additionalProperties?: boolean | JsonSchema
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly anyOf?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly examples?: readonly unknown[]
  readonly fault?: string
  readonly contentSchema?: JsonSchema
  readonly xmlItem?: string
}

/** How a value travels: as itself, as the text of a number or a boolean, or as a structure. */
export type Shape = 'text' | 'number' | 'boolean' | 'structure' | 'any'

const shapeByType: Readonly<Record<string, Shape>> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  array: 'structure',
  object: 'structure',
}

/** Text wins where a schema allows several types: text can be sent as it is. */
export function shapeOf(schema: JsonSchema): Shape {
  const shapes = new Set(typesOf(schema).map((type) => shapeByType[type] ?? 'any'))
  if (shapes.has('text')) return 'text'
  for (const shape of ['structure', 'number', 'boolean'] as const) if (shapes.has(shape)) return shape
  return 'any'
}

function typesOf(schema: JsonSchema): string[] {
  if (typeof schema.type === 'string') return [schema.type]
  if (schema.type !== undefined) return [...schema.type]
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap(typesOf)
  if (schema.enum !== undefined) return schema.enum.map(typeName)
  if ('const' in schema) return [typeName(schema.const)]
  return []
}

function typeName(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value
}

/** The branch of a schema that describes arrays, or objects; the schema itself when it is one. */
export function branchOf(schema: JsonSchema, type: 'array' | 'object'): JsonSchema | undefined {
  if (schema.type === type) return schema
  return schema.anyOf?.map((branch) => branchOf(branch, type)).find((branch) => branch !== undefined)
}

/** The schema of a map's values, where the schema is a map rather than a record of named properties. */
export function mapValueSchema(schema: JsonSchema): JsonSchema | undefined {
  if (typeof schema.additionalProperties === 'object') return schema.additionalProperties
  return Object.values(schema.patternProperties ?? {})[0]
}

/**
 * The words that a text has to be one of, where its schema names them: as a choice, or, in any letter case, as the examples of
 * a pattern (edge-container/fields.ts).
 */
export function wordsOf(schema: JsonSchema): readonly unknown[] | undefined {
  if (schema.enum !== undefined) return schema.enum
  if ('const' in schema) return [schema.const]
  if (schema.anyOf !== undefined) {
    const branches = schema.anyOf.map(wordsOf)
    return branches.includes(undefined) ? undefined : branches.flatMap((words) => words ?? [])
  }
  return schema.pattern !== undefined && (schema.examples?.length ?? 0) > 1 ? schema.examples : undefined
}
