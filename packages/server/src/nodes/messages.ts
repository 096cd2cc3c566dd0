// Messages from nodes, checked at the door: one schema per type, unknown keys dropped, a clear sentence when it fails.
import { NodeMessage } from '@littoral/contract/node/stream'
import { Ajv, type ValidateFunction } from 'ajv'

const ajv = new Ajv({ removeAdditional: 'all', allErrors: false, strict: false })
const checks = new Map<string, ValidateFunction>(NodeMessage.anyOf.map((schema) => [schema.properties.type.const, ajv.compile(schema)]))

/** The message in a text frame; throws an Error that says what is wrong with it. */
export function parseNodeMessage(text: string): NodeMessage {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('the message is not JSON')
  }
  const type = (value as { type?: unknown } | null)?.type
  const check = typeof type === 'string' ? checks.get(type) : undefined
  if (check === undefined) throw new Error(`the message type ${JSON.stringify(type)?.slice(0, 40)} is unknown`)
  if (!check(value)) {
    const [problem] = check.errors ?? []
    throw new Error(`${String(type)}${problem?.instancePath ?? ''}: ${problem?.message ?? 'is invalid'}`)
  }
  return value as NodeMessage
}
