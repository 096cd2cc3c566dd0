import { XMLParser, XMLValidator } from 'fast-xml-parser'
import Type from 'typebox'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonSchema } from '@littoral/contract/wire/schema'
import { toXml } from './xml.ts'

const schema = Type.Object({
  DriverVersionList: Type.Array(Type.Object({ DriverVersion: Type.String() }), { xmlItem: 'DriverVersion' }),
  Tags: Type.Array(Type.String()),
}) as unknown as JsonSchema

describe('XML answers', () => {
  it('writes lists as outer elements, or repeats them, as the schema says', () => {
    const value = {
      DriverVersionList: [{ DriverVersion: '1' }, { DriverVersion: '2' }],
      Tags: ['a', 'b'],
      Flag: true,
      Count: 0,
      None: undefined,
    }
    expect(toXml('R', value, schema)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><R><DriverVersionList><DriverVersion><DriverVersion>1</DriverVersion></DriverVersion>' +
        '<DriverVersion><DriverVersion>2</DriverVersion></DriverVersion></DriverVersionList><Tags>a</Tags><Tags>b</Tags><Flag>true</Flag><Count>0</Count></R>',
    )
  })

  it('writes an empty list as an empty outer element', () => {
    expect(toXml('R', { DriverVersionList: [], Tags: [] }, schema)).toContain('<R><DriverVersionList></DriverVersionList></R>')
  })

  it('brings any text back whole, but for characters that XML cannot write', () => {
    const parser = new XMLParser({ trimValues: false, parseTagValue: false, htmlEntities: true })
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), fc.string({ minLength: 1, maxLength: 8 }), (text, name) => {
        const xml = toXml('R', { V: text, [name]: 'x' })
        expect(XMLValidator.validate(xml)).toBe(true)
        // oxlint-disable-next-line eslint/no-control-regex
        if (name === 'V' || /[\0-\x08\x0b-\x1f\ufffe\uffff]|[\ud800-\udfff]/.test(text)) return
        expect((parser.parse(xml) as { R: { V: string } }).R.V).toBe(text)
      }),
    )
  })
})
