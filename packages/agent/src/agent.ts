// The agent, put together: the only file that knows every part and chooses the runtimes.
//
// It starts what should run before it dials the server, so a node without network works. Its order of ending is the reverse:
// no more steps, goodbye to the server, let go of what runs (containers go on; driver processes are ended).
import { join } from 'node:path'
import { mkdir } from 'node:fs/promises'
import type { ExecRequest, LogsRequest } from '@littoral/contract/node/stream'
import type { AgentConfig, RuntimeName } from './config.ts'
import type { Clock } from './clock.ts'
import type { DesiredStore } from './desired.ts'
import { nodeFacts } from './facts.ts'
import { type Keeping, openKeeping } from './keeping.ts'
import { lockFolder } from './lock.ts'
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
  /** Instead of the machine's; for tests. */
  readonly clock?: Clock
  readonly diskLookMs?: number
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

async function start(options: AgentOptions, unlock: () => Promise<void>): Promise<Agent> {
  const { config, log, runtimes: given, firstPauseMs } = options
  const keeping = await openKeeping({ ...options, onRetreat: () => runWanted(keeping, reconciler) })
  const { desired, trials } = keeping
  const runtimes = given ?? (await openRuntimes(config, keeping, log))
  const reporter = openReporter(keeping)
  let address = '127.0.0.1'
  const reconciler = openReconciler(options, { keeping, runtimes, reporter, host: () => address })
  const sampler = new Sampler({ runtimes, isReady: (key) => reconciler.isReady(key), log })
  const session = new Session({
    server: config.server,
    log,
    ...heardBy(keeping),
    ...(firstPauseMs === undefined ? {} : { firstPauseMs }),
    facts: (localAddress) => nodeFacts(config, runtimes, (address = localAddress || address)),
    onConnected: (nodeId, send) => {
      log(`agent ${nodeId} connected to ${config.server.href.replace(/\/$/, '')}`)
      reporter.connected((report) => send({ type: 'report', report }))
      trials.connected(send)
      reconciler.wake()
    },
    onDisconnected: () => {
      reporter.disconnected()
      trials.disconnected()
      sampler.stop()
    },
    onDesired: async (state) => {
      if (await keeping.accept(state)) runWanted(keeping, reconciler)
    },
    openLogs: (request, signal) => openLogs(request, { reconciler, runtimes, signal }),
    openExec: (request, signal) => openExec(request, { reconciler, runtimes, signal }),
    onStatsWanted: (everyMs, send) => sampler.start(everyMs, send),
  })
  reconciler.start(desired.state && trials.effective(desired.state))
  session.start()
  return { reconciler, desired, stop: () => stop({ reconciler, session, reporter, sampler, runtimes, keeping, unlock }) }
}

/** What the session learns from, and tells, what the node keeps. */
function heardBy({ identity, desired, trials, clock }: Keeping) {
  return {
    identity,
    now: clock.bestMs,
    generation: () => desired.generation,
    onConfirmed: trials.confirmed.bind(trials),
    onServerTime: clock.noteServerTime.bind(clock),
  }
}

function openReporter({ conditions }: Keeping): Reporter {
  const reporter = new Reporter()
  conditions.onChange((standing) => reporter.updateConditions(standing))
  reporter.updateConditions(conditions.list())
  return reporter
}

interface Around {
  readonly keeping: Keeping
  readonly runtimes: readonly Runtime[]
  readonly reporter: Reporter
  readonly host: () => string
}

function openReconciler({ config, log }: AgentOptions, { keeping, runtimes, reporter, host }: Around): Reconciler {
  const { trials, clock } = keeping
  return new Reconciler({
    runtimes,
    onStatus: (generation, workloads) => reporter.update(generation, trials.withRetreats(workloads)),
    onLook: (instances, unavailable) => keeping.look(instances, unavailable),
    alsoKeep: () => trials.lastGood(),
    clock,
    log,
    unmet: (workload) => unmetRequirement(workload, { edgeVersion: config.edgeVersion, arch: process.arch }),
    host,
  })
}

/** Has the reconciler run what is wanted, apart from what was gone back from. */
function runWanted({ desired, trials }: Keeping, reconciler: Reconciler): void {
  if (desired.state) reconciler.accept(trials.effective(desired.state))
}

async function openRuntimes(config: AgentConfig, keeping: Keeping, log: (line: string) => void): Promise<Runtime[]> {
  const openObject = openObjects({ server: config.server, authorization: () => keeping.identity.nodeHeader() })
  const folderOf = (name: string) => join(config.dataDir, name)
  const openers: Record<RuntimeName, () => Promise<Runtime>> = {
    memory: async () => new MemoryRuntime(),
    process: () =>
      openProcessRuntime({ dataDir: folderOf('process'), packages: new DriverPackages(folderOf('process/packages'), openObject), log }),
    engine: async () => {
      // Only where it is asked for: an agent for drivers alone does not pay for it.
      const { openEngineRuntime } = await import('./runtime/engine/index.ts')
      const packages = new DriverPackages(folderOf('engine/packages'), openObject)
      const owner = await readOwner(config.dataDir, keeping)
      const secretFor = openPullSecrets(openObject)
      return openEngineRuntime({ dataDir: folderOf('engine'), owner, drivers: driversFrom(packages), secretFor, log })
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
  readonly keeping: Keeping
  readonly unlock: () => Promise<void>
}

async function stop({ reconciler, session, reporter, sampler, runtimes, keeping, unlock }: Running): Promise<void> {
  // Together with the grace of drivers this stays below the 20 s that whoever stops the agent usually waits.
  await reconciler.close(3000)
  reporter.disconnected()
  sampler.stop()
  await session.close()
  keeping.close()
  await Promise.all(runtimes.map((runtime) => runtime.close()))
  await unlock()
}
