// What holds a driver process: a user of its own, a limit on memory and on processes. Each as far as this machine allows;
// what it does not allow is said once, in the log and in what the node tells of itself. Used by index.ts.
import { setTimeout as delay } from 'node:timers/promises'
import { type ControlGroup, type GroupUse, openControlGroups } from './control-groups.ts'
import { asUser, type Bounds } from './launch.ts'
import { watchMemory } from './memory-watch.ts'
import { type DriverUser, handOver, openUsers, processesOf, type Users } from './users.ts'

export interface ConfinementOptions {
  /** Unique among the agents of a machine. */
  readonly owner: string
  readonly memoryBytes: number
  readonly processes: number
  readonly user: DriverUser
  /** Where it is kept which driver has which user. */
  readonly usersFile: string
  readonly instancesFolder: string
  readonly home: string
  readonly program: string
  readonly running: Parameters<typeof watchMemory>[0]['running']
}

/** What one instance is held in; made anew by the next agent. */
export interface Cell {
  readonly bounds: Bounds
  /** To be called before each start. */
  begin(): void
  /** Whether the kernel has ended anything of it for its memory since then. */
  wasOutOfMemory(): boolean
  /** What is in it uses, where it has a control group. */
  use(): GroupUse | undefined
  /** Ends what has left the driver's process group, and with it the driver's supervision. */
  clear(): Promise<void>
  remove(): Promise<void>
}

export interface Confinement {
  /** What this machine does not allow; empty where all is well. */
  readonly shortcomings: readonly string[]
  /** Whether nothing may be started as things are. */
  readonly isInsufficient: boolean
  enter(instance: { readonly key: string; readonly instanceId: string; readonly codeFolder: string }): Promise<Cell>
  /** The user of a driver; absent where it is the agent's. */
  userOf(key: string): Promise<number | undefined>
  keepOnly(keys: ReadonlySet<string>): Promise<void>
  /** A command line as a driver would run it, to try programs out. */
  readonly asDriver: (line: readonly string[]) => readonly string[]
  close(): Promise<void>
}

export async function openConfinement(options: ConfinementOptions): Promise<Confinement> {
  const { owner, memoryBytes, processes, user, usersFile, running, ...place } = options
  const users = await openUsers({ file: usersFile, range: user, ...place })
  const groups = await openControlGroups(owner, { memoryBytes, processes })
  const endWatch = 'make' in groups ? () => {} : watchMemory({ limitBytes: memoryBytes, running })
  const own: Users | undefined = 'of' in users ? users : undefined
  return {
    shortcomings: [
      ...('impossible' in users && user !== 'agent' ? [`drivers run as the agent's own user: ${users.impossible}`] : []),
      ...('impossible' in groups ? [`memory of drivers is watched and not limited by the kernel: ${groups.impossible}`] : []),
    ],
    isInsufficient: 'impossible' in users && typeof user === 'object',
    async enter({ key, instanceId, codeFolder }) {
      const uid = await own?.of(key)
      if (uid !== undefined) await handOver(codeFolder, uid)
      const group = 'make' in groups ? await groups.make(instanceId) : undefined
      return cell(group, uid === undefined ? undefined : { uid, groups: own?.groups ?? [] })
    },
    userOf: async (key) => own?.of(key),
    keepOnly: async (keys) => own?.keepOnly(keys),
    asDriver: (line) => (own === undefined ? line : asUser(line, { uid: own.anybody, groups: [] })),
    async close() {
      endWatch()
      if ('make' in groups) await groups.close()
    },
  }
}

function cell(group: ControlGroup | undefined, user: Bounds['user']): Cell {
  let killsBefore = 0
  return {
    bounds: { ...(user && { user }), joins: group?.joins ?? [] },
    begin: () => (killsBefore = group?.countKills() ?? 0),
    wasOutOfMemory: () => (group?.countKills() ?? 0) > killsBefore,
    use: () => group?.use(),
    async clear() {
      if (group !== undefined) await group.clear()
      else if (user !== undefined) await endAll(user.uid)
    },
    remove: async () => group?.remove(),
  }
}

const clearTries = 20

/** A process may start another one between the look and the signal. */
async function endAll(uid: number): Promise<void> {
  for (let left = clearTries; left > 0; left--) {
    const pids = await processesOf(uid)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It is gone already.
      }
    }
    await delay(20)
  }
}
