// Prints the first draft of an operation's declaration from the contract and from the official client's model classes:
// `node --import tsx --conditions=littoral:source tools/scaffold-operation.ts UpdateEdgeInstance`.
// After that the text is ours: descriptions in our own words, faults that are really answered, values that fit each other.
import { readContract, type ContractNode, type ContractOperation } from './contract-json.ts'
import { modelOf, officialSdk, type ModelClass, type TypeRef } from './official-sdk.ts'

const sources = [
  { file: 'esa-edge-container.json', sdk: '@alicloud/esa20240910' },
  { file: 'iot-edge.json', sdk: '@alicloud/iot20180120' },
] as const
const envelope = new Set(['RequestId', 'Success', 'Code', 'ErrorMessage'])

/** The draft, as TypeScript. Throws when neither source knows the operation. */
export function scaffold(action: string): string {
  const described = sources.map(({ file }) => readContract(file).get(action)).find((found) => found !== undefined)
  const sdk = sources.map((source) => officialSdk(source.sdk)).find((candidate) => candidate.hasMethod(action))
  if (!described && !sdk) throw new Error(`neither the contract nor an official client knows ${action}`)
  const input = described?.input ?? nodesOf(sdk?.model(`${action}Request`))
  const output = described?.output ?? nodesOf(sdk?.model(`${action}ResponseBody`))
  return [
    `export const ${action} = operation({`,
    `  action: '${action}',`,
    `  summary: '…',`,
    `  access: '${accessOf(action)}',`,
    `  input: ${objectText(input, '  ')},`,
    `  output: ${objectText(output, '  ')},`,
    `  errors: [${faultsOf(described).join(', ')}],`,
    ...(described?.callsPerSecond ? [`  callsPerSecond: ${described.callsPerSecond},`] : []),
    `  example: {`,
    `    input: ${JSON.stringify(exampleOf(input))},`,
    `    output: ${JSON.stringify(exampleOf(output))},`,
    `  },`,
    `})`,
  ].join('\n')
}

function accessOf(action: string): string {
  if (/^(Create|Register)/.test(action)) return 'create'
  if (/^(Delete|BatchDelete)/.test(action)) return 'delete'
  if (/^(List|Query)/.test(action)) return 'list'
  return /^(Get|BatchGet|Describe)/.test(action) ? 'get' : 'update'
}

function faultsOf(described: ContractOperation | undefined): string[] {
  const codes = (described?.errors ?? []).map((error) => error.code).filter((code) => !code.startsWith('Missing'))
  return [...new Set(codes)].map((code) => `'${code}'`)
}

/** The client's model class in the contract's shape; it knows names and types, no limits. */
function nodesOf(model: ModelClass | undefined): Record<string, ContractNode> {
  if (!model) return {}
  const types = model.types()
  const fields = Object.entries(model.names()).filter(([, wireName]) => !envelope.has(wireName))
  return Object.fromEntries(fields.map(([property, wireName]) => [wireName, nodeOf(types[property])]))
}

function nodeOf(ref: TypeRef | undefined): ContractNode {
  const blank = { isRequired: false, doc: '', limits: {} }
  const model = modelOf(ref)
  if (typeof ref === 'object' && ref.type === 'array') return { ...blank, type: 'array', items: nodeOf(ref.itemType) }
  if (model) return { ...blank, type: 'object', fields: nodesOf(model) }
  return { ...blank, type: typeof ref === 'string' ? ref : 'string' }
}

function objectText(fields: Readonly<Record<string, ContractNode>>, indent: string): string {
  const lines = Object.entries(fields).map(([name, node]) => `${indent}  ${name}: ${fieldText(node, `${indent}  `)},`)
  return lines.length === 0 ? 'Type.Object({})' : `Type.Object({\n${lines.join('\n')}\n${indent}})`
}

function fieldText(node: ContractNode, indent: string): string {
  const text = typeText(node, indent)
  return node.isRequired ? text : `Type.Optional(${text})`
}

function typeText(node: ContractNode, indent: string): string {
  const values = node.limits['enum']
  if (Array.isArray(values)) return `Type.Enum(${JSON.stringify(values)}, { description: '…' })`
  if (node.type === 'object') return objectText(node.fields ?? {}, indent)
  if (node.type === 'array')
    return `Type.Array(${typeText(node.items ?? { type: 'string', isRequired: true, doc: '', limits: {} }, indent)}, ${optionsText(node)})`
  const name = { integer: 'Integer', number: 'Number', boolean: 'Boolean' }[node.type] ?? 'String'
  return `Type.${name}(${optionsText(node)})`
}

function optionsText(node: ContractNode): string {
  const keywords = {
    minLength: 'minLength',
    maxLength: 'maxLength',
    minItems: 'minItems',
    maxItems: 'maxItems',
    min: 'minimum',
    max: 'maximum',
  }
  const said = Object.entries(keywords).filter(([name]) => typeof node.limits[name] === 'number')
  return `{ ${[...said.map(([name, keyword]) => `${keyword}: ${String(node.limits[name])}`), "description: '…'"].join(', ')} }`
}

function exampleOf(fields: Readonly<Record<string, ContractNode>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, node]) => [name, exampleValue(node)]))
}

function exampleValue(node: ContractNode): unknown {
  if (node.fields) return exampleOf(node.fields)
  if (node.items) return [exampleValue(node.items)]
  return node.example ?? { integer: 1, number: 1, boolean: true }[node.type] ?? 'text'
}

const action = process.argv[2]
if (process.argv[1]?.endsWith('scaffold-operation.ts')) {
  if (!action) throw new Error('name the operation: scaffold-operation.ts UpdateEdgeInstance')
  console.log(scaffold(action))
}
