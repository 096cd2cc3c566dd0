// One request as the wire has it: nothing parsed by a framework, nothing renamed, the body's bytes kept. Made by calls.ts,
// read by rpc.ts and authenticate.ts.
import type { IncomingHttpHeaders } from 'node:http'
import { Fault } from '@littoral/contract/errors'
import type { HeaderLookup } from '@littoral/contract/wire/canonical'
import { type Fields, mergeFields, type Parameters, readParameters, textField } from '@littoral/contract/wire/parameters'

export interface Incoming {
  readonly requestId: string
  readonly method: string
  readonly path: string
  readonly rawQuery: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly body: Uint8Array
  /** scheme://host:port as the caller reached us. */
  readonly origin: string
}

export type Format = 'json' | 'xml'

/** How a request says who it is from. `unknown` is an Authorization that no scheme here reads. */
export type Scheme = 'v1' | 'v3' | 'roa' | 'bearer' | 'anonymous' | 'unknown'

/** An incoming request, read: the scheme it is signed by and which operation it asks for. */
export interface Call {
  readonly incoming: Incoming
  readonly parameters: Parameters
  /** Query and body as one; only for what happens before the signature is checked. */
  readonly claimed: Fields
  readonly header: HeaderLookup
  readonly scheme: Scheme
  readonly action: string
  readonly version: string
}

const COMPRESSED = /\b(?:gzip|deflate|br|compress|zstd)\b/i

/** Throws MalformedBody and RequestTooLarge. */
export function readCall(incoming: Incoming): Call {
  const header = headerLookup(incoming)
  // Other words there, such as a character set, are mistakes that do no harm.
  if (COMPRESSED.test(header('content-encoding')) && incoming.body.length > 0) throw new Fault('MalformedBody')
  const parameters = readParameters(incoming.rawQuery, header('content-type'), incoming.body)
  const claimed = mergeFields(parameters)
  const scheme = schemeOf(header, claimed)
  const name = (headerName: string, parameter: string): string => {
    const fromHeader = header(headerName)
    const fromParameter = textField(claimed, parameter)
    if (scheme === 'v3') return fromHeader || fromParameter
    // V1 does not sign headers, and pop-core writes the action there as its caller typed it.
    return fromParameter || (scheme === 'v1' ? '' : fromHeader)
  }
  return {
    incoming,
    parameters,
    claimed,
    header,
    scheme,
    action: name('x-acs-action', 'Action'),
    version: name('x-acs-version', 'Version'),
  }
}

function schemeOf(header: HeaderLookup, claimed: Fields): Scheme {
  const authorization = header('authorization')
  if (authorization.startsWith('ACS3-')) return 'v3'
  if (authorization.startsWith('acs ')) return 'roa'
  // Old Go and Java send a meaningless Signature beside a bearer token, so the type is asked first.
  if (textField(claimed, 'SignatureType').toUpperCase() === 'BEARERTOKEN' || header('x-acs-bearer-token') !== '') return 'bearer'
  if (claimed.has('Signature') || claimed.has('AccessKeyId')) return 'v1'
  if (claimed.has('BearerToken')) return 'bearer'
  return authorization === '' ? 'anonymous' : 'unknown'
}

function headerLookup({ headers, rawHeaders }: Incoming): HeaderLookup {
  return (name) => {
    const value = headers[name]
    if (value === undefined) return ''
    if (typeof value === 'string' && (!value.includes(',') || !isRepeated(rawHeaders, name))) return value.trim()
    // Node joins repeated lines in the order they came; the signature wants them sorted.
    return rawHeaders
      .flatMap((line, index) => (index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name ? [line.trim()] : []))
      .sort()
      .join(',')
  }
}

function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const other = rawHeaders[index] as string
    if (other.length === name.length && other.toLowerCase() === name) count += 1
  }
  return count > 1
}

/**
 * The format of the answer. JSON is the default for every product: the vendor's documents disagree (XML for IoT, JSON for
 * others), current clients all ask for JSON, and a client that gets XML unasked only says SyntaxError. An operation that
 * has a parameter called Format keeps it for itself.
 */
export function formatOf(call: Call, hasOwnFormat: boolean): Format {
  const asked = hasOwnFormat ? '' : textField(call.claimed, 'Format').toLowerCase()
  if (asked === 'xml' || asked === 'json') return asked
  if (asked !== '') throw new Fault('InvalidParameter.Format')
  const accept = call.scheme === 'v3' ? call.header('accept').toLowerCase() : ''
  return accept.includes('xml') && !accept.includes('json') ? 'xml' : 'json'
}

/** For answers that come before the format is certain: never throws. */
export function likelyFormat(call: Call): Format {
  try {
    return formatOf(call, false)
  } catch {
    return 'json'
  }
}
