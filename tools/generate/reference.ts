// The reference page of one operation, and the index of all of them.
import { faultEntry, type FaultName } from '@littoral/contract/errors'
import type { AnyOperation } from '@littoral/contract/operation'
import { modelOf, officialSdk, type ModelClass, type TypeRef } from '../official-sdk.ts'
import type { NamedFamily } from '../families.ts'
import { plainSchema, wholeExample, wholeOutput } from './envelope.ts'
import { fieldRows, type FieldRow } from './schema-text.ts'

export const generatedNote = '<!-- Generated from packages/contract by `npm run generate`; edits here are lost. -->\n'

export function referencePage(named: NamedFamily, operation: AnyOperation): string {
  const { family } = named
  const facts = [
    `Product \`${family.product}\`, version \`${family.version}\`, permission \`${family.product}:${operation.action}\` (${operation.access}).`,
    operation.callsPerSecond ? `At most ${operation.callsPerSecond} calls a second and account.` : 'Not throttled.',
  ]
  const sections = [
    generatedNote + `# ${operation.action}\n\n${operation.summary}`,
    operation.description ?? '',
    facts.join(' '),
    `## Request\n\n${fieldTable(fieldRows(plainSchema(operation.input)), true)}`,
    aliasText(operation),
    `## Answer\n\n${fieldTable(fieldRows(wholeOutput(family, operation)), false)}`,
    `## Errors\n\n${errorTable(operation.errors)}`,
    `## Example\n\n${exampleCall(named, operation)}\n\n\`\`\`json\n${JSON.stringify(wholeExample(family, operation), null, 2)}\n\`\`\``,
  ]
  return sections.filter((section) => section !== '').join('\n\n') + '\n'
}

function aliasText(operation: AnyOperation): string {
  const aliases: [string, string][] = Object.entries(operation.aliases ?? {})
  const others = aliases.filter(([alias, name]) => alias !== lowerFirst(name))
  const said = others.map(([alias, name]) => `\`${alias}\` for \`${name}\``)
  if (others.length < aliases.length) said.push('every field with a small first letter')
  return said.length === 0 ? '' : `Also understood: ${said.join(', ')}.`
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

function fieldTable(rows: readonly FieldRow[], isRequest: boolean): string {
  if (rows.length === 0) return isRequest ? 'No parameters.' : 'No fields.'
  const head = isRequest
    ? '| Field | Type | Required | Limits | |\n| --- | --- | --- | --- | --- |'
    : '| Field | Type | Values | |\n| --- | --- | --- | --- |'
  const lines = rows.map((row) => {
    const middle = isRequest ? [row.type, row.isRequired ? 'yes' : 'no', row.limits] : [row.type, row.limits]
    return `| ${[`\`${row.path}\``, ...middle, row.description].map(cell).join(' | ')} |`
  })
  return [head, ...lines].join('\n')
}

function errorTable(names: readonly FaultName[]): string {
  const shared = 'Every operation can also answer the gateway faults: see [the index](README.md#faults-of-the-gateway).'
  if (names.length === 0) return shared
  const lines = [...names].map((name) => {
    const entry = faultEntry(name)
    return `| ${[`\`${entry.code ?? name}\``, String(entry.status), entry.message, entry.advice].map(cell).join(' | ')} |`
  })
  return ['| Code | Status | Message | What to do |\n| --- | --- | --- | --- |', ...[...new Set(lines)]].join('\n') + `\n\n${shared}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function exampleCall(named: NamedFamily, operation: AnyOperation): string {
  const input = operation.example.input as Record<string, unknown>
  if (!named.sdk) {
    const args = Object.entries(input).map(([name, value]) => ` --${name} ${shellWord(value)}`)
    return '```sh\nlittoral call ' + operation.action + args.join('') + '\n```'
  }
  const sdk = officialSdk(named.sdk)
  const model = sdk.model(`${operation.action}Request`)
  const values = model ? literal(model, input, '') : '{}'
  return [
    '```ts',
    `import { ${operation.action}Request } from '${named.sdk}'`,
    '',
    `await client.${sdk.method(operation.action)}(new ${operation.action}Request(${values}))`,
    '```',
  ].join('\n')
}

/** The input as a TypeScript literal in the client's own spelling. */
function literal(model: ModelClass, value: Record<string, unknown>, indent: string): string {
  const types = model.types()
  const inner = `${indent}  `
  const lines = Object.entries(model.names())
    .filter(([, wireName]) => value[wireName] !== undefined)
    .map(([property, wireName]) => `${inner}${property}: ${literalValue(types[property], value[wireName], inner)},`)
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`
}

function literalValue(ref: TypeRef | undefined, value: unknown, indent: string): string {
  const model = modelOf(ref)
  if (Array.isArray(value)) {
    const entryRef = typeof ref === 'object' ? ref.itemType : undefined
    return `[${value.map((entry) => literalValue(entryRef, entry, indent)).join(', ')}]`
  }
  if (model && typeof value === 'object' && value !== null) return literal(model, value as Record<string, unknown>, indent)
  return typeof value === 'string' ? `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` : JSON.stringify(value)
}

function shellWord(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
