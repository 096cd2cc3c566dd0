// Who may touch an object, decided before a byte of the body is read: by a signed address (V1 or V4 in the query) or by a
// signed request (V1 or V4 in the Authorization header). Called by routes.ts. Forms are decided about in post-policy.ts.
//
// Addresses that this server signed itself are lenient: headers that the client adds, Content-Type above all, do not break
// them. Addresses signed by a client with an access key are checked to the letter.
import { timingSafeEqual } from 'node:crypto'
import { OssError } from './oss-error.ts'
import { type ScopeV4, type SignedRequest, signV1, signV4, toCanonicalV4, toSignV1, toSignV4 } from './signing.ts'

export interface ObjectCredential {
  readonly accountId: string
  readonly secret: string
  readonly isActive: boolean
  readonly securityToken?: string
  readonly expiresAtMs?: number
}

export interface ObjectCredentials {
  find(accessKeyId: string): Promise<ObjectCredential | undefined>
}

/** `accountId` is absent when the address was signed by this server: then it says itself which object it is for. */
export interface Authorization {
  readonly accountId?: string
}

export interface AuthorizationServices {
  readonly credentials: ObjectCredentials
  /** The id and secret this server signs addresses with. */
  readonly ownKey: { readonly id: string; readonly secret: string }
  readonly now: () => number
}

const maxSkewMs = 15 * 60 * 1000
const maxLifeSeconds = 7 * 24 * 3600

/** Throws OssError. */
export async function authorize(request: SignedRequest, services: AuthorizationServices): Promise<Authorization> {
  const { query, headers } = request
  if (query.has('x-oss-signature')) return authorizeAddressV4(request, services)
  if (query.has('Signature')) return authorizeAddressV1(request, services)
  const header = headers['authorization'] ?? ''
  if (header.startsWith('OSS4-HMAC-SHA256 ')) return authorizeHeaderV4(request, header, services)
  if (header.startsWith('OSS ')) return authorizeHeaderV1(request, header, services)
  throw new OssError('AccessDenied', 'The request is not signed.')
}

async function authorizeAddressV1(request: SignedRequest, services: AuthorizationServices): Promise<Authorization> {
  const { query } = request
  const expires = query.get('Expires') ?? ''
  if (!/^\d{1,15}$/.test(expires)) throw new OssError('AccessDenied', 'Expires must be a time in seconds.')
  const id = query.get('OSSAccessKeyId') ?? ''
  // Some clients leave the plus signs of base64 unescaped.
  const signature = (query.get('Signature') ?? '').replaceAll(' ', '+')
  const isOwn = id === services.ownKey.id
  const credential = isOwn ? undefined : await findCredential(id, query.get('security-token'), services)
  const signed = isOwn ? bare(request) : request
  checkSignature(signature, signV1(credential?.secret ?? services.ownKey.secret, toSignV1(signed, expires)))
  if (Number(expires) * 1000 < services.now()) throw new OssError('AccessDenied', 'Request has expired.')
  return credential === undefined ? {} : { accountId: credential.accountId }
}

/** The request without what a client may add to an address of ours. */
function bare(request: SignedRequest): SignedRequest {
  return { ...request, headers: {} }
}

async function authorizeAddressV4(request: SignedRequest, services: AuthorizationServices): Promise<Authorization> {
  const { query } = request
  const { id, scope } = parseCredential(query.get('x-oss-credential') ?? '')
  const date = query.get('x-oss-date') ?? ''
  const life = query.get('x-oss-expires') ?? ''
  if (!/^\d{1,9}$/.test(life) || Number(life) > maxLifeSeconds)
    throw new OssError('InvalidArgument', 'x-oss-expires must be seconds, a week at most.')
  const credential = await findCredential(id, query.get('x-oss-security-token'), services)
  const additional = parseNames(query.get('x-oss-additional-headers'))
  const toSign = toSignV4(toCanonicalV4(request, additional), date, scope)
  checkSignature(query.get('x-oss-signature') ?? '', signV4(credential.secret, toSign, scope))
  const startMs = parseDateV4(date)
  const nowMs = services.now()
  if (startMs - nowMs > maxSkewMs || startMs + Number(life) * 1000 < nowMs) throw new OssError('AccessDenied', 'Request has expired.')
  return { accountId: credential.accountId }
}

async function authorizeHeaderV1(request: SignedRequest, header: string, services: AuthorizationServices): Promise<Authorization> {
  const [id = '', signature = ''] = header.slice('OSS '.length).split(':')
  const { headers } = request
  const credential = await findCredential(id.trim(), headers['x-oss-security-token'], services)
  const date = headers['x-oss-date'] ?? headers['date'] ?? ''
  checkSignature(signature.trim(), signV1(credential.secret, toSignV1(request, date)))
  checkSkew(Date.parse(date), services.now())
  return { accountId: credential.accountId }
}

async function authorizeHeaderV4(request: SignedRequest, header: string, services: AuthorizationServices): Promise<Authorization> {
  const parts = new Map(
    header
      .slice('OSS4-HMAC-SHA256 '.length)
      .split(',')
      .map((part) => [part.slice(0, part.indexOf('=')).trim(), part.slice(part.indexOf('=') + 1).trim()] as const),
  )
  const { id, scope } = parseCredential(parts.get('Credential') ?? '')
  const { headers } = request
  const credential = await findCredential(id, headers['x-oss-security-token'], services)
  const date = headers['x-oss-date'] ?? ''
  const toSign = toSignV4(toCanonicalV4(request, parseNames(parts.get('AdditionalHeaders'))), date, scope)
  checkSignature(parts.get('Signature') ?? '', signV4(credential.secret, toSign, scope))
  checkSkew(parseDateV4(date), services.now())
  return { accountId: credential.accountId }
}

/** The credential behind an id, with the token that belongs to it; throws OssError. */
export async function findCredential(id: string, token: string | undefined, services: AuthorizationServices): Promise<ObjectCredential> {
  const credential = id === '' ? undefined : await services.credentials.find(id)
  if (credential === undefined) throw new OssError('InvalidAccessKeyId', 'The access key id does not exist.')
  if (!credential.isActive) throw new OssError('AccessDenied', 'The access key is disabled.')
  const isTokenRight = credential.securityToken === token
  const isExpired = credential.expiresAtMs !== undefined && credential.expiresAtMs < services.now()
  if (!isTokenRight || isExpired) throw new OssError('AccessDenied', 'The security token is wrong or has expired.')
  return credential
}

export function parseCredential(text: string): { id: string; scope: ScopeV4 } {
  const match = /^([^/]{1,128})\/(\d{8})\/([^/]{1,64})\/oss\/aliyun_v4_request$/.exec(text)
  if (match === null) throw new OssError('InvalidArgument', 'The credential is not written as id/day/region/oss/aliyun_v4_request.')
  const [, id = '', day = '', region = ''] = match
  return { id, scope: { day, region } }
}

function parseNames(text: string | undefined): string[] {
  return (text ?? '')
    .toLowerCase()
    .split(';')
    .filter((name) => name !== '')
}

/** 20261122T011638Z */
export function parseDateV4(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

function checkSkew(atMs: number, nowMs: number): void {
  if (!(Math.abs(atMs - nowMs) <= maxSkewMs))
    throw new OssError('RequestTimeTooSkewed', 'The time of the request is more than 15 minutes off.')
}

/** Throws OssError SignatureDoesNotMatch. */
export function checkSignature(signature: string, expected: string): void {
  const [given, right] = [Buffer.from(signature), Buffer.from(expected)]
  if (given.length !== right.length || !timingSafeEqual(given, right)) {
    throw new OssError('SignatureDoesNotMatch', 'The signature does not match the request. Check the key and the way of signing.')
  }
}
