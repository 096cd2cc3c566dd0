// Who this node is to the server: the secret it was given, kept with mode 0600, and the Authorization header made from it
// or from what it joins with.
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
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
  #identity: Identity | undefined
  #isRefused = false

  private constructor(path: string, joinWith: JoinCredential | undefined) {
    this.#path = path
    this.#joinWith = joinWith
  }

  /** Reads the identity, if there is one. One that cannot be read is treated as absent: joining again makes a new one. */
  static async open(folder: string, joinWith: JoinCredential | undefined): Promise<IdentityStore> {
    const store = new IdentityStore(join(folder, 'identity.json'), joinWith)
    store.#identity = parseIdentity(await readIfPresent(store.#path))
    return store
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
    await writeAtomically(this.#path, JSON.stringify(identity), 0o600)
    this.#identity = identity
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

function parseIdentity(text: string | undefined): Identity | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<Record<keyof Identity, unknown>> | null
    if (typeof value?.nodeId !== 'string' || typeof value.nodeSecret !== 'string') return undefined
    return { nodeId: value.nodeId, nodeSecret: value.nodeSecret }
  } catch {
    return undefined
  }
}
