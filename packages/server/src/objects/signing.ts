// The two signature schemes of the vendor's object store, as texts to sign and signatures over them (contract:
// pop-gateway §18). Pure; authorization.ts decides what a signature allows.
import { createHash, createHmac } from 'node:crypto'

/** A request as both schemes see it. Header names in lower case; query and key decoded. */
export interface SignedRequest {
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** Query parameters that are part of what V1 signs. */
const subResources = new Set([
  ...[
    'acl',
    'append',
    'callback',
    'callback-var',
    'cors',
    'delete',
    'lifecycle',
    'location',
    'logging',
    'objectMeta',
    'partNumber',
    'position',
  ],
  ...[
    'referer',
    'restore',
    'security-token',
    'symlink',
    'tagging',
    'uploadId',
    'uploads',
    'versionId',
    'versioning',
    'versions',
    'website',
  ],
  ...['x-oss-process', 'x-oss-traffic-limit', 'response-cache-control', 'response-content-disposition', 'response-content-encoding'],
  ...['response-content-language', 'response-content-type', 'response-expires'],
])

/** `date` is the Date line: the time a request was made, or the second a signed address expires. */
export function toSignV1({ method, bucket, key, query, headers }: SignedRequest, date: string): string {
  const ossHeaders = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-oss-'))
    .map(([name, value]) => `${name}:${(value ?? '').trim()}\n`)
    .sort(byBytes)
  const parameters = [...query].filter(([name]) => subResources.has(name)).sort(([a], [b]) => byBytes(a, b))
  const suffix = parameters.map(([name, value]) => (value === '' ? name : `${name}=${value}`)).join('&')
  const resource = `/${bucket}/${key}${suffix === '' ? '' : `?${suffix}`}`
  return `${method}\n${headers['content-md5'] ?? ''}\n${headers['content-type'] ?? ''}\n${date}\n${ossHeaders.join('')}${resource}`
}

export function signV1(secret: string, toSign: string): string {
  return createHmac('sha1', secret).update(toSign).digest('base64')
}

/** yyyymmdd/region/oss/aliyun_v4_request. */
export interface ScopeV4 {
  readonly day: string
  readonly region: string
}

export function toCanonicalV4(request: SignedRequest, additional: readonly string[]): string {
  const { method, bucket, key, query, headers } = request
  const pairs = [...query]
    .filter(([name]) => name !== 'x-oss-signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a], [b]) => byBytes(a, b))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
  const signed = Object.entries(headers)
    .filter(([name, value]) => value !== undefined && (isAlwaysSigned(name) || additional.includes(name)))
    .map(([name, value]) => `${name}:${(value ?? '').trim()}\n`)
    .sort(byBytes)
  const path = `/${bucket}/${key}`.split('/').map(encode).join('/')
  const names = additional.filter((name) => headers[name] !== undefined && !isAlwaysSigned(name)).sort(byBytes)
  return [method, path, pairs.join('&'), signed.join(''), names.join(';'), headers['x-oss-content-sha256'] ?? 'UNSIGNED-PAYLOAD'].join('\n')
}

function isAlwaysSigned(name: string): boolean {
  return name === 'content-type' || name === 'content-md5' || name.startsWith('x-oss-')
}

export function toSignV4(canonical: string, date: string, { day, region }: ScopeV4): string {
  const digest = createHash('sha256').update(canonical).digest('hex')
  return `OSS4-HMAC-SHA256\n${date}\n${day}/${region}/oss/aliyun_v4_request\n${digest}`
}

export function signV4(secret: string, toSign: string, { day, region }: ScopeV4): string {
  const chain = [day, region, 'oss', 'aliyun_v4_request', toSign]
  let key: string | Buffer = `aliyun_v4${secret}`
  for (const text of chain) key = createHmac('sha256', key).update(text).digest()
  return key.toString('hex')
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
