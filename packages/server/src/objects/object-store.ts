// The object store of an installation: driver packages and configuration files, under keys in the database and as blobs on
// disk or in a bucket. Opened by objects.ts, given to handlers as `objects`, served by routes.ts.
import { randomBytes } from 'node:crypto'
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { S3Location } from '../domain/object-location.ts'
import type { Objects } from '../operations/context.ts'
import * as records from '../store/iot-edge/objects.ts'
import * as leftovers from '../store/iot-edge/leftovers.ts'
import type { Store } from '../store/store.ts'
import { bucket, keyOfAddress, toAddress } from './address.ts'
import type { Blobs, ByteRange, Expected } from './blobs.ts'
import { openDisk } from './disk.ts'
import { OssError } from './oss-error.ts'
import { findPackageProblem } from './package.ts'
import { openS3 } from './s3.ts'
import type { S3Key } from './s3/signature.ts'
import { signV1, toSignV1 } from './signing.ts'
import { openTurns } from './turns.ts'

/** The access key id in addresses that this server signs. No account can have it: real ids hold no dot. */
const ownKeyId = 'littoral.objects'

/** Whoever asks for text has looked at the size before. */
const maxTextBytes = 1024 * 1024

export interface Upload extends Omit<Expected, 'md5'> {
  readonly key: string
  /** Absent for addresses this server has signed. */
  readonly accountId?: string
  readonly content: AsyncIterable<Buffer>
  readonly contentMd5?: string
}

export interface ObjectStore extends Objects {
  readonly ownKey: { readonly id: string; readonly secret: string }
  /** Stores what a client sends under a key; throws OssError. */
  put(upload: Upload): Promise<records.ObjectContent>
  /** What is stored under a key; throws OssError. `accountId` is absent for addresses this server has signed. */
  get(key: string, accountId?: string): Promise<records.ObjectContent & { storedAtMs: number }>
  /** Whether these bytes are here; for the nodes' downloads. */
  findByDigest(sha256: string): Promise<{ readonly sizeBytes: number } | undefined>
  /** The bytes, or those of the range; undefined when they are gone. */
  openByDigest(sha256: string, range?: ByteRange): Promise<Readable | undefined>
  /** The SHA-256 of everything that is stored. */
  listDigests(): AsyncIterable<string>
  /** Removes bytes, unless `isUnused` says otherwise at the last moment: no upload of the same bytes can get in between. */
  remove(sha256: string, isUnused: () => Promise<boolean>): Promise<boolean>
  close(): void
}

export interface ObjectStoreOptions {
  /** Of its own; created when it is not there. */
  readonly folder: string
  readonly store: Store
  readonly now: () => number
  /** Where the bytes go instead of the folder. */
  readonly s3?: { readonly location: S3Location; readonly key: S3Key }
}

export async function openObjectStore({ folder, store, now, s3 }: ObjectStoreOptions): Promise<ObjectStore> {
  await fs.mkdir(folder, { recursive: true, mode: 0o700 })
  const blobs = await (s3 === undefined ? openDisk(folder) : openS3({ ...s3, folder, now }))
  const ownKey = { id: ownKeyId, secret: await ensureSecret(join(folder, 'signing-secret')) }
  return {
    ownKey,
    address: toAddress,
    keyOf: keyOfAddress,
    presign(origin, method, key, expiresAtMs) {
      const expires = String(Math.floor(expiresAtMs / 1000))
      const toSign = toSignV1({ method, bucket, key, query: new Map(), headers: {} }, expires)
      const query = new URLSearchParams({ Expires: expires, OSSAccessKeyId: ownKey.id, Signature: signV1(ownKey.secret, toSign) })
      return `${toAddress(origin, key)}?${query.toString()}`
    },
    findByDigest: (sha256) => blobs.find(sha256),
    openByDigest: (sha256, range) => blobs.open(sha256, range),
    listDigests: () => blobs.list(),
    close: () => blobs.close(),
    ...lookups(store, blobs),
    ...transfers(store, blobs, now),
  }
}

/** What handlers ask about an object, whose key they have checked. */
function lookups(store: Store, blobs: Blobs): Pick<ObjectStore, 'find' | 'text' | 'inspect'> {
  const contentOf = async (key: string) => (await store.read((tx) => records.find(tx, key)))?.content
  return {
    async find(key) {
      const content = await contentOf(key)
      return content && { sizeBytes: content.sizeBytes, sha256: content.sha256 }
    },
    async text(key) {
      const content = await contentOf(key)
      if (content === undefined) return undefined
      if (content.sizeBytes > maxTextBytes) throw new Error(`The object ${key} is too large to be read as text.`)
      return blobs.lend(content.sha256, (path) => fs.readFile(path, 'utf8'))
    },
    async inspect(key, driver) {
      const content = await contentOf(key)
      if (content === undefined) return undefined
      return blobs.lend(content.sha256, async (path) => {
        const problem = await findPackageProblem(path, driver)
        return { sizeBytes: content.sizeBytes, sha256: content.sha256, ...(problem === undefined ? {} : { problem }) }
      })
    },
  }
}

/** What clients do with an object, by whoever they have proved to be. */
function transfers(store: Store, blobs: Blobs, now: () => number): Pick<ObjectStore, 'put' | 'get' | 'remove'> {
  const inTurn = openTurns()
  return {
    async put({ key, accountId, content, contentMd5, ...bounds }) {
      const owner = await ownerOf(store, key, accountId)
      const stored = await blobs.store(content, { ...bounds, ...(contentMd5 === undefined ? {} : { md5: contentMd5 }) })
      await inTurn(async () => {
        // Equal bytes are kept once: those that were here may have been removed as unused since they were found.
        if ((await blobs.find(stored.sha256)) === undefined) throw new OssError('ServiceUnavailable', 'Upload it again.')
        await store.write(async (tx) => {
          records.update(tx, { key, accountId: owner, content: stored, nowMs: now() })
          leftovers.remove(tx, 'blob', [stored.sha256])
          leftovers.remove(tx, 'key', [key])
        })
      })
      return stored
    },
    remove: (sha256, isUnused) =>
      inTurn(async () => {
        const isRemoved = await isUnused()
        if (isRemoved) await blobs.remove(sha256)
        return isRemoved
      }),
    async get(key, accountId) {
      const record = await store.read((tx) => records.find(tx, key))
      const isForeign = accountId !== undefined && record !== undefined && record.accountId !== accountId
      if (isForeign) throw new OssError('AccessDenied', 'The object belongs to another account.')
      if (record?.content === undefined) throw new OssError('NoSuchKey', 'There is no such object.')
      return record.content
    },
  }
}

/** Whose object it is or becomes. An account's folder is its own, also where nothing was stored yet. */
async function ownerOf(store: Store, key: string, accountId: string | undefined): Promise<string> {
  const record = await store.read((tx) => records.find(tx, key))
  const folderOwner = /^driver\/(\d{16})\//.exec(key)?.[1]
  const owner = record?.accountId ?? accountId
  if (owner === undefined) throw new OssError('AccessDenied', 'The address was not handed out by this installation.')
  const mayWrite = accountId === undefined || (owner === accountId && (folderOwner ?? accountId) === accountId)
  if (!mayWrite) throw new OssError('AccessDenied', 'The object belongs to another account.')
  return owner
}

/** The secret of this folder, made at the first start. */
async function ensureSecret(path: string): Promise<string> {
  const known = await fs.readFile(path, 'utf8').catch(() => '')
  if (known.length >= 32) return known
  const secret = randomBytes(32).toString('hex')
  const draft = `${path}.${process.pid}`
  await fs.writeFile(draft, secret, { mode: 0o600, flush: true })
  await fs.rename(draft, path)
  return secret
}
