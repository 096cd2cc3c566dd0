// Tells one connected node which agent it should run, on every connection until the node has said how it ended, and notes
// what it says. Part of a node's session.
import type { NodeMessage, ServerMessage } from '@littoral/contract/node/stream'
import type { Services } from '../operations/context.ts'
import * as upgrades from '../store/upgrades.ts'
import { bundlePath } from './agent-bundles.ts'

export class UpgradeTeller {
  readonly #nodeId: string
  readonly #services: Pick<Services, 'store' | 'now' | 'log'>
  readonly #send: (message: ServerMessage) => void
  readonly #unsubscribe: () => void
  #work: Promise<void> = Promise.resolve()
  #told = ''
  #isClosed = false

  constructor(nodeId: string, services: Pick<Services, 'store' | 'now' | 'log'>, send: (message: ServerMessage) => void) {
    this.#nodeId = nodeId
    this.#services = services
    this.#send = send
    this.#unsubscribe = services.store.changes(upgrades.topicOf(nodeId), () => this.tell())
  }

  /** Says what is to be said, once per connection and upgrade. */
  tell(): void {
    this.#queue(async () => {
      const upgrade = await this.#services.store.read((tx) => upgrades.findTold(tx, this.#nodeId))
      if (upgrade === undefined || upgrade.id === this.#told || this.#isClosed) return
      this.#told = upgrade.id
      const { id, version, sha256, sizeBytes, confirmSeconds, holdSeconds } = upgrade
      this.#send({ type: 'upgrade', upgrade: { id, version, path: bundlePath(sha256), sha256, sizeBytes, confirmSeconds, holdSeconds } })
    })
  }

  /** What a node says of an upgrade that is not its own changes nothing: the row is found by both. */
  take({ id: upgradeId, state, reason }: NodeMessage & { type: 'upgradeState' }): void {
    this.#queue(async () => {
      const { store, now, log } = this.#services
      const said = { upgradeId, nodeId: this.#nodeId, state, nowMs: now(), ...(reason === undefined ? {} : { reason }) }
      await store.write(async (tx) => upgrades.updateNode(tx, said))
      log.info({ nodeId: this.#nodeId, upgradeId, state, ...(reason ? { reason } : {}) }, 'a node told of its upgrade')
    })
  }

  close(): void {
    this.#isClosed = true
    this.#unsubscribe()
  }

  /** Resolves when nothing of this touches the store any more. */
  async settled(): Promise<void> {
    await this.#work
  }

  #queue(work: () => Promise<void>): void {
    if (this.#isClosed) return
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#services.log.error({ nodeId: this.#nodeId, err: error }, 'an upgrade could not be told or noted')
    })
  }
}
