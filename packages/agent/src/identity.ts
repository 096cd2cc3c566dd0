// Who this node is to the server: the secret it was given and the key that secrets for it are sealed to, kept twice with mode
// 0600, and the Authorization header made from the secret or from what it joins with.
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { isSealKeyPair, newSealKey, type SealKeyPair } from '@littoral/contract/wire/sealed'
import { type Checked, type DiskNotes, Kept } from './kept.ts'

/** What a node without an identity joins with. */
export type JoinCredential =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'gateway'; readonly productKey: string; readonly deviceName: string; readonly deviceSecret: string }

export interface Identity {
  readonly nodeId: string
  readonly nodeSecret: string
}

export class IdentityStore {
  readonly #kept: Kept<KeptIdentity>
  readonly #joinWith: JoinCredential | undefined
  readonly #sealKey: SealKeyPair
  #isRefused = false

  private constructor(kept: Kept<KeptIdentity>, joinWith: JoinCredential | undefined) {
    this.#kept = kept
    this.#sealKey = kept.value?.sealKey ?? newSealKey()
    this.#joinWith = joinWith
  }

  /**
   * Reads the identity, if there is one, and makes the key at the first start. An identity that is damaged in both copies counts
   * as absent: joining again makes a new one.
   */
  static async open(folder: string, joinWith: JoinCredential | undefined, disk?: DiskNotes): Promise<IdentityStore> {
    const path = join(folder, 'identity.json')
    const store = new IdentityStore(await Kept.open({ path, what: 'the identity', check: checkIdentity, copy: 'same', disk }), joinWith)
    const isKeyNew = store.#kept.value?.sealKey === undefined
    if (isKeyNew && store.canConnect && store.#kept.damage === undefined) await store.#keep(store.#identity)
    return store
  }

  /** What was wrong on disk, until a new identity is there. */
  get condition(): { readonly code: 'IdentityCorrupt'; readonly message: string } | undefined {
    const { damage } = this.#kept
    if (damage === undefined) return undefined
    const instead = this.#identity ? 'its copy is used' : 'without a copy this node has to join again'
    return { code: 'IdentityCorrupt', message: `${damage}; ${instead}` }
  }

  /** Writes anew what is damaged, from its copy. */
  async mend(): Promise<void> {
    if (this.#kept.damage !== undefined && this.#identity) await this.#keep(this.#identity)
  }

  #keep(identity: Identity | undefined): Promise<void> {
    return this.#kept.set({ ...(identity && { identity }), sealKey: this.#sealKey })
  }

  get #identity(): Identity | undefined {
    return this.#kept.value?.identity
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
    await this.#keep(identity)
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

interface KeptIdentity {
  readonly identity?: Identity
  readonly sealKey?: SealKeyPair
}

function checkIdentity(value: unknown): Checked<KeptIdentity> {
  const kept = (value ?? {}) as { identity?: unknown; sealKey?: Partial<SealKeyPair> }
  // Earlier agents kept the identity alone.
  const { nodeId, nodeSecret } = (kept.identity ?? kept) as Partial<Record<keyof Identity, unknown>>
  const { publicKey = '', privateKey = '' } = kept.sealKey ?? {}
  const sealKey = isSealKeyPair({ publicKey, privateKey }) ? { publicKey, privateKey } : undefined
  const identity = typeof nodeId === 'string' && typeof nodeSecret === 'string' ? { nodeId, nodeSecret } : undefined
  if (identity === undefined && sealKey === undefined) return { isValid: false, problem: 'it names no node' }
  return { isValid: true, value: { ...(identity && { identity }), ...(sealKey && { sealKey }) } }
}
