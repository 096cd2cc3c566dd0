// Opens the runtimes that the configuration names, with what each needs to know of packages, logins and local doors. Called by
// agent.ts; besides it the only file that knows the runtimes by name.
import { join } from 'node:path'
import type { Workload } from '@littoral/contract/node/desired-state'
import type { AgentConfig, RuntimeName } from './config.ts'
import type { Keeping } from './keeping.ts'
import { type LateRuntime, lateRuntime } from './late-runtime.ts'
import type { OpenObject } from './objects.ts'
import { readOwner } from './owner.ts'
import { configFileName, driverEnvironment, DriverPackages } from './packages/driver-packages.ts'
import { usualCommand } from './packages/languages.ts'
import type { LocalDoors } from './packages/local-door.ts'
import { openPullSecrets } from './pull-secrets.ts'
import { MemoryRuntime } from './runtime/memory.ts'
import { openProcessRuntime } from './runtime/process/index.ts'
import type { Runtime } from './runtime/runtime.ts'

export interface RuntimeParts {
  readonly openObject: OpenObject
  readonly keeping: Keeping
  readonly doors: LocalDoors
  /** Before an instance is removed: what was to be taken from it is taken. */
  readonly beforeRemove: (instanceId: string) => Promise<void>
  readonly log: (line: string) => void
}

export interface Runtimes {
  readonly runtimes: readonly Runtime[]
  /** Opens the slow ones as well; rejects where one cannot be opened. */
  readonly openRest: () => Promise<unknown>
}

/** What the process runtime is for. */
export function isProcess(workload: Workload): boolean {
  return workload.kind === 'driver' && workload.container === undefined
}

export async function openRuntimes(
  config: AgentConfig,
  { openObject, keeping, doors, beforeRemove, log }: RuntimeParts,
): Promise<Runtimes> {
  const folderOf = (name: string) => join(config.dataDir, name)
  const late: LateRuntime[] = []
  const openers: Record<RuntimeName, () => Promise<Runtime>> = {
    memory: async () => new MemoryRuntime(),
    process: async () => {
      const packages = new DriverPackages(folderOf('process/packages'), openObject)
      const { dataDir: home, driverMemoryBytes: memoryBytes, driverUser: user } = config
      const open = () => openProcessRuntime({ dataDir: folderOf('process'), home, packages, doors, memoryBytes, user, log })
      const process = lateRuntime('process', open, isProcess)
      late.push(process)
      return process.runtime
    },
    engine: async () => {
      // Only where it is asked for: an agent for drivers alone does not pay for it.
      const { openEngineRuntime } = await import('./runtime/engine/index.ts')
      const packages = new DriverPackages(folderOf('engine/packages'), openObject)
      const owner = await readOwner(config.dataDir, keeping)
      const secretFor = openPullSecrets(openObject, keeping.identity.sealKey)
      const { driverMemoryBytes, address } = config
      const listenOn = address === undefined ? {} : { address }
      const drivers = driversFrom(packages, doors)
      return openEngineRuntime({
        dataDir: folderOf('engine'),
        owner,
        drivers,
        driverMemoryBytes,
        secretFor,
        beforeRemove,
        log,
        ...listenOn,
      })
    },
  }
  const runtimes: Runtime[] = []
  for (const name of config.runtimes) runtimes.push(await openers[name]())
  return { runtimes, openRest: () => Promise.all(late.map(({ open }) => open())) }
}

/** What a runtime for containers needs to know of drivers. */
function driversFrom(packages: DriverPackages, doors: LocalDoors) {
  return {
    doors,
    prepare: packages.prepare.bind(packages),
    layOut: packages.layOut.bind(packages),
    placeConfig: packages.placeConfig.bind(packages),
    tidy: packages.tidy.bind(packages),
    stock: packages.stock,
    launch: (...[workload, folder]: Parameters<typeof usualCommand>) => {
      const { program, args, environment } = usualCommand(workload, folder)
      return { command: [program, ...args], environment: { ...driverEnvironment(workload, join(folder, configFileName)), ...environment } }
    },
  }
}
