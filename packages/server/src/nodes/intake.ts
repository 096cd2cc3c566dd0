// Takes a node's reports and stores them: one write at a time, and reports that arrive meanwhile are merged into the
// next one, so that a talkative node costs one write per write, not one per message.
import type { NodeCondition, Report, WorkloadReport } from '@littoral/contract/node/report'
import type { Services } from '../operations/context.ts'
import * as nodes from '../store/nodes.ts'
import * as reports from '../store/reports.ts'
import type { WriteTx } from '../store/store.ts'

/** A node may not make the server remember more workloads than a desired state can hold. */
const mostWorkloads = 2000

interface Pending {
  generation: number
  isComplete: boolean
  readonly workloads: Map<string, WorkloadReport>
  conditions?: readonly NodeCondition[]
}

export class ReportIntake {
  readonly #nodeId: string
  readonly #services: Pick<Services, 'store' | 'now' | 'log'>
  readonly #failed: (error: unknown) => void
  #pending: Pending | undefined
  #writing: Promise<void> | undefined
  #accepted: number | undefined

  /** `failed` is told when a report could not be stored: the node must then say everything again. */
  constructor(nodeId: string, services: Pick<Services, 'store' | 'now' | 'log'>, failed: (error: unknown) => void) {
    this.#nodeId = nodeId
    this.#services = services
    this.#failed = failed
  }

  /** Takes a report; what it says of a workload replaces what was said before. */
  take(report: Report): void {
    const merged = report.isComplete ? undefined : this.#pending
    const pending: Pending = merged ?? { generation: 0, isComplete: report.isComplete, workloads: new Map() }
    pending.generation = report.generation
    const conditions = report.conditions ?? this.#pending?.conditions
    if (conditions) pending.conditions = conditions
    for (const workload of report.workloads) {
      const isWithin = pending.workloads.size < mostWorkloads || pending.workloads.has(workload.key)
      if (isWithin) pending.workloads.set(workload.key, workload)
      else this.#warnOfExcess(workload.key)
    }
    this.#pending = pending
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = undefined))
  }

  /** Resolves when everything taken so far is stored, or could not be. */
  async settled(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#pending) {
      const pending = this.#pending
      this.#pending = undefined
      try {
        await this.#services.store.write((tx) => this.#write(tx, pending))
        this.#accepted = pending.generation
      } catch (error) {
        this.#failed(error)
        return
      }
    }
  }

  async #write(tx: WriteTx, pending: Pending): Promise<void> {
    const known = new Set(await reports.listKeys(tx, this.#nodeId))
    const nowMs = this.#services.now()
    const heard = await this.#retreatTimes(tx, pending, nowMs)
    if (pending.generation !== this.#accepted) nodes.updateAccepted(tx, this.#nodeId, pending.generation)
    if (pending.conditions) nodes.updateConditions(tx, this.#nodeId, pending.conditions)
    if (pending.isComplete) {
      for (const key of known) {
        if (pending.workloads.has(key)) continue
        reports.remove(tx, this.#nodeId, key)
        known.delete(key)
      }
    }
    for (const report of pending.workloads.values()) {
      if (report.phase === 'gone') {
        reports.remove(tx, this.#nodeId, report.key)
      } else if (known.size < mostWorkloads || known.has(report.key)) {
        known.add(report.key)
        reports.update(tx, { nodeId: this.#nodeId, report, nowMs, ...heard.get(report.key) })
      } else {
        this.#warnOfExcess(report.key)
      }
    }
  }

  /** When the server first heard of these very retreats: the node's own clock may be years off. Read before anything is written. */
  async #retreatTimes(tx: WriteTx, { workloads }: Pending, nowMs: number): Promise<Map<string, { retreatReceivedAtMs: number }>> {
    const heard = new Map<string, { retreatReceivedAtMs: number }>()
    for (const { key, retreat } of workloads.values()) {
      if (retreat === undefined) continue
      const before = await reports.find(tx, this.#nodeId, key)
      const isKnown = before?.retreat?.id === retreat.id
      heard.set(key, { retreatReceivedAtMs: (isKnown ? before.retreatReceivedAtMs : undefined) ?? nowMs })
    }
    return heard
  }

  #warnOfExcess(key: string): void {
    this.#services.log.warn({ nodeId: this.#nodeId, key }, 'a report beyond the workload limit was not stored')
  }
}
