// What comes from outside (the socket, the disk) is checked against the contract's schemas here and trusted afterwards.
import type { ErrorObject, ValidateFunction } from 'ajv'
import type { DesiredState } from '@littoral/contract/node/desired-state'
import { desiredStateSchema, serverMessageSchemas } from '@littoral/contract/node/schemas'
import type { ServerMessage } from '@littoral/contract/node/stream'
import type { Checked } from './kept.ts'
import { required } from './required.ts'

// The schemas are ours: checking them against the meta schema would cost the agent megabytes for nothing.
const ajv = new (required('ajv').Ajv)({
  strict: false,
  allErrors: false,
  ownProperties: true,
  meta: false,
  validateSchema: false,
  code: { optimize: false },
})

// One schema of a union at a time, by its `type`: otherwise an error would name every other kind of message too.
// The state in `desired` is checked by who accepts it (desired.ts), who also says what was wrong.
const messageSchemas = JSON.parse(serverMessageSchemas) as Record<ServerMessage['type'], object>
const messageChecks = new Map<string, ValidateFunction>(Object.entries(messageSchemas).map(([type, schema]) => [type, ajv.compile(schema)]))
const desiredCheck = ajv.compile(JSON.parse(desiredStateSchema) as object)

export function checkServerMessage(value: unknown): Checked<ServerMessage> {
  const type = typeof value === 'object' && value !== null && 'type' in value ? String(value.type) : ''
  const check = messageChecks.get(type)
  if (!check) return { isValid: false, problem: `unknown message type "${type.slice(0, 64)}"` }
  return verdict<ServerMessage>(check, value)
}

export function checkDesiredState(value: unknown): Checked<DesiredState> {
  const checked = verdict<DesiredState>(desiredCheck, value)
  if (!checked.isValid) return checked
  const keys = new Set<string>()
  for (const { key } of checked.value.workloads) {
    if (keys.has(key)) return { isValid: false, problem: `workloads: the key ${key} appears twice` }
    keys.add(key)
  }
  return checked
}

function verdict<T>(check: ValidateFunction, value: unknown): Checked<T> {
  return check(value) ? { isValid: true, value: value as T } : { isValid: false, problem: describe(check.errors?.[0]) }
}

function describe(error: ErrorObject | undefined): string {
  const place = error?.instancePath.slice(1).replaceAll('/', '.') ?? ''
  return `${place || 'message'} ${error?.message ?? 'is not valid'}`
}
