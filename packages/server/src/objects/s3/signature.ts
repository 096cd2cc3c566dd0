// AWS Signature Version 4 of requests to an S3-compatible store, in the Authorization header. Pure.
import { createHash, createHmac } from 'node:crypto'

export interface S3Key {
  readonly accessKeyId: string
  readonly secret: string
}

export interface S3Request {
  readonly method: string
  /** Decoded, with its leading slash. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Names in lower case; all of them are signed, and `host`, `x-amz-date` and `x-amz-content-sha256` have to be among them. */
  readonly headers: Readonly<Record<string, string>>
}

const algorithm = 'AWS4-HMAC-SHA256'

export function authorizationOf(request: S3Request, { accessKeyId, secret }: S3Key, region: string): string {
  const date = request.headers['x-amz-date'] ?? ''
  const scope = [date.slice(0, 8), region, 's3', 'aws4_request']
  const toSign = [algorithm, date, scope.join('/'), createHash('sha256').update(canonicalRequest(request)).digest('hex')].join('\n')
  let key: string | Buffer = `AWS4${secret}`
  for (const text of [...scope, toSign]) key = createHmac('sha256', key).update(text).digest()
  const signature = key.toString('hex')
  return `${algorithm} Credential=${accessKeyId}/${scope.join('/')},SignedHeaders=${signedNames(request)},Signature=${signature}`
}

export function encodedPath(path: string): string {
  return path.split('/').map(encode).join('/')
}

export function encodedQuery(query: S3Request['query']): string {
  return Object.entries(query)
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function canonicalRequest(request: S3Request): string {
  const { method, path, query, headers } = request
  const lines = signedNames(request)
    .split(';')
    .map((name) => `${name}:${headers[name]?.trim()}\n`)
  return [method, encodedPath(path), encodedQuery(query), lines.join(''), signedNames(request), headers['x-amz-content-sha256']].join('\n')
}

function signedNames({ headers }: S3Request): string {
  return Object.keys(headers).toSorted().join(';')
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
}
