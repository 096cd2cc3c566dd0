// The agent, put together: the only file that knows every part and chooses the runtimes.
//
// It starts what should run before it dials the server, so a node without network works. Its order of ending is the reverse:
// no more steps, goodbye to the server, let go of what runs (containers go on; driver processes are ended).
import { join } from 'node:path'
import { mkdir } from 'node:fs/promises'
import type { ExecRequest, LogsRequest } from '@littoral/contract/node/stream'
import type { AgentConfig, RuntimeName } from './config.ts'
import { DesiredStore } from './desired.ts'
import { nodeFacts } from './facts.ts'
import { IdentityStore } from './identity.ts'
import { callDevice } from './local/call-device.ts'
import { DeviceBook } from './local/device-book.ts'
import { Doors } from './local/local-doors.ts'
import { openThingModels } from './local/thing-models.ts'
import { lockFolder } from './lock.ts'
import { openObjects } from './objects.ts'
import { readOwner } from './owner.ts'
import { driverEnvironment, DriverPackages, configFileName } from './packages/driver-packages.ts'
import { usualCommand } from './packages/languages.ts'
import type { LocalDoors } from './packages/local-door.ts'
import { openPullSecrets } from './pull-secrets.ts'
import { Reconciler } from './reconcile.ts'
import { Reporter } from './report.ts'
import { unmetRequirement } from './requirements.ts'
import { MemoryRuntime } from './runtime/memory.ts'
import { openProcessRuntime } from './runtime/process/index.ts'
import { type ExecSession, type Runtime, StepError } from './runtime/runtime.ts'
import { Sampler } from './sampler.ts'
import { Session } from './session.ts'
import { noSuchInstance, toExecOptions, toLogOptions } from './streams.ts'

export interface AgentOptions {
  readonly config: AgentConfig
  readonly log: (line: string) => void
  /** Instead of the runtimes the configuration names; for tests. */
  readonly runtimes?: readonly Runtime[]
  readonly firstPauseMs?: number
}

export interface Agent {
  readonly reconciler: Reconciler
  readonly desired: DesiredStore
  stop(): Promise<void>
}

/** Throws where the machine is not usable: a data folder in use, or no credential to join with. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { config } = options
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  const unlock = await lockFolder(config.dataDir)
  try {
    return await start(options, unlock)
  } catch (error) {
    await unlock()
    throw error
  }
}

async function start({ config, log, runtimes: given, firstPauseMs }: AgentOptions, unlock: () => Promise<void>): Promise<Agent> {
  const { identity, desired } = await openKept(config, log)
  const local = openLocal(config, identity, log)
  const runtimes = given ?? (await openRuntimes(config, { identity, doors: local.doors, log }))
  const reporter = new Reporter()
  let address = '127.0.0.1'
  const reconciler = new Reconciler({
    runtimes,
    onStatus: (generation, workloads) => reporter.update(generation, workloads),
    log,
    unmet: (workload) => unmetRequirement(workload, { edgeVersion: config.edgeVersion, arch: process.arch }),
    host: () => address,
  })
  const sampler = new Sampler({ runtimes, isReady: (key) => reconciler.isReady(key), log })
  const session = new Session({
    server: config.server,
    identity,
    log,
    ...(firstPauseMs === undefined ? {} : { firstPauseMs }),
    facts: (localAddress) => nodeFacts(config, runtimes, (address = localAddress || address)),
    generation: () => desired.generation,
    onConnected: (nodeId, send) => {
      log(`agent ${nodeId} connected to ${config.server.href.replace(/\/$/, '')}`)
      reporter.connected((report) => send({ type: 'report', report }))
      reconciler.wake()
    },
    onDisconnected: () => fallSilent({ reporter, sampler, local }),
    onDevicesWanted: (send) => local.book.connected(send),
    onDevicesTaken: (seq) => local.book.taken(seq),
    callDevice: (request) => callDevice(local.doors, request),
    onDesired: (state) => take(state, { desired, reconciler, log }),
    openLogs: (request, signal) => openLogs(request, { reconciler, runtimes, signal }),
    openExec: (request, signal) => openExec(request, { reconciler, runtimes, signal }),
    onStatsWanted: (everyMs, send) => sampler.start(everyMs, send),
  })
  reconciler.start(desired.state)
  session.start()
  return { reconciler, desired, stop: () => stop({ reconciler, session, reporter, sampler, runtimes, local, unlock }) }
}

/** What the node keeps on disk: who it is, and what it should run. */
async function openKept(config: AgentConfig, log: (line: string) => void): Promise<{ identity: IdentityStore; desired: DesiredStore }> {
  const identity = await IdentityStore.open(config.dataDir, config.joinWith)
  if (!identity.canConnect) throw new Error('this node has no identity yet: give --token, or --gateway and --secret')
  const desired = await DesiredStore.open(config.dataDir)
  if (desired.condition) log(`${desired.condition.code}: ${desired.condition.message}`)
  return { identity, desired }
}

interface RuntimeParts {
  readonly identity: IdentityStore
  readonly doors: LocalDoors
  readonly log: (line: string) => void
}

interface Local {
  readonly book: DeviceBook
  readonly doors: Doors
}

/** What this node's drivers talk to, and what is known of their devices. */
function openLocal(config: AgentConfig, identity: IdentityStore, log: (line: string) => void): Local {
  const book = new DeviceBook({ log })
  const openObject = openObjects({ server: config.server, authorization: () => identity.nodeHeader() })
  const models = openThingModels(join(config.dataDir, 'models'), openObject, log)
  return { book, doors: new Doors({ folder: join(config.dataDir, 'local'), book, models, log }) }
}

async function openRuntimes(config: AgentConfig, { identity, doors, log }: RuntimeParts): Promise<Runtime[]> {
  const openObject = openObjects({ server: config.server, authorization: () => identity.nodeHeader() })
  const folderOf = (name: string) => join(config.dataDir, name)
  const openers: Record<RuntimeName, () => Promise<Runtime>> = {
    memory: async () => new MemoryRuntime(),
    process: () =>
      openProcessRuntime({
        dataDir: folderOf('process'),
        packages: new DriverPackages(folderOf('process/packages'), openObject),
        doors,
        log,
      }),
    engine: async () => {
      // Only where it is asked for: an agent for drivers alone does not pay for it.
      const { openEngineRuntime } = await import('./runtime/engine/index.ts')
      const packages = new DriverPackages(folderOf('engine/packages'), openObject)
      const owner = await readOwner(config.dataDir)
      const secretFor = openPullSecrets(openObject)
      return openEngineRuntime({ dataDir: folderOf('engine'), owner, drivers: driversFrom(packages, doors), secretFor, log })
    },
  }
  const runtimes: Runtime[] = []
  for (const name of config.runtimes) runtimes.push(await openers[name]())
  return runtimes
}

/** What a runtime for containers needs to know of drivers. */
function driversFrom(packages: DriverPackages, doors: LocalDoors) {
  return {
    doors,
    prepare: packages.prepare.bind(packages),
    layOut: packages.layOut.bind(packages),
    placeConfig: packages.placeConfig.bind(packages),
    tidy: packages.tidy.bind(packages),
    launch: (...[workload, folder]: Parameters<typeof usualCommand>) => {
      const { program, args, environment } = usualCommand(workload, folder)
      return { command: [program, ...args], environment: { ...driverEnvironment(workload, join(folder, configFileName)), ...environment } }
    },
  }
}

interface Taking {
  readonly desired: DesiredStore
  readonly reconciler: Reconciler
  readonly log: (line: string) => void
}

async function take(state: unknown, { desired, reconciler, log }: Taking): Promise<void> {
  const outcome = await desired.accept(state)
  if (!outcome.isAccepted) return log(`desired state refused: ${outcome.problem}`)
  if (outcome.isNew && desired.state) reconciler.accept(desired.state)
}

interface Source {
  readonly reconciler: Reconciler
  readonly runtimes: readonly Runtime[]
  readonly signal: AbortSignal
}

async function* openLogs(request: LogsRequest, { reconciler, runtimes, signal }: Source): AsyncGenerator<string> {
  const { runtime, instanceId } = placeOf(request.key, reconciler, runtimes)
  yield* runtime.logs(instanceId, toLogOptions(request), signal)
}

async function openExec(request: ExecRequest, { reconciler, runtimes, signal }: Source): Promise<ExecSession> {
  const { runtime, instanceId } = placeOf(request.key, reconciler, runtimes)
  const isSame = request.instanceId === undefined || request.instanceId === instanceId
  if (!isSame) throw new StepError('NotFound', `${request.instanceId} was replaced by ${instanceId}`)
  return runtime.exec(instanceId, toExecOptions(request), signal)
}

function placeOf(key: string, reconciler: Reconciler, runtimes: readonly Runtime[]): { runtime: Runtime; instanceId: string } {
  const instance = reconciler.instanceOf(key)
  const runtime = runtimes.find(({ name }) => name === instance?.runtime)
  if (!instance || !runtime) throw noSuchInstance(key)
  return { runtime, instanceId: instance.instanceId }
}

interface Running {
  readonly reconciler: Reconciler
  readonly session: Session
  readonly reporter: Reporter
  readonly sampler: Sampler
  readonly runtimes: readonly Runtime[]
  readonly local: Local
  readonly unlock: () => Promise<void>
}

/** Without a connection nobody is told anything. */
function fallSilent({ reporter, sampler, local }: Pick<Running, 'reporter' | 'sampler' | 'local'>): void {
  reporter.disconnected()
  local.book.disconnected()
  sampler.stop()
}

async function stop({ reconciler, session, reporter, sampler, runtimes, local, unlock }: Running): Promise<void> {
  // Together with the grace of drivers this stays below the 20 s that whoever stops the agent usually waits.
  await reconciler.close(3000)
  fallSilent({ reporter, sampler, local })
  await session.close()
  await Promise.all(runtimes.map((runtime) => runtime.close()))
  await local.doors.end()
  await unlock()
}
