// Query and body → the pairs as they travelled, and one flat map of parameters. Where a parameter travels means nothing
// (a POST with everything in the query and a GET with a form body both exist), so nobody behind this file can tell.
import { Fault } from '../errors.ts'
import { type Pair, parsePairs } from './canonical.ts'
import { type Mismatch, verifyV1 } from './signature.ts'

/** A value is text, except in a JSON body, where it can be anything. */
export type Field = readonly [name: string, value: unknown]
export type Fields = ReadonlyMap<string, unknown>

export interface Parameters {
  readonly query: readonly Pair[]
  readonly body: readonly Field[]
}

/** Throws MalformedBody where a body says it is JSON and is no JSON object. */
export function readParameters(rawQuery: string, contentType: string, body: Uint8Array): Parameters {
  return { query: parsePairs(rawQuery), body: body.length === 0 ? [] : readBody(contentType, body) }
}

function readBody(contentType: string, body: Uint8Array): readonly Field[] {
  const mediaType = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
  // Without a content type a body can only be a form: nothing else is sent by clients that leave it out.
  if (mediaType === '' || mediaType === 'application/x-www-form-urlencoded') return parsePairs(textOf(body))
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) return readJson(textOf(body))
  // Streams carry no parameters; V3 signs their bytes all the same.
  return []
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
}

function readJson(text: string): readonly Field[] {
  let parsed: unknown
  try {
    // Some writers of JSON begin with a mark that says how it is encoded.
    parsed = JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text)
  } catch (cause) {
    throw new Fault('MalformedBody', {}, { cause })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Fault('MalformedBody')
  return Object.entries(parsed)
}

/** One map of everything; on a duplicate name the body wins, as most clients sign it. */
export function mergeFields({ query, body }: Parameters): Fields {
  return new Map<string, unknown>([...query, ...body])
}

/** Text of a parameter that has to be text; '' when absent. */
export function textField(fields: Fields, name: string): string {
  const value = fields.get(name)
  return typeof value === 'string' ? value : ''
}

// Under the reading where the query wins, a body could bring a fresh nonce to a captured query. These names are never
// read that way.
const protocolNames = [
  'Action',
  'Version',
  'AccessKeyId',
  'Signature',
  'SignatureMethod',
  'SignatureNonce',
  'SignatureType',
  'SecurityToken',
  'Timestamp',
]

/**
 * Checks a V1 signature over every reading that some client signs, and returns the parameters of the reading that
 * matched: only what is signed is ever used.
 *
 * 1. The body wins over the query (JavaScript, Go, Python), then the query over the body (old Java).
 * 2. Empty values are signed by everyone but the Java utility library; under that reading they count as absent.
 */
export function verifyV1Parameters(method: string, parameters: Parameters, secret: string): Fields | Mismatch {
  const merged = mergeFields(parameters)
  const signature = textField(merged, 'Signature')
  let first: Mismatch | undefined
  for (const fields of readings(parameters, merged)) {
    const verdict = verifyV1(method, texts(fields), secret, signature)
    if (verdict.isGenuine) return fields
    first ??= verdict
  }
  return first as Mismatch
}

function* readings(parameters: Parameters, merged: Fields): Generator<Fields> {
  yield merged
  yield* withoutEmpty(merged)
  const { query, body } = parameters
  if (merged.size === query.length + body.length) return
  const sent = new Set(query.map(([name]) => name))
  if (protocolNames.some((name) => sent.has(name) && body.some(([other]) => other === name))) return
  const queryWins: Fields = new Map<string, unknown>([...body, ...query])
  yield queryWins
  yield* withoutEmpty(queryWins)
}

function* withoutEmpty(fields: Fields): Generator<Fields> {
  const filled = new Map([...fields].filter(([, value]) => value !== ''))
  if (filled.size < fields.size) yield filled
}

function* texts(fields: Fields): Generator<Pair> {
  for (const [name, value] of fields) yield [name, typeof value === 'string' ? value : jsonText(value)]
}

function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    // Nested deeper than the stack is high.
    throw new Fault('MalformedBody', {}, { cause })
  }
}
