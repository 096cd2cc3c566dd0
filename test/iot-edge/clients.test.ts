// What clients write that the generated ones of one language do not: every sample of the contract, parameters in the query, in a form
// or in both, lists in three spellings, empty texts, and names no address can hold unescaped.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { zipOf } from '../../tools/journey/sample-driver.ts'
import { signV1 } from '../signing.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

interface Param {
  readonly name: string
  readonly type: string
  readonly example?: string | number | boolean | readonly string[]
  readonly items?: readonly Param[]
}
interface Contracted {
  readonly action: string
  readonly params: readonly Param[]
}
type Fields = Readonly<Record<string, string>>
// Answers are read field by field.
// oxlint-disable-next-line typescript/no-explicit-any
type Answer = any

const contracted = JSON.parse(readFileSync(new URL('../contract/iot-edge.json', import.meta.url), 'utf8')) as Contracted[]

let server: TestServer
let driver: string
let instances = 0
beforeAll(async () => {
  server = await openTestServer()
  driver = (await ask('CreateEdgeDriver', { DriverName: 'spoken_to', DriverProtocol: 'customize', Runtime: 'nodejs8' })).DriverId
})
afterAll(() => server.close())

type Way = 'query' | 'form' | 'both' | 'GET'

async function send(action: string, fields: Fields, way: Way): Promise<Response> {
  const method = way === 'GET' ? 'GET' : 'POST'
  const text = signV1(server.key, { Action: action, Version: '2018-01-20', Format: 'JSON', ...fields }, method)
  if (way === 'form' || way === 'both') {
    const pairs = text.split('&')
    const inQuery = way === 'both' ? pairs.length >> 1 : 0
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return fetch(`${server.url}/?${pairs.slice(0, inQuery).join('&')}`, { method, headers, body: pairs.slice(inQuery).join('&') })
  }
  return fetch(`${server.url}/?${text}`, { method })
}
const ask = async (action: string, fields: Fields, way: Way = 'form'): Promise<Answer> => (await send(action, fields, way)).json()
const code = async (action: string, fields: Fields) => (await ask(action, fields)).Code as string

/** The samples of the contract as a client would send them; partitions do not exist here. */
function sampleOf({ params }: Contracted): Fields {
  const fields = params
    .filter(({ name }) => name !== 'IotInstanceId')
    .flatMap(({ name, type, example, items }) => {
      if (items !== undefined) return items.map((item) => [`${name}.1.${item.name}`, String(item.example)])
      if (type.startsWith('array')) return [example].flat().map((value, place) => [`${name}.${place + 1}`, String(value)])
      return example === undefined ? [] : [[name, `${example as string}`]]
    })
  return Object.fromEntries(fields) as Fields
}

describe("the contract's own samples", () => {
  it.each(contracted.map((operation) => ({ action: operation.action, operation })))(
    'of $action break no rule',
    async ({ action, operation }) => {
      // What they name does not exist here: that is found out after every value was looked at.
      expect(await code(action, sampleOf(operation))).toMatch(/^(Success|iot\.edge\.(Driver|Instance)NotExist)$/)
    },
  )

  it('of a driver version are taken, but for the address of an object that is not here', async () => {
    const sample = sampleOf(contracted.find(({ action }) => action === 'CreateEdgeDriverVersion') as Contracted)
    const fields: Fields = { ...sample, DriverId: driver }
    expect(fields['SourceConfig']).toContain('ossAddress')
    expect(await code('CreateEdgeDriverVersion', fields)).toBe('iot.common.InvalidParam')
    expect(await code('CreateEdgeDriverVersion', { ...fields, SourceConfig: '' })).toBe('Success')
  })
})

describe('a client', () => {
  it.each(['query', 'form', 'both', 'GET'] as const)('may put parameters into: %s', async (way) => {
    const { DriverList } = await ask('BatchGetEdgeDriver', { 'DriverIds.1': driver }, way)
    expect(DriverList).toMatchObject([{ DriverId: driver, IsBuiltIn: false }])
  })

  it.each([
    ['numbered', () => ({ 'DriverIds.1': 'none', 'DriverIds.2': driver })],
    ['with gaps, in any order', () => ({ 'DriverIds.10': driver, 'DriverIds.2': 'none' })],
    ['as JSON', () => ({ DriverIds: JSON.stringify(['none', driver]) })],
    ['with a name twice', () => ({ 'DriverIds.1': driver, 'DriverIds.2': driver })],
  ])('may write a list %s', async (_, fields) => {
    expect((await ask('BatchGetEdgeDriver', fields())).DriverList).toHaveLength(1)
  })

  it.each([
    ['numbered', { 'Configs.1.Format': 'JSON', 'Configs.1.Content': '{}' }],
    ['as JSON', { Configs: '[{"Format":"JSON","Content":"{}"}]' }],
    ['as JSON in numbered entries', { 'Configs.1': '{"Format":"JSON","Content":"{}"}' }],
  ])('may write a list of structures %s', async (_, fields) => {
    const { InstanceId } = await ask('CreateEdgeInstance', { Name: `lists_${++instances}` })
    expect(await code('SetEdgeInstanceDriverConfigs', { InstanceId, DriverId: driver, ...fields })).toBe('iot.edge.InstanceDriverNotExist')
  })

  it('may write booleans in any letter case, numbers as text, and leave optional ones empty', async () => {
    const { InstanceId } = await ask('CreateEdgeInstance', { Name: '实例-_1', Spec: '', Tags: '', IotInstanceId: '' })
    expect(await code('UpdateEdgeInstance', { InstanceId, Name: '实例-_1', BizEnable: 'False', Spec: '30' })).toBe('Success')
    const { Data } = await ask('GetEdgeInstance', { instanceId: InstanceId })
    expect(Data).toMatchObject({ BizEnable: false, Spec: 30, Name: '实例-_1' })
    expect(await code('UpdateEdgeInstance', { InstanceId, Name: '实例-_1', BizEnable: '', Spec: '' })).toBe('Success')
    expect((await ask('GetEdgeInstance', { InstanceId })).Data).toMatchObject({ BizEnable: false, Spec: 30 })
  })

  it('may send every optional text of a version empty, and gets none of them back', async () => {
    const key = { DriverId: driver, DriverVersion: '版本-1.0' }
    const empty = { Description: '', Argument: '', SourceConfig: '', DriverConfig: '', ConfigCheckRule: '', ContainerConfig: '' }
    expect(await code('CreateEdgeDriverVersion', { ...key, EdgeVersion: 'V2.4', ...empty })).toBe('Success')
    const { Data } = await ask('GetEdgeDriverVersion', key)
    expect(Object.keys(Data).filter((name) => name in empty)).toEqual([])
    const filter = { DriverId: driver, CurrentPage: '1', PageSize: '10', VersionState: '' }
    expect((await ask('QueryEdgeDriverVersion', { ...filter, DriverVersion: '' })).Data.Total).toBeGreaterThan(0)
    expect((await ask('QueryEdgeDriverVersion', { ...filter, DriverVersion: '版本-1.0' })).Data.Total).toBe(1)
  })

  it('may give a package a name that no address holds as it is, and send back the source it has read', async () => {
    const key = { DriverId: driver, DriverVersion: '名-1' }
    const request = { Type: 'DRIVER_VERSION_CONTENT', ResourceId: driver, ResourceVersion: '名-1', FileName: "驱动 包+#%?&='.zip" }
    const { OssAddress, OssPreSignedAddress } = (await ask('CreateEdgeOssPreSignedAddress', request)).Data
    const zip = await zipOf({ 'index.js': '0' })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await fetch(OssPreSignedAddress, { method: 'PUT', body: new Uint8Array(zip), headers })).status).toBe(200)
    const version = { ...key, EdgeVersion: '2.0.0' }
    expect(await code('CreateEdgeDriverVersion', { ...version, SourceConfig: JSON.stringify({ ossAddress: OssAddress }) })).toBe('Success')
    const { SourceConfig } = (await ask('GetEdgeDriverVersion', key)).Data
    expect(await code('UpdateEdgeDriverVersion', { ...version, SourceConfig })).toBe('Success')
    expect(await code('ReleaseEdgeDriverVersion', key)).toBe('Success')
    const read = await fetch(JSON.parse((await ask('GetEdgeDriverVersion', key)).Data.SourceConfig).temporaryOssAddress)
    expect(Buffer.from(await read.arrayBuffer()).equals(zip)).toBe(true)
  })
})
