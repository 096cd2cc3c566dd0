// What http/reply.ts adds to an operation's output, as schema and as example, so that the derived documents show the
// whole answer.
import type { AnyOperation, Family } from '@littoral/contract/operation'
import type { Schema } from './schema-text.ts'

const requestId: Schema = { type: 'string', description: 'Id of this call, an upper-case UUID; the server log names it too.' }
const exampleRequestId = '5E2D1A0C-4B7F-4A6E-9C3D-8F1B2E3A4D5C'

export function wholeOutput(family: Family, operation: AnyOperation): Schema {
  const output = plainSchema(operation.output)
  const required = [...(output.required ?? [])]
  if (family.envelope === 'plain') {
    return { ...output, properties: { RequestId: requestId, ...output.properties }, required: ['RequestId', ...required] }
  }
  return {
    ...output,
    properties: {
      RequestId: requestId,
      Success: { type: 'boolean', description: 'Whether the operation did what was asked.' },
      Code: { type: 'string', description: '`Success`, or the code of the fault.' },
      ErrorMessage: { type: 'string', description: 'What went wrong; present on failure only.' },
      ...output.properties,
    },
    required: ['RequestId', 'Success', 'Code'],
  }
}

export function wholeExample(family: Family, operation: AnyOperation): Record<string, unknown> {
  const output = operation.example.output as Record<string, unknown>
  if (family.envelope === 'plain') return { RequestId: exampleRequestId, ...output }
  return { RequestId: exampleRequestId, Success: true, Code: 'Success', ...output }
}

/** The schema as JSON sees it: without the builder's symbols, and without `fault`, which is ours alone. */
export function plainSchema(schema: unknown): Schema {
  return JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === 'fault' ? undefined : value))) as Schema
}
