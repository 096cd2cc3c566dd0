// Nobody gets in without the right signature: every operation there is, tried unsigned, with an unknown key and with a
// wrong secret, under both signature schemes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allOperations } from '../../tools/families.ts'
import { popCall, sdkCall } from '../../tools/official-clients.ts'
import { outsideSdk } from './allowed-differences.ts'
import { codeOf, openTestServer, type TestServer } from '../test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server.close())

const cases = allOperations().map(({ named, operation }) => ({
  action: operation.action,
  named,
  input: operation.example.input as Record<string, unknown>,
}))

async function refusal(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return 'accepted'
  } catch (error) {
    return codeOf(error)
  }
}

describe('strangers', () => {
  it.each(cases)('$action refuses a request without a signature', async ({ action, named, input }) => {
    const query = new URLSearchParams({ Action: action, Version: named.family.version, Format: 'JSON', ...texts(input) })
    const answer = await fetch(`${server.url}/?${query}`, { method: 'POST' })
    const body = (await answer.json()) as { Code: string }
    expect({ status: answer.status, code: body.Code }).toEqual({ status: 400, code: 'MissingAccessKeyId' })
  })

  it.each(cases)('$action refuses a wrong secret and an unknown key, version 1', async ({ action, named, input }) => {
    const wrong = { ...server.key, accessKeySecret: 'wrong' }
    const unknown = { ...server.key, accessKeyId: 'LTAIunknown' }
    const { version } = named.family
    expect(await refusal(popCall(server.url, wrong, version)(action, texts(input)))).toBe('SignatureDoesNotMatch')
    expect(await refusal(popCall(server.url, unknown, version)(action, texts(input)))).toBe('InvalidAccessKeyId.NotFound')
  })

  it.each(cases.filter(({ named, action }) => named.sdk && !(action in outsideSdk)))(
    '$action refuses a wrong secret and an unknown key, version 3',
    async ({ action, named, input }) => {
      const wrong = { ...server.key, accessKeySecret: 'wrong' }
      const unknown = { ...server.key, accessKeyId: 'LTAIunknown' }
      expect(await refusal(sdkCall(named.sdk ?? '', server.url, wrong)(action, input))).toBe('SignatureDoesNotMatch')
      expect(await refusal(sdkCall(named.sdk ?? '', server.url, unknown)(action, input))).toBe('InvalidAccessKeyId.NotFound')
    },
  )
})

/** Flat parameters only: what a stranger sends does not have to be complete. */
function texts(input: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(input).flatMap(([name, value]) => (typeof value === 'object' ? [] : [[name, `${value as string | number | boolean}`]])),
  )
}
