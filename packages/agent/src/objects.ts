// Reads packages and config files from the server, with the node's own credential. Plain node:http, because global fetch
// would cost the agent several megabytes.
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { StepError } from './runtime/runtime.ts'

export interface OpenedObject {
  /** Where the body begins; 0 when the server ignored the range. */
  readonly fromByte: number
  readonly body: AsyncIterable<Uint8Array> & { destroy(): void }
}

/** Opens an object from a byte on. Throws StepError DownloadFailed, stalled where asking again is of no use. */
export type OpenObject = (path: string, fromByte: number, signal: AbortSignal) => Promise<OpenedObject>

export interface ObjectSource {
  readonly server: URL
  /** The Authorization header, undefined while the node has no identity. */
  readonly authorization: () => string | undefined
  /** No bytes for this long end the attempt. */
  readonly idleMs?: number
}

export function openObjects({ server, authorization, idleMs = 30_000 }: ObjectSource): OpenObject {
  return async (path, fromByte, signal) => {
    const url = objectUrl(server, path)
    const header = authorization()
    if (header === undefined) throw new StepError('DownloadFailed', 'this node has no identity yet to download with')
    const headers = { authorization: header, ...(fromByte > 0 ? { range: `bytes=${fromByte}-` } : {}) }
    const response = await get(url, headers, { signal, idleMs })
    const { statusCode = 0 } = response
    if (statusCode === 206) return { fromByte: rangeStart(response, fromByte), body: response }
    if (statusCode === 200) return { fromByte: 0, body: response }
    response.resume()
    // 403 comes also for a moment after an assignment changed; only what is not stored at all is hopeless.
    throw new StepError('DownloadFailed', `${path}: HTTP status ${statusCode}`, { isStalled: statusCode === 404 || statusCode === 410 })
  }
}

function objectUrl(server: URL, path: string): URL {
  const base = new URL(server)
  base.protocol = base.protocol.replace(/^ws/, 'http')
  const url = new URL(path, base)
  // A path that leads to another machine would hand this node's secret to it.
  if (!path.startsWith('/') || url.origin !== base.origin) {
    throw new StepError('DownloadFailed', `${path} is not a path on the server`, { isStalled: true })
  }
  return url
}

function rangeStart(response: IncomingMessage, askedFor: number): number {
  const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1]
  if (Number(start) === askedFor) return askedFor
  response.destroy()
  throw new StepError('DownloadFailed', 'the server answered with another range than was asked for')
}

function get(
  url: URL,
  headers: Record<string, string>,
  { signal, idleMs }: { signal: AbortSignal; idleMs: number },
): Promise<IncomingMessage> {
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(new StepError('DownloadFailed', `${url.host}: ${error.message}`, { cause: error }))
    const request = open(url, { headers, signal, agent: false }, resolve)
    request.setTimeout(idleMs, () => request.destroy(new Error(`no data for ${idleMs / 1000} s`)))
    request.on('error', failed)
    request.end()
  })
}
