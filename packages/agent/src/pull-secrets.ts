// Asks the server for what a private registry wants to see, at the moment of the pull: image secrets are no part of the
// desired state, so they never lie on this node's disk. The answer is sealed to this node's key and opened in memory, for one
// pull. Used by the engine runtime through agent.ts.
import { openSealed, registryCredentialPurpose, type SealKeyPair } from '@littoral/contract/wire/sealed'
import type { OpenObject } from './objects.ts'

export interface PullSecret {
  readonly username: string
  readonly password: string
}

/** A server that answers later than this is taken for out of reach: the pull is tried without. */
const timeoutMs = 10_000
const longestAnswer = 64 * 1024

/** Throws StepError DownloadFailed when the server cannot be asked or refuses. */
export function openPullSecrets(openObject: OpenObject, sealKey: SealKeyPair) {
  return async (workloadKey: string, registry: string, signal: AbortSignal): Promise<PullSecret | undefined> => {
    const path = `/node/v1/registry-credentials?${new URLSearchParams({ key: workloadKey, registry }).toString()}`
    const { body } = await openObject(path, 0, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
    return parseSecret(unseal(await readText(body), sealKey, registryCredentialPurpose(workloadKey, registry)))
  }
}

async function readText(body: AsyncIterable<Uint8Array> & { destroy(): void }): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of body) {
      sizeBytes += chunk.byteLength
      if (sizeBytes > longestAnswer) throw new Error('the answer about an image secret is too long')
      chunks.push(chunk)
    }
  } finally {
    body.destroy()
  }
  return Buffer.concat(chunks).toString('utf8')
}

function unseal(text: string, sealKey: SealKeyPair, purpose: string): string {
  let sealed: unknown
  try {
    sealed = (JSON.parse(text) as { sealed?: unknown } | null)?.sealed
  } catch {
    // Without the cause: its message would quote the answer.
    throw new Error('the answer about an image secret is not JSON')
  }
  if (typeof sealed !== 'string') throw new Error('the answer about an image secret is not sealed')
  try {
    return openSealed(sealKey, sealed, purpose)
  } catch {
    throw new Error("the answer about an image secret is not sealed to this node's key; join the node anew if this lasts")
  }
}

function parseSecret(text: string): PullSecret | undefined {
  let value: Partial<Record<keyof PullSecret, unknown>> | null
  try {
    value = JSON.parse(text) as typeof value
  } catch {
    // Without the cause: its message would quote the answer.
    throw new Error('the answer about an image secret is not JSON')
  }
  if (typeof value?.username !== 'string' || typeof value.password !== 'string') return undefined
  return { username: value.username, password: value.password }
}
