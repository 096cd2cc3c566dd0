// Sinks behind HTTP: lines of JSON, or OTLP. Every batch is one gzipped POST with an id of its own, so that a receiver who cares
// can tell a batch it has from a new one. Plain node:http, because global fetch would cost the agent several megabytes.
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type LogSink, sinkName } from '@littoral/contract/node/log-sink'
import { ndjson } from './ndjson.ts'
import { otlpLogs } from './otlp.ts'
import type { Batch } from './records.ts'
import type { Delivery, Sink, SinkOptions } from './sink.ts'

type Address = Exclude<LogSink, { kind: 'file' }>

const compress = promisify(gzip)
const timeoutMs = 30_000
const longestAnswer = 16 * 1024
/** A sink may ask for a pause, but not for ever. */
const longestAskedMs = 5 * 60_000

export function openHttpSink(address: Address, { node, headers }: SinkOptions, now: () => number = Date.now): Sink {
  const { url, kind } = address
  const contentType = kind === 'otlp' ? 'application/json' : 'application/x-ndjson'
  const basic =
    url.username === '' ? {} : { authorization: `Basic ${Buffer.from(`${plain(url.username)}:${plain(url.password)}`).toString('base64')}` }
  return {
    async deliver(batch, signal) {
      const text = kind === 'otlp' ? JSON.stringify(otlpLogs(batch, node, now())) : ndjson(batch, node)
      const body = await compress(text)
      const sent = { 'content-type': contentType, 'content-encoding': 'gzip', 'littoral-batch': batch.id, ...basic, ...headers }
      try {
        return toDelivery(await post(url, { body, headers: sent, signal }), { batch, kind, now })
      } catch (error) {
        signal.throwIfAborted()
        return { kind: 'later', reason: `${sinkName(address)}: ${error instanceof Error ? error.message : String(error)}` }
      }
    },
  }
}

function plain(text: string): string {
  return decodeURIComponent(text)
}

interface Answer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly text: string
}

interface Posting {
  readonly body: Buffer
  readonly headers: Record<string, string>
  readonly signal: AbortSignal
}

function post(url: URL, { body, headers, signal }: Posting): Promise<Answer> {
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest
  // What stands in the address was put into a header; node:http would do it again, and the name would be in error texts.
  const target = new URL(url)
  target.username = ''
  target.password = ''
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers: { ...headers, 'content-length': body.length }, signal, agent: false }
    const request = open(target, options, (response) => readAnswer(response).then(resolve, reject))
    request.once('error', reject)
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
    request.once('close', () => clearTimeout(timer))
    request.end(body)
  })
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= longestAnswer) chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], text: Buffer.concat(chunks).toString('utf8') }
}

interface Sent {
  readonly batch: Batch
  readonly kind: Address['kind']
  readonly now: () => number
}

/** Only what says that this very batch is wrong ends it: a wrong address or token is mended by the operator, and then it flows. */
function toDelivery({ status, retryAfter, text }: Answer, { batch, kind, now }: Sent): Delivery {
  const reason = `HTTP status ${status}${text.trim() === '' ? '' : `: ${text.trim().slice(0, 200)}`}`
  if (status >= 200 && status < 300) return kind === 'otlp' ? partly(text) : { kind: 'taken', refused: 0 }
  if (status === 413) return { kind: 'tooLarge', reason }
  if (status === 400 || status === 422) return { kind: 'taken', refused: batch.records.length, reason }
  const afterMs = retryAfter === undefined ? undefined : pauseOf(retryAfter, now())
  return { kind: 'later', reason, ...(afterMs !== undefined && { afterMs }) }
}

/** OTLP says in a good answer how many records it did not take; they are not to be sent again. */
function partly(text: string): Delivery {
  try {
    const { partialSuccess } = JSON.parse(text) as { partialSuccess?: { rejectedLogRecords?: unknown; errorMessage?: unknown } }
    const refused = Number(partialSuccess?.rejectedLogRecords ?? 0)
    if (!Number.isSafeInteger(refused) || refused <= 0) return { kind: 'taken', refused: 0 }
    const said = partialSuccess?.errorMessage
    return { kind: 'taken', refused, ...(typeof said === 'string' && { reason: said.slice(0, 200) }) }
  } catch {
    return { kind: 'taken', refused: 0 }
  }
}

/** Seconds, or a date. */
function pauseOf(text: string, nowMs: number): number | undefined {
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), longestAskedMs) : undefined
}
