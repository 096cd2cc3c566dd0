// The object store over HTTP, as clients of the vendor's store speak to it: PUT, GET and HEAD of single objects, by signed
// address or with a signed request, and POST of a form. Mounted by objects.ts into a scope of its own.
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { maxFileBytes } from '../domain/driver-config.ts'
import type { Log } from '../operations/context.ts'
import { bucket, isBucketRequest, keyOfRequest, toAddress } from './address.ts'
import { authorize, type ObjectCredentials } from './authorization.ts'
import type { ObjectStore } from './object-store.ts'
import { OssError, toErrorXml } from './oss-error.ts'
import { postObject, toPostXml } from './post-object.ts'
import type { SignedRequest } from './signing.ts'

export interface ObjectRoutesServices {
  readonly objects: ObjectStore
  readonly credentials: ObjectCredentials
  readonly now: () => number
  readonly log: Log
  /** The largest driver package. */
  readonly packageBytes: number
}

/** Adds the routes. The scope must be this mount's own, because bodies are not parsed in it. */
export function mountObjects(scope: FastifyInstance, services: ObjectRoutesServices): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
  const handler = (request: FastifyRequest, reply: FastifyReply) => answer(request, reply, services)
  const method = ['PUT', 'GET', 'HEAD', 'POST', 'DELETE']
  const config = { isUpload: true }
  scope.route({ method, url: '/oss/*', config, handler })
  // Given an address by number, clients put the bucket first in the path, or leave it out there and name it in Host.
  for (const url of [`/${bucket}`, `/${bucket}/*`]) scope.route({ method, url, config, handler })
  scope.route({ method, url: '/*', config, constraints: { host: new RegExp(`^${bucket}\\.`) }, handler })
}

async function answer(request: FastifyRequest, reply: FastifyReply, services: ObjectRoutesServices): Promise<unknown> {
  reply.header('x-oss-request-id', request.id)
  try {
    if (request.method === 'POST') return await post(request, reply, services)
    const signed = toSigned(request)
    const isKnown = ['PUT', 'GET', 'HEAD'].includes(request.method)
    if (!isKnown) throw new OssError('MethodNotAllowed', `${request.method} is not supported.`)
    const { accountId } = await authorize(signed, { ...services, ownKey: services.objects.ownKey })
    if (request.method === 'PUT') return await put(request, reply, { signed, services, accountId })
    return await get(request, reply, { objects: services.objects, found: await services.objects.get(signed.key, accountId) })
  } catch (error) {
    return answerError(error, request, reply, services)
  }
}

interface Put {
  readonly signed: SignedRequest
  readonly services: ObjectRoutesServices
  readonly accountId: string | undefined
}

async function put({ raw }: FastifyRequest, reply: FastifyReply, { signed, services, accountId }: Put): Promise<FastifyReply> {
  const maxBytes = maxBytesOf(signed.key, services)
  const declared = Number(raw.headers['content-length'] ?? 0)
  if (declared > maxBytes) throw new OssError('EntityTooLarge', `The object is larger than ${maxBytes} bytes.`)
  const contentMd5 = signed.headers['content-md5']
  const owner = accountId === undefined ? {} : { accountId }
  // The stream is not destroyed on the way out: the rest of a request still has to be read, or its client never sees the answer.
  const content = raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  const upload = { key: signed.key, content, maxBytes, ...owner, ...(contentMd5 === undefined ? {} : { contentMd5 }) }
  const { md5 } = await services.objects.put(upload)
  // Exactly 200 and an ETag: clients take anything else for a failure.
  return reply.code(200).header('ETag', toEtag(md5)).header('Content-Length', 0).send()
}

async function post(request: FastifyRequest, reply: FastifyReply, services: ObjectRoutesServices): Promise<FastifyReply> {
  const { raw } = request
  const host = raw.headers.host ?? ''
  if (!isBucketRequest(raw.url?.split('?', 1)[0] ?? '', host))
    throw new OssError('MethodNotAllowed', `Forms are posted to /oss/${bucket}/.`)
  const maxBytes = (key: string) => maxBytesOf(key, services)
  const posted = await postObject(raw, { ...services, ownKey: services.objects.ownKey, maxBytes })
  await drain(raw, services.packageBytes)
  const etag = toEtag(posted.md5)
  const location = toAddress(`${request.protocol}://${host}`, posted.key)
  reply.code(posted.status).header('ETag', etag).header('Location', location)
  return posted.status === 201
    ? reply.type('application/xml').send(toPostXml(posted, etag, location))
    : reply.header('Content-Length', 0).send()
}

function maxBytesOf(key: string, { packageBytes }: ObjectRoutesServices): number {
  const isConfig = /^driver\/[^/]+\/(DRIVER_VERSION_DEFAULT_CONFIG|INSTANCE_DRIVER_VERSION_CONFIG)\//.test(key)
  return isConfig ? maxFileBytes : packageBytes
}

interface Found {
  readonly objects: ObjectStore
  readonly found: Awaited<ReturnType<ObjectStore['get']>>
}

async function get(request: FastifyRequest, reply: FastifyReply, { objects, found }: Found): Promise<void> {
  const { sha256, md5, sizeBytes, storedAtMs } = found
  const content = request.method === 'HEAD' ? undefined : await objects.openByDigest(sha256)
  if (content === undefined && request.method !== 'HEAD') throw new OssError('NoSuchKey', 'There is no such object.')
  reply.hijack()
  const headers = {
    'Content-Length': sizeBytes,
    'Content-Type': 'application/octet-stream',
    'Last-Modified': new Date(storedAtMs).toUTCString(),
    ETag: toEtag(md5),
    'x-oss-request-id': request.id,
    'x-oss-object-type': 'Normal',
  }
  reply.raw.writeHead(200, headers)
  if (content === undefined) reply.raw.end()
  // The client going away in the middle is not our failure.
  else await pipeline(content, reply.raw).catch(() => reply.raw.destroy())
}

function toEtag(md5: string): string {
  return `"${Buffer.from(md5, 'base64').toString('hex').toUpperCase()}"`
}

function toSigned({ raw, method }: FastifyRequest): SignedRequest {
  const url = raw.url ?? '/'
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const headers = raw.headers as Record<string, string | undefined>
  const key = keyOfRequest(path, headers['host'] ?? '')
  if (key === undefined) throw new OssError('NoSuchBucket', `The path must be /oss/${bucket}/ and the key of an object.`)
  return { method, bucket, key, query: parseQuery(mark < 0 ? '' : url.slice(mark + 1)), headers }
}

function parseQuery(text: string): Map<string, string> {
  try {
    const pairs = text.split('&').filter((pair) => pair !== '')
    return new Map(pairs.map((pair) => [decode(pair.split('=', 1)[0] ?? ''), decode(pair.slice((pair.split('=', 1)[0] ?? '').length + 1))]))
  } catch (cause) {
    throw new OssError('InvalidArgument', 'The query cannot be decoded.', { cause })
  }
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

async function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, services: ObjectRoutesServices): Promise<unknown> {
  // The request itself is no witness: a body that was read to its end counts as destroyed.
  if (reply.sent || request.raw.socket.destroyed) return reply.raw.destroy()
  const known = error instanceof OssError ? error : new OssError('InternalError', 'The object store failed.', { cause: error })
  if (known.status >= 500) services.log.error({ requestId: request.id, err: known.cause ?? known }, 'an object request failed')
  await drain(request.raw, services.packageBytes)
  const xml = toErrorXml(known, request.id, request.headers.host ?? '')
  return reply.code(known.status).type('application/xml').send(xml)
}

const drainTimeoutMs = 10_000

/**
 * Reads and drops the rest of a body, because many clients read no answer before they have sent everything. Past the limit
 * the answer goes out all the same, and Node drops what still comes until the time for a request is over: closing the
 * connection at once would take the answer away from a client that is still sending.
 */
function drain(raw: IncomingMessage, maxBytes: number): Promise<void> {
  if (raw.readableEnded || raw.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    let sizeBytes = 0
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(end, drainTimeoutMs)
    raw.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes) end()
    })
    raw.on('end', end).on('close', end).on('error', end)
    raw.resume()
  })
}
