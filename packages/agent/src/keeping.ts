// What a node keeps on its disk, opened in the right order: who it is, what it should run, what is on trial; and what is wrong
// with the disk and the clock, as conditions. Put together here for agent.ts.
import type { DesiredState } from '@littoral/contract/node/desired-state'
import { Clock } from './clock.ts'
import { Conditions } from './conditions.ts'
import type { AgentConfig } from './config.ts'
import { DesiredStore } from './desired.ts'
import { DiskWatch } from './disk-watch.ts'
import { IdentityStore } from './identity.ts'
import { stillOpening } from './late-runtime.ts'
import type { PlacedInstance } from './plan.ts'
import { Trials } from './trials.ts'

export interface KeepingOptions {
  readonly config: Pick<AgentConfig, 'dataDir' | 'joinWith'>
  readonly log: (line: string) => void
  /** What is to run is another now: a version was gone back from. */
  readonly onRetreat: () => void
  /** A newer state was taken from the server and is being brought to the disk. */
  readonly onComing: (state: DesiredState) => void
  readonly clock?: Clock
  readonly diskLookMs?: number
}

export interface Keeping {
  readonly identity: IdentityStore
  readonly desired: DesiredStore
  readonly trials: Trials
  readonly conditions: Conditions
  readonly clock: Clock
  readonly disk: DiskWatch
  /** Takes a state from the server; true when it is a newer one. */
  accept(state: unknown): Promise<boolean>
  /** After every look at the machine. */
  look(instances: readonly PlacedInstance[], unavailable: ReadonlyMap<string, string>): void
  close(): void
}

/** Throws where the node has nothing to connect with. */
export async function openKeeping(options: KeepingOptions): Promise<Keeping> {
  const { config, log, onRetreat, onComing, clock = new Clock(), diskLookMs = 10_000 } = options
  const folder = config.dataDir
  const conditions = new Conditions({ now: clock.bestMs, log })
  const disk = new DiskWatch({ folder, conditions, everyMs: diskLookMs })
  const identity = await IdentityStore.open(folder, config.joinWith, disk)
  if (identity.condition) conditions.set('identity', identity.condition.code, identity.condition.message)
  if (!identity.canConnect) throw new Error('this node has no identity yet: give --token, or --gateway and --secret')
  const desired = await DesiredStore.open(folder, { disk })
  if (desired.condition) conditions.set('desired', desired.condition.code, desired.condition.message)
  const trials = await Trials.open({ folder, clock, conditions, disk, onRetreat, log }, desired.state)
  // Mended at once from its copy; the condition has been stated, and stands until the next start.
  await identity.mend()
  disk.start()
  return {
    ...{ identity, desired, trials, conditions, clock, disk },
    async accept(state) {
      const outcome = await desired.accept(state, (before, after) => {
        onComing(after)
        return trials.accepting(before, after)
      })
      if (!outcome.isAccepted) log(`desired state refused: ${outcome.problem}`)
      if (!outcome.isAccepted || !outcome.isNew) return false
      conditions.clear('desired')
      return true
    },
    look(instances, unavailable) {
      trials.look(instances)
      conditions.replace('runtime/', new Map(awayOf(unavailable)))
      const problem = clock.problem()
      if (problem === undefined) conditions.clear('clock')
      else conditions.set('clock', 'ClockWrong', problem)
    },
    close() {
      trials.close()
      disk.stop()
    },
  }
}

function awayOf(unavailable: ReadonlyMap<string, string>) {
  return [...unavailable]
    .filter(([, why]) => why !== stillOpening)
    .map(([name, why]) => [`runtime/${name}`, { code: 'RuntimeUnavailable', message: `${name}: ${why}` }] as const)
}
