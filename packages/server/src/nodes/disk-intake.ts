// Stores what nodes say of their disks: one write at a time, and only the newest of each node.
import type { DiskReport } from '@littoral/contract/node/disk'
import type { Services } from '../operations/context.ts'
import * as disks from '../store/node-disks.ts'

export class DiskIntake {
  readonly #services: Pick<Services, 'store' | 'now' | 'log'>
  readonly #waiting = new Map<string, DiskReport>()
  #writing: Promise<void> | undefined

  constructor(services: Pick<Services, 'store' | 'now' | 'log'>) {
    this.#services = services
  }

  take(nodeId: string, disk: DiskReport): void {
    this.#waiting.set(nodeId, disk)
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined))
  }

  async settled(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  async #writeAll(): Promise<void> {
    const { store, now, log } = this.#services
    while (this.#waiting.size > 0) {
      const said = [...this.#waiting]
      this.#waiting.clear()
      try {
        await store.write(async (tx) => {
          for (const [nodeId, disk] of said) disks.update(tx, { nodeId, disk, nowMs: now() })
        })
      } catch (error) {
        log.error({ err: error, nodes: said.length }, 'what nodes say of their disks could not be stored')
      }
    }
  }
}
