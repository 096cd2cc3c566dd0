// Who may upload by form, and what: a policy that the holder of an access key has signed, V1 or V4, and its conditions
// (contract: pop-gateway §18). Decided from the fields, before a byte of the file is read. Called by post-object.ts.
import { type AuthorizationServices, checkSignature, findCredential, parseCredential, parseDateV4 } from './authorization.ts'
import { OssError } from './oss-error.ts'
import { signV1, signV4 } from './signing.ts'

export interface Allowed {
  readonly accountId: string
  readonly minBytes: number
  readonly maxBytes: number
}

type Fields = ReadonlyMap<string, string>

const maxConditions = 64
const maxSkewMs = 15 * 60 * 1000
const maxLifeMs = 7 * 24 * 3600 * 1000

/** `fields` holds the form's fields, with `key` as it was completed and `bucket`. Throws OssError. */
export async function authorizeForm(fields: Fields, services: AuthorizationServices): Promise<Allowed> {
  const policy = fields.get('policy')
  if (policy === undefined) throw new OssError('AccessDenied', 'The form has no policy.')
  const { accountId } = fields.has('x-oss-signature-version')
    ? await signerV4(fields, policy, services)
    : await signerV1(fields, policy, services)
  const { expiration, conditions } = parsePolicy(policy)
  if (!(expiration > services.now())) throw new OssError('AccessDenied', 'Invalid according to Policy: Policy expired.')
  let allowed = { accountId, minBytes: 0, maxBytes: Number.MAX_SAFE_INTEGER }
  for (const condition of conditions) {
    if (condition.kind === 'length') {
      allowed = { ...allowed, minBytes: Math.max(allowed.minBytes, condition.min), maxBytes: Math.min(allowed.maxBytes, condition.max) }
    } else if (!isMet(condition, fields)) {
      throw new OssError('AccessDenied', `Invalid according to Policy: Policy Condition failed: ${condition.text}`)
    }
  }
  return allowed
}

async function signerV1(fields: Fields, policy: string, services: AuthorizationServices) {
  const credential = await findCredential(fields.get('ossaccesskeyid') ?? '', fields.get('x-oss-security-token'), services)
  checkSignature(fields.get('signature') ?? '', signV1(credential.secret, policy))
  return credential
}

async function signerV4(fields: Fields, policy: string, services: AuthorizationServices) {
  if (fields.get('x-oss-signature-version') !== 'OSS4-HMAC-SHA256')
    throw new OssError('InvalidArgument', 'x-oss-signature-version must be OSS4-HMAC-SHA256.')
  const { id, scope } = parseCredential(fields.get('x-oss-credential') ?? '')
  const credential = await findCredential(id, fields.get('x-oss-security-token'), services)
  checkSignature(fields.get('x-oss-signature') ?? '', signV4(credential.secret, policy, scope))
  const date = fields.get('x-oss-date') ?? ''
  const ageMs = services.now() - parseDateV4(date)
  const isOfDay = date.startsWith(scope.day)
  if (!isOfDay || !(ageMs >= -maxSkewMs && ageMs <= maxLifeMs))
    throw new OssError('AccessDenied', 'x-oss-date must be of the day in x-oss-credential, and no week ago.')
  return credential
}

type Condition =
  | { readonly kind: 'eq' | 'starts-with'; readonly name: string; readonly value: string; readonly text: string }
  | { readonly kind: 'length'; readonly min: number; readonly max: number }

function isMet({ kind, name, value }: Exclude<Condition, { kind: 'length' }>, fields: Fields): boolean {
  const given = fields.get(name)
  return kind === 'eq' ? given === value : (given ?? '').startsWith(value)
}

function parsePolicy(encoded: string): { expiration: number; conditions: readonly Condition[] } {
  let policy: unknown
  try {
    policy = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'))
  } catch (cause) {
    throw new OssError('InvalidPolicyDocument', 'The policy is not the base64 of a JSON text.', { cause })
  }
  const { expiration, conditions } = (policy ?? {}) as { expiration?: unknown; conditions?: unknown }
  const isTime = typeof expiration === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(expiration)
  if (!isTime || Number.isNaN(Date.parse(expiration))) throw invalid('expiration must be a time such as 2030-01-01T00:00:00.000Z.')
  if (!Array.isArray(conditions)) throw invalid('conditions must be a list.')
  const parsed = conditions.flatMap(parseCondition)
  if (parsed.length > maxConditions) throw invalid(`conditions has more than ${maxConditions} entries.`)
  return { expiration: Date.parse(expiration), conditions: parsed }
}

function parseCondition(condition: unknown): Condition[] {
  if (Array.isArray(condition)) return [parseTriple(condition)]
  if (condition === null || typeof condition !== 'object') throw invalid('a condition must be an object or a list.')
  return Object.entries(condition).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'string') throw invalid(`the condition on ${name} must compare with a text.`)
    return { kind: 'eq', name: name.toLowerCase(), value, text: JSON.stringify(['eq', `$${name}`, value]) }
  })
}

function parseTriple(condition: readonly unknown[]): Condition {
  const [kind, first, second] = condition
  if (condition.length !== 3) throw invalid('a condition that is a list has three parts.')
  if (kind === 'content-length-range') {
    if (!isLength(first) || !isLength(second)) throw invalid('content-length-range needs two whole numbers.')
    return { kind: 'length', min: Number(first), max: Number(second) }
  }
  if (kind !== 'eq' && kind !== 'starts-with') throw invalid('a condition must be eq, starts-with or content-length-range.')
  if (typeof first !== 'string' || !first.startsWith('$') || typeof second !== 'string')
    throw invalid(`${kind} compares a field such as $key with a text.`)
  return { kind, name: first.slice(1).toLowerCase(), value: second, text: JSON.stringify(condition) }
}

function isLength(value: unknown): boolean {
  return /^\d{1,15}$/.test(String(value))
}

function invalid(message: string): OssError {
  return new OssError('InvalidPolicyDocument', `Invalid Policy: ${message}`)
}
