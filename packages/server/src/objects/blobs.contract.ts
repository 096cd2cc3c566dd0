// What every place for blobs must do, whatever it stands on. The numbers in titles are the rules at the head of blobs.ts.
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Blobs } from './blobs.ts'

export interface BlobsSubject {
  readonly blobs: Blobs
  /** The same place for the next process, after this one was closed. */
  reopen(): Promise<Blobs>
  /** Number of files and stored objects, whatever they are. */
  count(): Promise<number>
  cleanUp(): Promise<void>
}

export function blobsContract(title: string, open: () => Promise<BlobsSubject>): void {
  describe(`${title} keeps to the contract of blobs`, () => {
    let subject: BlobsSubject
    let blobs: Blobs
    beforeEach(async () => {
      subject = await open()
      blobs = subject.blobs
    })
    afterEach(() => subject.cleanUp())

    const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    const md5Of = (bytes: Buffer) => createHash('md5').update(bytes).digest('base64')
    async function* pieces(bytes: Buffer, size = 70_000): AsyncGenerator<Buffer> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    const store = (bytes: Buffer, expected: object = {}) => blobs.store(pieces(bytes), { maxBytes: 10_000_000, ...expected })
    async function read(stream: Readable | undefined): Promise<Buffer | undefined> {
      if (stream === undefined) return undefined
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    }
    async function digests(from = blobs): Promise<string[]> {
      const found: string[] = []
      for await (const sha256 of from.list()) found.push(sha256)
      return found.toSorted()
    }

    it('keeps what it is given under its digest, also for the next process (1)', async () => {
      const bytes = randomBytes(300_000)
      const stored = await store(bytes)
      expect(stored).toEqual({ sha256: sha256Of(bytes), md5: md5Of(bytes), sizeBytes: bytes.length })
      const again = await subject.reopen()
      expect(await again.find(stored.sha256)).toEqual({ sizeBytes: bytes.length })
      expect((await read(await again.open(stored.sha256)))?.equals(bytes)).toBe(true)
    })

    it('is content with nothing at all', async () => {
      const { sha256 } = await store(Buffer.alloc(0))
      expect(await blobs.find(sha256)).toEqual({ sizeBytes: 0 })
      expect(await read(await blobs.open(sha256))).toEqual(Buffer.alloc(0))
    })

    it('keeps equal bytes once (1)', async () => {
      const before = await subject.count()
      const [first, second] = await Promise.all([store(Buffer.from('same')), store(Buffer.from('same'))])
      expect(first).toEqual(second)
      await store(Buffer.from('same'))
      expect(await subject.count()).toBe(before + 1)
    })

    it('gives out a part', async () => {
      const { sha256 } = await store(Buffer.from('0123456789'))
      expect(String(await read(await blobs.open(sha256, { start: 3, end: 6 })))).toBe('3456')
      expect(String(await read(await blobs.open(sha256, { start: 9, end: 9 })))).toBe('9')
    })

    it('lends a file with the bytes, and leaves no copy of it', async () => {
      const bytes = randomBytes(100_000)
      const { sha256 } = await store(bytes)
      const before = await subject.count()
      expect(await blobs.lend(sha256, async (path) => (await readFile(path)).equals(bytes))).toBe(true)
      await expect(blobs.lend(sha256, () => Promise.reject(new Error('enough')))).rejects.toThrow('enough')
      expect(await subject.count()).toBe(before)
    })

    it('lists what it has, and no more once it is removed', async () => {
      const stored = await Promise.all([store(Buffer.from('a')), store(Buffer.from('b')), store(Buffer.from('c'))])
      expect(await digests()).toEqual(stored.map(({ sha256 }) => sha256).toSorted())
      const [first] = stored
      await blobs.remove(first!.sha256)
      await blobs.remove(first!.sha256)
      expect(await digests()).toHaveLength(2)
      expect(await blobs.find(first!.sha256)).toBeUndefined()
      expect(await blobs.open(first!.sha256)).toBeUndefined()
      expect(await blobs.lend(first!.sha256, () => Promise.resolve(1))).toBeUndefined()
    })

    it.each(['0'.repeat(64), '../../../etc/passwd', '', 'A'.repeat(64), '?list-type=2'])('does not know %s (2)', async (name) => {
      expect(await blobs.find(name)).toBeUndefined()
      expect(await blobs.open(name)).toBeUndefined()
      await blobs.remove(name)
    })

    it.each([
      ['more than it may be', { maxBytes: 99_999 }, 'EntityTooLarge'],
      ['less than it has to be', { minBytes: 100_001 }, 'EntityTooSmall'],
      ['other bytes than announced', { md5: md5Of(Buffer.from('other')) }, 'InvalidDigest'],
    ])('keeps nothing of %s (3)', async (_, expected, code) => {
      const before = await subject.count()
      await expect(store(Buffer.alloc(100_000), expected)).rejects.toMatchObject({ code })
      expect(await subject.count()).toBe(before)
      expect(await digests()).toEqual([])
    })

    it('reads no further than the bound (3)', async () => {
      let given = 0
      async function* endless() {
        for (;;) {
          given += 1000
          yield Buffer.alloc(1000)
        }
      }
      await expect(blobs.store(endless(), { maxBytes: 5000 })).rejects.toMatchObject({ code: 'EntityTooLarge' })
      expect(given).toBe(6000)
    })

    it('keeps nothing of what breaks off (3)', async () => {
      const before = await subject.count()
      async function* broken() {
        yield Buffer.from('beginning')
        throw new Error('connection reset')
      }
      await expect(blobs.store(broken(), { maxBytes: 5000 })).rejects.toThrow('connection reset')
      expect(await subject.count()).toBe(before)
    })
  })
}
