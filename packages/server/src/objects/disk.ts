// Bytes on disk, by their SHA-256. Called by objects.ts.
//
// 1. A file under its digest is complete: it was written elsewhere, synced, and then renamed.
// 2. Nothing of a request becomes part of a path, only the digest this process computed, or one that looks like one.
// 3. A file is never written twice: equal bytes are one file, and what is there is not touched.
import { createHash, randomBytes } from 'node:crypto'
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { OssError } from './oss-error.ts'

export interface StoredBytes {
  readonly sha256: string
  /** Base64. */
  readonly md5: string
  readonly sizeBytes: number
}

export interface Disk {
  /** Stores a stream; throws OssError EntityTooLarge as soon as it is longer, or InvalidDigest, and keeps nothing of it. */
  store(stream: Readable, expected: { maxBytes: number; md5?: string }): Promise<StoredBytes>
  find(sha256: string): Promise<{ path: string; sizeBytes: number } | undefined>
}

/** Opens the folder, creating it; removes what unfinished uploads left behind. */
export async function openDisk(folder: string): Promise<Disk> {
  const drafts = join(folder, 'drafts')
  await fs.rm(drafts, { recursive: true, force: true })
  await fs.mkdir(drafts, { recursive: true, mode: 0o700 })
  return {
    async store(stream, { maxBytes, md5 }) {
      const draft = join(drafts, randomBytes(16).toString('hex'))
      try {
        const stored = await writeDraft(draft, stream, maxBytes)
        if (md5 !== undefined && md5 !== stored.md5) throw new OssError('InvalidDigest', 'The content does not match Content-MD5.')
        await keepDraft(draft, folder, stored.sha256)
        return stored
      } finally {
        await fs.rm(draft, { force: true })
      }
    },
    async find(sha256) {
      if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined
      const path = pathOf(folder, sha256)
      const stat = await fs.stat(path).catch(() => undefined)
      return stat?.isFile() === true ? { path, sizeBytes: stat.size } : undefined
    },
  }
}

function pathOf(folder: string, sha256: string): string {
  return join(folder, sha256.slice(0, 2), sha256)
}

async function writeDraft(draft: string, stream: Readable, maxBytes: number): Promise<StoredBytes> {
  const sha256 = createHash('sha256')
  const md5 = createHash('md5')
  let sizeBytes = 0
  const file = await fs.open(draft, 'wx', 0o600)
  try {
    // The stream is not destroyed on the way out: the rest of a request still has to be read, or its client never sees the answer.
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
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

async function keepDraft(draft: string, folder: string, sha256: string): Promise<void> {
  const path = pathOf(folder, sha256)
  const parent = join(folder, sha256.slice(0, 2))
  await fs.mkdir(parent, { recursive: true, mode: 0o700 })
  await fs.rename(draft, path)
  for (const changed of [parent, folder]) await syncFolder(changed)
}

/** A rename is durable once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await fs.open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
