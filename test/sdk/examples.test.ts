// The example of every operation through the official client against a real server: accepted, carried out, and answered
// with exactly what the declaration promises. Ids in an example are exchanged for ids of things made for it.
import { Ajv } from 'ajv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allOperations, type NamedFamily } from '../../tools/families.ts'
import { wholeOutput } from '../../tools/generate/envelope.ts'
import { asJsonText, codeOf, popCall, sdkCall, type Call } from '../../tools/official-clients.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import { alwaysRefused, needsDriver, outsideSdk } from './allowed-differences.ts'
import { Prerequisites } from './prerequisites.ts'

let server: TestServer
let prerequisites: Prerequisites
beforeAll(async () => {
  server = await openTestServer({ withNode: true, env: { LITTORAL_LIMIT_DRIVERS: '500' } })
  prerequisites = new Prerequisites(server)
})
afterAll(() => server.close())

const ajv = new Ajv({ strict: false, allErrors: true })

function clientOf(named: NamedFamily, action: string, signature: 'v1' | 'v3' = 'v3'): Call {
  if (named.sdk && !(action in outsideSdk)) return sdkCall(named.sdk, server.url, server.key, signature)
  const call = popCall(server.url, server.key, named.family.version)
  return (action, input) => call(action, asJsonText(input))
}

describe('the example of', () => {
  it.each(
    allOperations().flatMap(({ named, operation }) =>
      operation.action in alwaysRefused || needsDriver.has(operation.action) ? [] : [{ action: operation.action, named, operation }],
    ),
  )('$action is accepted and answered as declared', async ({ named, operation }) => {
    const input = await prerequisites.inputFor(operation.action, operation.example.input as Record<string, unknown>)
    const answer = await clientOf(named, operation.action)(operation.action, input)
    expect(answer).toMatchObject(named.family.envelope === 'iot' ? { Success: true, Code: 'Success' } : {})
    const check = ajv.compile(wholeOutput(named.family, operation))
    check(answer)
    expect(check.errors ?? []).toEqual([])
    expect(answer['RequestId']).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/)
  })

  it.each(Object.entries(alwaysRefused))('%s is refused with %s', async (action, code) => {
    const call = popCall(server.url, server.key, '2024-09-10')
    expect(codeOf(await call(action, {}).catch((error: unknown) => error))).toBe(code)
  })

  it('every one of the 73 operations of the IoT family is sent with both signatures', () => {
    const bySdk = allOperations().filter(({ named, operation }) => named.family.envelope === 'iot' && !(operation.action in outsideSdk))
    expect(bySdk.length).toBe(73)
    expect(bySdk.every(({ operation }) => !(operation.action in alwaysRefused))).toBe(true)
  })

  it.each(
    allOperations()
      .filter(({ named, operation }) => named.family.envelope === 'iot' && !needsDriver.has(operation.action))
      .map(({ named, operation }) => ({ action: operation.action, named, operation })),
  )('$action is accepted with a signature of version 1 as well', async ({ named, operation }) => {
    const input = await prerequisites.inputFor(operation.action, operation.example.input as Record<string, unknown>)
    expect(await clientOf(named, operation.action, 'v1')(operation.action, input)).toMatchObject({ Success: true, Code: 'Success' })
  })

  it.each(allOperations().map(({ named, operation }) => ({ action: operation.action, named, operation })))(
    '$action fits its own schemas',
    ({ named, operation }) => {
      const input = ajv.compile(JSON.parse(JSON.stringify(operation.input)) as object)
      input(operation.example.input)
      expect(input.errors ?? []).toEqual([])
      const output = ajv.compile({ ...wholeOutput(named.family, operation), required: [] })
      output(operation.example.output)
      expect(output.errors ?? []).toEqual([])
    },
  )
})
