// Tells the server of the disk: at the beginning of a connection, and when there is news worth a message.
import type { DiskReport } from '@littoral/contract/node/disk'
import type { NodeMessage } from '@littoral/contract/node/stream'

/** A change of free space below this part of the disk is no news. */
const newsPart = 0.02

export class DiskTeller {
  #newest: DiskReport | undefined
  #told: DiskReport | undefined
  #send: ((message: NodeMessage) => void) | undefined

  update(report: DiskReport): void {
    this.#newest = report
    this.#tell()
  }

  /** `send` of a server that takes such reports. */
  connected(send: (message: NodeMessage) => void): void {
    this.#send = send
    this.#told = undefined
    this.#tell()
  }

  disconnected(): void {
    this.#send = undefined
  }

  #tell(): void {
    if (!this.#send || !this.#newest || (this.#told && !isNews(this.#told, this.#newest))) return
    this.#told = this.#newest
    this.#send({ type: 'disk', disk: this.#newest })
  }
}

function isNews(before: DiskReport, now: DiskReport): boolean {
  const isSame = before.isShort === now.isShort && before.removed[0]?.atMs === now.removed[0]?.atMs
  return !isSame || Math.abs(before.freeBytes - now.freeBytes) > newsPart * now.totalBytes || before.stockBytes !== now.stockBytes
}
