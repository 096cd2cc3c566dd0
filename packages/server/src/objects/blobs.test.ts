// Both places for blobs under one contract. LITTORAL_TEST_S3 (with LITTORAL_OBJECTS_KEY_ID and LITTORAL_OBJECTS_SECRET) names
// a bucket of a real store, below whose prefix everything is removed; without it the bucket is that of test-s3.ts.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { parseObjectLocation } from '../domain/object-location.ts'
import type { Blobs } from './blobs.ts'
import { blobsContract } from './blobs.contract.ts'
import { openDisk } from './disk.ts'
import { signedRequest } from './s3/client.ts'
import { openS3 } from './s3.ts'
import { openTestS3, testBucket, testKey, testRegion, type TestS3 } from './test-s3.ts'

const makeFolder = () => mkdtemp(join(tmpdir(), 'littoral-blobs-'))
const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length

async function countOf(blobs: Blobs): Promise<number> {
  let count = 0
  for await (const _ of blobs.list()) count += 1
  return count
}

blobsContract('the disk', async () => {
  const folder = await makeFolder()
  return {
    blobs: await openDisk(folder),
    reopen: () => openDisk(folder),
    count: () => filesIn(folder),
    cleanUp: () => rm(folder, { recursive: true }),
  }
})

const real = process.env.LITTORAL_TEST_S3
const realKey = { accessKeyId: process.env.LITTORAL_OBJECTS_KEY_ID ?? '', secret: process.env.LITTORAL_OBJECTS_SECRET ?? '' }
const locationAt = (endpoint: string) => parseObjectLocation(`s3://${testBucket}/some/prefix?endpoint=${endpoint}&region=${testRegion}`)

blobsContract(real === undefined ? 'a bucket' : `the bucket ${real}`, async () => {
  const folder = await makeFolder()
  const server = real === undefined ? await openTestS3() : undefined
  const location = real === undefined ? locationAt(server!.endpoint) : parseObjectLocation(real)
  const options = { location, key: real === undefined ? testKey : realKey, now: Date.now, folder, firstPauseMs: 1 }
  const blobs = await openS3(options)
  const opened = [blobs]
  return {
    blobs,
    async reopen() {
      blobs.close()
      opened.push(await openS3(options))
      return opened.at(-1)!
    },
    count: async () => (await filesIn(folder)) + (await countOf(opened.at(-1)!)),
    async cleanUp() {
      const last = opened.at(-1)!
      for await (const sha256 of last.list()) await last.remove(sha256)
      for (const one of opened) one.close()
      await server?.close()
      await rm(folder, { recursive: true })
    },
  }
})

describe('a bucket', () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close()
  })

  async function open(changes: { secret?: string; location?: (server: TestS3) => string; idleMs?: number } = {}) {
    const server = await openTestS3()
    const folder = await makeFolder()
    const location = changes.location === undefined ? locationAt(server.endpoint) : parseObjectLocation(changes.location(server))
    const key = { ...testKey, ...(changes.secret === undefined ? {} : { secret: changes.secret }) }
    const blobs = await openS3({
      location,
      key,
      now: Date.now,
      folder,
      firstPauseMs: 1,
      ...(changes.idleMs === undefined ? {} : { idleMs: changes.idleMs }),
    })
    closers.push(
      () => server.close(),
      () => rm(folder, { recursive: true }),
      () => blobs.close(),
    )
    return { server, folder, blobs }
  }
  async function* one(text: string) {
    yield Buffer.from(text)
  }
  const expected = { maxBytes: 1000 }
  const unavailable = (message: RegExp) => ({
    code: 'ServiceUnavailable',
    cause: expect.objectContaining({ message: expect.stringMatching(message) as string }) as Error,
  })

  it('is asked again when it is busy or a connection breaks', async () => {
    const { server, blobs } = await open()
    server.fates.push('serve', 503, 'cut', 429)
    const { sha256 } = await blobs.store(one('x'), expected)
    expect([...server.objects]).toEqual([[`some/prefix/${sha256}`, Buffer.from('x')]])
    server.fates.push(500, 'cut')
    expect(await blobs.find(sha256)).toEqual({ sizeBytes: 1 })
  })

  it('that stays busy is given up, with its own words in the cause', async () => {
    const { server, blobs, folder } = await open()
    server.fates.push('serve', 503, 503, 503, 503)
    await expect(blobs.store(one('x'), expected)).rejects.toMatchObject(unavailable(/^PUT some\/prefix\/\w+: 503 SlowDown$/))
    expect(await filesIn(folder)).toBe(0)
  })

  it('that does not answer is given up', async () => {
    const { server, blobs } = await open()
    await server.close()
    await expect(blobs.find('a'.repeat(64))).rejects.toMatchObject(unavailable(/ECONNREFUSED/))
  })

  it('that takes the secret for wrong is not asked twice', async () => {
    const { server, blobs } = await open({ secret: 'wrong' })
    await expect(blobs.open('a'.repeat(64))).rejects.toMatchObject(unavailable(/403 SignatureDoesNotMatch/))
    expect(server.asked).toHaveLength(1)
  })

  it('that does not exist is no empty one', async () => {
    const { blobs } = await open({ location: ({ endpoint }) => `s3://another?endpoint=${endpoint}&region=${testRegion}` })
    await expect(blobs.open('a'.repeat(64))).rejects.toMatchObject(unavailable(/404 NoSuchBucket/))
  })

  it('is named in the host where the store wants that', () => {
    const location = parseObjectLocation('s3://packages/site?endpoint=https://s3.example.com:9000&style=host')
    const { url, headers } = signedRequest({ method: 'GET', name: 'site/a b' }, { location, key: testKey, now: () => 0 })
    expect([url, headers.host]).toEqual(['https://packages.s3.example.com:9000/site/a%20b', 'packages.s3.example.com:9000'])
  })

  it('whose bytes are not those of the name lends nothing', async () => {
    const { server, blobs } = await open()
    const { sha256 } = await blobs.store(one('x'), expected)
    server.objects.set(`some/prefix/${sha256}`, Buffer.from('y'))
    await expect(blobs.lend(sha256, () => Promise.resolve(1))).rejects.toThrow('other bytes')
  })

  it('leaves readable what was stored on disk before', async () => {
    const { folder, server, blobs } = await open()
    const { sha256 } = await (await openDisk(folder)).store(one('from the disk'), expected)
    expect(await blobs.find(sha256)).toEqual({ sizeBytes: 13 })
    expect(await blobs.lend(sha256, () => Promise.resolve(1))).toBe(1)
    expect(server.asked).toEqual([])
  })
})

describe('the place of a bucket', () => {
  it('is written as an address', () => {
    expect(parseObjectLocation('s3://packages/site-a?endpoint=https://s3.example.com:9000&region=eu-1')).toEqual({
      bucket: 'packages',
      prefix: 'site-a/',
      endpoint: 'https://s3.example.com:9000',
      region: 'eu-1',
      style: 'path',
    })
    expect(parseObjectLocation('s3://packages')).toMatchObject({ endpoint: 'https://s3.us-east-1.amazonaws.com', prefix: '' })
  })

  it.each([
    ['/var/objects', /must be such as/],
    ['s3://packages?endpoint=s3.example.com', /endpoint/],
    ['s3://packages?endpoint=https://s3.example.com/path', /endpoint/],
    ['s3://packages?regoin=x', /means nothing: regoin/],
    ['s3://id:secret@packages', /variables of its own/],
    ['s3://packages?style=virtual', /style/],
    ['s3://packages/a%2fb', /prefix/],
    ['s3://p', /bucket/],
  ])('is refused as %s', (text, says) => {
    expect(() => parseObjectLocation(text)).toThrow(says)
  })
})
