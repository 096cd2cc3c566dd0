import type { InjectOptions } from 'fastify'
import { XMLParser } from 'fast-xml-parser'
import { describe, expect, it } from 'vitest'
import { Fault } from '@littoral/contract/errors'
import { authorize } from './authorize.ts'
import { failure } from './reply.ts'
import { createRegistry } from './registry.ts'
import { iotVersion, startMs, testApp, testFamilies, toQuery, v1Query, v3Request } from './test-app.ts'

const get = (query: string) => ({ method: 'GET' as const, url: `/?${query}` })
const uuid = /^[\dA-F]{8}(-[\dA-F]{4}){3}-[\dA-F]{12}$/

describe('a call that succeeds', () => {
  it('is answered with its fields and the request id, in the headers too', async () => {
    const answer = await testApp().app.inject(v3Request({ action: 'Echo', body: 'Name=web' }))
    expect(answer.json()).toMatchObject({
      Input: { Name: 'web', origin: 'http://127.0.0.1:8080' },
      List: [{ Id: 1 }, { Id: 2 }],
      RequestId: expect.stringMatching(uuid),
    })
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json;charset=utf-8',
      'x-acs-request-id': answer.json().RequestId,
      'x-acs-trace-id': expect.stringMatching(/^[\da-f]{32}$/),
      'access-control-allow-origin': '*',
      'access-control-expose-headers': '*',
    })
    expect(answer.headers['content-encoding']).toBeUndefined()
  })

  it('has the iot envelope where the family has one', async () => {
    const answer = await testApp().app.inject(get(v1Query({ Action: 'Echo', Version: iotVersion, Name: 'web' })))
    expect(answer.json()).toMatchObject({ RequestId: expect.stringMatching(uuid), Success: true, Code: 'Success' })
  })

  it('is the same wherever its parameters travel', async () => {
    const { app } = testApp()
    const all = v1Query({ Action: 'Echo', Name: 'web', Size: '5' }, { method: 'POST' })
    const split = v1Query({ Action: 'Echo', Name: 'web', Size: '5' }, { method: 'POST' }).split('&')
    const form = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }
    const own = (part: string) => /^(Name|Size)=/.test(part)
    const requests = [
      v3Request({
        action: 'Echo',
        query: [
          ['Name', 'web'],
          ['Size', '5'],
        ],
      }),
      v3Request({ action: 'Echo', query: [['Name', 'web']], body: 'Size=5' }),
      v3Request({
        action: 'Echo',
        method: 'GET',
        query: [
          ['Name', 'other'],
          ['Size', '5'],
        ],
        body: 'Name=web',
      }),
      v3Request({ action: 'Echo', body: '{"Name":"web","Size":5}', headers: { 'content-type': 'application/json; charset=utf-8' } }),
      v3Request({ action: 'Echo', body: '\uFEFF{"Name":"web","Size":5}', headers: { 'content-type': 'application/json' } }),
      { method: 'POST' as const, url: '/', headers: form, body: all },
      {
        method: 'POST' as const,
        url: `/?${split.filter((part) => !own(part)).join('&')}`,
        headers: form,
        body: split.filter(own).join('&'),
      },
      { method: 'POST' as const, url: '/', body: Buffer.from(v1Query({ Action: 'Echo', Name: 'web', Size: '5' }, { method: 'POST' })) },
    ]
    for (const request of requests) {
      const answer = await app.inject(request)
      expect(answer.json()).toMatchObject({ Input: { Name: 'web', Size: 5 } })
    }
  })

  it('takes an object or a list of a JSON body for a parameter that is JSON text, and nothing else', async () => {
    const { app } = testApp()
    const ask = async (Text: unknown) => {
      const body = JSON.stringify({ Name: 'web', Text })
      const answer = await app.inject(v3Request({ action: 'Echo', body, headers: { 'content-type': 'application/json' } }))
      return answer.json<{ Input?: { Text: string }; Message: string }>()
    }
    expect((await ask([{ format: 'JSON' }])).Input?.Text).toBe('[{"format":"JSON"}]')
    for (const wrong of [{ format: 'JSON' }, [{}], 5, true]) expect((await ask(wrong)).Message).toContain('Text')
    expect((await ask([{}])).Message).toContain('format')
  })

  it.each(['garbage', 'text/', 'multipart/form-data', 'application/octet-stream', ';;'])('accepts any content type: %s', async (type) => {
    const request = v3Request({ action: 'Echo', query: [['Name', 'web']], body: 'bytes', headers: { 'content-type': type } })
    expect((await testApp().app.inject(request)).statusCode).toBe(200)
  })

  it('is XML when Format or, for V3, Accept asks for it', async () => {
    const { app } = testApp()
    const byFormat = await app.inject(get(v1Query({ Action: 'Echo', Name: 'web', Format: 'xml' })))
    const byAccept = await app.inject(v3Request({ action: 'Echo', body: 'Name=web', headers: { accept: 'application/xml' } }))
    for (const answer of [byFormat, byAccept]) {
      expect(answer.headers['content-type']).toBe('text/xml;charset=utf-8')
      const { EchoResponse: root } = new XMLParser().parse(answer.body)
      expect(root).toMatchObject({ List: { Entry: [{ Id: 1 }, { Id: 2 }] }, Tags: ['a<b', 'c'], RequestId: expect.stringMatching(uuid) })
    }
  })

  it('may have a parameter of its own that is called like one of the gateway', async () => {
    const answer = await testApp().app.inject(v3Request({ action: 'Formatted', query: [['Format', 'KV']] }))
    expect(answer.json()).toMatchObject({ Input: { Format: 'KV' } })
  })

  it('counts parameters that nobody declared, and tells of them once', async () => {
    const { app, lines } = testApp()
    for (let round = 0; round < 3; round += 1) await app.inject(v3Request({ action: 'Echo', body: 'Name=web&RegionId=x&Wrong=secret' }))
    const told = lines.filter((line) => line.message.startsWith('unknown parameters'))
    expect(told).toEqual([{ level: 'warn', message: expect.any(String), fields: { action: 'Echo', parameters: ['Wrong'] } }])
  })
})

describe('a call that fails', () => {
  const v3 = (headers: Record<string, string>) => {
    const request = v3Request({ action: 'Echo', body: 'Name=web' })
    return { ...request, headers: { ...request.headers, ...headers } }
  }
  const v1 = (parameters: Record<string, string>) => get(v1Query({ Action: 'Echo', Name: 'web', ...parameters }))

  it.each<[string, InjectOptions, number, string]>([
    ['no action', { method: 'GET', url: '/' }, 400, 'MissingAction'],
    ['no version', get('Action=Echo'), 400, 'MissingVersion'],
    ['an unknown version', v1({ Version: '2000-01-01' }), 400, 'InvalidVersion'],
    ['an unknown action', v1({ Action: 'echo' }), 404, 'InvalidAction.NotFound'],
    ['an odd format', v1({ Format: 'YAML' }), 400, 'InvalidParameter.Format'],
    ['no key', get('Action=Echo&Version=2024-09-10'), 400, 'MissingAccessKeyId'],
    ['no signature', get('Action=Echo&Version=2024-09-10&AccessKeyId=testid'), 400, 'MissingSignature'],
    ['no timestamp', v1({ Timestamp: '' }), 400, 'MissingTimestamp'],
    ['no nonce', v1({ SignatureNonce: '' }), 400, 'MissingSignatureNonce'],
    ['a huge nonce', v1({ SignatureNonce: 'n'.repeat(129) }), 400, 'InvalidSignatureNonce'],
    ['another signature method', v1({ SignatureMethod: 'HMAC-SHA256' }), 400, 'InvalidSignatureMethod'],
    ['a date that does not exist', v1({ Timestamp: '2026-13-01T00:00:00Z' }), 400, 'InvalidTimeStamp.Format'],
    ['a session key without a token', v1({ AccessKeyId: 'STS.unknown' }), 400, 'MissingSecurityToken'],
    ['an unknown session key', v1({ AccessKeyId: 'STS.unknown', SecurityToken: 't' }), 404, 'InvalidAccessKeyId.NotFound'],
    ['a token with a permanent key', v1({ SecurityToken: 't' }), 400, 'InvalidSecurityToken.Malformed'],
    [
      'an action only in an unsigned header',
      { ...get(v1Query({ Name: 'web' })), headers: { 'x-acs-action': 'Echo' } },
      400,
      'MissingAction',
    ],
    ['an Authorization without a list', v3({ authorization: 'ACS3-HMAC-SHA256 Credential=testid' }), 400, 'IncompleteSignature'],
    [
      'too short a list',
      v3({ authorization: 'ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=host,Signature=00' }),
      400,
      'IncompleteSignature',
    ],
    ['a token that is not signed', v3({ 'x-acs-security-token': 't' }), 400, 'IncompleteSignature'],
    ['RSA', v3({ authorization: 'ACS3-RSA-SHA256 Credential=testid,SignedHeaders=host,Signature=00' }), 400, 'InvalidSignatureMethod'],
    [
      'a path-style signature',
      { ...get('Action=Echo&Version=2024-09-10'), headers: { authorization: 'acs testid:c2ln' } },
      400,
      'InvalidSignatureMethod',
    ],
    [
      'another Authorization',
      { ...get('Action=Echo&Version=2024-09-10'), headers: { authorization: 'Basic eDp5' } },
      400,
      'IncompleteSignature',
    ],
    ['a bearer type with a Signature', v1({ SignatureType: 'BEARERTOKEN', BearerToken: 'b' }), 400, 'InvalidBearerToken'],
    ['a bearer type without a token', v1({ SignatureType: 'BEARERTOKEN' }), 400, 'MissingBearerToken'],
    ['a parameter that is missing', v3Request({ action: 'Echo', version: iotVersion }), 400, 'MissingName'],
    ['a value that is wrong', v3Request({ action: 'Echo', body: 'Name=toolongname' }), 400, 'InvalidParameter.Name'],
    [
      'a body that is not JSON',
      v3Request({ action: 'Echo', body: '{', headers: { 'content-type': 'application/json' } }),
      400,
      'MalformedBody',
    ],
    ['a compressed body', v3Request({ action: 'Echo', body: 'Name=web', headers: { 'content-encoding': 'gzip' } }), 400, 'MalformedBody'],
    ['HEAD', { method: 'HEAD', url: '/?Action=Echo' }, 400, 'UnsupportedHTTPMethod'],
    ['PUT', { method: 'PUT', url: '/' }, 400, 'UnsupportedHTTPMethod'],
    ['another path', { method: 'GET', url: '/nowhere?a=b' }, 404, 'InvalidAction.NotFound'],
    ['a broken path', { method: 'GET', url: '/%zz' }, 400, 'MalformedRequest'],
  ])('says so: %s', async (_what, request, status, code) => {
    const answer = await testApp().app.inject(request)
    // An answer to HEAD has no body.
    expect([answer.statusCode, request.method === 'HEAD' ? code : answer.json().Code]).toEqual([status, code])
  })

  it('has an envelope whose fields are all text, in JSON and XML', async () => {
    const { app } = testApp()
    const json = (await app.inject({ ...v1({ Name: 'x' }), headers: { host: '127.0.0.1:18080' } })).json()
    expect(json).toEqual({
      RequestId: expect.stringMatching(uuid),
      Message: expect.stringContaining('Name must have at least 2 characters.'),
      HostId: '127.0.0.1:18080',
      Code: 'InvalidParameter.Name',
      Recommend: 'http://127.0.0.1:18080/errors/InvalidParameter.Name',
    })
    const xml = await app.inject(v1({ Name: 'x', Format: 'XML' }))
    expect(xml.headers['content-type']).toBe('text/xml;charset=utf-8')
    expect(new XMLParser().parse(xml.body).Error).toMatchObject({ Code: 'InvalidParameter.Name', RequestId: expect.stringMatching(uuid) })
  })

  it('has a page behind its Recommend', async () => {
    const { app } = testApp()
    for (const code of ['InvalidParameter.Name', 'MissingAppId', 'SignatureDoesNotMatch']) {
      const page = await app.inject({ method: 'GET', url: `/errors/${code}` })
      expect(page.statusCode).toBe(200)
      expect(page.body).toContain(code)
    }
    expect((await app.inject({ method: 'GET', url: '/errors/nothing' })).json()).toMatchObject({ Code: 'InvalidAction.NotFound' })
  })

  it('is an HTTP 200 with Success false only for business faults of an iot family', async () => {
    const { app } = testApp()
    const iot = await app.inject(
      v3Request({
        action: 'Echo',
        version: iotVersion,
        query: [
          ['Name', 'web'],
          ['Outcome', 'business'],
        ],
      }),
    )
    expect([iot.statusCode, iot.json()]).toEqual([
      200,
      { RequestId: expect.any(String), Success: false, Code: 'iot.common.InvalidParam', ErrorMessage: 'No.' },
    ])
    const plain = await app.inject(
      v3Request({
        action: 'Echo',
        query: [
          ['Name', 'web'],
          ['Outcome', 'business'],
        ],
      }),
    )
    expect([plain.statusCode, plain.json().Code]).toEqual([400, 'iot.common.InvalidParam'])
  })

  it('keeps the reason of a crash to the log, and parameters out of it', async () => {
    const { app, lines } = testApp()
    const answer = await app.inject(
      v3Request({
        action: 'Echo',
        query: [
          ['Name', 'web'],
          ['Outcome', 'crash'],
          ['Note', 'pass-phrase'],
        ],
      }),
    )
    expect(answer.statusCode).toBe(500)
    expect(answer.body).not.toContain('hunter2')
    const error = lines.find((line) => line.level === 'error')
    expect(error?.fields).toMatchObject({
      requestId: answer.json().RequestId,
      action: 'Echo',
      error: expect.stringContaining('the database said'),
    })
    expect(JSON.stringify(lines)).not.toContain('pass-phrase')
  })

  it('is an internal error when the answer breaks its own schema, outside production', async () => {
    const request = () =>
      v3Request({
        action: 'Echo',
        query: [
          ['Name', 'web'],
          ['Outcome', 'wrong'],
        ],
      })
    expect((await testApp().app.inject(request())).statusCode).toBe(500)
    expect((await testApp({ isOutputChecked: false }).app.inject(request())).statusCode).toBe(200)
  })

  it('warns of a fault that the operation does not declare', async () => {
    const { app, lines } = testApp()
    await app.inject(
      v3Request({
        action: 'Echo',
        query: [
          ['Name', 'web'],
          ['Outcome', 'fault'],
        ],
      }),
    )
    expect(lines).toContainEqual({
      level: 'warn',
      message: 'the operation does not declare this fault',
      fields: expect.objectContaining({ fault: 'InvalidApp.NotFound' }),
    })
  })
})

describe('a signature that does not match', () => {
  it('is answered with our string to sign in the words that old clients parse, and logged without it', async () => {
    const { app, lines } = testApp()
    const query = v1Query({ Action: 'Echo', Name: 'web' }).replace('Name=web', 'Name=hunter2')
    const { Message } = (await app.inject(get(query))).json()
    expect(Message).toMatch(
      /^Specified signature is not matched with our calculation\. server string to sign is:GET&%2F&AccessKeyId%3Dtestid%26/,
    )
    expect(Message.split(':')).toHaveLength(2)
    expect(JSON.stringify(lines)).not.toContain('hunter2')
    expect(lines.at(-1)).toMatchObject({
      level: 'info',
      message: 'call',
      fields: { status: 400, code: 'SignatureDoesNotMatch', action: 'Echo' },
    })
  })

  it('is answered with both texts of V3', async () => {
    const request = v3Request({ action: 'Echo', body: 'Name=web' })
    const { Message } = (await testApp().app.inject({ ...request, body: 'Name=wab' })).json()
    expect(Message).toMatch(
      /^Specified signature does not match our calculation\. server StringToSign is \[ACS3-HMAC-SHA256\n[\da-f]{64}\] server CanonicalRequest is \[POST\n\/\n\n/,
    )
  })

  it('does not use up the nonce, but a good one does, in both directions of the window', async () => {
    const { app, clock } = testApp()
    const query = v1Query({ Action: 'Echo', Name: 'web' })
    expect((await app.inject(get(query.replace('Name=web', 'Name=wab')))).statusCode).toBe(400)
    const codes = await Promise.all([get(query), get(query)].map(async (request) => (await app.inject(request)).json().Code))
    expect(new Set(codes)).toEqual(new Set(['SignatureNonceUsed', undefined]))
    clock.nowMs = startMs + 15 * 60_000
    expect((await app.inject(get(query))).json().Code).toBe('SignatureNonceUsed')
    clock.nowMs += 1000
    expect((await app.inject(get(query))).json().Code).toBe('InvalidTimeStamp.Expired')
  })
})

describe('call rates', () => {
  const call = () => v3Request({ action: 'Limited' })

  it('are kept per operation, and say when to try again', async () => {
    const { app, clock } = testApp()
    const answers = [await app.inject(call()), await app.inject(call()), await app.inject(call())]
    expect(answers.map((answer) => answer.statusCode)).toEqual([200, 200, 400])
    expect(answers[2]?.json().Code).toBe('Throttling.User')
    expect(answers[2]?.headers['x-acs-retry-after']).toBe('500')
    expect(answers[0]?.headers['x-acs-retry-after']).toBeUndefined()
    clock.nowMs += 500
    expect((await app.inject(call())).statusCode).toBe(200)
    expect((await app.inject(call())).statusCode).toBe(400)
    expect((await app.inject(v3Request({ action: 'Echo', body: 'Name=web' }))).statusCode).toBe(200)
  })
})

describe('rights', () => {
  it('are denied to whoever is not the owner, with the details the SDKs expose', () => {
    const served = createRegistry(testFamilies).find('2024-09-10', 'Echo')
    const someone = { accountId: '1', accessKeyId: 'x', kind: 'SubUser' } as unknown as Parameters<typeof authorize>[0]
    expect(() => authorize({ accountId: '1', accessKeyId: 'x', kind: 'root' }, served)).not.toThrow()
    let fault: unknown
    try {
      authorize(someone, served)
    } catch (error) {
      fault = error
    }
    expect(fault).toBeInstanceOf(Fault)
    const answer = failure(fault, { requestId: 'R', format: 'json', origin: 'http://h' }, served)
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.body)).toMatchObject({
      Code: 'NoPermission',
      Message: 'You are not authorized to do this action. Resource: acs:esa:*:1:* Action: esa:Echo',
      AccessDeniedDetail: {
        AuthAction: 'esa:Echo',
        AuthPrincipalType: 'SubUser',
        AuthPrincipalOwnerId: '1',
        NoPermissionType: 'ImplicitDeny',
      },
    })
  })
})

describe('browsers and mounts', () => {
  it('may ask beforehand', async () => {
    const answer = await testApp().app.inject({
      method: 'OPTIONS',
      url: '/?a=b',
      headers: { 'access-control-request-headers': 'x-acs-date' },
    })
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toBe('')
    expect(answer.headers).toMatchObject({ 'access-control-allow-headers': 'x-acs-date', 'access-control-max-age': '172800' })
  })

  it('leave the routes of other parts their own parsers, queries and errors', async () => {
    const { app } = testApp({
      mounts: [
        (scope) => {
          scope.removeAllContentTypeParsers()
          scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
          scope.put('/oss/*', async (request) => ({ body: request.body, query: request.query }))
          scope.get('/fails', async () => Promise.reject(new Error('hunter2')))
        },
      ],
    })
    const stored = await app.inject({ method: 'PUT', url: '/oss/key?x=1', headers: { 'content-type': 'application/zip' }, body: 'zip' })
    expect(stored.json()).toEqual({ body: 'zip', query: { x: '1' } })
    const failed = await app.inject({ method: 'GET', url: '/fails' })
    expect(failed.json()).toMatchObject({ Code: 'InternalError' })
    expect(failed.body).not.toContain('hunter2')
    expect((await app.inject(get(toQuery([['Action', 'Echo']])))).json().Code).toBe('MissingVersion')
  })
})
