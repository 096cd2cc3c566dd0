// The XML answer of every operation of the IoT family says the same as its JSON answer: the document is read back by the
// structure that the declaration promises, and both are compared field by field. An operation that writes is carried out twice,
// so of its answers the fields and their kinds are compared.
import { XMLParser } from 'fast-xml-parser'
import { encodeForm } from '@littoral/contract/wire/encode'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allOperations } from '../../tools/families.ts'
import { wholeOutput } from '../../tools/generate/envelope.ts'
import type { Schema } from '../../tools/generate/schema-text.ts'
import { signV1 } from '../signing.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import { needsDriver } from './allowed-differences.ts'
import { Prerequisites } from './prerequisites.ts'

let server: TestServer
let prerequisites: Prerequisites
beforeAll(async () => {
  server = await openTestServer({ env: { LITTORAL_LIMIT_DRIVERS: '500' } })
  prerequisites = new Prerequisites(server)
})
afterAll(() => server.close())

/** Their lists fill only behind a driver that runs; test/journey/local-drivers.test.ts reads them then. */
const emptyWithoutDriver = new Set(['QueryDevicePropertyStatus', 'QueryDevicePropertyData', 'QueryDeviceEventData'])
const family = allOperations().filter(({ named, operation }) => named.family.envelope === 'iot' && !needsDriver.has(operation.action))
const isReading = ({ operation }: (typeof family)[number]) => ['get', 'list'].includes(operation.access)
const reading = family.filter(isReading)
const writing = family.filter((entry) => !isReading(entry))

async function ask(action: string, input: Record<string, unknown>, Format: 'JSON' | 'XML'): Promise<string> {
  const fields = Object.fromEntries(encodeForm(input, 'repeat'))
  const query = signV1(server.key, { Action: action, Version: '2018-01-20', Format, ...fields }, 'POST')
  const response = await fetch(`${server.url}/?${query}`, { method: 'POST' })
  expect(response.headers.get('content-type')).toMatch(Format === 'XML' ? /^text\/xml/ : /^application\/json/)
  return response.text()
}

type Element = Record<string, Element[] | string>

/** Children in their order; text is a child called #text. */
const parser = new XMLParser({ preserveOrder: true, parseTagValue: false, trimValues: false, htmlEntities: true })

function childrenOf(element: Element): [string, Element[]][] {
  return Object.entries(element).flatMap(([name, value]) => (typeof value === 'string' ? [] : [[name, value]]))
}

function fromXml(elements: readonly Element[], schema: Schema): unknown {
  if (schema.type !== 'object') return fromText(elements.map(textOf).join(''), schema)
  const result: Record<string, unknown> = {}
  for (const [name, children] of elements.flatMap(childrenOf)) {
    const property = schema.properties?.[name] ?? {}
    if (property.type !== 'array') result[name] = fromXml(children, property)
    else result[name] = [...((result[name] as unknown[] | undefined) ?? []), ...listFromXml(children, property)]
  }
  // A list that repeats its own name leaves nothing behind when it is empty.
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.type === 'array' && property['xmlItem'] === undefined) result[name] ??= []
  }
  return result
}

function textOf({ '#text': text }: Element): string {
  return typeof text === 'string' ? text : ''
}

function listFromXml(children: readonly Element[], property: Schema): unknown[] {
  const items = property.items ?? {}
  if (property['xmlItem'] === undefined) return [fromXml(children, items)]
  return children.flatMap(childrenOf).map(([name, inner]) => {
    expect(name).toBe(property['xmlItem'])
    return fromXml(inner, items)
  })
}

function fromText(text: string, { type }: Schema): unknown {
  if (type === 'integer' || type === 'number') return Number(text)
  return type === 'boolean' ? text === 'true' : text
}

function hasEmptyList(value: unknown): boolean {
  if (Array.isArray(value) && value.length === 0) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasEmptyList)
}

/** Differs from call to call. */
function withoutIds(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer, (key, value: unknown) => (['RequestId', 'SourceConfig'].includes(key) ? undefined : value)))
}

/** What the XML document says, as the JSON answer would. */
function readBack(xml: string, action: string, schema: Schema): unknown {
  expect(xml.startsWith(`<?xml version="1.0" encoding="UTF-8"?><${action}Response>`)).toBe(true)
  const root = (parser.parse(xml) as Element[]).find((element) => `${action}Response` in element)
  return fromXml(root?.[`${action}Response`] as Element[], schema)
}

/** The answer with every value but the code exchanged for its kind: ids and times differ between two calls that write. */
function kindsOf(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer, (key, value: unknown) => (typeof value === 'object' || key === 'Code' ? value : typeof value)))
}

describe('the XML answer', () => {
  it('is compared for all operations of the family but the two that need a running driver', () => {
    expect(reading.length + writing.length).toBe(73 - needsDriver.size)
  })

  it.each(reading.map(({ named, operation }) => ({ action: operation.action, named, operation })))(
    'of $action says what the JSON answer says',
    async ({ action, named, operation }) => {
      const input = await prerequisites.inputFor(action, operation.example.input as Record<string, unknown>)
      const json = JSON.parse(await ask(action, input, 'JSON')) as Record<string, unknown>
      expect(json['Success']).toBe(true)
      // Of an empty list there is nothing to compare.
      expect(hasEmptyList(json)).toBe(emptyWithoutDriver.has(action))
      const schema = JSON.parse(JSON.stringify(wholeOutput(named.family, operation))) as Schema
      expect(withoutIds(readBack(await ask(action, input, 'XML'), action, schema))).toEqual(withoutIds(json))
    },
  )

  it.each(writing.map(({ named, operation }) => ({ action: operation.action, named, operation })))(
    'of $action has the fields of the JSON answer',
    async ({ action, named, operation }) => {
      const input = () => prerequisites.inputFor(action, operation.example.input as Record<string, unknown>)
      const json = JSON.parse(await ask(action, await input(), 'JSON')) as Record<string, unknown>
      expect(json['Success']).toBe(true)
      const schema = JSON.parse(JSON.stringify(wholeOutput(named.family, operation))) as Schema
      const xml = readBack(await ask(action, await input(), 'XML'), action, schema)
      expect(kindsOf(xml)).toEqual(kindsOf(json))
    },
  )
})
