// Who is calling: steps 4 to 9 of the contract's order (pop-gateway §8). The signature is checked over what the client
// signed, and only what it covers is handed on. Called by rpc.ts.
import { Fault, type FaultName } from '@littoral/contract/errors'
import { type Fields, textField, verifyV1Parameters } from '@littoral/contract/wire/parameters'
import { isV3Algorithm, type Mismatch, parseV3Authorization, verifyV3 } from '@littoral/contract/wire/signature'
import type { Principal } from '../operations/context.ts'
import type { Call } from './incoming.ts'
import type { Nonces } from './nonces.ts'

/** An access key; temporary ones have a token and an end. */
export interface Credential {
  readonly accountId: string
  readonly secret: string
  readonly isActive: boolean
  readonly kind: 'root'
  readonly securityToken?: string
  readonly expiresAtMs?: number
}

export interface Credentials {
  find(accessKeyId: string): Promise<Credential | undefined>
}

export interface Gatekeeper {
  readonly credentials: Credentials
  readonly nonces: Nonces
  readonly now: () => number
}

export interface Authenticated {
  readonly principal: Principal
  /** The parameters that the signature covers. */
  readonly fields: Fields
}

/** What a request says about its signature, in either scheme. */
interface Claim {
  readonly accessKeyId: string
  readonly timestamp: string
  readonly nonce: string
  readonly securityToken: string
  /** The parameters that this secret signed; throws SignatureDoesNotMatch. */
  verify(secret: string): Fields
}

const windowMs = 15 * 60_000
const maxNonceLength = 128

/** Throws the gateway's fault of the first thing that is wrong. The nonce is claimed last: strangers cannot burn nonces. */
export async function authenticate(call: Call, { credentials, nonces, now }: Gatekeeper): Promise<Authenticated> {
  const claim = claimOf(call)
  const atMs = parseTime(claim.timestamp)
  if (Math.abs(now() - atMs) > windowMs) throw new Fault('InvalidTimeStamp.Expired')
  const credential = await credentials.find(claim.accessKeyId)
  if (credential === undefined) throw new Fault('InvalidAccessKeyId.NotFound')
  if (!credential.isActive) throw new Fault('InvalidAccessKeyId.Inactive')
  checkToken(claim.securityToken, credential, now())
  const fields = claim.verify(credential.secret)
  const isFresh = await nonces.claim(claim.accessKeyId, claim.nonce, atMs + windowMs)
  if (!isFresh) throw new Fault('SignatureNonceUsed')
  return { principal: { accountId: credential.accountId, accessKeyId: claim.accessKeyId, kind: credential.kind }, fields }
}

function claimOf(call: Call): Claim {
  const claim = readClaim(call)
  if (claim.timestamp === '') throw missing('Timestamp')
  if (claim.nonce === '') throw missing('SignatureNonce')
  if (claim.nonce.length > maxNonceLength) throw new Fault('Invalid', { Name: 'SignatureNonce' })
  if (claim.accessKeyId.startsWith('STS.') && claim.securityToken === '') throw missing('SecurityToken')
  return claim
}

function readClaim(call: Call): Claim {
  switch (call.scheme) {
    case 'v3':
      return v3Claim(call)
    case 'v1':
      return v1Claim(call)
    case 'bearer':
      // No product here issues bearer tokens yet, so none can be known.
      throw hasBearerToken(call) ? new Fault('Invalid', { Name: 'BearerToken' }) : missing('BearerToken')
    case 'roa':
      // Path-style products sign this way, and none is served here; their text cannot tell `a=1&b=2` from one value.
      throw new Fault('InvalidSignatureMethod')
    case 'unknown':
      throw new Fault('IncompleteSignature', { StringToSign: '' })
    case 'anonymous':
      throw missing('AccessKeyId')
  }
}

function hasBearerToken(call: Call): boolean {
  return call.header('x-acs-bearer-token') !== '' || textField(call.claimed, 'BearerToken') !== ''
}

function v1Claim({ incoming, parameters, claimed }: Call): Claim {
  const accessKeyId = textField(claimed, 'AccessKeyId')
  if (accessKeyId === '') throw missing('AccessKeyId')
  if (textField(claimed, 'Signature') === '') throw missing('Signature')
  const method = textField(claimed, 'SignatureMethod')
  if (method !== '' && method !== 'HMAC-SHA1') throw new Fault('InvalidSignatureMethod')
  return {
    accessKeyId,
    timestamp: textField(claimed, 'Timestamp'),
    nonce: textField(claimed, 'SignatureNonce'),
    securityToken: textField(claimed, 'SecurityToken'),
    verify(secret) {
      const verdict = verifyV1Parameters(incoming.method, parameters, secret)
      if ('isGenuine' in verdict) throw mismatch('SignatureDoesNotMatch', verdict)
      return verdict
    },
  }
}

/** Headers without which a V3 signature proves nothing. */
const alwaysSigned = ['x-acs-action', 'x-acs-version', 'x-acs-date', 'x-acs-signature-nonce', 'x-acs-content-sha256'].map(inList)

function v3Claim({ incoming, parameters, claimed, header }: Call): Claim {
  const authorization = parseV3Authorization(header('authorization'))
  if (authorization === undefined) throw new Fault('IncompleteSignature', { StringToSign: '' })
  const { accessKeyId, signedHeaders, signature, algorithm } = authorization
  if (!isV3Algorithm(algorithm)) throw new Fault('InvalidSignatureMethod')
  const signed = inList(signedHeaders.toLowerCase())
  const securityToken = header('x-acs-security-token')
  const isTokenSigned = securityToken === '' || signed.includes(inList('x-acs-security-token'))
  const isComplete = isTokenSigned && alwaysSigned.every((name) => signed.includes(name))
  if (!isComplete) throw new Fault('IncompleteSignature', { StringToSign: '' })
  return {
    accessKeyId,
    timestamp: header('x-acs-date'),
    nonce: header('x-acs-signature-nonce'),
    securityToken,
    verify(secret) {
      const { method, path, rawQuery, body } = incoming
      const request = { method, path, rawQuery, query: parameters.query, header, body }
      const verdict = verifyV3(request, { algorithm, accessKeyId, signedHeaders, signature }, secret)
      if (!verdict.isGenuine) throw mismatch('SignatureDoesNotMatch.V3', verdict)
      return claimed
    },
  }
}

/** Names joined with `;`, with one at both ends, so that one of them can be looked for as text. */
function inList(names: string): string {
  return `;${names};`
}

const ISO_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

function parseTime(text: string): number {
  const atMs = ISO_SECONDS.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(atMs)) throw new Fault('InvalidTimeStamp.Format')
  return atMs
}

function checkToken(token: string, credential: Credential, nowMs: number): void {
  if (credential.securityToken === undefined) {
    if (token !== '') throw new Fault('InvalidSecurityToken.Malformed')
    return
  }
  if (token === '') throw missing('SecurityToken')
  if (token !== credential.securityToken) throw new Fault('InvalidSecurityToken.MismatchWithAccessKey')
  if (credential.expiresAtMs !== undefined && credential.expiresAtMs <= nowMs) throw new Fault('InvalidSecurityToken.Expired')
}

function missing(name: string): Fault {
  return new Fault('Missing', { Name: name })
}

// The text holds parameter values and perhaps a token: it goes back to who sent it, and never into a log.
function mismatch(fault: FaultName, { stringToSign, canonicalRequest }: Mismatch): Fault {
  return new Fault(fault, { StringToSign: stringToSign, CanonicalRequest: canonicalRequest ?? '' })
}
