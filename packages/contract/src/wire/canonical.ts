// The texts that signatures are made over: decoding and re-encoding of names and values, and the canonical forms of the
// three schemes (V1 RPC, V1 ROA, V3). Used by signature.ts on both sides, the server's and the client's.
// https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
import { Fault } from '../errors.ts'

export type Pair = readonly [name: string, value: string]

/** More pairs than any operation has lists for; a request with more is refused before it costs memory. */
const MAX_PAIRS = 20_000

const UNRESERVED_ONLY = /^[\w.~-]*$/
const LEFT_BARE = /[!'()*]/g

/** Percent-encoding of both schemes: everything but `A-Z a-z 0-9 - _ . ~`, as UTF-8, in upper-case hex. */
export function encode(text: string): string {
  if (UNRESERVED_ONLY.test(text)) return text
  return encodeUtf8(text).replace(LEFT_BARE, (char) => `%${hexOf(char)}`)
}

function encodeUtf8(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    // A lone surrogate, which only a JSON body can bring: it becomes U+FFFD, as in any UTF-8 encoder.
    return encodeURIComponent(Buffer.from(text).toString())
  }
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    // A stray percent sign stays what it is; the signature decides whether the client meant it so.
    return spaced
  }
}

/**
 * Splits a query or a form body into decoded pairs, in the order of appearance. Nothing is merged, renamed or nested:
 * every cleverness here would break a signature. Throws RequestTooLarge past 20,000 pairs.
 */
export function parsePairs(text: string): Pair[] {
  if (text === '') return []
  const parts = text.split('&', MAX_PAIRS + 1)
  if (parts.length > MAX_PAIRS) throw new Fault('RequestTooLarge', { Limit: `${MAX_PAIRS} parameters` })
  const pairs: Pair[] = []
  for (const part of parts) {
    if (part === '') continue
    const at = part.indexOf('=')
    pairs.push(at < 0 ? [decode(part), ''] : [decode(part.slice(0, at)), decode(part.slice(at + 1))])
  }
  return pairs
}

const NOT_ASCII = /[^\0-\x7f]/

/** Order of the UTF-8 bytes, which is not JavaScript's order past U+D7FF. */
export function byteOrder(a: string, b: string): number {
  if (a === b) return 0
  if (NOT_ASCII.test(a) || NOT_ASCII.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  return a < b ? -1 : 1
}

/** V1 RPC: every parameter but Signature, whatever place it travelled in. */
export function v1StringToSign(method: string, parameters: Iterable<Pair>): string {
  const signed = [...parameters].filter(([name]) => name !== 'Signature').sort((a, b) => byteOrder(a[0], b[0]))
  const canonical = signed.map(([name, value]) => `${encodeTwice(name)}%3D${encodeTwice(value)}`).join('%26')
  return `${method}&%2F&${canonical}`
}

// Two native passes cost less than one pass and a replacement of every percent sign.
function encodeTwice(text: string): string {
  if (UNRESERVED_ONLY.test(text)) return text
  return encodeURIComponent(encodeUtf8(text)).replace(LEFT_BARE, (char) => `%25${hexOf(char)}`)
}

function hexOf(char: string): string {
  return char.charCodeAt(0).toString(16).toUpperCase()
}

/** Values of a request's headers: '' when absent, repeated lines trimmed, sorted and joined with a comma. */
export type HeaderLookup = (lowerCaseName: string) => string

export interface RoaRequest {
  readonly method: string
  readonly path: string
  readonly query: readonly Pair[]
  readonly header: HeaderLookup
  /** Every header name of the request, lower-case. */
  readonly headerNames: readonly string[]
}

/** V1 ROA: query values stand decoded in the text. */
export function roaStringToSign(request: RoaRequest): string {
  const { header } = request
  const lines = ['accept', 'content-md5', 'content-type', 'date'].map((name) => header(name))
  const ours = request.headerNames.filter((name) => name.startsWith('x-acs-')).sort(byteOrder)
  const query = [...request.query].sort((a, b) => byteOrder(a[0], b[0])).map(([name, value]) => (value === '' ? name : `${name}=${value}`))
  return [
    request.method,
    ...lines,
    ...ours.map((name) => `${name}:${header(name)}`),
    query.length === 0 ? request.path : `${request.path}?${query.join('&')}`,
  ].join('\n')
}

// Characters that a canonical query never holds bare, lower-case hex, and escapes of characters that need none.
const NOT_CANONICAL = /[^\w.~\-%&=]|%(?![\dA-F]{2})|%(?:2[DE]|3\d|4[1-9A-F]|5[\dAF]|6[1-9A-F]|7[\dAE])/
const ESCAPE_IN_NAME = /(?:^|&)[^=&]*%/
const NOT_NAME_EQUALS_VALUE = /(?:^|&)(?:[^=&]*(?:&|$)|[^=&]*=[^&=]*=)/

/**
 * V3: the query, decoded and written again, sorted by name and then by value. Clients differ in whether names are
 * encoded (the documentation and Java) or left raw (Node, Go, Python); the caller tries both where it matters.
 */
export function v3Query(raw: string, pairs: readonly Pair[], names: 'raw' | 'encoded'): string {
  if (pairs.length === 0) return ''
  if (isCanonical(raw) && !hasRepeatedName(pairs)) return sortParts(raw)
  return [...pairs]
    .sort((a, b) => byteOrder(a[0], b[0]) || byteOrder(a[1], b[1]))
    .map(([name, value]) => `${names === 'raw' && !AMBIGUOUS_IN_NAME.test(name) ? name : encode(name)}=${encode(value)}`)
    .join('&')
}

// Left raw, these would let one query be re-cut into another with the same canonical text.
const AMBIGUOUS_IN_NAME = /[&=%\n]/

// The fast path: most clients send the query as it is signed, except for its order.
function isCanonical(raw: string): boolean {
  return !NOT_CANONICAL.test(raw) && !ESCAPE_IN_NAME.test(raw) && !NOT_NAME_EQUALS_VALUE.test(raw)
}

// Values of one name are ordered as they are, not as they are escaped, so these go the slow way.
function hasRepeatedName(pairs: readonly Pair[]): boolean {
  return new Set(pairs.map(([name]) => name)).size < pairs.length
}

function sortParts(raw: string): string {
  const parts = raw.split('&').map((part): Pair => [part.slice(0, part.indexOf('=')), part])
  return parts
    .sort((a, b) => byteOrder(a[0], b[0]))
    .map(([, part]) => part)
    .join('&')
}

/** Whether the two spellings of names in a V3 query differ for this request. */
export function hasReservedNames(pairs: readonly Pair[]): boolean {
  return pairs.some(([name]) => !UNRESERVED_ONLY.test(name))
}

/** V3: the path as most clients sign it; Python and Java sign it as it is on the wire. */
export function v3Path(path: string): string {
  return path === '/' ? path : path.replaceAll('+', '%20').replaceAll('*', '%2A').replaceAll('%7E', '~')
}

export interface V3Parts {
  readonly method: string
  readonly path: string
  readonly query: string
  /** Names in the client's own order, joined with `;`, exactly as in its Authorization. */
  readonly signedHeaders: string
  readonly header: HeaderLookup
  readonly bodyHash: string
}

export function v3CanonicalRequest(parts: V3Parts): string {
  const headers = parts.signedHeaders.split(';').map((name) => `${name}:${parts.header(name.toLowerCase()).trim()}\n`)
  return `${parts.method}\n${parts.path}\n${parts.query}\n${headers.join('')}\n${parts.signedHeaders}\n${parts.bodyHash}`
}
