// Every declared operation exists in the official client, and the client's request and answer classes have the very
// fields we declare, both ways.
import type { AnyOperation } from '@littoral/contract/operation'
import { describe, expect, it } from 'vitest'
import { allOperations } from '../../tools/families.ts'
import { plainSchema, wholeOutput } from '../../tools/generate/envelope.ts'
import { enumOf, type Schema } from '../../tools/generate/schema-text.ts'
import { modelOf, officialSdk, type ModelClass, type OfficialSdk, type TypeRef } from '../../tools/official-sdk.ts'
import { allowedAgainstSdk, judge, outsideSdk } from './allowed-differences.ts'

interface Difference {
  readonly where: string
  readonly what: string
  readonly detail: string
}

const cases = allOperations().flatMap(({ named, operation }) =>
  named.sdk && !(operation.action in outsideSdk) ? [{ named, operation, sdk: officialSdk(named.sdk) }] : [],
)
const found = cases.flatMap(({ named, operation, sdk }) => [
  ...compare(`${operation.action} request`, plainSchema(operation.input), requestModel(sdk, operation)),
  ...compare(`${operation.action} answer`, wholeOutput(named.family, operation), sdk.model(`${operation.action}ResponseBody`)),
])

function requestModel(sdk: OfficialSdk, operation: AnyOperation): ModelClass | undefined {
  return sdk.model(`${operation.action}Request`)
}

function compare(where: string, schema: Schema, model: ModelClass | undefined): Difference[] {
  if (!model)
    return Object.keys(schema.properties ?? {}).length === 0 ? [] : [{ where, what: 'missing', detail: 'the client has no such class' }]
  const declared = schema.properties ?? {}
  const types = new Map(Object.entries(model.names()).map(([property, wireName]) => [wireName, model.types()[property]]))
  const extra = Object.keys(declared).filter((name) => !types.has(name))
  return [
    ...extra.map((name) => ({ where: `${where} ${name}`, what: 'extra', detail: 'declared, unknown to the client' })),
    ...[...types].flatMap(([name, ref]) => {
      const field = declared[name]
      if (!field) return [{ where: `${where} ${name}`, what: 'missing', detail: 'known to the client, not declared' }]
      return compareField(`${where} ${name}`, field, ref)
    }),
  ]
}

function compareField(where: string, field: Schema, ref: TypeRef | undefined): Difference[] {
  const wanted = kindOf(ref)
  const got = [field, ...(field.anyOf ?? [])].map(schemaKind)
  if (wanted !== 'any' && !got.includes(wanted))
    return [{ where, what: 'type', detail: `${got.join('|')} declared, ${wanted} in the client` }]
  const model = modelOf(ref)
  if (!model) return []
  const object = [field.items ?? field, ...(field.anyOf ?? [])].find((option) => option.properties)
  return object ? compare(where, object, model) : [{ where, what: 'type', detail: 'no object declared where the client has a class' }]
}

function kindOf(ref: TypeRef | undefined): string {
  if (typeof ref === 'function') return 'object'
  if (typeof ref === 'object') return ref.type === 'map' ? 'object' : ref.type
  return ref === undefined || ref === 'any' ? 'any' : ref
}

function schemaKind(field: Schema): string {
  if (field.type === 'integer') return 'number'
  if (field.type) return field.type
  const values = enumOf(field)
  return values ? typeof values[0] : 'any of several'
}

describe('declarations against the official client', () => {
  it.each(cases.map(({ operation, sdk }) => ({ action: operation.action, sdk })))(
    '$action is a method of the client',
    ({ action, sdk }) => {
      expect(sdk.hasMethod(action)).toBe(true)
    },
  )

  it.each(cases.map(({ operation }) => operation.action))('%s has the fields of the client', (action) => {
    const own = found.filter((difference) => difference.where.split(' ')[0] === action)
    expect(judge(own, allowedAgainstSdk).unexplained).toEqual([])
  })

  it.each(Object.keys(outsideSdk))('%s is still unknown to the client, else it is to be compared', (action) => {
    expect(officialSdk('@alicloud/esa20240910').hasMethod(action)).toBe(false)
  })

  it('keeps no allowance that nothing needs', () => {
    expect(judge(found, allowedAgainstSdk).unused).toEqual([])
  })

  it('notices a field that the client does not know', () => {
    const { operation, sdk } = cases[0]!
    const schema = plainSchema(operation.input)
    const planted = { ...schema, properties: { ...schema.properties, Planted: { type: 'string' } } }
    expect(compare('planted', planted, requestModel(sdk, operation))).toContainEqual(expect.objectContaining({ what: 'extra' }))
  })
})
