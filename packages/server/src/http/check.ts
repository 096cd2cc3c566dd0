// Compiled checks of inputs and outputs against the contract's schemas. The first wrong property, in the order the
// operation declares them, decides the fault; JSON-valued ones come after the plain ones. Called by registry.ts.
import { Fault, type FaultName } from '@littoral/contract/errors'
import type { AnyOperation, Family } from '@littoral/contract/operation'
import { type JsonSchema, shapeOf } from '@littoral/contract/wire/schema'
import { Ajv, type ErrorObject, type FuncKeywordDefinition, type ValidateFunction } from 'ajv'
import { violationOf } from './violation.ts'

/** The fault of an input, or undefined when it is right. */
export type CheckInput = (input: Readonly<Record<string, unknown>>) => Fault | undefined

/**
 * The one validator of a process. A keyword it does not know is an error at start, so no rule is silently ignored. It
 * stops at the first error of a property: collecting all of them would let one large request cost seconds.
 */
export function createValidator(): Ajv {
  const ajv = new Ajv({ strict: true, strictTypes: false, strictTuples: false, allowUnionTypes: true, verbose: true, addUsedSchema: false })
  for (const keyword of ['fault', 'xmlItem', 'contentMediaType']) {
    ajv.removeKeyword(keyword)
    ajv.addKeyword({ keyword, schemaType: 'string' })
  }
  for (const [keyword, isWithin] of Object.entries(lengthChecks)) {
    ajv.removeKeyword(keyword)
    ajv.addKeyword({ keyword, type: 'string', schemaType: 'number', compile: (limit: number) => (text: string) => isWithin(text, limit) })
  }
  ajv.removeKeyword('contentSchema')
  ajv.addKeyword({
    keyword: 'contentSchema',
    type: 'string',
    schemaType: 'object',
    errors: 'full',
    compile: (schema: object) => checkContent(ajv.compile(schema)),
  })
  return ajv
}

/** Lengths in code points, as JSON Schema has them, counted only where it matters: a character takes one or two places. */
const lengthChecks = {
  maxLength: (text: string, limit: number) => text.length <= limit || (text.length <= limit * 2 && Array.from(text).length <= limit),
  minLength: (text: string, limit: number) => text.length >= limit * 2 || (text.length >= limit && Array.from(text).length >= limit),
}

type DataValidateFunction = ReturnType<NonNullable<FuncKeywordDefinition['compile']>>

/** Text that holds JSON: parsed and checked here, and handed on as the text it was. */
function checkContent(validate: ValidateFunction): DataValidateFunction {
  const check: DataValidateFunction = (text: string, context) => {
    const instancePath = context?.instancePath ?? ''
    const content = parsed(text)
    if (content === undefined) {
      check.errors = [{ keyword: 'contentSchema', instancePath, params: {} }]
      return false
    }
    if (validate(content.value)) return true
    check.errors = (validate.errors ?? []).map((error) => ({ ...error, instancePath: `${instancePath}${error.instancePath}` }))
    return false
  }
  return check
}

function parsed(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

interface PropertyCheck {
  readonly name: string
  readonly schema: JsonSchema
  readonly isRequired: boolean
  readonly validate: ValidateFunction
}

/** Prepares the check of one operation's input. */
export function compileCheck(ajv: Ajv, operation: AnyOperation, family: Family): CheckInput {
  const input = operation.input as JsonSchema
  const required = new Set(input.required)
  const checks: PropertyCheck[] = Object.entries(input.properties ?? {}).map(([name, schema]) => ({
    name,
    schema,
    isRequired: required.has(name),
    validate: ajv.compile(schema),
  }))
  const ordered = [...checks.filter((check) => !isJson(check.schema)), ...checks.filter((check) => isJson(check.schema))]
  return (fields) => {
    for (const check of ordered) {
      const value = fields[check.name]
      if (value === undefined) {
        if (check.isRequired) return missing(check, family)
      } else if (typeof value === 'string' && value.includes('\0')) return unstorable(check, family)
      else if (!isLeftOut(check, value) && !check.validate(value)) return invalid(check, family)
    }
    return undefined
  }
}

// An optional JSON text may be sent empty: `ContainerConfig=` erases what was there (contract: iot-edge §4.5).
function isLeftOut({ schema, isRequired }: PropertyCheck, value: unknown): boolean {
  return value === '' && !isRequired && schema.contentSchema !== undefined
}

function isJson(schema: JsonSchema): boolean {
  return schema.contentSchema !== undefined || shapeOf(schema) === 'structure'
}

// No database keeps a NUL in text.
function unstorable({ name, schema }: PropertyCheck, family: Family): Fault {
  return new Fault((schema.fault as FaultName | undefined) ?? family.invalid, {
    Name: name,
    Detail: `${name} must not hold a NUL character.`,
  })
}

// Where the gateway has a word for missing parameters it comes first: a property's own fault speaks of wrong values.
function missing({ name, schema }: PropertyCheck, family: Family): Fault {
  const fault = family.missing ?? (schema.fault as FaultName | undefined) ?? family.invalid
  return new Fault(fault, { Name: name, Detail: `${name} is mandatory.` })
}

function invalid({ name, schema, validate }: PropertyCheck, family: Family): Fault {
  const error = tellingError(validate.errors ?? [])
  const { path, fault, detail } = violationOf(name, schema, error)
  return new Fault((fault as FaultName | undefined) ?? family.invalid, { Name: path, Detail: `${detail}.` })
}

/**
 * Of several errors (the branches of a choice) the last one is about the whole. Where the value is of the kind of one branch
 * only, such as a list, what is wrong in that branch says more.
 */
function tellingError(errors: readonly ErrorObject[]): ErrorObject {
  const whole = errors.at(-1) as ErrorObject
  if (whole.keyword !== 'anyOf') return whole
  const isOtherKind = ({ keyword, instancePath }: ErrorObject) => keyword === 'type' && instancePath === whole.instancePath
  const [inner, ...others] = errors.slice(0, -1).filter((error) => !isOtherKind(error))
  return inner === undefined || others.length > 0 ? whole : inner
}

/** The faults that an input's schema can lead to, for the check that an operation declares what it answers. */
export function schemaFaults(schema: JsonSchema): FaultName[] {
  const nested = [
    ...Object.values(schema.properties ?? {}),
    ...Object.values(schema.patternProperties ?? {}),
    ...(schema.anyOf ?? []),
    ...[schema.items, schema.contentSchema, schema.additionalProperties].filter((child) => typeof child === 'object'),
  ]
  return [...(schema.fault === undefined ? [] : [schema.fault as FaultName]), ...nested.flatMap(schemaFaults)]
}

/** What is wrong with a handler's answer, or undefined. */
export type CheckOutput = (output: unknown) => string | undefined

export function compileOutputCheck(ajv: Ajv, operation: AnyOperation): CheckOutput {
  const validate = ajv.compile(operation.output as object)
  return (output) => {
    // As the client will see it: what is undefined is not sent.
    const isRight = validate(JSON.parse(JSON.stringify(output)))
    return isRight ? undefined : ajv.errorsText(validate.errors, { dataVar: 'output' })
  }
}
