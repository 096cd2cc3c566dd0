// The contract's two JSON files, read into one shape: test/sdk compares our declarations with it, and the scaffold
// drafts new ones from it. The files themselves stand under test/contract.
import { readFileSync } from 'node:fs'

export interface ContractNode {
  readonly type: string
  readonly isRequired: boolean
  readonly doc: string
  readonly example?: unknown
  readonly limits: Readonly<Record<string, unknown>>
  readonly fields?: Readonly<Record<string, ContractNode>>
  readonly items?: ContractNode
  /** What a string that holds JSON must look like inside. */
  readonly content?: ContractNode
}

export interface ContractOperation {
  readonly action: string
  readonly summary: string
  readonly input: Readonly<Record<string, ContractNode>>
  readonly output: Readonly<Record<string, ContractNode>>
  readonly errors: readonly { readonly http: number; readonly code: string }[]
  readonly callsPerSecond?: number
}

interface Raw {
  readonly [key: string]: unknown
  readonly name?: string
  readonly type?: string
  readonly docType?: string
  readonly required?: boolean
  readonly requiredInPractice?: boolean
  readonly doc?: string
  readonly example?: unknown
  readonly constraints?: Record<string, unknown>
  readonly enum?: unknown[]
  readonly fields?: Raw[] | Record<string, Raw>
  readonly items?: Raw | Raw[]
  readonly json?: { schema?: RawSchema }
}

interface RawSchema {
  readonly [key: string]: unknown
  readonly type?: string | string[]
  readonly properties?: Record<string, RawSchema>
  readonly required?: string[]
  readonly items?: RawSchema
}

interface RawOperation {
  readonly action: string
  readonly summary: string
  readonly params: Raw[]
  readonly response: Raw | Record<string, Raw>
  readonly errors: { http: number; code: string }[]
  readonly qpsLimit?: number
}

const envelope = new Set(['RequestId', 'Success', 'Code', 'ErrorMessage'])

/** Reads `test/contract/<file>` into operations by name, without the envelope's fields. */
export function readContract(file: 'esa-edge-container.json' | 'iot-edge.json'): Map<string, ContractOperation> {
  const path = new URL(`../test/contract/${file}`, import.meta.url)
  const raw = JSON.parse(readFileSync(path, 'utf8')) as RawOperation[] | { operations: RawOperation[] }
  const operations = Array.isArray(raw) ? raw : raw.operations
  return new Map(operations.map((operation) => [operation.action, toOperation(operation)]))
}

function toOperation(raw: RawOperation): ContractOperation {
  const response = raw.response as Raw
  const output = toFields(Array.isArray(response.fields) ? response.fields : (raw.response as Record<string, Raw>))
  return {
    action: raw.action,
    summary: raw.summary,
    input: toFields(raw.params),
    output: Object.fromEntries(Object.entries(output).filter(([name]) => !envelope.has(name))),
    errors: raw.errors,
    ...(raw.qpsLimit === undefined ? {} : { callsPerSecond: raw.qpsLimit }),
  }
}

function toFields(raw: Raw[] | Record<string, Raw>): Record<string, ContractNode> {
  const named = Array.isArray(raw) ? raw.map((field) => [field.name ?? '', field] as const) : Object.entries(raw)
  return Object.fromEntries(named.map(([name, field]) => [name, toNode(field)]))
}

function toNode(raw: Raw): ContractNode {
  const type = raw.type ?? (raw.fields ? 'object' : 'string')
  const items = toItems(raw, type)
  return {
    type: type.startsWith('array') ? 'array' : wholeNumber(type, raw.docType),
    isRequired: raw.required === true || raw.requiredInPractice === true,
    doc: raw.doc ?? '',
    ...(raw.example === undefined ? {} : { example: raw.example }),
    limits: { ...(raw.enum ? { enum: raw.enum } : {}), ...raw.constraints },
    ...(raw.fields ? { fields: toFields(raw.fields) } : {}),
    ...(items ? { items } : {}),
    ...(raw.json?.schema ? { content: schemaNode(raw.json.schema, false) } : {}),
  }
}

function toItems(raw: Raw, type: string): ContractNode | undefined {
  if (Array.isArray(raw.items)) return { type: 'object', isRequired: false, doc: '', limits: {}, fields: toFields(raw.items) }
  if (raw.items) return toNode(raw.items)
  const inner = /^array<(\w+)>$/.exec(type)?.[1]
  return inner ? { type: inner, isRequired: false, doc: '', limits: {} } : undefined
}

function wholeNumber(type: string, docType: string | undefined): string {
  if (type === 'long') return 'integer'
  return type === 'number' && (docType === 'Integer' || docType === 'Long') ? 'integer' : type
}

function schemaNode(schema: RawSchema, isRequired: boolean): ContractNode {
  const required = new Set(schema.required ?? [])
  const { minimum, maximum } = schema
  return {
    type: typeof schema.type === 'string' ? schema.type : 'any',
    isRequired,
    doc: '',
    limits: { ...schema, ...(minimum === undefined ? {} : { min: minimum }), ...(maximum === undefined ? {} : { max: maximum }) },
    ...(schema.properties
      ? {
          fields: Object.fromEntries(
            Object.entries(schema.properties).map(([name, field]) => [name, schemaNode(field, required.has(name))]),
          ),
        }
      : {}),
    ...(schema.items ? { items: schemaNode(schema.items, false) } : {}),
  }
}
