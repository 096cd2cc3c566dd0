// The declarations against the contract's data: nothing missing, nothing invented, the same limits.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { JsonSchema } from '../wire/schema.ts'
import { family, operations } from './index.ts'

interface Param {
  name: string
  type: string
  required: boolean
  items?: Param[]
}
interface Tree {
  type: string
  fields?: Record<string, Tree>
  items?: Tree
  xml?: string
}
interface Contracted {
  action: string
  params: Param[]
  response: Record<string, Tree>
  qpsLimit: number
  errors: { code: string; http: number }[]
}

const path = new URL('../../../../test/contract/iot-edge.json', import.meta.url)
const contracted = new Map((JSON.parse(readFileSync(path, 'utf8')) as Contracted[]).map((operation) => [operation.action, operation]))
/** Of the device registry and thus not in the contract's file. */
const registry = new Set([
  ...['CreateProduct', 'QueryProduct', 'QueryProductList', 'DeleteProduct'],
  ...['RegisterDevice', 'QueryDeviceDetail', 'QueryDevice', 'DeleteDevice', 'BatchGetDeviceBindStatus'],
  ...['QueryDevicePropertyStatus', 'QueryDevicePropertyData', 'QueryDeviceEventData', 'GetDeviceStatus'],
  ...['InvokeThingService', 'SetDeviceProperty', 'ImportThingModelTsl', 'GetThingModelTsl'],
])
const declared = Object.entries(operations).filter(([action]) => !registry.has(action))
const envelope = ['Code', 'ErrorMessage', 'RequestId', 'Success']
/** Answered ahead of every operation, by the gateway or by what is common to all services. */
const elsewhere = /^(Missing|Throttling|iot\.common\.(RamAction|HighFrequent)|iot\.system\.SystemException)/

const kinds: Record<string, string> = { integer: 'number', string: 'string', boolean: 'boolean', array: 'array', object: 'object' }

function shape(schema: JsonSchema): unknown {
  if (schema.type === 'object')
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, child]) => [name, shape(child)]))
  if (schema.type === 'array') return { item: schema.xmlItem, of: shape(schema.items ?? {}) }
  return kinds[String(schema.type)]
}

function contractedShape(tree: Tree): unknown {
  if (tree.type === 'object')
    return Object.fromEntries(Object.entries(tree.fields ?? {}).map(([name, child]) => [name, contractedShape(child)]))
  if (tree.type === 'array') return { item: /<\w+><(\w+)>/.exec(tree.xml ?? '')?.[1], of: contractedShape(tree.items ?? { type: '' }) }
  return tree.type
}

describe('the IoT edge family', () => {
  it('declares all operations of the contract and seventeen of the device registry', () => {
    expect(declared.map(([action]) => action).sort()).toEqual([...contracted.keys()].sort())
    expect(declared.length).toBe(56)
    expect(Object.keys(family.operations).length).toBe(73)
  })

  describe.each(declared)('%s', (action, operation) => {
    const contract = contracted.get(action) as Contracted
    const input = operation.input as JsonSchema

    it('takes the parameters of the contract, with their types', () => {
      const types = contract.params.map(({ name, type }) => [name, type.replace(/<.*/, '')])
      const own = Object.entries(input.properties ?? {}).map(([name, { type }]) => [name, kinds[String(type)]])
      expect(Object.fromEntries(own)).toEqual(Object.fromEntries(types))
    })

    it('insists on the same parameters', () => {
      const required = contract.params.filter((param) => param.required).map(({ name }) => name)
      expect(new Set(input.required ?? [])).toEqual(new Set(required))
    })

    it('answers the fields of the contract, with their types and XML names', () => {
      const fields = Object.entries(contract.response).filter(([name]) => !envelope.includes(name))
      expect(shape(operation.output as JsonSchema)).toEqual(Object.fromEntries(fields.map(([name, tree]) => [name, contractedShape(tree)])))
    })

    it('has the published limit of calls and declares the faults of the contract', () => {
      expect(operation.callsPerSecond).toBe(contract.qpsLimit)
      const codes = contract.errors.map(({ code }) => code).filter((code) => !elsewhere.test(code))
      // More than one gateway is the same mistake as a gateway that is bound already; one code is enough.
      const expected = codes.filter((code) => code !== 'iot.edge.InstanceGatewayLimitation')
      expect(operation.errors).toEqual(expect.arrayContaining(expected))
    })

    it('describes every parameter', () => {
      const undescribed = Object.entries(input.properties ?? {}).filter(([, property]) => !('description' in property))
      expect(undescribed).toEqual([])
    })
  })

  it('accepts lower-camel spellings and DeployId', () => {
    expect(operations.GetEdgeInstanceDeployment.aliases).toMatchObject({ DeployId: 'DeploymentId', instanceId: 'InstanceId' })
  })
})
