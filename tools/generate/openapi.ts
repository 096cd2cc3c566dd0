// One OpenAPI 3.1 document per family. RPC style has a single path, `/`, and names the operation in a parameter; the
// fragment in each path key tells them apart, as OpenAPI wants, and is never sent.
import { faultEntry } from '@littoral/contract/errors'
import type { AnyOperation, Family } from '@littoral/contract/operation'
import { operationsOf } from '../families.ts'
import { plainSchema, wholeExample, wholeOutput } from './envelope.ts'
import type { Schema } from './schema-text.ts'

export function openApiDocument(family: Family): object {
  return {
    openapi: '3.1.0',
    info: {
      title: family.title,
      version: family.version,
      description: 'Generated from packages/contract by `npm run generate`. Requests are RPC style: every operation is sent to `/`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    'x-product': family.product,
    'x-style': 'RPC',
    'x-envelope': family.envelope,
    paths: Object.fromEntries(operationsOf(family).map((operation) => [`/#Action=${operation.action}`, pathItem(family, operation)])),
    components: {
      securitySchemes: {
        acs3: { type: 'apiKey', in: 'header', name: 'Authorization', description: 'Signature ACS3-HMAC-SHA256 over the request.' },
        signature: { type: 'apiKey', in: 'query', name: 'Signature', description: 'HMAC-SHA1 over the sorted parameters, version 1.0.' },
      },
      schemas: { Fault: faultSchema },
    },
    security: [{ acs3: [] }, { signature: [] }],
  }
}

const faultSchema: Schema = {
  type: 'object',
  required: ['Code', 'Message', 'RequestId'],
  properties: {
    Code: { type: 'string', description: 'Which fault it is; programs branch on it.' },
    Message: { type: 'string', description: 'What went wrong, for people.' },
    RequestId: { type: 'string', description: 'Id of this call.' },
    HostId: { type: 'string', description: 'The address the request was sent to.' },
  },
}

function pathItem(family: Family, operation: AnyOperation): object {
  return {
    post: {
      operationId: operation.action,
      summary: operation.summary,
      ...(operation.description ? { description: operation.description } : {}),
      'x-action': operation.action,
      'x-version': family.version,
      'x-access': operation.access,
      'x-permission': `${family.product}:${operation.action}`,
      ...(operation.callsPerSecond ? { 'x-calls-per-second': operation.callsPerSecond } : {}),
      ...(operation.aliases ? { 'x-aliases': operation.aliases } : {}),
      requestBody: {
        content: {
          'application/x-www-form-urlencoded': {
            schema: plainSchema(operation.input),
            encoding: encodings(family, operation),
            example: operation.example.input,
          },
        },
      },
      responses: {
        200: {
          description: family.envelope === 'iot' ? 'Done, or refused with Success false.' : 'Done.',
          content: { 'application/json': { schema: wholeOutput(family, operation), example: wholeExample(family, operation) } },
        },
        ...faultResponses(operation),
      },
    },
  }
}

/** Structured parameters travel as JSON text in the plain families, as numbered fields in the iot one. */
function encodings(family: Family, operation: AnyOperation): Record<string, object> {
  const structured = Object.entries(plainSchema(operation.input).properties ?? {}).filter(([, field]) => field.items ?? field.properties)
  return Object.fromEntries(
    structured.map(([name]) => [
      name,
      family.envelope === 'plain' ? { contentType: 'application/json' } : { 'x-encoding': `${name}.1, ${name}.2, …` },
    ]),
  )
}

function faultResponses(operation: AnyOperation): Record<string, object> {
  const byStatus = new Map<number, string[]>()
  for (const name of operation.errors) {
    const entry = faultEntry(name)
    if (entry.status === 200) continue
    byStatus.set(entry.status, [...(byStatus.get(entry.status) ?? []), entry.code ?? name])
  }
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Fault' } } }
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, codes]) => [status, { description: [...new Set(codes)].join(', '), content }]),
  )
}
