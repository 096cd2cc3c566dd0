import { describe, expect, it } from 'vitest'
import { family as edgeContainer } from '@littoral/contract/edge-container/index'
import { family as iotEdge } from '@littoral/contract/iot-edge/index'
import { family as littoral } from '@littoral/contract/littoral/index'
import type { AnyOperation, Family } from '@littoral/contract/operation'
import { encodeForm } from '@littoral/contract/wire/encode'
import { formDecoder } from '@littoral/contract/wire/form'
import { compileCheck, compileOutputCheck, createValidator } from './check.ts'

const families: Family[] = [edgeContainer, iotEdge, littoral]
const cases = families.flatMap((family) =>
  Object.values(family.operations).map((operation): [string, AnyOperation, Family] => [operation.action, operation, family]),
)
const ajv = createValidator()

describe('the example of every operation', () => {
  it.each(cases)('%s goes through the wire and passes its own check', (_action, operation, family) => {
    const { input: example, output } = operation.example
    for (const style of ['shrink', 'repeat'] as const) {
      const decoded = formDecoder(
        operation.input as object,
        operation.aliases,
      )(new Map(encodeForm(example as Record<string, unknown>, style)))
      expect(decoded).toEqual({ input: example, unknown: [] })
      expect(compileCheck(ajv, operation, family)(decoded.input)).toBeUndefined()
    }
    expect(compileOutputCheck(ajv, operation)(output)).toBeUndefined()
  })
})
