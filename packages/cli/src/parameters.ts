// Command line → an operation's input, driven by its schema: `--Name shop --ServicePort 80 --Containers '[…]'`, or all of
// it as `--json '{…}'` (`--json @file` reads a file). Values the schema does not fit are left to the server to refuse.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type AnyOperation } from '@littoral/contract/operation'
import { branchOf, type JsonSchema, shapeOf } from '@littoral/contract/wire/schema'
import { profileOptions, type ProfileFlags } from './profile.ts'
import { spokenFault, UsageError } from './usage-error.ts'

export interface CallArguments {
  readonly input: Record<string, unknown>
  readonly flags: ProfileFlags
}

/** Throws UsageError for a parameter that the operation does not have. */
export function parseCall(operation: AnyOperation, args: readonly string[]): CallArguments {
  const properties = propertiesOf(operation)
  const declared = [...Object.keys(properties), ...Object.keys(operation.aliases ?? {})]
  const options = Object.fromEntries(declared.map((name) => [name, { type: 'string', multiple: true } as const]))
  const { values } = parse(operation, args, { ...options, ...profileOptions, json: { type: 'string' } })
  const input: Record<string, unknown> = values['json'] === undefined ? {} : readJson(values['json'] as string)
  for (const alias of declared) {
    const given = values[alias] as string[] | undefined
    if (given === undefined) continue
    const name = operation.aliases?.[alias] ?? alias
    input[name] = toValue(name, given, properties[name] ?? {})
  }
  return { input, flags: values as ProfileFlags }
}

/** The parameters of an operation, for people. */
export function describeCall(operation: AnyOperation): string {
  const required = new Set((operation.input as { required?: readonly string[] }).required)
  const rows = Object.entries(propertiesOf(operation)).map(([name, schema]) => {
    const { description = '' } = schema as { description?: string }
    return `  --${name} ${shapeOf(schema)}${required.has(name) ? ', required' : ''}\n      ${description}`
  })
  const example = JSON.stringify(operation.example.input)
  return [operation.action, `  ${operation.summary}`, '', 'Parameters', ...rows, '', 'Example', `  --json '${example}'`].join('\n')
}

function propertiesOf(operation: AnyOperation): Record<string, JsonSchema> {
  return (operation.input as { properties: Record<string, JsonSchema> }).properties
}

function parse(operation: AnyOperation, args: readonly string[], options: NonNullable<Parameters<typeof parseArgs>[0]>['options'] & {}) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }) as { values: Record<string, unknown> }
  } catch (error) {
    const names = Object.keys(propertiesOf(operation)).join(', ')
    throw new UsageError(`${spokenFault(error)} ${operation.action} takes: ${names || 'nothing'}.`)
  }
}

function readJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (error) {
    throw new UsageError(`--json: ${(error as Error).message}.`)
  }
  throw new UsageError('--json must be an object with the parameters.')
}

function toValue(name: string, given: readonly string[], schema: JsonSchema): unknown {
  const [first = ''] = given
  const list = branchOf(schema, 'array')
  if (list !== undefined && !/^\s*\[/.test(first)) return given.map((text) => toValue(name, [text], list.items ?? {}))
  if (given.length > 1) throw new UsageError(`--${name} was given ${given.length} times, and takes one value.`)
  switch (shapeOf(schema)) {
    case 'number':
      return first.trim() !== '' && Number.isFinite(Number(first)) ? Number(first) : first
    case 'boolean':
      return first === 'true' ? true : first === 'false' ? false : first
    case 'structure':
      return parseStructure(name, first)
    default:
      return first
  }
}

function parseStructure(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--${name} takes JSON: ${(error as Error).message}.`)
  }
}
