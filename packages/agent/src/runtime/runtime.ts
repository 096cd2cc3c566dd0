// The port between the agent and what runs workloads on a machine: a container engine, supervised processes, a fake.
// It speaks of whole workloads, so a cluster could stand behind it as well. `plan.ts` decides, a runtime only does.
//
// What every runtime keeps to:
// 1. An instance is one run of a workload at (key, version, digest, restartToken). Its id is new for every start, says
//    nothing about its content, and is never used twice. Two instances of one key may exist side by side.
// 2. `observe` returns every instance this agent owns, also half-made and stopped ones, and nothing another agent owns.
//    It finds them by what the platform keeps (labels, files), never from memory alone: a restarted agent adopts them.
// 3. Every step may be repeated after any interruption, also by the next agent process, with the same outcome.
// 4. A runtime never starts, restarts, moves or removes anything on its own: each of these is a step it was asked for.
//    It does run probes, hooks and the drain of connections, which are parts of a step or of observing.
// 5. Errors are StepError where the meaning is known; anything else counts as `Unexpected` and is retried.
import { createHash } from 'node:crypto'
import type { DriverWorkload, Workload } from '@littoral/contract/node/desired-state'
import type { ProbeResult } from '@littoral/contract/node/incident'
import type { Address, ContainerReport, NodeFacts, Progress, Reason } from '@littoral/contract/node/report'

/**
 * incomplete: left behind by an interrupted start; it gets removed · starting: made, probes not passed yet · ready · unready:
 * was ready, probes fail now · backoff: at least one container has exited and was not started again · stopping: its stop
 * began · stopped: nothing of it runs and it cannot be revived by restarting a container; it gets removed.
 */
export type InstancePhase = 'incomplete' | 'starting' | 'ready' | 'unready' | 'backoff' | 'stopping' | 'stopped'

/** One container of a group, or the only one (named `driver`) of a driver, also when that is a plain process. */
export interface ObservedContainer extends ContainerReport {
  /** When it exited; present in state `exited`. With `failures` it decides when a restart is due. */
  readonly exitedAtMs?: number
  /**
   * Exits in a row after less than `stableRunMs` of running, the last one included; see countFailures. One that came from
   * outside, as when the machine went down, does not count.
   */
  readonly failures: number
}

export interface ObservedInstance {
  readonly instanceId: string
  readonly key: string
  readonly kind: Workload['kind']
  readonly version: string
  readonly digest: string
  /** runDigest(workload) of what it was started with; differs from `digest` in that a driver's config is left out. */
  readonly runDigest: string
  readonly restartToken?: string
  readonly phase: InstancePhase
  /** Why it is in this phase, such as { code: 'ExitedEarly', message: 'exit code 3: cannot open /dev/ttyS0' }. */
  readonly reason?: Reason
  /**
   * True when the node's ports lead here. A group without ports has none to move and counts as active once it was ready, so that
   * its predecessor is not stopped before; a driver always does.
   */
  readonly isActive: boolean
  readonly createdAtMs: number
  /** What its own stop may take: a group's graceSeconds as it was started with; the runtime's choice for drivers. */
  readonly graceSeconds: number
  /** Sum over its containers, since the instance was made. */
  readonly restarts: number
  readonly lastRestartReason?: string
  /** Ports of the node that lead here now; the agent adds the host. */
  readonly addresses: readonly Omit<Address, 'host'>[]
  readonly containers: readonly ObservedContainer[]
}

export type RuntimeFacts = NodeFacts['runtimes'][number] & {
  readonly driverRuntimes: readonly string[]
  /** Of those that say one. */
  readonly driverRuntimeVersions?: NonNullable<NodeFacts['driverRuntimeVersions']>
}

export interface StopOptions {
  readonly reason: 'replaced' | 'removed' | 'unhealthy'
  /** Time for open connections and preStop together; whatever still runs after it is killed. */
  readonly graceSeconds: number
}

export interface LogOptions {
  /** Absent: all containers, each line then begins with `<container> | `. */
  readonly container?: string
  /** Lines from the past, the newest ones, before anything that is followed. */
  readonly tailLines: number
  readonly follow: boolean
  /** Only lines written at this time or later. */
  readonly sinceMs?: number
}

export interface ExecOptions {
  /** Absent: the first container of the workload. */
  readonly container?: string
  readonly command: readonly string[]
  readonly tty: boolean
  readonly columns?: number
  readonly rows?: number
}

/** A command that runs inside a container, attached. It ends when it is closed, or by itself. */
export interface ExecSession {
  /** What it writes, in order; ends with the command. Nothing is read from the platform faster than it is taken from here. */
  readonly output: AsyncIterable<Uint8Array>
  /** Known once `output` has ended. */
  exitCode(): Promise<number>
  /** Resolves when the bytes were handed on; after the end it does nothing. */
  write(bytes: Uint8Array): Promise<void>
  resize(columns: number, rows: number): Promise<void>
  /** Ends the command and what it started on its terminal; calling it again is fine. */
  close(): void
}

/** What a container used, counted from its start by the kernel. */
export interface UsageCounters {
  readonly key: string
  readonly instanceId: string
  readonly container: string
  readonly atMs: number
  readonly cpuMicroseconds: number
  readonly cpuLimitMicros?: number
  readonly memoryBytes: number
  readonly memoryLimitBytes?: number
  readonly readBytes: number
  readonly writtenBytes: number
  /** Processes and threads, where they are counted. */
  readonly processes?: number
}

/** Told while material is brought here: a sentence, and where it can be measured how far it is. */
export type OnProgress = (message: string, progress?: Progress) => void

/** Something on the disk that a runtime brought here and can bring again: an image, a package, a file. */
export interface StockItem {
  readonly id: string
  readonly name: string
  readonly sizeBytes: number
  /** An instance was made from it, or is being made. */
  readonly isInUse: boolean
}

/** What a runtime keeps on the disk apart from instances. disk/budget.ts decides what of it goes, and when. */
export interface Stock {
  /** Ids of what a workload needs of this stock, whether it is here or not. */
  needs(workload: Workload): readonly string[]
  /** Nothing in it that was not brought here by this runtime. */
  list(signal: AbortSignal): Promise<readonly StockItem[]>
  /** Throws when it cannot be removed, because somebody else uses it perhaps. */
  discard(id: string, signal: AbortSignal): Promise<void>
  /** Folders on the disks it lies on. */
  folders(signal: AbortSignal): Promise<readonly string[]>
}

/** One container of a group, as a log river sees it. */
export interface OutputContainer {
  readonly containerId: string
  readonly instanceId: string
  readonly key: string
  readonly app: string
  readonly environment: string
  readonly version: string
  readonly container: string
  readonly createdAtMs: number
  readonly isRunning: boolean
  /** Another text for every run, and once more when the run has ended. */
  readonly run: string
  /** Where its files lie on this machine, if they do. Nothing below that folder is to be trusted, links least. */
  readonly root?: OutputRoot
}

export interface OutputRoot {
  readonly folder: string
  /** Asked when the folder is open: whether it is still that of the container, and of nobody who came after it. */
  readonly isStill: () => Promise<boolean>
}

/** What a container wrote at once; a long line comes in several. */
export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr'
  /** RFC 3339, as exact as the platform knows it. */
  readonly time: string
  readonly bytes: Buffer
  /** To go on behind it later, also in another process; JSON. */
  readonly position: unknown
}

/** What a platform that keeps the output of its containers offers to a log river. */
export interface OutputPort {
  /** Every container of a group, running or not. */
  containers(signal: AbortSignal): Promise<readonly OutputContainer[]>
  /** Ends with the container's run, or when aborted. Reads no faster than it is consumed. */
  read(
    containerId: string,
    options: { readonly after?: unknown; readonly sinceMs?: number; readonly signal: AbortSignal },
  ): AsyncIterable<readonly OutputPiece[]>
}

export interface Runtime {
  /** Stable and unique among the runtimes of an agent: `engine`, `process`, `memory`. */
  readonly name: string
  /** What the server is told; never throws, an absent platform is `isAvailable: false` with the reason. */
  capabilities(): Promise<RuntimeFacts>
  /** true: it would run this · false: not its kind of workload · a reason: its kind, but it cannot run here. */
  supports(workload: Workload): true | false | Reason
  /** Throws when the platform cannot be asked; the agent then keeps what it last knew and plans nothing for this runtime. */
  observe(signal: AbortSignal): Promise<readonly ObservedInstance[]>
  /** It is about to be prepared, and then most likely started: whatever takes time and needs no material can begin. Never throws. */
  expect?(workload: Workload): void
  /**
   * Brings everything a start needs onto the machine (images, packages, files). Safe to abort at any point. Contacts nobody when
   * all is here already, so a node without network starts what it has.
   */
  prepare(workload: Workload, signal: AbortSignal, onProgress: OnProgress): Promise<void>
  /** Makes a new instance and starts it; returns when it is made, not when it is ready. Moves no ports. */
  start(workload: Workload, signal: AbortSignal): Promise<string>
  /** Points the node's ports of the instance's key at this instance. Connections through an older one stay open. */
  activate(instanceId: string, signal: AbortSignal): Promise<void>
  /** Starts an exited container of an instance again. */
  restart(instanceId: string, container: string, signal: AbortSignal): Promise<void>
  /** Hands a running driver a new config and files, and keeps `workload.digest` as the instance's digest from now on. */
  updateConfig(instanceId: string, workload: DriverWorkload, signal: AbortSignal): Promise<void>
  /** Drains, runs preStop, ends, kills after the grace. Returns when nothing runs; unknown ids are fine. */
  stop(instanceId: string, options: StopOptions, signal: AbortSignal): Promise<void>
  /** Deletes what is left of a stopped or incomplete instance; unknown ids are fine. */
  remove(instanceId: string, signal: AbortSignal): Promise<void>
  /** Calls back soon after something may have changed (an optimization, the period is the correctness). Returns the unsubscribe. */
  events(onChange: () => void): () => void
  /** Text of an instance's logs in whole lines. Throws StepError NotFound for an unknown instance or container. */
  logs(instanceId: string, options: LogOptions, signal: AbortSignal): AsyncIterable<string>
  /** Runs a command in a running container. Throws StepError NotFound, NotRunning, or Unsupported with the reason. */
  exec(instanceId: string, options: ExecOptions, signal: AbortSignal): Promise<ExecSession>
  /** Counters of everything that runs; a container that cannot be read is left out. Empty where nothing is counted. */
  usage(signal: AbortSignal): Promise<readonly UsageCounters[]>
  /** Absent where nothing is to be collected from. */
  readonly outputs?: OutputPort
  /** The last results of the probes of an instance, by container, oldest first; also of one that has ended. */
  probes?(instanceId: string): ReadonlyMap<string, readonly ProbeResult[]>
  /** Absent where nothing lies on the disk. */
  readonly stock?: Stock
  /**
   * Clears away what was left half-done and what neither `keep` nor an instance can need; what is in the stock is left to
   * whoever keeps the disk. Called now and then when nothing else is to do.
   */
  tidy(keep: readonly Workload[], signal: AbortSignal): Promise<void>
  /** Lets go. Containers keep running; processes that are children of the agent are ended gracefully. */
  close(): Promise<void>
}

/** A step that failed with a meaning. `isStalled`: trying again soon is pointless until the desired state or the machine changes. */
export class StepError extends Error {
  override readonly name = 'StepError'
  /** CamelCase, at most 64 characters, such as ImagePullFailed, PortInUse, PackageRejected, RuntimeMissing. */
  readonly code: string
  readonly isStalled: boolean
  /** Present where something has to come from outside: it is looked for this often, without growing pauses. */
  readonly waitsMs?: number

  constructor(code: string, message: string, options: { isStalled?: boolean; waitsMs?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.isStalled = options.isStalled ?? false
    if (options.waitsMs !== undefined) this.waitsMs = options.waitsMs
  }
}

/** What a driver gets to end by itself, from SIGTERM to SIGKILL: it keeps little, and a device should not be without it for long. */
export const driverGraceSeconds = 10

/** A run this long proves that a container can run: its earlier failures are forgotten. */
export const stableRunMs = 60_000

/** The next value of `failures` when a container exits. */
export function countFailures(failures: number, ranForMs: number): number {
  return ranForMs >= stableRunMs ? 1 : failures + 1
}

/** How long after its exit a container is started again: 1 s, 2 s, 4 s … 60 s; at once after an exit that was not its own. */
export function restartDelayMs(failures: number): number {
  if (failures <= 0) return 0
  return Math.min(60_000, 1000 * 2 ** Math.min(Math.max(failures - 1, 0), 16))
}

/**
 * The part of a workload that needs a new instance when it changes. For groups that is everything; for drivers everything but
 * config and files, which are handed to the running driver (contract: iot-edge §8, no restart for a config change).
 */
export function runDigest(workload: Workload): string {
  if (workload.kind === 'group') return workload.digest
  const known = runDigests.get(workload) ?? digestOf(workload)
  runDigests.set(workload, known)
  return known
}

/** Asked for with every look, for each driver; a workload never changes. */
const runDigests = new WeakMap<DriverWorkload, string>()

function digestOf(workload: DriverWorkload): string {
  const { driverId, driverName, runtime, version, edgeVersion, container } = workload
  const parts = [
    driverId,
    driverName,
    runtime,
    version,
    edgeVersion,
    workload.package?.sha256 ?? null,
    workload.arguments,
    sorted(container ?? null),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

// The server may send the fields of an object in any order.
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, child]) => [key, sorted(child)])
}
