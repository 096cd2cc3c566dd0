import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { type ClientRequest, request as httpRequest } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pack } from '../../../agent/src/test-packages.ts'
import { parseObjectLocation } from '../domain/object-location.ts'
import { defaultSettings } from '../domain/settings.ts'
import { silentLog } from '../operations/test-context.ts'
import * as records from '../store/iot-edge/objects.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { openObjects, type ServedObjects } from './objects.ts'
import { openTestS3, testBucket, testKey, testRegion } from './test-s3.ts'

// The client has no types of its own.
// oxlint-disable-next-line typescript/no-explicit-any
const OSS: any = createRequire(import.meta.url)('ali-oss')
const packageBytes = 100_000
const accountId = '1000000000000001'

describe('the object store over HTTP', () => {
  let folder: string
  let store: Store
  let app: FastifyInstance
  let objects: ServedObjects
  let origin: string
  let nowMs: number

  beforeEach(async () => {
    nowMs = Date.now()
    folder = await mkdtemp(join(tmpdir(), 'littoral-objects-'))
    store = await openStore({ file: ':memory:' })
    const known = {
      testid: { accountId, secret: 'testsecret', isActive: true },
      other: { accountId: '2', secret: 'testsecret', isActive: true },
    }
    objects = await openObjects({
      folder,
      store,
      now: () => nowMs,
      log: silentLog,
      settings: { limits: { packageBytes } as never },
      credentials: { find: async (id) => known[id as 'testid'] },
    })
    // Else closing waits for connections that the client keeps for later.
    app = fastify({ forceCloseConnections: true })
    void app.register(async (scope) => objects.mount(scope))
    await app.listen({ host: '127.0.0.1', port: 0 })
    origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    await app.close()
    await store.close()
    await rm(folder, { recursive: true })
  })

  const key = `driver/${accountId}/DRIVER_VERSION_CONTENT/d1/1.0.0/1/a b+驱动.zip`
  async function handedOut(method: 'PUT' | 'GET' = 'PUT', of = key): Promise<string> {
    await store.write(async (tx) => records.insert(tx, { key: of, accountId, origin, nowMs }))
    return objects.presign(origin, method, of, nowMs + 300_000)
  }
  const upload = (url: string, body: string | Buffer, headers: Record<string, string> = {}) => fetch(url, { method: 'PUT', body, headers })
  const codeOf = async (answer: Response) => `${answer.status} ${/<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1]}`
  const filesOnDisk = async () => (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length

  it('takes one PUT to the signed address and keeps the bytes by digest', async () => {
    const answer = await upload(await handedOut(), 'zip-bytes')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('etag')).toBe(`"${createHash('md5').update('zip-bytes').digest('hex').toUpperCase()}"`)
    expect(answer.headers.get('x-oss-request-id')).toBeTruthy()
    const sha256 = createHash('sha256').update('zip-bytes').digest('hex')
    expect(await objects.find(key)).toEqual({ sha256, sizeBytes: 9 })
    expect(await objects.findByDigest(sha256)).toMatchObject({ sizeBytes: 9 })
    const read = await fetch(await handedOut('GET'))
    expect([read.status, await read.text()]).toEqual([200, 'zip-bytes'])
  })

  it.each([
    ['no Content-Type', {}],
    ['a Content-Type that was not signed', { 'content-type': 'application/zip' }],
    ['a form type, as curl sends it', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['JSON', { 'content-type': 'application/json' }],
    ['headers of the store', { 'x-oss-object-acl': 'private' }],
  ])('accepts %s on an address of its own', async (_, headers) => {
    expect((await upload(await handedOut(), Buffer.from('x'), headers as Record<string, string>)).status).toBe(200)
  })

  it('refuses an address that is changed, expired, or for another method, in XML', async () => {
    const url = await handedOut()
    expect(await codeOf(await upload(url.replace('1.0.0', '2.0.0'), 'x'))).toBe('403 SignatureDoesNotMatch')
    expect(await codeOf(await upload(await handedOut('GET'), 'x'))).toBe('403 SignatureDoesNotMatch')
    expect(await codeOf(await upload(url.split('?')[0] ?? '', 'x'))).toBe('403 AccessDenied')
    expect(await codeOf(await fetch(url, { method: 'DELETE' }))).toBe('405 MethodNotAllowed')
    expect(await codeOf(await fetch(`${origin}/oss/another-bucket/x`))).toBe('404 NoSuchBucket')
    nowMs += 301_000
    const late = await upload(url, 'x')
    expect(late.headers.get('content-type')).toContain('application/xml')
    expect(await codeOf(late)).toBe('403 AccessDenied')
  })

  it('answers 404 for what was never uploaded', async () => {
    expect(await codeOf(await fetch(await handedOut('GET')))).toBe('404 NoSuchKey')
  })

  /** A PUT without a length, whose sender never stops by itself. */
  function endlessPut(url: string): Promise<{ status: number | undefined; sent: number }> {
    return new Promise((resolve, reject) => {
      let sent = 0
      let isAnswered = false
      const put: ClientRequest = httpRequest(url, { method: 'PUT' }, (answer) => {
        isAnswered = true
        answer.resume().on('end', () => {
          put.destroy()
          resolve({ status: answer.statusCode, sent })
        })
      })
      put.on('error', (error) => (isAnswered ? undefined : reject(error)))
      const chunk = Buffer.alloc(10_000)
      const send = (): void => {
        if (isAnswered || put.destroyed) return
        sent += chunk.length
        put.write(chunk, () => setImmediate(send))
      }
      send()
    })
  }

  it('refuses too much, announced or not, and keeps nothing of it', async () => {
    const before = await filesOnDisk()
    expect(await codeOf(await upload(await handedOut(), Buffer.alloc(packageBytes + 1)))).toBe('400 EntityTooLarge')
    expect((await endlessPut(await handedOut())).status).toBe(400)
    expect(await filesOnDisk()).toBe(before)
    expect((await upload(await handedOut(), Buffer.alloc(packageBytes))).status).toBe(200)
  })

  it('refuses one byte more than the usual 50 MB, with a length and without one', async () => {
    const { packageBytes: usual } = defaultSettings.limits
    const settings = { limits: { packageBytes: usual } as never }
    const usualApp = fastify({ forceCloseConnections: true })
    const served = await openObjects({
      folder,
      store,
      now: () => nowMs,
      log: silentLog,
      settings,
      credentials: { find: async () => undefined },
    })
    void usualApp.register(async (scope) => served.mount(scope))
    await usualApp.listen({ host: '127.0.0.1', port: 0 })
    try {
      expect(usual).toBe(50 * 1024 * 1024)
      const url = (await handedOut()).replace(origin, `http://127.0.0.1:${(usualApp.server.address() as AddressInfo).port}`)
      const before = await filesOnDisk()
      const tooMuch = Buffer.alloc(usual + 1)
      expect(await codeOf(await upload(url, tooMuch))).toBe('400 EntityTooLarge')
      const chunked = { method: 'PUT', body: new Blob([tooMuch]).stream(), duplex: 'half' } as RequestInit
      expect(await codeOf(await fetch(url, chunked))).toBe('400 EntityTooLarge')
      expect(await filesOnDisk()).toBe(before)
      expect((await upload(url, tooMuch.subarray(1))).status).toBe(200)
    } finally {
      await usualApp.close()
    }
  })

  it('keeps nothing of an upload that broke off', async () => {
    const before = await filesOnDisk()
    const url = await handedOut()
    await new Promise<void>((resolve) => {
      const put = httpRequest(url, { method: 'PUT', headers: { 'content-length': 1000 } })
      put.on('error', () => resolve())
      put.write(Buffer.alloc(10), () => setTimeout(() => put.destroy(new Error('gone')), 20))
    })
    await expect.poll(filesOnDisk, { timeout: 5000 }).toBe(before)
    expect(await objects.find(key)).toBeUndefined()
  })

  it('checks Content-MD5', async () => {
    expect(await codeOf(await upload(await handedOut(), 'x', { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }))).toBe('400 InvalidDigest')
  })

  it('never lets a key become a path', async () => {
    const climbing = `driver/${accountId}/../../../../escape`
    const url = await handedOut('PUT', climbing)
    // Given as it is, because URL would fold the segments away.
    const path = url.slice(origin.length)
    expect(path).toContain('/../')
    const status = await new Promise((resolve, reject) => {
      const put = httpRequest(origin, { method: 'PUT', path }, (answer) => resolve(answer.resume().statusCode))
      put.on('error', reject).end('x')
    })
    expect(status).toBe(200)
    expect((await readdir(folder, { recursive: true })).some((path) => path.endsWith(createHash('sha256').update('x').digest('hex')))).toBe(
      true,
    )
    expect(await objects.findByDigest('../../etc/passwd')).toBeUndefined()
  })

  it('knows its own plain addresses from everything else', () => {
    const address = objects.address(origin, key)
    expect(objects.keyOf(address)).toBe(key)
    expect(objects.keyOf(`${address}?Signature=x`)).toBeUndefined()
    expect(objects.keyOf('http://nova.oss-cn-shanghai.aliyuncs.com/driver/x.zip')).toBeUndefined()
    expect(objects.keyOf('not an address')).toBeUndefined()
    expect(objects.keyOf(address.replace('http:', 'ftp:'))).toBeUndefined()
  })

  it('signs the same way after it was opened again, and clears what was left half done', async () => {
    const url = await handedOut()
    const again = await openObjects({
      folder,
      store,
      now: () => nowMs,
      log: silentLog,
      settings: { limits: { packageBytes } as never },
      credentials: { find: async () => undefined },
    })
    expect(again.presign(origin, 'PUT', key, nowMs + 300_000)).toBe(url)
  })

  const client = (options: object = {}) =>
    new OSS({
      endpoint: origin,
      bucket: 'littoral-edge',
      region: 'oss-cn-shanghai',
      accessKeyId: 'testid',
      accessKeySecret: 'testsecret',
      timeout: 5000,
      ...options,
    })

  it.each([
    ['V1', {}],
    ['V1 with the bucket in the path', { sldEnable: true }],
    ['V4', { authorizationV4: true }],
    ['V4 with the bucket in the path', { authorizationV4: true, sldEnable: true }],
  ])("serves the vendor's own client, unmodified, with %s", async (_, options) => {
    const oss = client(options)
    const stored = await oss.put('driver/code 驱动.zip', Buffer.from('zip-bytes'))
    expect(stored.res.status).toBe(200)
    expect((await oss.get('driver/code 驱动.zip')).content.toString()).toBe('zip-bytes')
    expect((await oss.head('driver/code 驱动.zip')).res.headers['content-length']).toBe('9')
    await expect(oss.get('driver/none.zip')).rejects.toMatchObject({ code: 'NoSuchKey', status: 404 })
  })

  /** What the client signs names the bucket in the host, which only exists in the vendor's own name service. */
  function putTo(address: string, body: string, headers: Record<string, string> = {}): Promise<number | undefined> {
    const { host, pathname, search } = new URL(address)
    return new Promise((resolve, reject) => {
      const put = httpRequest(origin, { method: 'PUT', path: pathname + search, headers: { ...headers, host } }, (answer) =>
        resolve(answer.resume().statusCode),
      )
      put.on('error', reject).end(body)
    })
  }

  it("takes a PUT to an address that the vendor's own client has signed, with V1 and with V4", async () => {
    const named = client({ endpoint: origin.replace('127.0.0.1', 'localhost') })
    const v1 = named.signatureUrl('a 驱动.zip', { method: 'PUT', expires: 60 }) as string
    const v4 = (await named.signatureUrlV4('PUT', 60, {}, 'b 驱动.zip')) as string
    expect([v1.includes('Signature='), v4.includes('x-oss-signature-version=OSS4')]).toEqual([true, true])
    expect(await Promise.all([putTo(v1, 'one'), putTo(v4, 'two')])).toEqual([200, 200])
    expect(await Promise.all([putTo(v1.replace('a%20', 'c%20'), 'x'), putTo(v4.replace('b%20', 'c%20'), 'x')])).toEqual([403, 403])
    expect((await client().get('a 驱动.zip')).content.toString()).toBe('one')
    expect((await client().get('b 驱动.zip')).content.toString()).toBe('two')
  })

  it('takes the bucket as the first part of the path, where clients of other languages put it for an address by number', async () => {
    const address = (await handedOut()).replace('/oss/littoral-edge/', '/littoral-edge/')
    expect((await upload(address, 'bytes')).status).toBe(200)
    expect(await codeOf(await fetch(`${origin}/littoral-edge`))).toBe('404 NoSuchBucket')
    expect(await codeOf(await fetch(`${origin}/littoral-edge/none`))).toBe('403 AccessDenied')
  })

  it("tells the vendor's client why it is refused", async () => {
    await expect(client({ accessKeySecret: 'wrong' }).put('x', Buffer.from('x'))).rejects.toMatchObject({
      code: 'SignatureDoesNotMatch',
      status: 403,
    })
    await expect(client({ accessKeyId: 'nobody' }).put('x', Buffer.from('x'))).rejects.toMatchObject({ code: 'InvalidAccessKeyId' })
    await expect(client().put('x', Buffer.alloc(packageBytes + 1))).rejects.toMatchObject({ code: 'EntityTooLarge', status: 400 })
  })

  it('keeps its bytes in a bucket where it is given one, and says when that does not answer', async () => {
    const s3 = await openTestS3()
    const location = parseObjectLocation(`s3://${testBucket}/site?endpoint=${s3.endpoint}&region=${testRegion}`)
    const errors: string[] = []
    const log = { ...silentLog, error: (_: object, message: string) => void errors.push(message) }
    const settings = { limits: { packageBytes } as never }
    const options = { folder, store, now: () => nowMs, log, settings, credentials: { find: async () => undefined } }
    const served = await openObjects({ ...options, s3: { location, key: testKey } })
    const bucketApp = fastify({ forceCloseConnections: true })
    void bucketApp.register(async (scope) => served.mount(scope))
    await bucketApp.listen({ host: '127.0.0.1', port: 0 })
    const there = `http://127.0.0.1:${(bucketApp.server.address() as AddressInfo).port}`
    try {
      const bytes = pack({ 'index.js': 'code' })
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      expect((await upload((await handedOut()).replace(origin, there), bytes)).status).toBe(200)
      expect([...s3.objects]).toEqual([[`site/${sha256}`, bytes]])
      const read = await fetch((await handedOut('GET')).replace(origin, there))
      expect(Buffer.from(await read.arrayBuffer())).toEqual(bytes)
      expect(await served.inspect(key, { runtime: 'nodejs8' })).toEqual({ sha256, sizeBytes: bytes.length })
      expect(await served.text(key)).toContain('index.js')
      s3.fates.push(403, 403)
      expect(await codeOf(await upload((await handedOut()).replace(origin, there), 'other'))).toBe('503 ServiceUnavailable')
      expect(errors).toEqual(['an object request failed'])
      ;(await openObjects({ ...options, s3: { location, key: { ...testKey, secret: 'wrong' } } })).close()
      await expect.poll(() => errors.at(-1), { timeout: 10_000 }).toBe('the bucket of objects does not answer')
    } finally {
      await bucketApp.close()
      served.close()
      await s3.close()
    }
  })

  it("keeps one account's objects from another", async () => {
    await client().put('mine.zip', Buffer.from('x'))
    const other = client({ accessKeyId: 'other' })
    await expect(other.get('mine.zip')).rejects.toMatchObject({ code: 'AccessDenied' })
    await expect(other.put('mine.zip', Buffer.from('y'))).rejects.toMatchObject({ code: 'AccessDenied' })
    await expect(other.put(`driver/${accountId}/new.zip`, Buffer.from('y'))).rejects.toMatchObject({ code: 'AccessDenied' })
  })
})
