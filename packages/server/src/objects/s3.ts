// Blobs in a bucket of an S3-compatible store. An upload is first written down here, because a bucket wants to know length
// and digest before the first byte; it then becomes one PUT, which the store takes whole or not at all. Opened by
// object-store.ts.
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { type Blobs, isDigest, type StoredBytes } from './blobs.ts'
import { openDisk } from './disk.ts'
import { openDrafts } from './drafts.ts'
import { OssError } from './oss-error.ts'
import { openS3Client, type S3Call, type S3Client, S3Error, type S3Options } from './s3/client.ts'

export interface S3BlobsOptions extends S3Options {
  /** For uploads on their way, and for what was stored before the installation had a bucket: that stays readable. */
  readonly folder: string
}

const maxListBytes = 4 * 1024 * 1024

export async function openS3({ folder, ...options }: S3BlobsOptions): Promise<Blobs> {
  const disk = await openDisk(folder)
  const drafts = await openDrafts(join(folder, 's3-drafts'))
  const client = openS3Client(options)
  const { prefix } = options.location
  const reach = reaching(client, prefix, disk)
  return {
    find: (sha256) => reach.find(sha256),
    open: (sha256, range) => reach.open(sha256, range),
    remove: (sha256) => reach.remove(sha256),
    store: (content, expected) =>
      drafts.write(content, expected, async (path, stored) => {
        if ((await reach.find(stored.sha256)) === undefined) await reach.put(path, stored)
        return stored
      }),
    async lend(sha256, use) {
      const content = await reach.open(sha256)
      if (content === undefined) return undefined
      return drafts.write(content as AsyncIterable<Buffer>, { maxBytes: Number.MAX_SAFE_INTEGER }, (path, stored) => {
        if (stored.sha256 !== sha256) throw new S3Error(`the object ${sha256} has other bytes than its name says`)
        return use(path)
      })
    },
    async *list() {
      yield* disk.list()
      yield* listDigests(client, prefix)
    },
    close: () => client.close(),
  }
}

interface Reach extends Pick<Blobs, 'find' | 'open' | 'remove'> {
  put(path: string, stored: StoredBytes): Promise<void>
}

/** Single blobs, wherever they are: on disk from before, else in the bucket. */
function reaching(client: S3Client, prefix: string, disk: Blobs): Reach {
  const call = (sha256: string, one: Omit<S3Call, 'name'>) => ask(client, { ...one, name: prefix + sha256 })
  return {
    async find(sha256) {
      if (!isDigest(sha256)) return undefined
      const kept = await disk.find(sha256)
      if (kept !== undefined) return kept
      const head = await call(sha256, { method: 'HEAD' })
      head?.resume()
      return head && { sizeBytes: Number(head.headers['content-length']) }
    },
    async open(sha256, range) {
      if (!isDigest(sha256)) return undefined
      const kept = await disk.open(sha256, range)
      if (kept !== undefined) return kept
      return call(sha256, { method: 'GET', headers: range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` } })
    },
    async put(path, { sha256, sizeBytes }) {
      const answer = await call(sha256, { method: 'PUT', file: { path, sha256, sizeBytes } })
      if (answer === undefined) throw new OssError('ServiceUnavailable', 'The store behind this one does not take objects.')
      answer.resume()
    },
    async remove(sha256) {
      if (!isDigest(sha256)) return
      await disk.remove(sha256)
      ;(await call(sha256, { method: 'DELETE' }))?.resume()
    },
  }
}

async function ask(client: S3Client, call: S3Call): Promise<IncomingMessage | undefined> {
  try {
    return await client.call(call)
  } catch (cause) {
    throw new OssError('ServiceUnavailable', 'The store behind this one does not answer as it should.', { cause })
  }
}

async function* listDigests(client: S3Client, prefix: string): AsyncGenerator<string> {
  let token: string | undefined
  do {
    const query = { 'list-type': '2', prefix, ...(token === undefined ? {} : { 'continuation-token': token }) }
    const answer = await ask(client, { method: 'GET', name: '', query })
    if (answer === undefined) throw new OssError('ServiceUnavailable', 'There is no such bucket.')
    const text = await readText(answer)
    for (const [, key = ''] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) if (isDigest(key.slice(prefix.length))) yield key.slice(prefix.length)
    token = /<NextContinuationToken>([^<]+)<\/NextContinuationToken>/.exec(text)?.[1]?.replaceAll('&amp;', '&')
  } while (token !== undefined)
}

async function readText(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > maxListBytes) throw new S3Error('the list of objects is too long')
  }
  return text
}
