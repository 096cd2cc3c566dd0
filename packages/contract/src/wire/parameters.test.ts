// V1 signatures over bodies that are no forms: whatever is used of a request is signed.
import { describe, expect, it } from 'vitest'
import { readParameters, verifyV1Parameters } from './parameters.ts'
import { signV1 } from './signature.ts'

const secret = 'secret'
const common = { Action: 'DeleteEdgeContainerApp', AccessKeyId: 'LTAItest', SignatureNonce: 'n-1', Timestamp: '2026-01-05T08:00:00Z' }

/** A POST whose signature covers these parameters, with a body that may hold other ones. */
function verified(signed: Record<string, string>, body: string, contentType: string) {
  const query = new URLSearchParams({ ...common, ...signed })
  query.set('Signature', signV1('POST', query, secret))
  return verifyV1Parameters('POST', readParameters(query.toString(), contentType, Buffer.from(body)), secret)
}

describe('a V1 request with a JSON body', () => {
  it.each([
    ['adds a parameter', {}, '{"AppId":"app-1"}', 'refused'],
    ['adds one of another type', {}, '{"AppId":["app-1"]}', 'refused'],
    ['brings a nonce of its own', {}, '{"SignatureNonce":"n-2"}', 'refused'],
    // Where the query is what was signed, as old Java has it, the query is what is used.
    ['replaces a parameter', { AppId: 'app-2' }, '{"AppId":"app-1"}', 'app-2'],
    ['replaces one by another type', { AppId: 'app-2' }, '{"AppId":["app-1"]}', 'app-2'],
    // One client leaves empty texts out of its signature; they count as absent then.
    ['adds an empty one', {}, '{"AppId":""}', undefined],
  ])('uses nothing of it that is not signed: it %s', (_what, signed, body, used) => {
    const verdict = verified(signed, body, 'application/json')
    expect(verdict instanceof Map ? verdict.get('AppId') : 'refused').toBe(used)
    if (verdict instanceof Map) expect(verdict.get('SignatureNonce')).toBe('n-1')
  })

  it('is taken when its values are signed', () => {
    const query = { ...common }
    const Signature = signV1('POST', Object.entries({ ...query, AppId: 'app-1', Size: '5' }), secret)
    const body = Buffer.from(JSON.stringify({ AppId: 'app-1', Size: 5 }))
    const rawQuery = new URLSearchParams({ ...query, Signature }).toString()
    const verdict = verifyV1Parameters('POST', readParameters(rawQuery, 'application/json', body), secret)
    expect(verdict).toEqual(new Map<string, unknown>([...Object.entries({ ...query, Signature }), ['AppId', 'app-1'], ['Size', 5]]))
  })
})

it.each(['text/plain', 'application/octet-stream', 'multipart/form-data'])('a body of %s adds nothing to what is signed', (contentType) => {
  const verdict = verified({ AppId: 'app-2' }, 'AppId=app-1', contentType)
  expect(verdict).toBeInstanceOf(Map)
  if (verdict instanceof Map) expect(verdict.get('AppId')).toBe('app-2')
})
