// The parts of the engine runtime that its steps work with; put together in index.ts.
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import type { LocalDoors } from '../../packages/local-door.ts'
import type { OnProgress, Stock } from '../runtime.ts'
import type { Holders } from './holders.ts'
import type { InventoryReader } from './inventory.ts'
import type { EngineLink } from './link.ts'
import type { NodePorts } from './node-ports.ts'
import type { Notes } from './notes.ts'
import type { Puller } from './pull.ts'
import type { DriverImages } from './settings.ts'
import type { Watches } from './watches.ts'

/** How driver packages get onto the node and how a driver is started; shared with the process runtime by agent.ts. */
export interface DriverSupport {
  prepare(workload: DriverWorkload, signal: AbortSignal, onProgress: OnProgress): Promise<void>
  /** Fills an instance's own folder with the driver's code, config and files. */
  layOut(workload: DriverWorkload, folder: string): Promise<void>
  placeConfig(workload: DriverWorkload, folder: string): Promise<void>
  /** The command line of a driver that lies in `folder`, and its environment; `folder` is a path inside the container. */
  launch(workload: DriverWorkload, folder: string): { command: readonly string[]; environment: Readonly<Record<string, string>> }
  tidy(keep: readonly DriverWorkload[]): Promise<void>
  /** What drivers find on the machine beside their devices; absent: nothing. */
  readonly doors?: LocalDoors
  readonly stock: Stock
}

export interface EngineContext {
  /** This agent's name in labels: no two agents on one engine may share it. */
  owner: string
  /** Where instances of drivers have their folders. */
  instancesFolder: string
  link: EngineLink
  notes: Notes
  inventory: InventoryReader
  holders: Holders
  ports: NodePorts
  watches: Watches
  puller: Puller
  drivers: DriverSupport | undefined
  driverImages: DriverImages
  /** What a driver in a container may take. */
  driverMemoryBytes: number
  /** Instances whose start is under way in this process: incomplete until it is done, and not to be adopted. */
  starting: Set<string>
  /** Instances of which this agent has seen a container run. */
  seenRunning: Set<string>
  notify: () => void
  log: (line: string) => void
}
