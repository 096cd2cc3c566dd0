// Every operation, asked wrongly in every way its schema suggests: it answers with faults it declares, in the envelope of
// its family, never with an internal error, and it never takes what its schema forbids.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allOperations } from '../../tools/families.ts'
import { plainSchema } from '../../tools/generate/envelope.ts'
import { enumOf, type Schema } from '../../tools/generate/schema-text.ts'
import { signV1 } from '../signing.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server.close())

type Fields = Readonly<Record<string, string>>

interface Answer {
  readonly status: number
  readonly body: { readonly Code?: string; readonly Success?: boolean; readonly Message?: string; readonly RequestId?: string }
}

async function ask(version: string, action: string, fields: Fields): Promise<Answer> {
  const query = signV1(server.key, { Action: action, Version: version, Format: 'JSON', ...fields }, 'POST')
  const response = await fetch(`${server.url}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: query,
  })
  const body = (await response.json()) as Answer['body']
  // Otherwise every refusal below would be one of the signature.
  expect(body.Code).not.toBe('SignatureDoesNotMatch')
  return { status: response.status, body }
}

/** The example as form fields: structured values as JSON text, or numbered where the family wants it. */
function toFields(input: Readonly<Record<string, unknown>>, isNumbered: boolean): Fields {
  return Object.fromEntries(Object.entries(input).flatMap(([name, value]) => toField(name, value, isNumbered)))
}

function toField(name: string, value: unknown, isNumbered: boolean): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[name, String(value)]]
  if (!isNumbered) return [[name, JSON.stringify(value)]]
  return Object.entries(value).flatMap(([key, inner]) => toField(`${name}.${Array.isArray(value) ? Number(key) + 1 : key}`, inner, true))
}

/** Values that the field's own schema forbids. */
function wrongValues(field: Schema): string[] {
  const wrong: string[] = []
  if (field.type === 'integer' || field.type === 'number') wrong.push('many', '1e999')
  if (field.type === 'boolean') wrong.push('perhaps')
  if (field.items ?? field.properties) wrong.push('{', '"text"')
  if (typeof field['maxLength'] === 'number' && field['maxLength'] < 5000) wrong.push('x'.repeat(field['maxLength'] + 1))
  if (typeof field['maximum'] === 'number') wrong.push(String(field['maximum'] + 1))
  if (typeof field['minimum'] === 'number') wrong.push(String(field['minimum'] - 1))
  if (enumOf(field)) wrong.push('neither-nor')
  if (field.contentSchema) wrong.push('{', '[1]')
  return wrong
}

const cases = allOperations().map(({ named, operation }) => ({ action: operation.action, named, operation }))

describe.each(cases)('$action', ({ named, operation }) => {
  const { version, envelope } = named.family
  const schema = plainSchema(operation.input)
  const example = toFields(operation.example.input as Record<string, unknown>, envelope === 'iot')
  const without = (name: string) =>
    Object.fromEntries(Object.entries(example).filter(([key]) => key !== name && !key.startsWith(`${name}.`)))

  const isRefused = ({ status, body }: Answer) => (envelope === 'iot' ? status >= 400 || body.Success === false : status >= 400)

  it('refuses each required parameter that is missing, and names it', async () => {
    for (const name of schema.required ?? []) {
      const answer = await ask(version, operation.action, without(name))
      expect({ name, isRefused: isRefused(answer), status: answer.status < 500 }).toEqual({ name, isRefused: true, status: true })
      expect(JSON.stringify(answer.body)).toMatch(new RegExp(name, 'i'))
    }
  })

  it('refuses each value that its schema forbids', async () => {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      for (const value of wrongValues(field)) {
        const answer = await ask(version, operation.action, { ...without(name), [name]: value })
        expect({ name, value: value.slice(0, 20), isRefused: isRefused(answer), isOurs: answer.status >= 500 }).toEqual({
          name,
          value: value.slice(0, 20),
          isRefused: true,
          isOurs: false,
        })
      }
    }
  })

  it('answers things that do not exist without an internal error', async () => {
    const { status, body } = await ask(version, operation.action, example)
    expect(status).toBeLessThan(500)
    expect(body.RequestId).toMatch(/^[0-9A-F-]{36}$/)
  })
})

describe('all of the above', () => {
  it('answered only with faults that the operations declare', () => {
    expect(server.log.filter((line) => line.message.includes('does not declare')).map((line) => line.fields)).toEqual([])
  })

  it('was a failure of the caller, never of the server', () => {
    expect(server.log.filter((line) => line.level === 'error')).toEqual([])
    expect(server.log.filter((line) => line.message === 'call').length).toBeGreaterThan(250)
  })
})
