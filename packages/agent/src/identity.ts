// Who this node is to the server: the secret it was given and the key that secrets for it are sealed to, kept with mode 0600,
// and the Authorization header made from the secret or from what it joins with.
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { isSealKeyPair, newSealKey, type SealKeyPair } from '@littoral/contract/wire/sealed'
import { readIfPresent, writeAtomically } from './files.ts'

/** What a node without an identity joins with. */
export type JoinCredential =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'gateway'; readonly productKey: string; readonly deviceName: string; readonly deviceSecret: string }

export interface Identity {
  readonly nodeId: string
  readonly nodeSecret: string
}

export class IdentityStore {
  readonly #path: string
  readonly #joinWith: JoinCredential | undefined
  readonly #sealKey: SealKeyPair
  #identity: Identity | undefined
  #isRefused = false

  private constructor(path: string, joinWith: JoinCredential | undefined, { identity, sealKey }: Kept & { sealKey: SealKeyPair }) {
    this.#path = path
    this.#joinWith = joinWith
    this.#identity = identity
    this.#sealKey = sealKey
  }

  /**
   * Reads the identity, if there is one, and makes the key at the first start. What cannot be read is treated as absent:
   * joining again makes a new one.
   */
  static async open(folder: string, joinWith: JoinCredential | undefined): Promise<IdentityStore> {
    const path = join(folder, 'identity.json')
    const { identity, sealKey } = parseKept(await readIfPresent(path))
    const store = new IdentityStore(path, joinWith, { identity, sealKey: sealKey ?? newSealKey() })
    if (sealKey === undefined && store.canConnect) await store.#write(identity)
    return store
  }

  /** Secrets for this node are sealed to its public half; the private one never leaves this machine. */
  get sealKey(): SealKeyPair {
    return this.#sealKey
  }

  get nodeId(): string | undefined {
    return this.#identity?.nodeId
  }

  get canConnect(): boolean {
    return this.#identity !== undefined || this.#joinWith !== undefined
  }

  async save(identity: Identity): Promise<void> {
    this.#isRefused = false
    if (identity.nodeId === this.#identity?.nodeId && identity.nodeSecret === this.#identity.nodeSecret) return
    await this.#write(identity)
    this.#identity = identity
  }

  #write(identity: Identity | undefined): Promise<void> {
    return writeAtomically(this.#path, JSON.stringify({ ...identity, sealKey: this.#sealKey }), 0o600)
  }

  /** The server does not know what was shown; where there is something else to show, it is tried next. */
  refused(): void {
    this.#isRefused = !this.#isRefused
  }

  /** For the socket. A gateway always shows its device identity, so that a replaced gateway cannot go on as the old one. */
  socketHeader(nowMs: number): string | undefined {
    const joins = this.#joinWith
    if (joins?.kind === 'gateway') return gatewayHeader(joins, nowMs)
    const showIdentity = this.#identity !== undefined && !(this.#isRefused && joins)
    if (showIdentity) return this.nodeHeader()
    return joins ? `Bearer ${joins.token}` : undefined
  }

  /** For downloads, once the server has told the node who it is. */
  nodeHeader(): string | undefined {
    return this.#identity && `LittoralNode ${this.#identity.nodeId}:${this.#identity.nodeSecret}`
  }
}

function gatewayHeader({ productKey, deviceName, deviceSecret }: JoinCredential & { kind: 'gateway' }, nowMs: number): string {
  const hmac = createHmac('sha256', deviceSecret).update(`${productKey}/${deviceName}\n${nowMs}`).digest('hex')
  return `LittoralGateway ${productKey}/${deviceName}:${nowMs}:${hmac}`
}

interface Kept {
  readonly identity: Identity | undefined
  readonly sealKey: SealKeyPair | undefined
}

function parseKept(text: string | undefined): Kept {
  try {
    const value = JSON.parse(text ?? 'null') as { nodeId?: unknown; nodeSecret?: unknown; sealKey?: Partial<SealKeyPair> } | null
    const { nodeId, nodeSecret, sealKey } = value ?? {}
    const identity = typeof nodeId === 'string' && typeof nodeSecret === 'string' ? { nodeId, nodeSecret } : undefined
    const { publicKey = '', privateKey = '' } = sealKey ?? {}
    return { identity, sealKey: isSealKeyPair({ publicKey, privateKey }) ? { publicKey, privateKey } : undefined }
  } catch {
    return { identity: undefined, sealKey: undefined }
  }
}
