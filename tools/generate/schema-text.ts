// Says a JSON Schema in words: the type, the limits and the fields of it as flat rows. Used by the reference pages.
export interface Schema {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly pattern?: string
  readonly contentSchema?: Schema
  readonly [keyword: string]: unknown
}

export interface FieldRow {
  readonly path: string
  readonly type: string
  readonly isRequired: boolean
  readonly limits: string
  readonly description: string
}

/** Every field of an object schema with its nested ones, as `Containers[].Name`. */
export function fieldRows(schema: Schema, prefix = ''): FieldRow[] {
  const required = new Set(schema.required ?? [])
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix + name
    const row = {
      path,
      type: typeText(field),
      isRequired: required.has(name),
      limits: limitsText(field),
      description: field.description ?? '',
    }
    return [row, ...nestedRows(field, path)]
  })
}

function nestedRows(field: Schema, path: string): FieldRow[] {
  if (field.properties) return fieldRows(field, `${path}.`)
  if (field.items) return nestedRows(field.items, `${path}[]`)
  if (field.contentSchema) return nestedRows(field.contentSchema, `${path}→`)
  const objects = (field.anyOf ?? []).filter((option) => option.properties)
  return objects.flatMap((option) => nestedRows(option, path))
}

/** The allowed values when the schema is a closed list of them. */
export function enumOf(schema: Schema): unknown[] | undefined {
  if (schema.enum) return [...schema.enum]
  if (schema.const !== undefined) return [schema.const]
  if (schema.anyOf && schema.anyOf.length > 0 && schema.anyOf.every((option) => option.const !== undefined)) {
    return schema.anyOf.map((option) => option.const)
  }
  return undefined
}

export function typeText(schema: Schema): string {
  if (schema.items) return `list of ${typeText(schema.items)}`
  if (schema.contentSchema) return 'string holding JSON'
  if (schema.type) return schema.type
  const values = enumOf(schema)
  if (values) return [...new Set(values.map((value) => typeof value))].join(' or ')
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeText))].join(' or ')
  return 'any'
}

export function limitsText(schema: Schema): string {
  const said: string[] = []
  const values = enumOf(schema) ?? (schema.items ? enumOf(schema.items) : undefined)
  if (values) said.push(values.map((value) => `\`${value === '' ? '""' : String(value)}\``).join(', '))
  said.push(...rangeText(schema, 'minLength', 'maxLength', 'characters'), ...rangeText(schema, 'minItems', 'maxItems', 'entries'))
  said.push(...rangeText(schema, 'minimum', 'maximum', ''))
  if (schema.pattern) said.push(`matches \`${schema.pattern}\``)
  if (schema.default !== undefined) said.push(`default \`${JSON.stringify(schema.default)}\``)
  return said.join('; ')
}

function rangeText(schema: Schema, low: string, high: string, unit: string): string[] {
  const from = schema[low] as number | undefined
  const to = schema[high] as number | undefined
  const suffix = unit ? ` ${unit}` : ''
  if (from !== undefined && to !== undefined) return [`${from}–${to}${suffix}`]
  if (from === 1 && unit) return ['not empty']
  if (from !== undefined) return [`at least ${from}${suffix}`]
  if (to !== undefined) return [`at most ${to}${suffix}`]
  return []
}
