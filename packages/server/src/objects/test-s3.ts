// An S3-speaking server for tests: one bucket in memory behind real HTTP, path style or host style. It checks every signature
// (SigV4 in the header) by a computation of its own, the length and the digest of what is put, and can fail on purpose.
import { createHash, createHmac } from 'node:crypto'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TestS3 {
  readonly endpoint: string
  readonly objects: Map<string, Buffer>
  /** `METHOD key` of each request, in order. */
  readonly asked: string[]
  /** What becomes of the coming requests, one each: an answer of that status, a broken connection, or the usual. */
  readonly fates: (number | 'cut' | 'serve')[]
  close(): Promise<void>
}

export const testBucket = 'littoral-test'
export const testKey = { accessKeyId: 'AKIATEST', secret: 'test/secret+key' }
export const testRegion = 'eu-test-1'
const pageSize = 2

export async function openTestS3(): Promise<TestS3> {
  const objects: TestS3['objects'] = new Map()
  const asked: string[] = []
  const fates: TestS3['fates'] = []
  const server = http.createServer((request, response) => {
    const fate = fates.shift() ?? 'serve'
    if (fate === 'cut') return void request.socket.destroy()
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (typeof fate === 'number') return refuse(response, fate, 'SlowDown')
      answer({ request, response, body: Buffer.concat(chunks), objects, asked })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, objects, asked, fates, close }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer
  readonly objects: Map<string, Buffer>
  readonly asked: string[]
}

function answer(exchange: Exchange): void {
  const { request, response, body, objects, asked } = exchange
  const [path = '', search = ''] = (request.url ?? '').split('?')
  const isHostStyle = request.headers.host?.startsWith(`${testBucket}.`) === true
  const [, bucket, key] = isHostStyle
    ? ['', testBucket, decodeURIComponent(path.slice(1))]
    : (/^\/([^/]*)\/?(.*)$/.exec(decodeURIComponent(path)) ?? [])
  asked.push(`${request.method} ${key}`)
  const problem = signatureProblem(request, body)
  if (problem !== undefined) return refuse(response, 403, problem)
  if (bucket !== testBucket) return refuse(response, 404, 'NoSuchBucket')
  if (key === '' || key === undefined) return list(response, objects, new URLSearchParams(search))
  if (request.method === 'PUT') {
    objects.set(key, body)
    return void response.writeHead(200).end()
  }
  if (request.method === 'DELETE') {
    objects.delete(key)
    return void response.writeHead(204).end()
  }
  const object = objects.get(key)
  if (object === undefined) return refuse(response, 404, 'NoSuchKey')
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  const part = start === undefined ? object : object.subarray(Number(start), Number(end) + 1)
  response.writeHead(start === undefined ? 200 : 206, { 'content-length': part.length }).end(request.method === 'HEAD' ? undefined : part)
}

function list(response: ServerResponse, objects: Map<string, Buffer>, query: URLSearchParams): void {
  const keys = [...objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '')).toSorted()
  const after = query.get('continuation-token')?.replace('after&', '') ?? ''
  const page = keys.filter((key) => key > after).slice(0, pageSize)
  const hasMore = page.length > 0 && page.at(-1) !== keys.at(-1)
  const next = hasMore ? `<NextContinuationToken>after&amp;${page.at(-1)}</NextContinuationToken>` : ''
  const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('')
  response
    .writeHead(200)
    .end(`<?xml version="1.0"?><ListBucketResult><IsTruncated>${hasMore}</IsTruncated>${next}${contents}</ListBucketResult>`)
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`)
}

function signatureProblem({ method, url, headers }: IncomingMessage, body: Buffer): string | undefined {
  const hex = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')
  const [, id, day, region, names = '', given] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([\w-]+)\/s3\/aws4_request,\s*SignedHeaders=([\w;-]+),\s*Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? []
  if (id !== testKey.accessKeyId) return 'InvalidAccessKeyId'
  if (headers['x-amz-content-sha256'] !== hex(body)) return 'XAmzContentSHA256Mismatch'
  if (method === 'PUT' && Number(headers['content-length']) !== body.length) return 'MissingContentLength'
  if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.split(';').includes(name))) return 'AccessDenied'
  const date = String(headers['x-amz-date'])
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(at - Date.now()) < 15 * 60_000) || !date.startsWith(day ?? '-') || region !== testRegion) return 'RequestTimeTooSkewed'
  const [path, search = ''] = (url ?? '').split('?')
  const lines = names.split(';').map((name) => `${name}:${String(headers[name])}`)
  const canonical = `${method}\n${path}\n${search.split('&').toSorted().join('&')}\n${lines.join('\n')}\n\n${names}\n${hex(body)}`
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/s3/aws4_request\n${hex(canonical)}`
  const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const signingKey = mac(mac(mac(mac(`AWS4${testKey.secret}`, day ?? ''), region ?? ''), 's3'), 'aws4_request')
  return mac(signingKey, toSign).toString('hex') === given ? undefined : 'SignatureDoesNotMatch'
}
