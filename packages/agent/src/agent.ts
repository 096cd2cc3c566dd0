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
import { lockFolder } from './lock.ts'
import { RiverGate } from './log-river/gate.ts'
import { openObjects } from './objects.ts'
import { readOwner } from './owner.ts'
import { driverEnvironment, DriverPackages, configFileName } from './packages/driver-packages.ts'
import { usualCommand } from './packages/languages.ts'
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
  const { runtimes, river } = await openRuntimesAndRiver(config, identity, { given, log })
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
    onDisconnected: () => {
      reporter.disconnected()
      sampler.stop()
    },
    onDesired: (state) => take(state, { desired, reconciler, river, log }),
    onLogSink: (sink) => river.hear(sink),
    openLogs: (request, signal) => openLogs(request, { reconciler, runtimes, signal }),
    openExec: (request, signal) => openExec(request, { reconciler, runtimes, signal }),
    onStatsWanted: (everyMs, send) => sampler.start(everyMs, send),
  })
  reconciler.start(desired.state)
  river.want(desired.state)
  session.start()
  return { reconciler, desired, stop: () => stop({ reconciler, session, reporter, sampler, river, runtimes, unlock }) }
}

interface Opening {
  readonly given: readonly Runtime[] | undefined
  readonly log: (line: string) => void
}

/** The engine asks the river before it removes anything, and the river asks the engine what there is. */
async function openRuntimesAndRiver(config: AgentConfig, identity: IdentityStore, { given, log }: Opening) {
  let river: RiverGate | undefined
  const runtimes = given ?? (await openRuntimes(config, identity, { log, beforeRemove: async (id) => river?.settle(id) }))
  river = openRiver(config, runtimes, log)
  return { runtimes, river }
}

function openRiver(config: AgentConfig, runtimes: readonly Runtime[], log: (line: string) => void): RiverGate {
  const source = runtimes.find(({ outputs }) => outputs !== undefined)
  const { logSink: sink, logSpoolBytes: spoolBytes, name, region, dataDir } = config
  const river = new RiverGate({ folder: join(dataDir, 'log-river'), spoolBytes, sink, node: { name, region }, port: source?.outputs, log })
  source?.events(() => river.wake())
  return river
}

/** What the node keeps on disk: who it is, and what it should run. */
async function openKept(config: AgentConfig, log: (line: string) => void): Promise<{ identity: IdentityStore; desired: DesiredStore }> {
  const identity = await IdentityStore.open(config.dataDir, config.joinWith)
  if (!identity.canConnect) throw new Error('this node has no identity yet: give --token, or --gateway and --secret')
  const desired = await DesiredStore.open(config.dataDir)
  if (desired.condition) log(`${desired.condition.code}: ${desired.condition.message}`)
  return { identity, desired }
}

interface Surroundings {
  readonly log: (line: string) => void
  readonly beforeRemove: (instanceId: string) => Promise<void>
}

async function openRuntimes(config: AgentConfig, identity: IdentityStore, { log, beforeRemove }: Surroundings): Promise<Runtime[]> {
  const openObject = openObjects({ server: config.server, authorization: () => identity.nodeHeader() })
  const folderOf = (name: string) => join(config.dataDir, name)
  const openers: Record<RuntimeName, () => Promise<Runtime>> = {
    memory: async () => new MemoryRuntime(),
    process: () =>
      openProcessRuntime({ dataDir: folderOf('process'), packages: new DriverPackages(folderOf('process/packages'), openObject), log }),
    engine: async () => {
      // Only where it is asked for: an agent for drivers alone does not pay for it.
      const { openEngineRuntime } = await import('./runtime/engine/index.ts')
      const packages = new DriverPackages(folderOf('engine/packages'), openObject)
      const owner = await readOwner(config.dataDir)
      const secretFor = openPullSecrets(openObject)
      return openEngineRuntime({ dataDir: folderOf('engine'), owner, drivers: driversFrom(packages), secretFor, beforeRemove, log })
    },
  }
  const runtimes: Runtime[] = []
  for (const name of config.runtimes) runtimes.push(await openers[name]())
  return runtimes
}

/** What a runtime for containers needs to know of drivers. */
function driversFrom(packages: DriverPackages) {
  return {
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
  readonly river: RiverGate
  readonly log: (line: string) => void
}

async function take(state: unknown, { desired, reconciler, river, log }: Taking): Promise<void> {
  // Before anything of it is started, so that its containers are read from their first line.
  const heardAtMs = Date.now()
  const outcome = await desired.accept(state)
  if (!outcome.isAccepted) return log(`desired state refused: ${outcome.problem}`)
  if (outcome.isNew && desired.state) reconciler.accept(desired.state)
  river.want(desired.state, heardAtMs)
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
  readonly river: RiverGate
  readonly runtimes: readonly Runtime[]
  readonly unlock: () => Promise<void>
}

async function stop({ reconciler, session, reporter, sampler, river, runtimes, unlock }: Running): Promise<void> {
  // Together with the grace of drivers this stays below the 20 s that whoever stops the agent usually waits.
  await reconciler.close(3000)
  reporter.disconnected()
  sampler.stop()
  await session.close()
  await river.close()
  await Promise.all(runtimes.map((runtime) => runtime.close()))
  await unlock()
}
