import Type, { type TObject } from 'typebox'
import { describe, expect, it } from 'vitest'
import type { AnyOperation, Family } from '@littoral/contract/operation'
import { compileCheck, createValidator } from './check.ts'
import { createRegistry } from './registry.ts'

const Container = Type.Object({
  Name: Type.String({ minLength: 1, maxLength: 5 }),
  Image: Type.Optional(Type.String({ pattern: '^[^@]+$', fault: 'InvalidParameter.Image' })),
  Spec: Type.Optional(Type.Enum(['1C2G', '2C4G'])),
  Headers: Type.Optional(
    Type.String({
      contentMediaType: 'application/json',
      contentSchema: Type.Object({ a: Type.Integer() }),
      fault: 'InvalidParameter.HttpHeaders',
    }),
  ),
})
const Block = Type.Object({ format: Type.Enum(['KV', 'JSON']) })
const input = Type.Object({
  Containers: Type.Optional(Type.Array(Container, { minItems: 1, maxItems: 2 })),
  Text: Type.Optional(
    Type.String({
      contentMediaType: 'application/json',
      contentSchema: Type.Array(Type.Object({ format: Type.Enum(['KV', 'JSON']) }), { maxItems: 1 }),
    }),
  ),
  AppId: Type.String({ pattern: '^app-', fault: 'InvalidParameter.appid' }),
  Size: Type.Integer({ minimum: 1, maximum: 9 }),
  Mode: Type.Optional(Type.Union([Type.Literal('prod'), Type.Literal('staging')])),
  Odd: Type.Optional(Type.String({ pattern: '^(?:[aA]|[bB])$', examples: ['a', 'b'] })),
  OneOrMore: Type.Optional(
    Type.String({
      contentMediaType: 'application/json',
      contentSchema: Type.Union([Type.Array(Block, { maxItems: 1 }), Block]),
    }),
  ),
  Strict: Type.Optional(Type.Object({ A: Type.Optional(Type.String()) }, { additionalProperties: false })),
})
const operation = (schema: TObject): AnyOperation => ({
  action: 'Test',
  summary: '',
  access: 'create',
  input: schema,
  output: Type.Object({}),
  errors: [],
  example: { input: {}, output: {} },
})
const plain: Family = { product: 'esa', version: 'v', title: '', envelope: 'plain', invalid: 'InvalidParameter', operations: {} }
const iot: Family = { ...plain, envelope: 'iot', invalid: 'iot.common.InvalidParam', missing: 'Missing' }
const ajv = createValidator()
const checkPlain = compileCheck(ajv, operation(input), plain)
const checkIot = compileCheck(ajv, operation(input), iot)
const right = { AppId: 'app-1', Size: 1 }
const faultOf = (fields: object) => {
  const fault = checkPlain({ ...right, ...fields })
  return fault && [fault.code, fault.params['Detail']]
}

describe('the check of an input', () => {
  it('lets a right one through', () => {
    const full = {
      ...right,
      Containers: [{ Name: 'web', Headers: '{"a":1}' }],
      Text: '[{"format":"KV"}]',
      Mode: 'prod',
      Odd: 'A',
      Strict: {},
    }
    expect(checkPlain(full)).toBeUndefined()
  })

  it.each<[object, string, string]>([
    [{ Size: 'ten' }, 'InvalidParameter', 'Size must be a whole number.'],
    [{ OneOrMore: '[{"format":"kv"}]' }, 'InvalidParameter', 'OneOrMore[0].format must be one of KV, JSON.'],
    [{ OneOrMore: '{}' }, 'InvalidParameter', 'OneOrMore.format is mandatory.'],
    [{ OneOrMore: '[{"format":"KV"},{"format":"KV"}]' }, 'InvalidParameter', 'OneOrMore must have at most 1 entry.'],
    [{ OneOrMore: '5' }, 'InvalidParameter', 'OneOrMore has none of the allowed forms.'],
    [{ Size: 10 }, 'InvalidParameter', 'Size must be at most 9.'],
    [{ Size: 0 }, 'InvalidParameter', 'Size must be at least 1.'],
    [{ AppId: 'x' }, 'InvalidParameter.appid', 'AppId must match the pattern ^app-.'],
    [{ AppId: undefined }, 'InvalidParameter.appid', 'AppId is mandatory.'],
    [{ Size: undefined }, 'InvalidParameter', 'Size is mandatory.'],
    [{ Mode: 'test' }, 'InvalidParameter', 'Mode must be one of prod, staging.'],
    [{ Odd: 'c' }, 'InvalidParameter', 'Odd must be one of a, b.'],
    [{ Containers: [] }, 'InvalidParameter', 'Containers must have at least 1 entry.'],
    [{ Containers: '[{' }, 'InvalidParameter', 'Containers must be a list, written as JSON or as Name.1, Name.2.'],
    [{ Containers: [{ Name: 'a' }, {}] }, 'InvalidParameter', 'Containers[1].Name is mandatory.'],
    [{ Containers: [{ Name: 'toolong' }] }, 'InvalidParameter', 'Containers[0].Name must have at most 5 characters.'],
    [{ Containers: [{ Name: 'a', Spec: '9C' }] }, 'InvalidParameter', 'Containers[0].Spec must be one of 1C2G, 2C4G.'],
    [{ Containers: [{ Name: 'a', Image: 'a@b' }] }, 'InvalidParameter.Image', 'Containers[0].Image must match the pattern ^[^@]+$.'],
    [{ Containers: [{ Name: 'a', Headers: '{' }] }, 'InvalidParameter.HttpHeaders', 'Containers[0].Headers must be JSON.'],
    [
      { Containers: [{ Name: 'a', Headers: '{"a":"1"}' }] },
      'InvalidParameter.HttpHeaders',
      'Containers[0].Headers.a must be a whole number.',
    ],
    [{ Text: 'no' }, 'InvalidParameter', 'Text must be JSON.'],
    [{ Text: '[{"format":"XML"}]' }, 'InvalidParameter', 'Text[0].format must be one of KV, JSON.'],
    [{ Text: '[{},{}]' }, 'InvalidParameter', 'Text must have at most 1 entry.'],
    [{ Strict: { B: 1 } }, 'InvalidParameter', 'Strict.B is not known here.'],
  ])('says of %j: %s, %s', (fields, code, detail) => expect(faultOf(fields)).toEqual([code, detail]))

  it('takes properties in the order they are declared, and those that hold JSON last', () => {
    expect(faultOf({ Containers: [], Text: 'no', Size: 0, AppId: 'x' })?.[0]).toBe('InvalidParameter.appid')
    expect(faultOf({ Containers: [], Text: 'no', Size: 0 })?.[1]).toBe('Size must be at least 1.')
    expect(faultOf({ Containers: [], Text: 'no' })?.[1]).toBe('Containers must have at least 1 entry.')
  })

  it('answers like the gateway in a family that has a word for missing parameters', () => {
    expect(checkIot({ Size: 1 })).toMatchObject({ code: 'MissingAppId', status: 400, message: 'AppId is mandatory for this action.' })
    expect(checkIot({ ...right, Size: 'x' })).toMatchObject({
      code: 'iot.common.InvalidParam',
      status: 200,
      message: 'Size must be a whole number.',
    })
  })

  it('answers the fault of a list for its length alone', () => {
    const Ids = Type.Array(Type.String({ maxLength: 3 }), { minItems: 1, maxItems: 2, fault: 'iot.common.ParameterSizeLimit' })
    const check = compileCheck(ajv, operation(Type.Object({ Ids })), iot)
    expect(check({ Ids: ['a', 'b', 'c'] })).toMatchObject({
      code: 'iot.common.ParameterSizeLimit',
      message: 'Ids must have at most 2 entries.',
    })
    const wrong = [
      ['abc', 'Ids must be a list, written as JSON or as Name.1, Name.2.'],
      [[], 'Ids must have at least 1 entry.'],
      [['long'], 'Ids[0] must have at most 3 characters.'],
    ] as const
    for (const [value, message] of wrong) expect(check({ Ids: value })).toMatchObject({ code: 'iot.common.InvalidParam', message })
  })

  it('counts characters and not the places that they take', () => {
    const check = compileCheck(ajv, operation(Type.Object({ Name: Type.String({ minLength: 2, maxLength: 3 }) })), plain)
    for (const Name of ['ab', 'abc', '😀😀', '😀😀😀']) expect(check({ Name })).toBeUndefined()
    for (const Name of ['a', '😀']) expect(check({ Name })?.params['Detail']).toBe('Name must have at least 2 characters.')
    for (const Name of ['abcd', '😀😀😀😀', 'x'.repeat(7)])
      expect(check({ Name })?.params['Detail']).toBe('Name must have at most 3 characters.')
  })

  it('never shows the value', () => {
    expect(JSON.stringify(faultOf({ Mode: 'hunter2', Text: 'hunter2' }))).not.toContain('hunter2')
  })

  it('stops at the first error of a list, however long it is', () => {
    const check = compileCheck(ajv, operation(Type.Object({ Ids: Type.Array(Type.Integer()) })), plain)
    let entriesRead = 0
    const countReads = (list: string[], key: string | symbol) => {
      if (typeof key === 'string' && /^\d+$/.test(key)) entriesRead += 1
      return Reflect.get(list, key) as unknown
    }
    const Ids = new Proxy(
      Array.from({ length: 500_000 }, () => 'x'),
      { get: countReads },
    )
    expect(check({ Ids })?.code).toBe('InvalidParameter')
    expect(entriesRead).toBeLessThan(10)
  })
})

describe('the registry', () => {
  const family = (operations: Family['operations']): Family => ({ ...plain, operations })

  it('refuses a keyword that nobody would check', () => {
    const odd = operation(Type.Object({ A: Type.String({ minLenght: 1 }) }))
    expect(() => createRegistry([{ family: family({ Test: odd }), handlers: { Test: async () => ({}) } }])).toThrow(
      'Test cannot be compiled',
    )
  })

  it('refuses an operation without a handler, and one that is declared twice', () => {
    const served = { family: family({ Test: operation(input) }), handlers: { Test: async () => ({}) } }
    expect(() => createRegistry([{ ...served, handlers: {} }])).toThrow('Test has no handler')
    expect(() => createRegistry([served, served])).toThrow('declared twice')
  })

  it('finds by version and action, both case-sensitive', () => {
    const registry = createRegistry([{ family: family({ Test: operation(input) }), handlers: { Test: async () => ({}) } }])
    expect(registry.find('v', 'Test').operation.action).toBe('Test')
    const codes = [
      ['', 'Test'],
      ['v', ''],
      ['V', 'Test'],
      ['v', 'test'],
      ['v', 'constructor'],
    ].map(([version = '', action = '']) => {
      try {
        return registry.find(version, action)
      } catch (error) {
        return (error as { code: string }).code
      }
    })
    expect(codes).toEqual(['MissingVersion', 'MissingAction', 'InvalidVersion', 'InvalidAction.NotFound', 'InvalidAction.NotFound'])
  })
})
