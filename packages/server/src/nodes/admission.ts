// Who may open a node's socket, and what becomes of it in the store once it has said hello. Used by hub.ts for the
// upgrade and by downloads.ts for packages.
import { Fault } from '@littoral/contract/errors'
import type { NodeFacts } from '@littoral/contract/node/report'
import { hashSecret } from '../domain/secret.ts'
import type { Services } from '../operations/context.ts'
import * as joinTokens from '../store/join-tokens.ts'
import * as nodes from '../store/nodes.ts'
import type { WriteTx } from '../store/store.ts'
import { isGatewayProof, isSameSecret, parseCredential } from './credential.ts'
import type { GatewayDirectory } from './gateway.ts'

export type AdmissionServices = Pick<Services, 'store' | 'now' | 'ids'> & { readonly gateways: GatewayDirectory }

export type Admission =
  | { readonly kind: 'join'; readonly token: joinTokens.JoinToken }
  | { readonly kind: 'gateway'; readonly accountId: string; readonly iotId: string }
  | { readonly kind: 'node'; readonly nodeId: string }

/** What a node says of itself when it connects. */
export interface Hello {
  readonly generation: number
  readonly facts: NodeFacts
}

export interface Enrolled {
  readonly nodeId: string
  /** A new secret, to be handed to the node; absent when it showed the one it has. */
  readonly nodeSecret?: string
  readonly region: string
  /** The join token said it, not the node. */
  readonly isRegionPinned: boolean
}

/** Recognises the caller by its Authorization header. Throws `Node.Unauthenticated` or `Node.TokenRefused`. */
export async function admit(header: string | undefined, services: AdmissionServices): Promise<Admission> {
  const credential = parseCredential(header)
  if (credential === undefined) throw unauthenticated('no usable Authorization header')
  switch (credential.kind) {
    case 'join': {
      const token = await services.store.read((tx) => joinTokens.findByHash(tx, hashSecret(credential.token)))
      const isUsable = token !== undefined && token.uses < token.maxUses && token.expiresAtMs > services.now()
      if (!isUsable) throw new Fault('Node.TokenRefused')
      return { kind: 'join', token }
    }
    case 'node': {
      const hash = await services.store.read((tx) => nodes.findSecretHash(tx, credential.nodeId))
      const isKnown = isSameSecret(hash ?? '', hashSecret(credential.secret))
      if (!isKnown) throw unauthenticated('unknown node or wrong secret')
      return { kind: 'node', nodeId: credential.nodeId }
    }
    case 'gateway': {
      const gateway = await services.gateways.find(credential.productKey, credential.deviceName)
      const isProven = gateway !== undefined && isGatewayProof(credential, gateway.deviceSecret, services.now())
      if (!isProven) throw unauthenticated('unknown gateway, wrong device secret, or a clock more than 15 minutes off')
      return { kind: 'gateway', accountId: gateway.accountId, iotId: gateway.iotId }
    }
  }
}

/** The node an admitted caller is, where it is one already; a join token is nobody yet. */
export async function nodeOf(admission: Admission, services: AdmissionServices): Promise<string | undefined> {
  if (admission.kind === 'node') return admission.nodeId
  if (admission.kind === 'join') return undefined
  return (await services.store.read((tx) => nodes.findByGateway(tx, admission.iotId)))?.id
}

const deleted = { Detail: 'the gateway device does not exist any more' }

/** Stores what the node says of itself, as a new node where it is one. Throws `Node.TokenRefused` when the token went meanwhile. */
export async function enrol(admission: Admission, hello: Hello, services: AdmissionServices): Promise<Enrolled> {
  return services.store.write(async (tx) => {
    const known = await findKnown(tx, admission)
    // Between the upgrade and the hello the device may have been deleted.
    if (admission.kind === 'gateway') services.gateways.require(tx, admission.iotId, { name: 'Node.Unauthenticated', params: deleted })
    if (admission.kind === 'node' && known === undefined) throw unauthenticated('the node does not exist any more')
    const nodeSecret = admission.kind === 'node' ? undefined : `lns_${services.ids.letters(40)}`
    const secretHash = nodeSecret === undefined ? {} : { secretHash: hashSecret(nodeSecret) }
    const issued = nodeSecret === undefined ? {} : { nodeSecret }
    if (known !== undefined) {
      const facts = withSealKey(hello.facts, admission.kind === 'node' ? known.facts.sealKey : undefined)
      nodes.update(tx, { id: known.id, ...described(facts, known.pinned), nowMs: services.now(), ...secretHash })
      nodes.updateGeneration(tx, known.id, newerThan(hello.generation, known.generation))
      return { nodeId: known.id, ...regionOf(hello.facts, known.pinned), ...issued }
    }
    const nodeId = insertNode(tx, { admission, hello, services, secretHash: secretHash.secretHash ?? '' })
    return { nodeId, ...regionOf(hello.facts, pinnedBy(admission)), ...issued }
  })
}

/**
 * The key that a node once told stays: the node's secret alone, which travels with every request, must not be enough to have
 * secrets sealed to another key. Joining anew, or the proof of a gateway, brings a new one.
 */
function withSealKey(facts: NodeFacts, kept: string | undefined): NodeFacts {
  return kept === undefined ? facts : { ...facts, sealKey: kept }
}

async function findKnown(tx: WriteTx, admission: Admission): Promise<nodes.NodeRecord | undefined> {
  if (admission.kind === 'node') return nodes.find(tx, admission.nodeId)
  return admission.kind === 'gateway' ? nodes.findByGateway(tx, admission.iotId) : undefined
}

interface NewNode {
  readonly admission: Admission
  readonly hello: Hello
  readonly services: AdmissionServices
  readonly secretHash: string
}

function insertNode(tx: WriteTx, { admission, hello, services, secretHash }: NewNode): string {
  const nowMs = services.now()
  if (admission.kind === 'node') throw unauthenticated('the node does not exist any more')
  if (admission.kind === 'join') joinTokens.use(tx, admission.token.id, nowMs, { name: 'Node.TokenRefused' })
  const pinned = pinnedBy(admission)
  const id = `node-${services.ids.hex(16)}`
  nodes.insert(tx, {
    id,
    accountId: admission.kind === 'join' ? admission.token.accountId : admission.accountId,
    ...described(hello.facts, pinned),
    ...(admission.kind === 'gateway' ? { gatewayIotId: admission.iotId } : {}),
    pinned,
    isOnline: true,
    lastSeenAtMs: nowMs,
    generation: newerThan(hello.generation, 0),
    acceptedGeneration: 0,
    createdAtMs: nowMs,
    secretHash,
  })
  return id
}

function pinnedBy(admission: Admission): nodes.NodeRecord['pinned'] {
  const token = admission.kind === 'join' ? admission.token : undefined
  return {
    ...(token?.region === undefined ? {} : { region: token.region }),
    ...(token?.environment === undefined ? {} : { environment: token.environment }),
  }
}

/**
 * A node that accepted more than this server ever numbered comes from another server, or this one was restored from an
 * older backup. It refuses everything that is not newer than what it has, so the numbering goes on above that.
 */
function newerThan(accepted: number, generation: number): number {
  return accepted > generation ? accepted + 1 : generation
}

function described(facts: NodeFacts, pinned: nodes.NodeRecord['pinned']) {
  const environments = pinned.environment === undefined ? facts.environments : [pinned.environment]
  return { name: facts.name, region: regionOf(facts, pinned).region, environments, facts }
}

function regionOf(facts: NodeFacts, pinned: nodes.NodeRecord['pinned']): Pick<Enrolled, 'region' | 'isRegionPinned'> {
  return { region: pinned.region ?? facts.region, isRegionPinned: pinned.region !== undefined }
}

function unauthenticated(detail: string): Fault {
  return new Fault('Node.Unauthenticated', { Detail: detail })
}
