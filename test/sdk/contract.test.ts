// Every declared operation says the same as the contract: names, types, required flags, limits, call rates.
import { describe, expect, it } from 'vitest'
import { readContract } from '../../tools/contract-json.ts'
import { allOperations } from '../../tools/families.ts'
import { allowedAgainstContract, judge, outsideContract } from './allowed-differences.ts'
import { compareOperation, type Difference } from './compare.ts'

const contract = new Map([...readContract('esa-edge-container.json'), ...readContract('iot-edge.json')])
const vendorOperations = allOperations().filter(({ named }) => named.sdk !== undefined)
const described = vendorOperations.filter(({ operation }) => !(operation.action in outsideContract))
const found: Difference[] = described.flatMap(({ operation }) => {
  const wanted = contract.get(operation.action)
  return wanted
    ? compareOperation(operation, wanted)
    : [{ where: operation.action, what: 'missing', detail: 'the contract knows no such operation' }]
})

describe('declarations against the contract', () => {
  it('compares something', () => {
    expect(described.length).toBeGreaterThan(25)
  })

  it.each(described.map(({ operation }) => operation.action))('%s differs only where a reason is written down', (action) => {
    const own = found.filter((difference) => difference.where.split(' ')[0] === action)
    expect(judge(own, allowedAgainstContract).unexplained).toEqual([])
  })

  it('keeps no allowance that nothing needs', () => {
    expect(judge(found, allowedAgainstContract).unused).toEqual([])
  })

  it('notices a wrong limit, a lost field and a wrong type', () => {
    const { operation } = described[0]!
    const wanted = contract.get(operation.action)!
    const [name, node] = Object.entries(wanted.input)[0]!
    const bent = { ...wanted, input: { ...wanted.input, [name]: { ...node, type: 'bent' }, Planted: node } }
    const what = compareOperation(operation, bent).map((difference) => difference.what)
    expect(what).toEqual(expect.arrayContaining(['type', 'missing']))
  })
})
