// Compares one declaration with the contract, field by field, and says every difference as one line.
import type { AnyOperation } from '@littoral/contract/operation'
import type { ContractNode, ContractOperation } from '../../tools/contract-json.ts'
import { plainSchema } from '../../tools/generate/envelope.ts'
import { enumOf, type Schema } from '../../tools/generate/schema-text.ts'

export interface Difference {
  /** `CreateEdgeContainerApp input Name` */
  readonly where: string
  /** type, required, missing, extra, enum, minLength, maxLength, minimum, maximum, minItems, maxItems, default, callsPerSecond */
  readonly what: string
  readonly detail: string
}

/** Where differences are collected, and whether it is the request that is compared: answers have no limits to compare. */
interface Side {
  readonly found: Difference[]
  readonly isInput: boolean
}

export function compareOperation(operation: AnyOperation, contract: ContractOperation): Difference[] {
  const found: Difference[] = []
  const input = plainSchema(operation.input)
  const output = plainSchema(operation.output)
  compareFields(`${operation.action} input`, input, contract.input, { found, isInput: true })
  compareFields(`${operation.action} output`, output, contract.output, { found, isInput: false })
  if (contract.callsPerSecond !== operation.callsPerSecond) {
    found.push({
      where: operation.action,
      what: 'callsPerSecond',
      detail: `${operation.callsPerSecond} declared, ${contract.callsPerSecond} in the contract`,
    })
  }
  return found
}

function compareFields(where: string, schema: Schema, fields: Readonly<Record<string, ContractNode>>, side: Side): void {
  const { found, isInput } = side
  const declared = schema.properties ?? {}
  for (const name of Object.keys(declared)) {
    if (!(name in fields)) found.push({ where: `${where} ${name}`, what: 'extra', detail: 'declared, not in the contract' })
  }
  for (const [name, node] of Object.entries(fields)) {
    const field = declared[name]
    if (!field) {
      found.push({ where: `${where} ${name}`, what: 'missing', detail: 'in the contract, not declared' })
      continue
    }
    const isRequired = (schema.required ?? []).includes(name)
    if (isInput && isRequired !== node.isRequired) {
      found.push({ where: `${where} ${name}`, what: 'required', detail: `${isRequired} declared, ${node.isRequired} in the contract` })
    }
    compareNode(`${where} ${name}`, field, node, side)
  }
}

function compareNode(where: string, field: Schema, node: ContractNode, side: Side): void {
  const { found, isInput } = side
  const types = typesOf(field)
  if (!types.some((type) => isSameType(type, node.type))) {
    found.push({ where, what: 'type', detail: `${types.join('|')} declared, ${node.type} in the contract` })
    return
  }
  if (isInput) {
    compareLimits(where, field, node, found)
    compareEnum(where, field, node, found)
  }
  const object = [field, ...(field.anyOf ?? [])].find((option) => option.properties)
  if (node.fields && object) compareFields(where, object, node.fields, side)
  if (node.items && field.items) compareNode(`${where}[]`, field.items, node.items, side)
  if (node.content?.fields && field.contentSchema) compareFields(`${where}→`, field.contentSchema, node.content.fields, side)
}

function typesOf(field: Schema): string[] {
  if (field.type) return [field.type]
  const values = enumOf(field)
  if (values) return [...new Set(values.map((value) => (typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value)))]
  return (field.anyOf ?? []).flatMap(typesOf)
}

function isSameType(declared: string, contract: string): boolean {
  if (contract === 'any' || declared === contract) return true
  const numeric = ['integer', 'number', 'double']
  return numeric.includes(declared) && numeric.includes(contract)
}

const limits: readonly [contract: string, declared: string][] = [
  ['minLength', 'minLength'],
  ['maxLength', 'maxLength'],
  ['minItems', 'minItems'],
  ['maxItems', 'maxItems'],
  ['min', 'minimum'],
  ['max', 'maximum'],
]

function compareLimits(where: string, field: Schema, node: ContractNode, found: Difference[]): void {
  // A clamped number is bent into its range instead of being refused, so the schema must not refuse it.
  const isClamped = node.limits['clamp'] !== undefined
  // Where wide characters count double, the handler measures; a schema can only count characters.
  const isMeasured = node.limits['lengthUnit'] !== undefined
  // A pattern that ends in a counted class bounds the length as well.
  const isCounted = /\{\d+,\d+\}\$$/.test(field.pattern ?? '')
  for (const [name, keyword] of limits) {
    const wanted = node.limits[name]
    const got = field[keyword]
    if (isClamped && ['min', 'max'].includes(name)) continue
    if ((isMeasured || isCounted) && name.endsWith('Length') && got === undefined) continue
    if (typeof wanted === 'number' && got !== wanted)
      found.push({ where, what: keyword, detail: `${String(got)} declared, ${wanted} in the contract` })
  }
  const wanted = node.limits['default']
  if (wanted !== undefined && field.default !== undefined && field.default !== wanted) {
    found.push({ where, what: 'default', detail: `${JSON.stringify(field.default)} declared, ${JSON.stringify(wanted)} in the contract` })
  }
}

function compareEnum(where: string, field: Schema, node: ContractNode, found: Difference[]): void {
  const listed = node.limits['enum']
  if (!Array.isArray(listed)) return
  const also = Array.isArray(node.limits['alsoAccept']) ? (node.limits['alsoAccept'] as unknown[]) : []
  const seen = Array.isArray(node.limits['alsoSeenByClients']) ? (node.limits['alsoSeenByClients'] as unknown[]) : []
  // Words in any letter case are a pattern with the words as its examples; a schema has no other way to say it.
  const values = enumOf(field) ?? (field.pattern ? (field['examples'] as unknown[] | undefined) : undefined)
  const key = (list: readonly unknown[]) => [...new Set(list.map((value) => String(value).toLowerCase()))].sort().join(',')
  const accepted = [listed, [...listed, ...also], [...listed, ...seen]].map(key)
  if (!values || !accepted.includes(key(values))) {
    found.push({ where, what: 'enum', detail: `${values ? key(values) : 'open'} declared, ${key(listed)} in the contract` })
  }
}
