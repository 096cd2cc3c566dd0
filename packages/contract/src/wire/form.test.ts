import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { encode, parsePairs } from './canonical.ts'
import { encodeForm, type StructureStyle } from './encode.ts'
import { formDecoder, segmentsOf } from './form.ts'

const Probe = Type.Object({
  Port: Type.Optional(Type.Integer()),
  HttpHeaders: Type.Optional(Type.String()),
  Ready: Type.Optional(Type.Boolean()),
})
const input = Type.Object({
  Needed: Type.Enum(['on', 'off']),
  Name: Type.String(),
  Note: Type.Optional(Type.String()),
  Count: Type.Optional(Type.Integer()),
  Share: Type.Optional(Type.Number()),
  Flag: Type.Optional(Type.Boolean()),
  Mode: Type.Optional(Type.Union([Type.Literal('prod'), Type.Literal('staging')])),
  Case: Type.Optional(Type.String({ pattern: '^(?:[aA]|[bB])$', examples: ['a', 'b'] })),
  Blank: Type.Optional(Type.Enum(['', 'l4'])),
  State: Type.Optional(Type.Union([Type.Literal(0), Type.Literal(1)])),
  Ids: Type.Optional(Type.Array(Type.String())),
  Grid: Type.Optional(Type.Array(Type.Array(Type.Integer()))),
  Labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  Containers: Type.Optional(
    Type.Array(
      Type.Object({
        Name: Type.String(),
        Probe: Type.Optional(Probe),
        Env: Type.Optional(Type.Array(Type.String())),
        Mode: Type.Optional(Type.Enum(['on', 'off'])),
      }),
    ),
  ),
  Either: Type.Optional(Type.Union([Type.Array(Type.Integer()), Type.Object({ kv: Type.Integer() })])),
})
const decode = formDecoder(input, { name: 'Name', ids: 'Ids' })
const decodeText = (query: string) => decode(new Map<string, unknown>(parsePairs(query)))
const valueOf = (query: string) => decodeText(query).input

describe('decoding', () => {
  it.each<[string, object]>([
    ['Flag=True', { Flag: true }],
    ['Flag=FALSE', { Flag: false }],
    ['Count=10&Share=1.5', { Count: 10, Share: 1.5 }],
    ['State=1', { State: 1 }],
    ['Mode=prod', { Mode: 'prod' }],
    ['Mode=&Case=&Blank=&Needed=', { Blank: '', Needed: '' }],
    ['Containers=[{"Name":"","Mode":""}]', { Containers: [{ Name: '' }] }],
    ['Note=', { Note: '' }],
    ['Count=&Flag=&Ids=&Labels=', {}],
    ['Ids=["a","b"]', { Ids: ['a', 'b'] }],
    ['Ids.2=b&Ids.10=j&Ids.1=a', { Ids: ['a', 'b', 'j'] }],
    ['ids.1=a&name=n', { Ids: ['a'], Name: 'n' }],
    ['name=alias&Name=declared', { Name: 'declared' }],
    ['Grid.1.2=12&Grid.1.1=11&Grid.2.1=21', { Grid: [[11, 12], [21]] }],
    ['Labels.%233%23foo=1&Labels.%235%23a.b.c=2&Labels.x=3', { Labels: { foo: '1', 'a.b.c': '2', x: '3' } }],
    [
      'Containers.1.Name=c&Containers.1.Probe.Port=80&Containers.1.Env.1=x',
      { Containers: [{ Name: 'c', Env: ['x'], Probe: { Port: 80 } }] },
    ],
    ['Containers.1.Probe={"Port":"80"}', { Containers: [{ Probe: { Port: 80 } }] }],
    ['Either=[1]', { Either: [1] }],
    ['Either={"kv":"1"}', { Either: { kv: 1 } }],
  ])('reads %s', (query, expected) => expect(valueOf(query)).toEqual(expected))

  it('reads JSON text inside JSON where the schema wants an object, and leaves strings that hold JSON alone', () => {
    const text = JSON.stringify([
      { Name: 'c', Probe: JSON.stringify({ Port: '80', HttpHeaders: '[{"A":"b"}]', Ready: 'True', Other: 1 }), Extra: 1 },
    ])
    expect(valueOf(`Containers=${encode(text)}`)).toEqual({
      Containers: [{ Name: 'c', Probe: { Port: 80, HttpHeaders: '[{"A":"b"}]', Ready: true } }],
    })
  })

  it.each<[string, object]>([
    ['Count=ten', { Count: 'ten' }],
    ['Count=9007199254740993', { Count: '9007199254740993' }],
    ['Count=0x10', { Count: '0x10' }],
    ['Flag=yes', { Flag: 'yes' }],
    ['Ids=a', { Ids: 'a' }],
    ['Containers=[{', { Containers: '[{' }],
    ['Ids.x=1', { Ids: { x: '1' } }],
  ])('leaves %s as it is, for the check to name', (query, expected) => expect(valueOf(query)).toEqual(expected))

  it('takes values from a JSON body as they are', () => {
    expect(
      decode(
        new Map<string, unknown>([
          ['Count', 5],
          ['Share', '2'],
          ['Ids', ['a']],
          ['Flag', null],
        ]),
      ).input,
    ).toEqual({ Count: 5, Share: 2, Ids: ['a'] })
  })

  it.each<[string, unknown, unknown]>([
    ['an object', { a: [1, 'b'], c: null }, '{"a":[1,"b"],"c":null}'],
    ['a list', [{ a: 1 }], '[{"a":1}]'],
    ['text', '{ "a": 1 }', '{ "a": 1 }'],
    ['nothing', null, undefined],
    ['a number', 5, 5],
    ['a boolean', true, true],
    ['a number past 2^53', { a: [2 ** 53] }, { a: [2 ** 53] }],
  ])('takes %s from a JSON body for a text that is JSON', (_, value, expected) => {
    const contentSchema = Type.Object({})
    const Config = Type.String({ contentMediaType: 'application/json', contentSchema })
    const decodeConfig = formDecoder(Type.Object({ Config, Name: Type.String(), Configs: Type.Optional(Type.Array(Config)) }))
    const { input } = decodeConfig(new Map<string, unknown>(Object.entries({ Config: value, Configs: [value], Name: {} })))
    expect(input).toEqual({ ...(expected !== undefined && { Config: expected }), Configs: [expected ?? null], Name: {} })
  })

  it('leaves an object that is nested deeper than any stack to the check', () => {
    const Config = Type.String({ contentMediaType: 'application/json', contentSchema: Type.Any() })
    const deep = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`) as unknown
    expect(formDecoder(Type.Object({ Config }))(new Map([['Config', deep]])).input['Config']).toBe(deep)
  })

  it('tells which names nobody declared', () => {
    expect(decodeText('Name=n&RegionId=x&Name.1=y&count=1&Ids.1=a&.=1').unknown).toEqual(['RegionId', 'Name.1', 'count', '.'])
  })

  it('never touches the prototype', () => {
    const decoded = valueOf('Labels.__proto__=1&Containers=[{"Name":"a","__proto__":{"x":1}}]&__proto__.x=1')
    expect(Object.getOwnPropertyNames(decoded['Labels'])).toEqual(['__proto__'])
    expect((decoded['Containers'] as { x?: number }[])[0]?.x).toBeUndefined()
  })

  it('survives a name deeper than any stack', () => {
    expect(decodeText(`Grid${'.1'.repeat(100_000)}=1`).unknown).toHaveLength(1)
    expect(valueOf(`Grid${'.1'.repeat(500)}=1`)).toHaveProperty('Grid')
  })
})

describe('names', () => {
  it.each([
    ['A.1.B', ['A', '1', 'B']],
    ['L.#3#a.b.N', ['L', 'a.b', 'N']],
    ['L.#6#驱动.N', ['L', '驱动', 'N']],
    ['L.#2#驱动.N', ['L', '驱动', 'N']],
    ['L.#9#ab', ['L', 'ab']],
  ])('cuts %s', (name, segments) => expect(segmentsOf(name)).toEqual(segments))
})

describe('encoding', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 })
  const integer = fc.maxSafeInteger().map((value) => value + 0)
  const optional = { requiredKeys: [] as [] }
  const probe = fc.record({ Port: integer, HttpHeaders: text, Ready: fc.boolean() }, optional)
  const arbitrary = fc.record(
    {
      Name: text,
      Note: text,
      Count: integer,
      Share: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((value) => value + 0),
      Flag: fc.boolean(),
      Mode: fc.constantFrom('prod', 'staging'),
      State: fc.constantFrom(0, 1),
      Ids: fc.array(text),
      Grid: fc.array(fc.array(integer)),
      Labels: fc.dictionary(
        text.filter((key) => key !== '' && key !== '__proto__'),
        text,
        { noNullPrototype: true },
      ),
      Containers: fc.array(fc.record({ Name: text, Probe: probe, Env: fc.array(text) }, { requiredKeys: ['Name'] })),
    },
    { requiredKeys: ['Name'], noNullPrototype: true },
  )

  it.each<StructureStyle>(['shrink', 'repeat'])('in the %s style is undone by decoding', (style) => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const query = encodeForm(value, style).map(([name, field]) => `${encode(name)}=${encode(field)}`)
        expect(valueOf(query.join('&'))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
      { numRuns: 300 },
    )
  })
})
