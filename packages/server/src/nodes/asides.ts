// What is said between server and node beside states, reports and streams: the disk, incidents, and attempts that somebody
// does not want to wait for. One for all sessions of a server; kept by hub.ts.
import type { NodeMessage, ServerMessage } from '@littoral/contract/node/stream'
import { DiskIntake } from './disk-intake.ts'
import { IncidentIntake, type IncidentServices } from './incident-intake.ts'
import { streamError } from './streams.ts'

export type Aside = Extract<NodeMessage, { type: 'disk' | 'retried' | 'incidentOffer' | 'incidentPart' }>

/** What this server's welcome says that it takes. */
export const takenAsides = ['disk', 'incidents']

interface Retry {
  readonly nodeId: string
  readonly done: (isWaiting: boolean) => void
}

const mostRetries = 1000

export class Asides {
  readonly #services: IncidentServices
  readonly #disks: DiskIntake
  readonly #incidents: IncidentIntake
  readonly #retries = new Map<string, Retry>()
  /** By node: what it says is handled in order. */
  readonly #handling = new Map<string, Promise<void>>()
  #last = 0

  constructor(services: IncidentServices) {
    this.#services = services
    this.#disks = new DiskIntake(services)
    this.#incidents = new IncidentIntake(services)
  }

  said(nodeId: string, message: Aside, answer: (message: ServerMessage) => void): void {
    if (message.type === 'disk') return this.#disks.take(nodeId, message.disk)
    if (message.type === 'retried') return this.#retried(nodeId, message.id, message.isWaiting)
    const handled = (this.#handling.get(nodeId) ?? Promise.resolve())
      .then(() =>
        message.type === 'incidentOffer'
          ? this.#incidents.offered(nodeId, message, answer)
          : this.#incidents.taken(nodeId, message, answer),
      )
      .catch((error: unknown) => {
        this.#services.log.error({ nodeId, err: error }, 'an incident could not be taken')
        answer({ type: 'incidentState', id: message.id, state: 'later', offset: 0 })
      })
      .finally(() => {
        if (this.#handling.get(nodeId) === handled) this.#handling.delete(nodeId)
      })
    this.#handling.set(nodeId, handled)
  }

  /** Resolves with whether something waited; throws NodeUnreachable when the node does not answer in time. */
  async retry(to: { nodeId: string; send: (message: ServerMessage) => void }, key: string, timeoutMs: number): Promise<boolean> {
    if (this.#retries.size >= mostRetries) throw streamError('NodeUnreachable', 'too many nodes are being asked')
    const id = `retry-${++this.#last}`
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<boolean>((resolve, reject) => {
        this.#retries.set(id, { nodeId: to.nodeId, done: resolve })
        timer = setTimeout(() => reject(streamError('NodeUnreachable', `it did not answer within ${timeoutMs} ms`)), timeoutMs)
        to.send({ type: 'retry', id, key })
      })
    } finally {
      clearTimeout(timer)
      this.#retries.delete(id)
    }
  }

  /** Resolves when everything taken so far is stored, or could not be. */
  async settled(): Promise<void> {
    await Promise.all([this.#disks.settled(), ...this.#handling.values()])
  }

  #retried(nodeId: string, id: string, isWaiting: boolean): void {
    const retry = this.#retries.get(id)
    if (retry?.nodeId === nodeId) retry.done(isWaiting)
  }
}
