// The object store of an installation: driver packages and configuration files, under keys in the database and as bytes
// on disk. Opened by objects.ts, given to handlers as `objects`, served by routes.ts.
import { randomBytes } from 'node:crypto'
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Objects } from '../operations/context.ts'
import * as records from '../store/iot-edge/objects.ts'
import type { Store } from '../store/store.ts'
import { bucket, keyOfAddress, toAddress } from './address.ts'
import { type Disk, openDisk } from './disk.ts'
import { OssError } from './oss-error.ts'
import { findPackageProblem } from './package.ts'
import { signV1, toSignV1 } from './signing.ts'

/** The access key id in addresses that this server signs. No account can have it: real ids hold no dot. */
const ownKeyId = 'littoral.objects'

/** Whoever asks for text has looked at the size before. */
const maxTextBytes = 1024 * 1024

export interface ObjectStore extends Objects {
  readonly ownKey: { readonly id: string; readonly secret: string }
  /** Stores what a client sends under a key; throws OssError. */
  put(upload: { key: string; accountId?: string; stream: Readable; maxBytes: number; contentMd5?: string }): Promise<records.ObjectContent>
  /** What is stored under a key; throws OssError. `accountId` is absent for addresses this server has signed. */
  get(key: string, accountId?: string): Promise<records.ObjectContent & { path: string; storedAtMs: number }>
  /** The local file with these bytes; for the nodes' downloads. */
  findByDigest(sha256: string): Promise<{ path: string; sizeBytes: number } | undefined>
}

export interface ObjectStoreOptions {
  /** Of its own; created when it is not there. */
  readonly folder: string
  readonly store: Store
  readonly now: () => number
}

export async function openObjectStore({ folder, store, now }: ObjectStoreOptions): Promise<ObjectStore> {
  await fs.mkdir(folder, { recursive: true, mode: 0o700 })
  const disk = await openDisk(folder)
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
    findByDigest: (sha256) => disk.find(sha256),
    ...lookups(store, disk),
    ...transfers(store, disk, now),
  }
}

/** What handlers ask about an object, whose key they have checked. */
function lookups(store: Store, disk: Disk): Pick<ObjectStore, 'find' | 'path' | 'text' | 'inspect'> {
  const contentOf = async (key: string) => (await store.read((tx) => records.find(tx, key)))?.content
  return {
    async find(key) {
      const content = await contentOf(key)
      return content && { sizeBytes: content.sizeBytes, sha256: content.sha256 }
    },
    async path(key) {
      const content = await contentOf(key)
      return content && (await disk.find(content.sha256))?.path
    },
    async text(key) {
      const content = await contentOf(key)
      const file = content && (await disk.find(content.sha256))
      if (file === undefined) return undefined
      if (file.sizeBytes > maxTextBytes) throw new Error(`The object ${key} is too large to be read as text.`)
      return fs.readFile(file.path, 'utf8')
    },
    async inspect(key, runtime) {
      const content = await contentOf(key)
      const file = content && (await disk.find(content.sha256))
      if (content === undefined || file === undefined) return undefined
      const problem = await findPackageProblem(file.path, runtime)
      return { sizeBytes: content.sizeBytes, sha256: content.sha256, ...(problem === undefined ? {} : { problem }) }
    },
  }
}

/** What clients do with an object, by whoever they have proved to be. */
function transfers(store: Store, disk: Disk, now: () => number): Pick<ObjectStore, 'put' | 'get'> {
  return {
    async put({ key, accountId, stream, maxBytes, contentMd5 }) {
      const owner = await ownerOf(store, key, accountId)
      const content = await disk.store(stream, { maxBytes, ...(contentMd5 === undefined ? {} : { md5: contentMd5 }) })
      await store.write(async (tx) => records.update(tx, { key, accountId: owner, content, nowMs: now() }))
      return content
    },
    async get(key, accountId) {
      const record = await store.read((tx) => records.find(tx, key))
      const isForeign = accountId !== undefined && record !== undefined && record.accountId !== accountId
      if (isForeign) throw new OssError('AccessDenied', 'The object belongs to another account.')
      const file = record?.content && (await disk.find(record.content.sha256))
      if (record?.content === undefined || file === undefined) throw new OssError('NoSuchKey', 'There is no such object.')
      return { ...record.content, path: file.path }
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
