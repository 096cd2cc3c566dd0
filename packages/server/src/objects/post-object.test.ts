// Forms with signed policies over HTTP, as the vendor's own client signs them and as browsers and SDKs send them.
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../operations/test-context.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { openObjects, type ServedObjects } from './objects.ts'

// The client has no types of its own.
// oxlint-disable-next-line typescript/no-explicit-any
const OSS: any = createRequire(import.meta.url)('ali-oss')
const packageBytes = 100_000
const accountId = '1000000000000001'
const key = `driver/${accountId}/DRIVER_VERSION_CONTENT/d1/1.0.0/1/code.zip`

let folder: string
let store: Store
let app: FastifyInstance
let objects: ServedObjects
let origin: string
let nowMs: number

beforeEach(async () => {
  nowMs = Date.now()
  folder = await mkdtemp(join(tmpdir(), 'littoral-post-'))
  store = await openStore({ file: ':memory:' })
  const known = {
    testid: { accountId, secret: 'testsecret', isActive: true },
    other: { accountId: '2000000000000002', secret: 'testsecret', isActive: true },
    session: { accountId, secret: 'testsecret', isActive: true, securityToken: 'token' },
  }
  const settings = { limits: { packageBytes } as never }
  const credentials = { find: async (id: string) => known[id as 'testid'] }
  objects = await openObjects({ folder, store, now: () => nowMs, log: silentLog, settings, credentials })
  app = fastify({ forceCloseConnections: true })
  void app.register(async (scope) => objects.mount(scope))
  await app.listen({ host: '127.0.0.1', port: 0 })
  origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
})
afterEach(async () => {
  await app.close()
  objects.close()
  await store.close()
  await rm(folder, { recursive: true })
})

type Fields = Record<string, string>
const policyOf = (...conditions: unknown[]) => ({
  expiration: new Date(nowMs + 60_000).toISOString(),
  conditions: [{ bucket: 'littoral-edge' }, ...conditions],
})
const clientOf = (id: string, secret = 'testsecret') =>
  new OSS({ endpoint: origin, bucket: 'littoral-edge', region: 'oss-cn-shanghai', accessKeyId: id, accessKeySecret: secret })

/** Fields of a form signed by the vendor's client, V1. */
function signedV1(policy: object, id = 'testid'): Fields {
  return { key, ...(clientOf(id).calculatePostSignature(policy) as Fields) }
}

/** The same, V4. */
function signedV4(conditions: unknown[] = [], atMs = nowMs): Fields {
  const date = new Date(atMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const fields = {
    'x-oss-signature-version': 'OSS4-HMAC-SHA256',
    'x-oss-credential': `testid/${date.slice(0, 8)}/cn-shanghai/oss/aliyun_v4_request`,
    'x-oss-date': date,
  }
  const policy = policyOf(...Object.entries(fields).map(([name, value]) => ({ [name]: value })), ...conditions)
  const signature = clientOf('testid').signPostObjectPolicyV4(policy, new Date(atMs)) as string
  return { key, ...fields, policy: Buffer.from(JSON.stringify(policy)).toString('base64'), 'x-oss-signature': signature }
}

function post(
  fields: Fields,
  content: string | Buffer = 'zip-bytes',
  { url = `${origin}/oss/littoral-edge/`, fileName = 'code.zip' } = {},
) {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set('file', new Blob([content as never]), fileName)
  return fetch(url, { method: 'POST', body: form })
}
const codeOf = async (answer: Response) => `${answer.status} ${/<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1]}`
const filesOnDisk = async () => (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length
const storedText = async (at = key) => {
  const found = await objects.find(at)
  return found && { sizeBytes: found.sizeBytes, isRight: found.sha256 === createHash('sha256').update('zip-bytes').digest('hex') }
}

describe('a form', () => {
  it.each([
    ['V1', () => signedV1(policyOf(['starts-with', '$key', 'driver/']))],
    ['V4', () => signedV4([['eq', '$key', key]])],
  ])("signed with %s by the vendor's own client is taken", async (_, fields) => {
    const answer = await post(fields())
    expect([answer.status, await answer.text()]).toEqual([204, ''])
    expect(answer.headers.get('etag')).toBe(`"${createHash('md5').update('zip-bytes').digest('hex').toUpperCase()}"`)
    expect(await storedText()).toEqual({ sizeBytes: 9, isRight: true })
  })

  it('is answered as it asks to be', async () => {
    const ask = async (status: string) => post({ ...signedV1(policyOf()), success_action_status: status })
    expect((await ask('200')).status).toBe(200)
    expect((await ask('302')).status).toBe(204)
    const created = await ask('201')
    expect([created.status, created.headers.get('content-type')]).toEqual([201, 'application/xml'])
    expect(await created.text()).toMatch(
      /<PostResponse>\s*<Bucket>littoral-edge<\/Bucket>\s*<ETag>"\w{32}"<\/ETag>\s*<Key>driver\/.*code\.zip<\/Key>/,
    )
  })

  it('may leave the name to the file', async () => {
    const fields = signedV1(policyOf(['starts-with', '$key', 'driver/']))
    expect((await post({ ...fields, key: 'driver/${filename}' }, 'zip-bytes', { fileName: 'C:\\tmp\\a$&b.zip' })).status).toBe(204)
    expect(await storedText('driver/a$&b.zip')).toBeDefined()
  })

  it('is taken by whatever address the bucket has', async () => {
    for (const url of [`${origin}/oss/littoral-edge`, `${origin}/oss/littoral-edge/?x=1`])
      expect((await post(signedV1(policyOf()), 'x', { url })).status).toBe(204)
    expect(await codeOf(await post(signedV1(policyOf()), 'x', { url: `${origin}/oss/littoral-edge/some-key` }))).toBe(
      '405 MethodNotAllowed',
    )
    expect(await codeOf(await post(signedV1(policyOf()), 'x', { url: `${origin}/oss/another/` }))).toBe('405 MethodNotAllowed')
  })

  it('with a temporary key needs its token', async () => {
    const fields = signedV1(policyOf(), 'session')
    expect((await post({ ...fields, 'x-oss-security-token': 'token' })).status).toBe(204)
    expect(await codeOf(await post(fields))).toBe('403 AccessDenied')
  })

  /** As the vendor's newer SDKs write it: no line end after the content, Host names the bucket, a field after the file. */
  it('of the SDKs that end the file without a line end is taken, whatever the pieces it comes in', async () => {
    const fields = Object.entries({ ...signedV1(policyOf()), success_action_status: '201' })
    const parts = fields.map(([name, value]) => `--bnd\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')
    const file = '--bnd\r\nContent-Disposition: form-data; name="file"; filename="x"\r\nContent-Type: application/zip\r\n\r\nzip-bytes'
    const body = `${parts}${file}--bnd\r\nContent-Disposition: form-data; name="late"\r\n\r\nx\r\n--bnd--\r\n`
    const head = `POST / HTTP/1.1\r\nHost: littoral-edge.oss-cn-shanghai.aliyuncs.com\r\nContent-Type: multipart/form-data; boundary=bnd\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = connect(Number(new URL(origin).port), '127.0.0.1')
      socket
        .setNoDelay(true)
        .on('error', reject)
        .on('data', (chunk) => (text += String(chunk)))
        .on('close', () => resolve(text))
      socket.write(head)
      const send = (at: number): void => void (at < body.length && socket.write(body.slice(at, at + 7), () => setImmediate(send, at + 7)))
      send(0)
    })
    expect(answer).toMatch(/^HTTP\/1.1 201 /)
    expect(await storedText()).toEqual({ sizeBytes: 9, isRight: true })
  })

  it('may hold the boundary within its file', async () => {
    const content = '\r\n--bnd \r\n--bn\r\n-'
    const body = [
      ...Object.entries(signedV1(policyOf())).map(
        ([name, value]) => `--bnd\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      ),
      `--bnd\r\nContent-Disposition: form-data; name=file\r\n\r\n${content}\r\n--bnd--`,
    ].join('')
    const headers = { 'content-type': 'multipart/form-data; charset=utf-8; boundary="bnd"' }
    expect((await fetch(`${origin}/oss/littoral-edge/`, { method: 'POST', body, headers })).status).toBe(204)
    expect((await objects.find(key))?.sha256).toBe(createHash('sha256').update(content).digest('hex'))
  })
})

describe('a form is refused', () => {
  const refusals: [string, () => Fields, string][] = [
    ['without a policy', () => ({ key }), '403 AccessDenied'],
    ['without a key', () => ({ ...signedV1(policyOf()), key: '' }), '400 InvalidArgument'],
    ['by a stranger', () => ({ ...signedV1(policyOf()), OSSAccessKeyId: 'nobody' }), '403 InvalidAccessKeyId'],
    ['with another signature', () => ({ ...signedV1(policyOf()), Signature: 'AAAA' }), '403 SignatureDoesNotMatch'],
    [
      'with another policy than was signed',
      () => ({ ...signedV1(policyOf()), policy: signedV4()['policy']! }),
      '403 SignatureDoesNotMatch',
    ],
    ['after its time', () => signedV1({ expiration: new Date(nowMs - 1).toISOString(), conditions: [] }), '403 AccessDenied'],
    ['for another bucket', () => signedV1({ ...policyOf(), conditions: [{ bucket: 'other' }] }), '403 AccessDenied'],
    ['for another key', () => signedV1(policyOf(['eq', '$key', 'other'])), '403 AccessDenied'],
    ['outside its folder', () => signedV1(policyOf(['starts-with', '$key', 'other/'])), '403 AccessDenied'],
    ['without a field it must have', () => signedV1(policyOf({ 'x-oss-object-acl': 'private' })), '403 AccessDenied'],
    ['that is too large for its policy', () => signedV1(policyOf(['content-length-range', 0, 8])), '400 EntityTooLarge'],
    ['that is too small for its policy', () => signedV1(policyOf(['content-length-range', 10, 100])), '400 EntityTooSmall'],
    ['with a condition nobody knows', () => signedV1(policyOf(['ends-with', '$key', '.zip'])), '400 InvalidPolicyDocument'],
    ['without an end in time', () => signedV1({ conditions: [] }), '400 InvalidPolicyDocument'],
    ['signed a week ago', () => signedV4([], nowMs - 8 * 24 * 3600_000), '403 AccessDenied'],
    ["into another account's folder", () => signedV1(policyOf(), 'other'), '403 AccessDenied'],
    ['with a field that is too long', () => ({ ...signedV1(policyOf()), note: 'x'.repeat(70_000) }), '400 FieldItemTooLong'],
    [
      'with too many fields',
      () => ({ ...Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`f${n}`, 'x'])), ...signedV1(policyOf()) }),
      '400 MalformedPOSTRequest',
    ],
    [
      'whose content is not what it says',
      () => ({ ...signedV1(policyOf()), 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }),
      '400 InvalidDigest',
    ],
  ]

  it.each(refusals)('%s, and leaves nothing', async (_, fields, code) => {
    const before = await filesOnDisk()
    expect(await codeOf(await post(fields()))).toBe(code)
    expect(await filesOnDisk()).toBe(before)
    expect(await storedText()).toBeUndefined()
  })

  it('for more bytes than a package may have, however much its policy allows', async () => {
    const fields = signedV1(policyOf(['content-length-range', 0, 1_000_000_000]))
    expect(await codeOf(await post(fields, Buffer.alloc(packageBytes + 1)))).toBe('400 EntityTooLarge')
    expect((await post(fields, Buffer.alloc(packageBytes))).status).toBe(204)
  })

  it('when it is no form, has no file, or ends too early', async () => {
    const send = (body: string, type = 'multipart/form-data; boundary=bnd') =>
      fetch(`${origin}/oss/littoral-edge/`, { method: 'POST', body, headers: { 'content-type': type } })
    expect(await codeOf(await send('a=b', 'application/x-www-form-urlencoded'))).toBe('400 MalformedPOSTRequest')
    expect(await codeOf(await send('', 'multipart/form-data'))).toBe('400 MalformedPOSTRequest')
    expect(await codeOf(await send('--bnd\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n--bnd--'))).toBe(
      '400 MalformedPOSTRequest',
    )
    expect(await codeOf(await send('--bnd\r\nContent-Disposition: form-data\r\n\r\nx'))).toBe('400 MalformedPOSTRequest')
    expect(await codeOf(await send('no boundary'.repeat(2000)))).toBe('400 FieldItemTooLong')
    const fields = Object.entries(signedV1(policyOf())).map(
      ([name, value]) => `--bnd\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    )
    const cut = `${fields.join('')}--bnd\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf`
    const before = await filesOnDisk()
    expect(await codeOf(await send(cut))).toBe('400 IncompleteBody')
    expect(await filesOnDisk()).toBe(before)
  })
})
