// Where the bytes of objects lie, by their SHA-256: the port behind object-store.ts, with a folder (disk.ts) or a bucket
// of an S3-compatible store (s3.ts) behind it. What every implementation keeps to is in blobs.contract.ts:
//
// 1. A blob is there completely or not at all, and never changes: equal bytes are one blob.
// 2. Nothing of a request becomes part of its name, only the digest this process computed, or one that looks like one.
// 3. What is refused, or breaks off, leaves nothing behind.
import type { Readable } from 'node:stream'

export interface StoredBytes {
  readonly sha256: string
  /** Base64. */
  readonly md5: string
  readonly sizeBytes: number
}

export interface Expected {
  readonly maxBytes: number
  readonly minBytes?: number
  /** Base64. */
  readonly md5?: string
}

/** First and last byte, both included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface Blobs {
  /** Throws OssError EntityTooLarge as soon as there is more, EntityTooSmall, InvalidDigest, or ServiceUnavailable. */
  store(content: AsyncIterable<Buffer>, expected: Expected): Promise<StoredBytes>
  find(sha256: string): Promise<{ readonly sizeBytes: number } | undefined>
  /** The bytes, or those of the range, which must lie within. The caller reads them to the end or destroys the stream. */
  open(sha256: string, range?: ByteRange): Promise<Readable | undefined>
  /** Lends a local file with the bytes; it must not be changed, and may be gone afterwards. */
  lend<T>(sha256: string, use: (path: string) => Promise<T>): Promise<T | undefined>
  /** One that is not there is fine. */
  remove(sha256: string): Promise<void>
  /** The digests of all blobs. */
  list(): AsyncIterable<string>
  close(): void
}

export function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text)
}
