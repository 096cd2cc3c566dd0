// Takes incident capsules from nodes: in parts, each acknowledged, from where it was cut off. What is whole and true to its
// digest is checked against the contract and stored; then only is the node told that it may forget it.
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Incident } from '@littoral/contract/node/incident'
import { maxIncidentBytes } from '@littoral/contract/node/protocol'
import type { NodeMessage, ServerMessage } from '@littoral/contract/node/stream'
import { Ajv } from 'ajv'
import type { Services } from '../operations/context.ts'
import * as incidents from '../store/incidents.ts'

export type IncidentServices = Pick<Services, 'store' | 'now' | 'ids' | 'log'>
type Offer = Extract<NodeMessage, { type: 'incidentOffer' }>
type Part = Extract<NodeMessage, { type: 'incidentPart' }>
type Answer = (message: ServerMessage) => void

interface Unfinished {
  readonly id: string
  readonly sizeBytes: number
  readonly sha256: string
  parts: Buffer[]
  hereBytes: number
  touchedAtMs: number
  isStoring: boolean
}

/** Of all nodes together; who comes later is told to come again. */
const mostUnfinished = 256
const keptMs = 10 * 60_000
/** What a capsule may become when it is unpacked. */
const mostUnpackedBytes = 2 * maxIncidentBytes

const ajv = new Ajv({ removeAdditional: 'all', allErrors: false, strict: false })
const isIncident = ajv.compile<Incident>(Incident)

export class IncidentIntake {
  readonly #services: IncidentServices
  /** One per node; kept over a lost connection, so that the node goes on where it was cut off. */
  readonly #unfinished = new Map<string, Unfinished>()

  constructor(services: IncidentServices) {
    this.#services = services
  }

  async offered(nodeId: string, { id, sizeBytes, sha256 }: Offer, answer: Answer): Promise<void> {
    const say = (state: 'wanted' | 'stored' | 'refused' | 'later', offset = 0) => answer({ type: 'incidentState', id, state, offset })
    if (sizeBytes < 1 || sizeBytes > maxIncidentBytes) return say('refused')
    if (await this.#services.store.read((tx) => incidents.has(tx, nodeId, id))) return say('stored', sizeBytes)
    this.#dropOld()
    const known = this.#unfinished.get(nodeId)
    const isSame = known?.id === id && known.sha256 === sha256 && known.sizeBytes === sizeBytes
    if (known?.isStoring || (!isSame && !known && this.#unfinished.size >= mostUnfinished)) return say('later')
    const touchedAtMs = this.#services.now()
    const partial = isSame ? known : { id, sizeBytes, sha256, parts: [], hereBytes: 0, touchedAtMs, isStoring: false }
    partial.touchedAtMs = touchedAtMs
    this.#unfinished.set(nodeId, partial)
    say('wanted', partial.hereBytes)
  }

  async taken(nodeId: string, { id, offset, base64 }: Part, answer: Answer): Promise<void> {
    const partial = this.#unfinished.get(nodeId)
    const say = (state: 'wanted' | 'stored' | 'refused' | 'later', at = 0) => answer({ type: 'incidentState', id, state, offset: at })
    if (partial?.id !== id || partial.isStoring) return say('later')
    const part = Buffer.from(base64, 'base64')
    if (offset !== partial.hereBytes || part.length === 0) return say('wanted', partial.hereBytes)
    if (offset + part.length > partial.sizeBytes) return this.#refuse(nodeId, partial, 'it is larger than was said', say)
    partial.parts.push(part)
    partial.hereBytes += part.length
    partial.touchedAtMs = this.#services.now()
    if (partial.hereBytes < partial.sizeBytes) return say('wanted', partial.hereBytes)
    await this.#store(nodeId, partial, say)
  }

  async #store(nodeId: string, partial: Unfinished, say: (state: 'stored' | 'refused' | 'later', at?: number) => void): Promise<void> {
    partial.isStoring = true
    try {
      const incident = await unpack(partial)
      if (typeof incident === 'string') return this.#refuse(nodeId, partial, incident, say)
      const { store, ids, now } = this.#services
      const row = { id: `incident-${ids.hex(16)}`, nodeId, incident, nowMs: now() }
      await store.write(async (tx) => incidents.insert(tx, row))
      say('stored', partial.sizeBytes)
    } catch (error) {
      this.#services.log.error({ nodeId, err: error }, 'an incident could not be stored')
      say('later')
    } finally {
      if (this.#unfinished.get(nodeId) === partial) this.#unfinished.delete(nodeId)
    }
  }

  #refuse(nodeId: string, partial: Unfinished, detail: string, say: (state: 'refused') => void): void {
    this.#services.log.warn({ nodeId, incident: partial.id, detail }, 'an incident was refused')
    this.#unfinished.delete(nodeId)
    say('refused')
  }

  #dropOld(): void {
    const beforeMs = this.#services.now() - keptMs
    for (const [nodeId, { touchedAtMs, isStoring }] of this.#unfinished)
      if (touchedAtMs < beforeMs && !isStoring) this.#unfinished.delete(nodeId)
  }
}

/** The capsule, or what is wrong with it. */
async function unpack({ id, parts, sha256 }: Unfinished): Promise<Incident | string> {
  const packed = Buffer.concat(parts)
  if (createHash('sha256').update(packed).digest('hex') !== sha256) return 'its digest is another one'
  let value: unknown
  try {
    value = JSON.parse((await promisify(gunzip)(packed, { maxOutputLength: mostUnpackedBytes })).toString('utf8'))
  } catch (error) {
    return `it cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`
  }
  if (!isIncident(value)) return `${isIncident.errors?.[0]?.instancePath ?? ''} ${isIncident.errors?.[0]?.message ?? 'is invalid'}`
  return value.id === id ? value : 'it is another one than was offered'
}
