import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type HeaderLookup, parsePairs, roaStringToSign, type RoaRequest, v1StringToSign } from './canonical.ts'
import { mergeFields, readParameters, verifyV1Parameters } from './parameters.ts'
import { isV3Algorithm, parseV3Authorization, signRoa, signV1, signV3, type V3Request, verifyRoa, verifyV3 } from './signature.ts'

interface Vector {
  name: string
  scheme: 'V1-RPC' | 'V3' | 'V1-ROA' | 'BEARER' | 'ANONYMOUS'
  accessKeyId: string
  accessKeySecret: string
  method: string
  path: string
  query: string
  headers: Record<string, string>
  body: string
  stringToSign?: string
  canonicalRequest?: string
  expectedSignature?: string | null
  expectedCode?: string
}
type Group = 'vectors' | 'official' | 'supplementary' | 'controls' | 'negative'

const file = new URL('../../../../test/contract/pop-vectors.json', import.meta.url)
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<Group, Vector[]>
const accepted = [...recorded.vectors, ...recorded.official, ...recorded.supplementary, ...recorded.controls]

const headerOf =
  (vector: Vector): HeaderLookup =>
  (name) =>
    vector.headers[name] ?? ''
const bodyOf = (vector: Vector) => Buffer.from(vector.body)

function v3(vector: Vector): { request: V3Request; authorization: Parameters<typeof verifyV3>[1] } {
  const authorization = parseV3Authorization(vector.headers['authorization'] ?? '')
  if (authorization === undefined || !isV3Algorithm(authorization.algorithm)) throw new Error('no V3 authorization')
  const { method, path, query: rawQuery } = vector
  const request = { method, path, rawQuery, query: parsePairs(rawQuery), header: headerOf(vector), body: bodyOf(vector) }
  return { request, authorization: { ...authorization, algorithm: authorization.algorithm } }
}

function parametersOf(vector: Vector) {
  return readParameters(vector.query, vector.headers['content-type'] ?? '', bodyOf(vector))
}

function roa(vector: Vector): RoaRequest {
  const { method, path, query, headers } = vector
  return { method, path, query: parsePairs(query), header: headerOf(vector), headerNames: Object.keys(headers) }
}

describe('requests that official clients sent', () => {
  it('covers the whole file', () => {
    expect(accepted.length).toBe(52)
    expect(recorded.negative.length).toBe(18)
  })

  it.each(accepted.filter((vector) => vector.scheme === 'V1-RPC'))('verifies V1 $name', (vector) => {
    const parameters = parametersOf(vector)
    const fields = [...mergeFields(parameters)] as [string, string][]
    expect(v1StringToSign(vector.method, fields)).toBe(vector.stringToSign)
    expect(signV1(vector.method, fields, vector.accessKeySecret)).toBe(vector.expectedSignature)
    expect(verifyV1Parameters(vector.method, parameters, vector.accessKeySecret)).toBeInstanceOf(Map)
  })

  it.each(accepted.filter((vector) => vector.scheme === 'V3'))('verifies V3 $name', (vector) => {
    const { request, authorization } = v3(vector)
    expect(authorization.signature).toBe(vector.expectedSignature)
    expect(verifyV3(request, authorization, vector.accessKeySecret)).toEqual({ isGenuine: true })
    const refused = verifyV3(request, authorization, 'another')
    expect(refused).toMatchObject({ stringToSign: vector.stringToSign, canonicalRequest: vector.canonicalRequest })
  })

  it.each(accepted.filter((vector) => vector.scheme === 'V1-ROA'))('verifies ROA $name', (vector) => {
    expect(roaStringToSign(roa(vector))).toBe(vector.stringToSign)
    expect(signRoa(roa(vector), vector.accessKeySecret)).toBe(vector.expectedSignature)
    expect(verifyRoa(roa(vector), vector.accessKeySecret, vector.expectedSignature ?? '')).toEqual({ isGenuine: true })
    expect(verifyRoa(roa(vector), 'another', vector.expectedSignature ?? '').isGenuine).toBe(false)
  })
})

describe('requests that were changed after signing', () => {
  const tampered = recorded.negative.filter((vector) => vector.expectedCode === 'SignatureDoesNotMatch')
  it.each(tampered)('refuses $name', (vector) => {
    const verdict =
      vector.scheme === 'V3'
        ? verifyV3(v3(vector).request, v3(vector).authorization, secretAtServer(vector))
        : verifyV1Parameters(vector.method, parametersOf(vector), secretAtServer(vector))
    expect(verdict).toMatchObject({ isGenuine: false, stringToSign: expect.any(String) })
  })
})

// The two wrong-secret entries were signed with the secret they show, and the server holds another one.
const secretAtServer = (vector: Vector) => (vector.name.endsWith('wrong-secret') ? `${vector.accessKeySecret}!` : vector.accessKeySecret)

describe('the two readings of V1 parameters', () => {
  const key = 'secret'
  const query = (pairs: [string, string][]) => new URLSearchParams(pairs).toString()
  const form = 'application/x-www-form-urlencoded'

  it('lets the query win where only that was signed, and hands on only what was signed', () => {
    const signed: [string, string][] = [
      ['Action', 'A'],
      ['SignatureNonce', 'n'],
      ['Name', 'from-query'],
    ]
    const signature = signV1('POST', signed, key)
    const parameters = readParameters(query([...signed, ['Signature', signature]]), form, Buffer.from('Name=from-body'))
    const fields = verifyV1Parameters('POST', parameters, key)
    expect(fields).toBeInstanceOf(Map)
    expect((fields as Map<string, string>).get('Name')).toBe('from-query')
  })

  it('never lets a body bring a fresh nonce to a captured query', () => {
    const signed: [string, string][] = [
      ['Action', 'A'],
      ['SignatureNonce', 'n'],
    ]
    const signature = signV1('POST', signed, key)
    const parameters = readParameters(query([...signed, ['Signature', signature]]), form, Buffer.from('SignatureNonce=fresh'))
    expect(verifyV1Parameters('POST', parameters, key)).toMatchObject({ isGenuine: false })
  })

  it('takes empty values that were not signed for absent', () => {
    const signature = signV1('GET', [['Action', 'A']], key)
    const fields = verifyV1Parameters(
      'GET',
      readParameters(
        query([
          ['Action', 'A'],
          ['Name', ''],
          ['Signature', signature],
        ]),
        '',
        Buffer.alloc(0),
      ),
      key,
    )
    expect((fields as Map<string, string>).has('Name')).toBe(false)
  })

  it('covers a JSON body too', () => {
    const signature = signV1('POST', [['Action', 'A']], key)
    const parameters = readParameters(
      query([
        ['Action', 'A'],
        ['Signature', signature],
      ]),
      'application/json',
      Buffer.from('{"Name":"added"}'),
    )
    expect(verifyV1Parameters('POST', parameters, key)).toMatchObject({ isGenuine: false })
  })
})

describe('signing as a client', () => {
  const draft = {
    method: 'POST',
    path: '/',
    rawQuery: "Labels.%233%23foo=1&Path=/var/*.log&Note=it's+(new)!",
    query: parsePairs("Labels.%233%23foo=1&Path=/var/*.log&Note=it's+(new)!"),
    headers: { host: '127.0.0.1:1', 'x-acs-action': 'A', 'x-acs-security-token': 'a+b/c==', 'user-agent': 'x' },
    body: 'AppId=1',
  }
  const verify = (query: string, algorithm: 'ACS3-HMAC-SHA256' | 'ACS3-HMAC-SM3') => {
    const headers = signV3(draft, { accessKeyId: 'id', secret: 's' }, algorithm)
    const authorization = { ...parseV3Authorization(headers['authorization'] ?? ''), algorithm } as Parameters<typeof verifyV3>[1]
    const request = {
      ...draft,
      rawQuery: query,
      query: parsePairs(query),
      header: (name: string) => headers[name] ?? '',
      body: Buffer.from(draft.body),
    }
    return verifyV3(request, authorization, 's').isGenuine
  }

  it.each(['ACS3-HMAC-SHA256', 'ACS3-HMAC-SM3'] as const)('makes %s signatures that verify, in any order of the query', (algorithm) => {
    expect(verify(draft.rawQuery, algorithm)).toBe(true)
    expect(verify(draft.rawQuery.split('&').reverse().join('&'), algorithm)).toBe(true)
  })

  it('does not let a query be cut into other parameters', () => {
    expect(verify(draft.rawQuery.replace('&Note=', '%26Note%3D'), 'ACS3-HMAC-SHA256')).toBe(false)
    expect(verify(draft.rawQuery.replace('&Path=', '%26Path='), 'ACS3-HMAC-SHA256')).toBe(false)
  })
})

describe('a signature with any secret', () => {
  it.each([0, 1, 63, 64, 65, 200])('is the HMAC of Node for %i characters', (length) => {
    for (const letter of ['k', 'ü']) {
      const secret = letter.repeat(length)
      const text = v1StringToSign('POST', [['Name', 'ü&1']])
      expect(signV1('POST', [['Name', 'ü&1']], secret)).toBe(createHmac('sha1', `${secret}&`).update(text).digest('base64'))
    }
  })
})
