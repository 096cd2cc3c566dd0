// Where others take part in what the reconciler does: the disk budget makes room before a pull, and the incident recorder
// looks at every status and at what is about to be deleted. None of them can hold a step up for long, or make it fail.
import type { Workload } from '@littoral/contract/node/desired-state'
import type { WorkloadReport } from '@littoral/contract/node/report'
import type { Attempt } from './attempts.ts'
import type { PlacedInstance } from './plan.ts'
import type { Step } from './steps.ts'
import { limited } from './waits.ts'

/** What one look at the machine showed. */
export interface Look {
  readonly desired: readonly Workload[]
  readonly reports: readonly WorkloadReport[]
  readonly instances: readonly PlacedInstance[]
  readonly attempts: readonly Attempt[]
}

export interface Hooks {
  /** Before material is brought here, and now and then. */
  readonly makeRoom?: (desired: readonly Workload[], signal: AbortSignal) => Promise<void>
  readonly looked?: (look: Look) => void
  /** Before what is left of an instance is deleted: the last chance to read from it. */
  readonly leaving?: (instanceId: string) => Promise<void>
}

const longestMs = 60_000

export class Hooked {
  readonly #hooks: Hooks
  readonly #log: (line: string) => void

  constructor(hooks: Hooks, log: (line: string) => void) {
    this.#hooks = hooks
    this.#log = log
  }

  async before(step: Step, desired: readonly Workload[], signal: AbortSignal): Promise<void> {
    if (step.kind === 'prepare') await this.makeRoom(desired, signal)
    const { leaving } = this.#hooks
    if (step.kind === 'remove' && leaving) await this.#run('keeping evidence', signal, () => leaving(step.instanceId))
  }

  async makeRoom(desired: readonly Workload[], signal: AbortSignal): Promise<void> {
    const { makeRoom } = this.#hooks
    if (makeRoom) await this.#run('making room on the disk', signal, (limit) => makeRoom(desired, limit))
  }

  looked(look: Look): void {
    try {
      this.#hooks.looked?.(look)
    } catch (error) {
      this.#log(`looking for incidents: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  async #run(what: string, signal: AbortSignal, work: (limit: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await limited(work, longestMs, signal)
    } catch (error) {
      if (!signal.aborted) this.#log(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
