// One HTTP connection pool to a container engine's unix socket: JSON calls, byte streams and upgraded connections. Every
// call has a deadline and can be aborted. Podman's compatible API is spoken to in the same words.
import { setMaxListeners } from 'node:events'
import http from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { EngineError } from './engine-error.ts'

/** The API versions we speak; the smaller of ours and the engine's newest is used. */
const newestApi = '1.44'
const oldestApi = '1.40'
const maxJsonBytes = 64 * 1024 * 1024

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  path: string
  query?: Record<string, string | number | boolean | undefined>
  /** A Buffer or stream is sent as it is (a tar archive), anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
  /** On a connection of its own: so many of these must not take the places of short calls. */
  isLongLived?: boolean
  /** Until the answer's head has come, and for JSON calls its body too. */
  timeoutMs?: number
  signal?: AbortSignal | undefined
}

export interface Engine {
  readonly socketPath: string
  readonly apiVersion: string
  readonly isPodman: boolean
  /** Calls and reads the whole answer as JSON; an empty answer is undefined. */
  json<T>(call: Call): Promise<T>
  /** Calls and hands out the answer's body; the caller must consume or destroy it. */
  stream(call: Call): Promise<Readable>
  /** Calls with `Upgrade: tcp` and hands out the raw connection (attached exec). */
  upgrade(call: Call): Promise<Duplex>
  close(): void
}

export interface OpenEngine {
  socketPath: string
  timeoutMs?: number
  signal?: AbortSignal | undefined
}

/** Connects, asks for the API version and settles on one. Throws EngineError `unreachable` when nothing answers. */
export async function openEngine(options: OpenEngine): Promise<Engine> {
  // Many calls at once happen now and then; in between a few connections are enough.
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 4, socketPath: options.socketPath } as http.AgentOptions)
  const pool: Pool = { socketPath: options.socketPath, agent, prefix: '' }
  try {
    const answer = await send(pool, { path: '/_ping', timeoutMs: options.timeoutMs ?? 5000, signal: options.signal })
    answer.resume()
    if (answer.statusCode !== 200) throw new EngineError(answer.statusCode ?? 0, 'the engine does not answer its ping', 'unreachable')
    const offered = String(answer.headers['api-version'] ?? oldestApi)
    const apiVersion = isOlder(offered, newestApi) ? offered : newestApi
    if (isOlder(apiVersion, oldestApi)) throw new EngineError(0, `the engine offers API ${offered}; at least ${oldestApi} is needed`)
    pool.prefix = `/v${apiVersion}`
    const isPodman = answer.headers['libpod-api-version'] !== undefined
    return { socketPath: options.socketPath, apiVersion, isPodman, ...callers(pool), close: () => agent.destroy() }
  } catch (error) {
    agent.destroy()
    throw error
  }
}

interface Pool {
  socketPath: string
  agent: http.Agent
  prefix: string
}

function callers(pool: Pool): Pick<Engine, 'json' | 'stream' | 'upgrade'> {
  return {
    async json<T>(call: Call): Promise<T> {
      const answer = await send(pool, call)
      const text = await readAll(answer, call.timeoutMs ?? 30_000).catch((error: unknown) => {
        call.signal?.throwIfAborted()
        throw error
      })
      if ((answer.statusCode ?? 500) >= 400) throw new EngineError(answer.statusCode ?? 0, messageOf(text, answer.statusCode))
      return (text === '' ? undefined : parse(text)) as T
    },
    async stream(call) {
      const answer = await send(pool, call)
      if ((answer.statusCode ?? 500) < 400) return answer
      throw new EngineError(answer.statusCode ?? 0, messageOf(await readAll(answer, 10_000), answer.statusCode))
    },
    upgrade: (call) => upgrade(pool, call),
  }
}

function requestOptions(pool: Pool, call: Call): http.RequestOptions {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, String(value))
  const text = query.toString()
  const path = `${pool.prefix}${call.path}${text === '' ? '' : `?${text}`}`
  return {
    method: call.method ?? 'GET',
    path,
    agent: call.isLongLived === true ? false : pool.agent,
    socketPath: pool.socketPath,
    headers: { Host: 'engine', ...call.headers },
  }
}

function send(pool: Pool, call: Call): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = http.request(requestOptions(pool, call))
    const settle = watch(request, call, reject)
    request.once('response', (answer) => {
      settle.headArrived(answer)
      resolve(answer)
    })
    request.once('error', (error) => reject(settle.translate(error)))
    sendBody(request, call)
  })
}

function upgrade(pool: Pool, call: Call): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const options = requestOptions(pool, { ...call, headers: { ...call.headers, Connection: 'Upgrade', Upgrade: 'tcp' } })
    const request = http.request({ ...options, agent: false })
    const settle = watch(request, call, reject)
    request.once('upgrade', (_answer, socket: Duplex, head: Buffer) => {
      settle.headArrived(socket)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.once('response', (answer) => {
      settle.headArrived(answer)
      // Podman and old engines may answer 200 and hijack without an upgrade; then the answer itself is the stream.
      if ((answer.statusCode ?? 500) < 400) return resolve(answer as unknown as Duplex)
      readAll(answer, 10_000).then((text) => reject(new EngineError(answer.statusCode ?? 0, messageOf(text, answer.statusCode))), reject)
    })
    request.once('error', (error) => reject(settle.translate(error)))
    sendBody(request, call)
  })
}

function sendBody(request: http.ClientRequest, call: Call): void {
  const { body } = call
  if (body === undefined) request.end()
  else if (Buffer.isBuffer(body)) request.setHeader('Content-Type', 'application/x-tar').end(body)
  else if (isReadable(body)) {
    request.setHeader('Content-Type', 'application/x-tar')
    body.once('error', (error) => request.destroy(error))
    body.pipe(request)
  } else {
    const text = Buffer.from(JSON.stringify(body))
    request.setHeader('Content-Type', 'application/json').setHeader('Content-Length', text.length).end(text)
  }
}

const isReadable = (value: unknown): value is Readable => typeof (value as Readable | null)?.pipe === 'function'

/** Deadline and abort of one request; after the head has come, abort ends the body instead. */
function watch(request: http.ClientRequest, call: Call, reject: (error: unknown) => void) {
  const timeoutMs = call.timeoutMs ?? 30_000
  const where = `${call.method ?? 'GET'} ${call.path}`
  const timer = setTimeout(
    () => request.destroy(new EngineError(0, `${where} was not answered within ${timeoutMs} ms`, 'timedOut')),
    timeoutMs,
  )
  let body: { destroy(error?: Error): void; once(event: 'close', listener: () => void): unknown } | undefined
  const onAbort = () => {
    reject(call.signal?.reason)
    if (body === undefined) request.destroy()
    else body.destroy()
  }
  // One look asks for the details of many containers under one signal.
  if (call.signal !== undefined) setMaxListeners(0, call.signal)
  if (call.signal?.aborted) onAbort()
  call.signal?.addEventListener('abort', onAbort, { once: true })
  const release = () => call.signal?.removeEventListener('abort', onAbort)
  request.once('close', () => {
    clearTimeout(timer)
    if (body === undefined) release()
  })
  return {
    headArrived(stream: NonNullable<typeof body>) {
      clearTimeout(timer)
      body = stream
      stream.once('close', release)
    },
    translate(error: unknown): unknown {
      if (call.signal?.aborted) return call.signal.reason
      if (error instanceof EngineError) return error
      return new EngineError(0, `${where}: ${error instanceof Error ? error.message : String(error)}`, 'unreachable')
    },
  }
}

/** Reads a body to its end, within a deadline and a size. */
export function readAll(stream: Readable, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const timer = setTimeout(
      () => stream.destroy(new EngineError(0, `the answer did not end within ${timeoutMs} ms`, 'timedOut')),
      timeoutMs,
    )
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxJsonBytes) stream.destroy(new EngineError(0, `the answer is larger than ${maxJsonBytes} bytes`))
      else chunks.push(chunk)
    })
    stream.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    stream.once('error', (error) => reject(error instanceof EngineError ? error : new EngineError(0, error.message, 'unreachable')))
    stream.once('close', () => {
      clearTimeout(timer)
      reject(new EngineError(0, 'the engine closed the connection in the middle of an answer', 'unreachable'))
    })
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function messageOf(text: string, status: number | undefined): string {
  const body = parse(text) as { message?: unknown; cause?: unknown } | string
  if (typeof body === 'object' && typeof body?.message === 'string') return body.message
  return typeof body === 'string' && body !== '' ? body.slice(0, 2000) : `the engine answered ${status}`
}

function isOlder(left: string, right: string): boolean {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number)
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number)
  return leftMajor === rightMajor ? leftMinor < rightMinor : leftMajor < rightMajor
}
