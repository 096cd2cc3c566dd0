// Requests to an S3-compatible store: signed, tried again where that is safe, each wait with a limit. Only what blobs need
// of the protocol, and none of a client library: see docs/decisions/0011-packages.md. Used by s3.ts.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { S3Location } from '../../domain/object-location.ts'
import { authorizationOf, encodedPath, encodedQuery, type S3Key } from './signature.ts'

export interface S3Options {
  readonly location: S3Location
  readonly key: S3Key
  readonly now: () => number
  /** Without a byte for this long an answer counts as lost. */
  readonly idleMs?: number
  readonly firstPauseMs?: number
}

export interface S3Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  /** Below the bucket; empty for the bucket itself. */
  readonly name: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly file?: { readonly path: string; readonly sizeBytes: number; readonly sha256: string }
}

export interface S3Client {
  /** The answer, whose body is still to be read; undefined for 404. Throws S3Error for every other refusal, and when nobody answers. */
  call(call: S3Call): Promise<IncomingMessage | undefined>
  close(): void
}

export class S3Error extends Error {
  override readonly name = 'S3Error'
}

const emptySha256 = createHash('sha256').digest('hex')
const attempts = 4
const longestPauseMs = 5000
const maxErrorBytes = 16 * 1024

export function openS3Client(options: S3Options): S3Client {
  const isSecure = options.location.endpoint.startsWith('https:')
  const agent = isSecure ? new https.Agent({ keepAlive: true, maxSockets: 32 }) : new http.Agent({ keepAlive: true, maxSockets: 32 })
  const send = (call: S3Call) => sendOnce(call, options, { agent, request: isSecure ? https.request : http.request })
  return {
    async call(call) {
      for (let attempt = 1; ; attempt++) {
        const outcome = await send(call).catch((error: unknown) => ({ error: error as Error }))
        if (!('error' in outcome)) {
          const status = outcome.statusCode ?? 0
          if (status >= 200 && status < 300) return outcome
          const refusal = await readRefusal(outcome)
          if (status === 404 && refusal !== 'NoSuchBucket') return undefined
          if (attempt === attempts || !(status >= 500 || status === 429))
            throw new S3Error(`${call.method} ${call.name}: ${status} ${refusal}`)
        } else if (attempt === attempts) {
          throw new S3Error(`${call.method} ${call.name}: ${outcome.error.message}`, { cause: outcome.error })
        }
        // All four methods say the same when they are said twice.
        const pauseMs = Math.min(longestPauseMs, (options.firstPauseMs ?? 200) * 2 ** (attempt - 1))
        await delay(pauseMs * (0.5 + Math.random() / 2))
      }
    },
    close: () => agent.destroy(),
  }
}

interface Transport {
  readonly agent: http.Agent
  readonly request: typeof http.request
}

function sendOnce(call: S3Call, options: S3Options, { agent, request }: Transport): Promise<IncomingMessage> {
  const { url, headers } = signedRequest(call, options)
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: call.method, headers, agent }, resolve)
    sent.setTimeout(options.idleMs ?? 60_000, () => sent.destroy(new Error('the store said nothing in time')))
    sent.once('error', reject)
    if (call.file === undefined) sent.end()
    // A store that refuses early answers before it has read everything; what then goes wrong with the body is no news.
    else pipeline(createReadStream(call.file.path), sent).catch(reject)
  })
}

/** Where a call goes and with which headers. */
export function signedRequest({ method, name, query = {}, headers = {}, file }: S3Call, { location, key, now }: S3Options) {
  const { endpoint, bucket, region, style } = location
  const origin = new URL(endpoint)
  if (style === 'host') origin.hostname = `${bucket}.${origin.hostname}`
  const path = style === 'host' ? `/${name}` : `/${bucket}${name === '' ? '' : `/${name}`}`
  const signed = {
    ...headers,
    host: origin.host,
    'x-amz-date': new Date(now()).toISOString().replaceAll(/[-:]|\.\d+/g, ''),
    'x-amz-content-sha256': file?.sha256 ?? emptySha256,
  }
  const authorization = authorizationOf({ method, path, query, headers: signed }, key, region)
  const search = encodedQuery(query)
  const url = `${origin.origin}${encodedPath(path)}${search === '' ? '' : `?${search}`}`
  const length = file === undefined ? {} : { 'content-length': String(file.sizeBytes) }
  return { url, headers: { ...signed, ...length, authorization } }
}

/** The code in an error's XML, or its beginning when it is something else. */
async function readRefusal(answer: IncomingMessage): Promise<string> {
  let text = ''
  try {
    for await (const chunk of answer) {
      text += String(chunk)
      if (text.length > maxErrorBytes) break
    }
  } catch {
    // The status is what matters.
  }
  return /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1] ?? text.slice(0, 200)
}
