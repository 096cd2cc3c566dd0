// Where log rivers flow to: the address of a sink, as operators write it for the server or for one agent, and its headers.
// Read by both, and by the agent once more when a server hands it one.

export type LogSink =
  | { readonly kind: 'file'; readonly path: string }
  /** Lines of JSON, one record each, posted to the address. */
  | { readonly kind: 'http'; readonly url: URL }
  /** OTLP over HTTP, in JSON. */
  | { readonly kind: 'otlp'; readonly url: URL }

/** What a sink is called with beside its address, such as a token; never shown or logged. */
export type SinkHeaders = Readonly<Record<string, string>>

/** Throws an Error that says what a right address looks like, and does not repeat a password in a wrong one. */
export function parseLogSink(text: string): LogSink {
  if (text.startsWith('file:')) return { kind: 'file', path: parsePath(text.slice('file:'.length)) }
  const isOtlp = text.startsWith('otlp+')
  const address = isOtlp ? text.slice('otlp+'.length) : text
  const url = URL.canParse(address) ? new URL(address) : undefined
  const hasUser = url !== undefined && decoded(url.username) !== undefined && decoded(url.password) !== undefined
  if (url === undefined || !hasUser || !['http:', 'https:'].includes(url.protocol) || text.length > 2000)
    throw new Error('must be file:/path, an http or https address, or one with otlp+ in front, such as otlp+http://127.0.0.1:4318')
  url.hash = ''
  if (isOtlp && (url.pathname === '/' || url.pathname === '')) url.pathname = '/v1/logs'
  return { kind: isOtlp ? 'otlp' : 'http', url }
}

function parsePath(text: string): string {
  const path = text.replace(/^\/\/(?=\/)/, '')
  const isRight = path.startsWith('/') && !path.endsWith('/') && !path.split('/').includes('..') && !/\p{Cc}/u.test(path)
  if (!isRight) throw new Error('must name a file by its absolute path, such as file:/var/log/littoral.ndjson')
  return path
}

/** The sink as it may be shown: without a user, a password or a query, any of which may be a secret. */
export function sinkName(sink: LogSink): string {
  return sink.kind === 'file' ? sink.path : `${sink.url.origin}${sink.url.pathname}`
}

const mostHeaders = 16

/** `Name=value,Name=value`, values percent-encoded where they hold a comma. Throws an Error that names no value. */
export function parseSinkHeaders(text: string): SinkHeaders {
  const headers = text.split(',').map((entry): [string, string] => {
    const equals = entry.indexOf('=')
    const name = entry.slice(0, Math.max(equals, 0)).trim()
    const value = decoded(entry.slice(equals + 1).trim())
    if (!/^[!#$%&'*+.^_`|~\w-]{1,64}$/.test(name) || value === undefined || !/^[\x20-\x7e]{0,4096}$/.test(value))
      throw new Error('must be a list such as Authorization=Bearer%20abc,X-Team=edge')
    return [name.toLowerCase(), value]
  })
  if (headers.length > mostHeaders) throw new Error(`must not name more than ${mostHeaders} headers`)
  return Object.fromEntries(headers)
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
