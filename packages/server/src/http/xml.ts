// JSON answers written as XML. Names come from the structure, not from a lookup by name: a version inside a list of
// versions may be called like its own field (contract: pop-gateway §9, iot-edge §2). Called by reply.ts.
import { branchOf, type JsonSchema, mapValueSchema } from '@littoral/contract/wire/schema'

const prolog = '<?xml version="1.0" encoding="UTF-8"?>'

/**
 * A document with this root. A list is an outer element with one child per entry where its schema has `xmlItem`, and
 * otherwise one element per entry, each called like the list.
 */
export function toXml(root: string, value: object, schema: JsonSchema = {}): string {
  return `${prolog}<${root}>${members(value, schema)}</${root}>`
}

function members(value: object, schema: JsonSchema): string {
  const object = branchOf(schema, 'object')
  return Object.entries(value)
    .map(([name, child]) => element(name, child, object?.properties?.[name] ?? (object && mapValueSchema(object)) ?? {}))
    .join('')
}

function element(name: string, value: unknown, schema: JsonSchema): string {
  if (value === undefined || value === null) return ''
  if (!Array.isArray(value)) return tag(name, content(value, schema))
  const list = branchOf(schema, 'array')
  const item = list?.xmlItem
  const entries = value.map((entry) => tag(item ?? name, content(entry, list?.items ?? {}))).join('')
  return item === undefined ? entries : tag(name, entries)
}

function content(value: unknown, schema: JsonSchema): string {
  // A list directly inside a list has no name of its own.
  if (Array.isArray(value)) return value.map((entry) => tag('Item', content(entry, branchOf(schema, 'array')?.items ?? {}))).join('')
  if (typeof value === 'object' && value !== null) return members(value, schema)
  return escapeText(String(value as string | number | boolean))
}

const NOT_A_NAME = /[^\w.-]/g

function tag(name: string, inner: string): string {
  const safe = name.replace(NOT_A_NAME, '_')
  const legal = /^[A-Za-z_]/.test(safe) ? safe : `_${safe}`
  return `<${legal}>${inner}</${legal}>`
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' }
// XML 1.0 has no way at all to write these.
// oxlint-disable-next-line eslint/no-control-regex
const UNWRITABLE = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

export function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (char) => escapes[char] ?? char).replace(UNWRITABLE, '\ufffd')
}
