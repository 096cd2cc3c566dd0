// Uploads on their way: written to a file of their own while their digests are computed, so that a blob gets its name, and
// a bucket its Content-Length, only when everything is known. Used by disk.ts and s3.ts.
import { createHash, randomBytes } from 'node:crypto'
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import type { Expected, StoredBytes } from './blobs.ts'
import { OssError } from './oss-error.ts'

export interface Drafts {
  /** Writes the content down and lends the file to `use`, which may move it; nothing of it is left afterwards. */
  write<T>(content: AsyncIterable<Buffer>, expected: Expected, use: (path: string, stored: StoredBytes) => Promise<T>): Promise<T>
}

/** Opens the folder, creating it; removes what unfinished uploads left behind. */
export async function openDrafts(folder: string): Promise<Drafts> {
  await fs.rm(folder, { recursive: true, force: true })
  await fs.mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    async write(content, expected, use) {
      const path = join(folder, randomBytes(16).toString('hex'))
      try {
        const stored = await writeDraft(path, content, expected.maxBytes)
        if (stored.sizeBytes < (expected.minBytes ?? 0))
          throw new OssError('EntityTooSmall', `The object is smaller than ${expected.minBytes} bytes.`)
        if (expected.md5 !== undefined && expected.md5 !== stored.md5)
          throw new OssError('InvalidDigest', 'The content does not match Content-MD5.')
        return await use(path, stored)
      } finally {
        await fs.rm(path, { force: true })
      }
    },
  }
}

async function writeDraft(path: string, content: AsyncIterable<Buffer>, maxBytes: number): Promise<StoredBytes> {
  const sha256 = createHash('sha256')
  const md5 = createHash('md5')
  let sizeBytes = 0
  const file = await fs.open(path, 'wx', 0o600)
  try {
    for await (const chunk of content) {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes) throw new OssError('EntityTooLarge', `The object is larger than ${maxBytes} bytes.`)
      sha256.update(chunk)
      md5.update(chunk)
      await writeAll(file, chunk)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { sha256: sha256.digest('hex'), md5: md5.digest('base64'), sizeBytes }
}

async function writeAll(file: fs.FileHandle, chunk: Buffer): Promise<void> {
  let offset = 0
  while (offset < chunk.length) offset += (await file.write(chunk, offset)).bytesWritten
}
