// Reading the texts inside a container: image reference, environment, probe headers (contract: esa-edge-container §6.2,
// §6.3). Each throws a fault that names `where`.
import { Fault } from '@littoral/contract/errors'

/** What a node accepts (contract/node/desired-state.ts). */
const maxVariables = 512
const maxHeaders = 64

export interface NamedValue {
  readonly name: string
  readonly value: string
}

/** What nearly every image is called; whatever else is allowed is looked at piece by piece. */
const plainImage =
  /^(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]{1,5})?\/)?[a-z0-9]+(?:[._-][a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-][a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$/

/** Throws InvalidParameter.Image unless the text is host[:port]/path[:tag] with every part well formed. */
export function requireImage(image: string, where: string): void {
  if (plainImage.test(image)) return
  const refuse = (rule: string): never => {
    throw new Fault('InvalidParameter.Image', { Detail: `${where}: ${rule}` })
  }
  if (image.includes('@')) refuse('@ is not allowed, so an image cannot be named by its digest.')
  const parts = image.split('/')
  const isHost = parts.length > 1 && /[.:]|^localhost$/.test(parts[0] ?? '')
  if (isHost && !/^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?$/.test(parts[0] ?? '')) refuse('the registry is host or host:port.')
  const path = isHost ? parts.slice(1) : parts
  const [last = '', tag, ...more] = (path.pop() ?? '').split(':')
  if (more.length > 0 || (tag !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(tag))) {
    refuse('a tag has letters, digits, _ . - and at most 128 characters.')
  }
  if ([...path, last].some((part) => !isPathPart(part))) {
    refuse('a path is made of lower-case letters and digits, separated by single . _ - and /.')
  }
}

function isPathPart(part: string): boolean {
  // Runs of hyphens and a double underscore are allowed between letters, as registries do.
  return /^[a-z0-9._-]+$/.test(part) && part.split(/__|[._]|-+/).every((word) => word !== '')
}

/**
 * K1=V1,K2=V2: the first = ends a name, blanks around a name do not belong to it, a repeated name means its last value.
 * Throws InvalidParameter.
 */
export function parseEnv(text: string, where: string): NamedValue[] {
  const values = new Map<string, string>()
  eachVariable(text, where, (from, equals, to) => values.set(text.slice(from, equals).trim(), text.slice(equals + 1, to)))
  if (values.size > maxVariables) throw new Fault('InvalidParameter', { Detail: `${where}: more than ${maxVariables} variables.` })
  return [...values].map(([name, value]) => ({ name, value }))
}

/** Throws what parseEnv would; on the hot path, where nobody wants the variables yet. */
export function requireEnv(text: string, where: string): void {
  // Only where there are too many pieces does it matter how many of them have one name.
  if (eachVariable(text, where, () => {}) > maxVariables) parseEnv(text, where)
}

/** Calls back with where in the text each name begins, its = stands and its value ends; returns how many there were. */
function eachVariable(text: string, where: string, take: (from: number, equals: number, to: number) => void): number {
  if (text.trim() === '') return 0
  if (text.includes('\0')) throw new Fault('InvalidParameter', { Detail: `${where}: a NUL character is not allowed.` })
  let count = 0
  for (let from = 0; from <= text.length;) {
    const comma = text.indexOf(',', from)
    const to = comma < 0 ? text.length : comma
    const equals = text.indexOf('=', from)
    count += 1
    const isNamed = equals >= 0 && equals < to
    if (!isNamed || !isPlainName(text, from, equals)) requireName(isNamed ? text.slice(from, equals).trim() : '', count, where)
    take(from, equals, to)
    from = to + 1
  }
  return count
}

const maxNameLength = 256

/** True when it is certain that no blank has to be taken off to see that a name is there and not too long. */
function isPlainName(text: string, from: number, to: number): boolean {
  const first = text.charCodeAt(from)
  return to > from && to - from <= maxNameLength && first > 32 && first < 127
}

function requireName(name: string, piece: number, where: string): void {
  if (name === '') throw new Fault('InvalidParameter', { Detail: `${where}: piece ${piece} is not name=value.` })
  if (name.length > maxNameLength) {
    throw new Fault('InvalidParameter', { Detail: `${where}: the name in piece ${piece} is longer than ${maxNameLength} characters.` })
  }
}

/**
 * Probe headers, JSON text of one object or of an array of objects; an empty text means none. Throws
 * InvalidParameter.HttpHeaders.
 */
export function parseHeaders(text: string, where: string): NamedValue[] {
  const refuse = (rule: string): never => {
    throw new Fault('InvalidParameter.HttpHeaders', { Detail: `${where}: ${rule}` })
  }
  if (text.trim() === '') return []
  if (text.includes('@')) refuse('@ is not allowed.')
  const sent = parseJson(text)
  const objects = Array.isArray(sent) ? sent : [sent]
  const headers: NamedValue[] = []
  for (const object of objects) {
    if (typeof object !== 'object' || object === null || Array.isArray(object)) {
      return refuse('JSON text of an object of names and values, or of an array of such objects.')
    }
    for (const [name, value] of Object.entries(object)) {
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name)) refuse(`${JSON.stringify(name)} is not the name of a header.`)
      if (!isHeaderValue(value)) return refuse(`the value of ${name} is one line of Latin text.`)
      headers.push({ name, value })
    }
  }
  if (headers.length > maxHeaders) refuse(`more than ${maxHeaders} headers.`)
  return headers
}

function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 4096 && /^[\t -~\u00a0-\u00ff]*$/.test(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
