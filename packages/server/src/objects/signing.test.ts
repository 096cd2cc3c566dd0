// The recorded requests of the vendor's own client (test/contract/pop-vectors.json, "oss").
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { authorize } from './authorization.ts'
import { type SignedRequest, signV1, signV4, toCanonicalV4, toSignV1, toSignV4 } from './signing.ts'

interface Vector {
  name: string
  accessKeyId: string
  accessKeySecret: string
  securityToken?: string
  region?: string
  request?: { method: string; path: string; headers: Record<string, string> }
  method?: string
  url?: string
  headers?: Record<string, string>
  stringToSign: string
  canonicalRequest?: string
  expectedSignature: string
}

const path = new URL('../../../../test/contract/pop-vectors.json', import.meta.url)
const vectors = (JSON.parse(readFileSync(path, 'utf8')) as { oss: Vector[] }).oss
const bucket = 'edge-drivers'
/** Shortly after the client made them. */
const nowMs = Date.parse('2026-11-22T01:17:00Z')

function toRequest(vector: Vector): SignedRequest {
  const url = new URL(vector.url ?? `http://host${vector.request?.path}`)
  const key = decodeURIComponent(url.pathname.slice(1)).replace(`${bucket}/`, '')
  const query = new Map(
    url.search
      .slice(1)
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => [decodeURIComponent(pair.split('=')[0] ?? ''), decodeURIComponent(pair.slice(pair.indexOf('=') + 1))] as const),
  )
  return {
    method: vector.request?.method ?? vector.method ?? '',
    bucket,
    key,
    query,
    headers: vector.request?.headers ?? vector.headers ?? {},
  }
}

const services = (vector: Vector) => ({
  ownKey: { id: 'own', secret: 'own' },
  now: () => nowMs,
  credentials: {
    find: async (id: string) =>
      id !== vector.accessKeyId
        ? undefined
        : {
            accountId: '1',
            secret: vector.accessKeySecret,
            isActive: true,
            ...(vector.securityToken === undefined ? {} : { securityToken: vector.securityToken }),
          },
  },
})

const isForm = ({ name }: Vector) => name.includes('post-policy')

describe.each(vectors.filter((vector) => !isForm(vector)).map((vector) => [vector.name, vector] as const))('%s', (_, vector) => {
  const request = toRequest(vector)
  const date = request.query.get('Expires') ?? request.query.get('x-oss-date') ?? request.headers['x-oss-date'] ?? ''

  it('is signed over the same text, with the same result', () => {
    const expected = { canonical: vector.canonicalRequest, text: vector.stringToSign, signature: vector.expectedSignature }
    expect(vector.canonicalRequest === undefined ? signedV1() : signedV4()).toEqual(expected)
  })

  function signedV1() {
    const text = toSignV1(request, date)
    return { canonical: undefined, text, signature: signV1(vector.accessKeySecret, text) }
  }

  function signedV4() {
    const scope = { day: date.slice(0, 8), region: vector.region ?? '' }
    const additional = (request.query.get('x-oss-additional-headers') ?? '').split(';').filter((name) => name !== '')
    const canonical = toCanonicalV4(request, additional)
    const text = toSignV4(canonical, date, scope)
    return { canonical, text, signature: signV4(vector.accessKeySecret, text, scope) }
  }

  it('is let in', async () => {
    expect(await authorize(request, services(vector))).toEqual({ accountId: '1' })
  })

  it('is refused for another object, by another secret, to strangers, and too late', async () => {
    const known = services(vector)
    await expect(authorize({ ...request, key: 'other' }, known)).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' })
    await expect(authorize(request, services({ ...vector, accessKeySecret: 'x' }))).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' })
    await expect(authorize(request, services({ ...vector, accessKeyId: 'x' }))).rejects.toMatchObject({
      code: 'InvalidAccessKeyId',
      status: 403,
    })
    const late = { ...known, now: () => nowMs + 8 * 24 * 3600 * 1000 }
    const code = vector.request === undefined ? 'AccessDenied' : 'RequestTimeTooSkewed'
    await expect(authorize(request, late)).rejects.toMatchObject({ code, status: 403 })
  })
})

// The policies in forms are signed by the same two functions; post-object.test.ts sends them.
describe.each(vectors.filter(isForm).map((vector) => [vector.name, vector] as const))('%s', (_, vector) => {
  it('is signed with the same result', () => {
    const scope = { day: '20261122', region: 'cn-shanghai' }
    const { accessKeySecret: secret, stringToSign } = vector
    expect(vector.name.includes('v4') ? signV4(secret, stringToSign, scope) : signV1(secret, stringToSign)).toBe(vector.expectedSignature)
  })
})

it('covers both schemes, in addresses, in headers and in forms', () => {
  expect(vectors.filter(isForm).length).toBe(2)
  expect(vectors.length).toBe(11)
})
