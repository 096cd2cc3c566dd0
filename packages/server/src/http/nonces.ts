// Signature nonces as authenticate.ts needs them. The durable kind, which survives a restart, is store/nonces.ts; the one
// here lives in memory, for tests and for servers whose clock window outlasts their memory anyway.

export interface Nonces {
  /** False when this key has used the nonce before. Two claims of one nonce at the same time: exactly one is true. */
  claim(accessKeyId: string, nonce: string, expiresAtMs: number): Promise<boolean>
}

const sweepEvery = 10_000

export function createMemoryNonces(now: () => number): Nonces {
  const expiryByNonce = new Map<string, number>()
  let claims = 0
  return {
    async claim(accessKeyId, nonce, expiresAtMs) {
      claims += 1
      if (claims % sweepEvery === 0) for (const [key, expiry] of expiryByNonce) if (expiry < now()) expiryByNonce.delete(key)
      const key = `${accessKeyId}\n${nonce}`
      const known = expiryByNonce.get(key)
      if (known !== undefined && known >= now()) return false
      expiryByNonce.set(key, expiresAtMs)
      return true
    },
  }
}
