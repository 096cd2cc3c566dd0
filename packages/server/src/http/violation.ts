// From a validator's error to words: which field broke which rule. The text is shown to the caller, so it holds names and
// rules and never a value. Used by check.ts.
import { branchOf, type JsonSchema, mapValueSchema } from '@littoral/contract/wire/schema'
import type { ErrorObject } from 'ajv'

export interface Violation {
  /** `Containers[0].Name`, from the operation's input down. */
  readonly path: string
  /** What the innermost property on the way is called when it is wrong. */
  readonly fault: string | undefined
  /** A clause without its end: `Containers[0].Name must have at most 63 characters`. */
  readonly detail: string
}

/** Where in a property's value an error stands; `error.instancePath` counts from that value. */
export function violationOf(property: string, schema: JsonSchema, error: ErrorObject): Violation {
  const segments = error.instancePath.split('/').slice(1).map(unescapeSegment)
  if (error.keyword === 'required') segments.push(String(error.params['missingProperty']))
  if (error.keyword === 'additionalProperties') segments.push(String(error.params['additionalProperty']))
  // The fault of a list is about how long it is: what is no list, or is wrong inside, breaks another rule.
  const faultAt = (at: JsonSchema) => (branchOf(at, 'array') === undefined || error.keyword === 'maxItems' ? at.fault : undefined)
  let path = property
  let fault = faultAt(schema)
  let place: JsonSchema | undefined = schema
  for (const segment of segments) {
    const list: JsonSchema | undefined = place && branchOf(place.contentSchema ?? place, 'array')
    const object: JsonSchema | undefined = place && branchOf(place.contentSchema ?? place, 'object')
    const items: JsonSchema | undefined = /^\d+$/.test(segment) ? list?.items : undefined
    path += items ? `[${segment}]` : `.${segment.slice(0, 64)}`
    place = items ?? object?.properties?.[segment] ?? (object && mapValueSchema(object))
    fault = (place && faultAt(place)) ?? fault
  }
  return { path, fault, detail: `${path} ${ruleOf(error)}` }
}

function unescapeSegment(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~')
}

const rules: Readonly<Record<string, (limit: unknown, error: ErrorObject) => string>> = {
  required: () => 'is mandatory',
  additionalProperties: () => 'is not known here',
  type: (type) => `must be ${listed(type)}`,
  minLength: (limit) => `must have at least ${count(limit, 'character')}`,
  maxLength: (limit) => `must have at most ${count(limit, 'character')}`,
  minItems: (limit) => `must have at least ${count(limit, 'entry')}`,
  maxItems: (limit) => `must have at most ${count(limit, 'entry')}`,
  minProperties: (limit) => `must have at least ${count(limit, 'entry')}`,
  maxProperties: (limit) => `must have at most ${count(limit, 'entry')}`,
  minimum: (limit) => `must be at least ${String(limit)}`,
  maximum: (limit) => `must be at most ${String(limit)}`,
  exclusiveMinimum: (limit) => `must be greater than ${String(limit)}`,
  exclusiveMaximum: (limit) => `must be less than ${String(limit)}`,
  multipleOf: (limit) => `must be a multiple of ${String(limit)}`,
  uniqueItems: () => 'must not repeat an entry',
  pattern: (pattern, error) => oneOf(exampleWords(error)) ?? `must match the pattern ${String(pattern)}`,
  const: (value) => `must be ${String(value)}`,
  enum: (values) => oneOf(values) ?? 'is not one of the allowed values',
  anyOf: (branches) => oneOf((branches as JsonSchema[]).map((branch) => branch.const)) ?? 'has none of the allowed forms',
  contentSchema: () => 'must be JSON',
}

// The rule is taken from the schema around it: in text that holds JSON, Ajv overwrites `error.schema` with contentSchema.
function ruleOf(error: ErrorObject): string {
  const rule = (error.parentSchema as Record<string, unknown> | undefined)?.[error.keyword]
  return rules[error.keyword]?.(rule, error) ?? (error.message || 'is not valid')
}

// A pattern that stands for words in any letter case says so by listing the words as its examples.
function exampleWords(error: ErrorObject): unknown {
  const examples = (error.parentSchema as { examples?: unknown[] } | undefined)?.examples
  return examples !== undefined && examples.length > 1 ? examples : undefined
}

function oneOf(values: unknown): string | undefined {
  if (!Array.isArray(values) || values.length === 0 || values.includes(undefined)) return undefined
  const words = values.map((value) => (value === '' ? 'empty' : String(value)))
  return words.length === 1 ? `must be ${words[0]}` : `must be one of ${words.join(', ')}`
}

function count(limit: unknown, noun: string): string {
  const plural = noun === 'entry' ? 'entries' : `${noun}s`
  return `${String(limit)} ${limit === 1 ? noun : plural}`
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list, written as JSON or as Name.1, Name.2',
  object: 'an object, written as JSON or as Name.Field',
  null: 'null',
}

function listed(type: unknown): string {
  return [type]
    .flat()
    .map((name) => typeWords[String(name)] ?? String(name))
    .join(' or ')
}
