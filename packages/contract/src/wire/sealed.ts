// Secrets sealed to one node: X25519 with a fresh key for each, HKDF-SHA256, AES-256-GCM. Used by the server, which seals, and
// by the agent, which alone can open. Pure but for the randomness of the fresh key.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto'

const prefix = 's1.'
const keyBytes = 32
const ivBytes = 12
const tagBytes = 16

/** A node's key: the public half as it is told, the private half as it is kept. */
export interface SealKeyPair {
  readonly publicKey: string
  readonly privateKey: string
}

export function newSealKey(): SealKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  return { publicKey: rawOf(publicKey), privateKey: privateKey.export({ format: 'jwk' }).d ?? '' }
}

/** Whether the two halves belong together, which a damaged file does not give. */
export function isSealKeyPair({ publicKey, privateKey }: SealKeyPair): boolean {
  try {
    return rawOf(createPublicKey(toPrivate({ publicKey, privateKey }))) === publicKey
  } catch {
    return false
  }
}

/** `purpose` must be the same when opening, so that a sealed text is of no use for anything else. */
export function sealTo(publicKey: string, plain: string, purpose: string): string {
  const fresh = generateKeyPairSync('x25519')
  const own = rawOf(fresh.publicKey)
  const shared = diffieHellman({ privateKey: fresh.privateKey, publicKey: toPublic(publicKey) })
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', derive(shared, own, publicKey), iv).setAAD(Buffer.from(purpose))
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return prefix + Buffer.concat([Buffer.from(own, 'base64url'), iv, cipher.getAuthTag(), body]).toString('base64url')
}

/** Throws when it was sealed to another key or for another purpose, or was changed; nothing of the content is in the error. */
export function openSealed(pair: SealKeyPair, sealed: string, purpose: string): string {
  const bytes = Buffer.from(sealed.slice(prefix.length), 'base64url')
  if (!sealed.startsWith(prefix) || bytes.length < keyBytes + ivBytes + tagBytes) throw new Error('it is not a sealed text')
  const sender = bytes.subarray(0, keyBytes).toString('base64url')
  const iv = bytes.subarray(keyBytes, keyBytes + ivBytes)
  const tag = bytes.subarray(keyBytes + ivBytes, keyBytes + ivBytes + tagBytes)
  try {
    const shared = diffieHellman({ privateKey: toPrivate(pair), publicKey: toPublic(sender) })
    const cipher = createDecipheriv('aes-256-gcm', derive(shared, sender, pair.publicKey), iv).setAAD(Buffer.from(purpose))
    cipher.setAuthTag(tag)
    return cipher.update(bytes.subarray(keyBytes + ivBytes + tagBytes), undefined, 'utf8') + cipher.final('utf8')
  } catch (cause) {
    throw new Error('it was sealed to another key or for another purpose', { cause })
  }
}

/** The purpose of a registry's login: it opens for no other workload and no other registry than the node asked for. */
export function registryCredentialPurpose(workloadKey: string, registry: string): string {
  return `registry-credential\n${workloadKey}\n${registry}`
}

function derive(shared: Buffer, sender: string, receiver: string): Buffer {
  return Buffer.from(hkdfSync('sha256', shared, `${sender}.${receiver}`, 'littoral sealed to a node, 1', 32))
}

function rawOf(key: KeyObject): string {
  return key.export({ format: 'jwk' }).x ?? ''
}

function toPublic(raw: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: raw }, format: 'jwk' })
}

function toPrivate({ publicKey, privateKey }: SealKeyPair): KeyObject {
  return createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', x: publicKey, d: privateKey }, format: 'jwk' })
}
