// Making and checking signatures: V1 RPC (HMAC-SHA1), V1 ROA, V3 (ACS3-HMAC-SHA256 and ACS3-HMAC-SM3). Checking is making
// the same signature and comparing. The server's authenticate.ts verifies; command line and tests sign.
import { getHashes, hash, timingSafeEqual } from 'node:crypto'
import {
  hasReservedNames,
  type HeaderLookup,
  type Pair,
  roaStringToSign,
  type RoaRequest,
  v1StringToSign,
  v3CanonicalRequest,
  v3Path,
  v3Query,
} from './canonical.ts'

export type V3Algorithm = 'ACS3-HMAC-SHA256' | 'ACS3-HMAC-SM3'

/** Digest names in OpenSSL by algorithm; a build without SM3 simply does not offer it. */
const digests: ReadonlyMap<string, string> = new Map(
  [
    ['ACS3-HMAC-SHA256', 'sha256'],
    ['ACS3-HMAC-SM3', 'sm3'],
  ].filter((entry): entry is [string, string] => getHashes().includes(entry[1] ?? '')),
)

export function isV3Algorithm(name: string): name is V3Algorithm {
  return digests.has(name)
}

/** Why a signature was refused: what we would have signed, for the answer and never for a log. */
export interface Mismatch {
  readonly isGenuine: false
  readonly stringToSign: string
  readonly canonicalRequest?: string
}
export interface Genuine {
  readonly isGenuine: true
}

export function signV1(method: string, parameters: Iterable<Pair>, secret: string): string {
  return hmac('sha1', `${secret}&`, v1StringToSign(method, parameters)).toString('base64')
}

/** Checks one reading of the parameters; the caller decides which readings to try (see parameters.ts). */
export function verifyV1(method: string, parameters: Iterable<Pair>, secret: string, signature: string): Genuine | Mismatch {
  const stringToSign = v1StringToSign(method, parameters)
  const own = hmac('sha1', `${secret}&`, stringToSign)
  return isSame(own, Buffer.from(signature, 'base64')) ? { isGenuine: true } : { isGenuine: false, stringToSign }
}

export function signRoa(request: RoaRequest, secret: string): string {
  return hmac('sha1', secret, roaStringToSign(request)).toString('base64')
}

export function verifyRoa(request: RoaRequest, secret: string, signature: string): Genuine | Mismatch {
  const stringToSign = roaStringToSign(request)
  const isGenuine = isSame(hmac('sha1', secret, stringToSign), Buffer.from(signature, 'base64'))
  return isGenuine ? { isGenuine } : { isGenuine: false, stringToSign }
}

export interface V3Authorization {
  readonly algorithm: string
  readonly accessKeyId: string
  readonly signedHeaders: string
  readonly signature: string
}

/** Reads an `ACS3-…` Authorization by the names of its parts: old Java writes them in another order. */
export function parseV3Authorization(text: string): V3Authorization | undefined {
  const [, algorithm, rest] = /^(ACS3-[\w-]+)\s+(.+)$/.exec(text.trim()) ?? []
  if (algorithm === undefined || rest === undefined) return undefined
  const parts = new Map<string, string>()
  for (const part of rest.split(',')) {
    const at = part.indexOf('=')
    if (at > 0) parts.set(part.slice(0, at).trim(), part.slice(at + 1).trim())
  }
  const accessKeyId = parts.get('Credential')
  const signedHeaders = parts.get('SignedHeaders')
  const signature = parts.get('Signature')
  if (!accessKeyId || !signedHeaders || !signature) return undefined
  return { algorithm, accessKeyId, signedHeaders, signature }
}

export interface V3Request {
  readonly method: string
  readonly path: string
  /** The query as it was on the wire, and the same decoded. */
  readonly rawQuery: string
  readonly query: readonly Pair[]
  readonly header: HeaderLookup
  readonly body: Uint8Array
}

/** Hash of a body, lower-case hex, as `x-acs-content-sha256` carries it (its name is the same for SM3). */
export function v3BodyHash(algorithm: V3Algorithm, body: Uint8Array | string): string {
  return hash(digestOf(algorithm), body, 'hex')
}

/**
 * Verifies the body hash and the signature over the client's own list of headers. Both spellings of query names and of
 * the path are accepted; the mismatch that is reported is the one of the first, most common spelling.
 */
export function verifyV3(
  request: V3Request,
  authorization: V3Authorization & { algorithm: V3Algorithm },
  secret: string,
): Genuine | Mismatch {
  const { algorithm, signedHeaders } = authorization
  const signature = Buffer.from(authorization.signature, 'hex')
  const bodyHash = v3BodyHash(algorithm, request.body)
  const isBodyGenuine = request.header('x-acs-content-sha256') === bodyHash
  let first: Mismatch | undefined
  for (const { path, query } of spellings(request)) {
    const { method, header } = request
    const canonicalRequest = v3CanonicalRequest({ method, path, query, signedHeaders, header, bodyHash })
    const stringToSign = v3StringToSign(algorithm, canonicalRequest)
    if (isBodyGenuine && isSame(hmac(digestOf(algorithm), secret, stringToSign), signature)) return { isGenuine: true }
    first ??= { isGenuine: false, stringToSign, canonicalRequest }
  }
  return first as Mismatch
}

function* spellings(request: V3Request): Generator<{ path: string; query: string }> {
  const paths = new Set([v3Path(request.path), request.path])
  const names: ('raw' | 'encoded')[] = hasReservedNames(request.query) ? ['raw', 'encoded'] : ['raw']
  for (const path of paths) {
    for (const spelling of names) yield { path, query: v3Query(request.rawQuery, request.query, spelling) }
  }
}

function v3StringToSign(algorithm: V3Algorithm, canonicalRequest: string): string {
  return `${algorithm}\n${hash(digestOf(algorithm), canonicalRequest, 'hex')}`
}

export interface V3Draft {
  readonly method: string
  readonly path: string
  readonly rawQuery: string
  readonly query: readonly Pair[]
  /** Lower-case names; must hold host and the x-acs-* headers of the call except the body's hash. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string
}

export interface AccessKey {
  readonly accessKeyId: string
  readonly secret: string
}

/** The headers of a draft plus `x-acs-content-sha256` and `authorization`: host, content-type and every x-acs-* signed. */
export function signV3(draft: V3Draft, key: AccessKey, algorithm: V3Algorithm = 'ACS3-HMAC-SHA256'): Record<string, string> {
  const bodyHash = v3BodyHash(algorithm, draft.body)
  const headers: Record<string, string> = { ...draft.headers, 'x-acs-content-sha256': bodyHash }
  const signedHeaders = Object.keys(headers)
    .filter((name) => name === 'host' || name === 'content-type' || name.startsWith('x-acs-'))
    .sort()
    .join(';')
  const query = v3Query(draft.rawQuery, draft.query, 'raw')
  const header: HeaderLookup = (name) => headers[name] ?? ''
  const canonical = v3CanonicalRequest({ method: draft.method, path: v3Path(draft.path), query, signedHeaders, header, bodyHash })
  const signature = hmac(digestOf(algorithm), key.secret, v3StringToSign(algorithm, canonical)).toString('hex')
  headers['authorization'] = `${algorithm} Credential=${key.accessKeyId},SignedHeaders=${signedHeaders},Signature=${signature}`
  return headers
}

function digestOf(algorithm: V3Algorithm): string {
  const digest = digests.get(algorithm)
  if (digest === undefined) throw new Error(`this build of Node.js has no digest for ${algorithm}`)
  return digest
}

/** Of SHA-1, SHA-256 and SM3 alike. */
const blockBytes = 64

// HMAC as RFC 2104 has it, of two hashes. createHmac leaves a native object behind at every call, and thousands of those a
// second make the collector's pauses longer, in which no request is answered.
function hmac(digest: string, key: string, text: string): Buffer {
  const secret = Buffer.byteLength(key) > blockBytes ? hash(digest, key, 'buffer') : Buffer.from(key)
  const message = Buffer.alloc(blockBytes + Buffer.byteLength(text), 0x36)
  message.write(text, blockBytes)
  const outer = Buffer.alloc(blockBytes, 0x5c)
  for (let at = 0; at < secret.length; at += 1) {
    message[at] = (secret[at] ?? 0) ^ 0x36
    outer[at] = (secret[at] ?? 0) ^ 0x5c
  }
  return hash(digest, Buffer.concat([outer, hash(digest, message, 'buffer')]), 'buffer')
}

function isSame(own: Buffer, theirs: Buffer): boolean {
  return own.length === theirs.length && timingSafeEqual(own, theirs)
}
