// The agent, put together: the only file that knows every part and chooses the runtimes.
//
// It starts what should run before it dials the server, so a node without network works. Its order of ending is the reverse:
// no more steps, goodbye to the server, let go of what runs (containers go on; driver processes are ended).
import { join } from 'node:path'
import { mkdir } from 'node:fs/promises'
import type { ExecRequest, LogsRequest, UpgradeRequest } from '@littoral/contract/node/stream'
import type { AgentConfig, RuntimeName } from './config.ts'
import { DesiredStore } from './desired.ts'
import { nodeFacts } from './facts.ts'
import { IdentityStore } from './identity.ts'
import { lockFolder } from './lock.ts'
import { type OpenObject, openObjects } from './objects.ts'
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
import { Session, type SessionOptions, type TellUpgrade } from './session.ts'
import { noSuchInstance, toExecOptions, toLogOptions } from './streams.ts'

export interface AgentOptions {
  readonly config: AgentConfig
  readonly log: (line: string) => void
  /** Instead of the runtimes the configuration names; for tests. */
  readonly runtimes?: readonly Runtime[]
  readonly firstPauseMs?: number
  /** The server wants another agent on this node. */
  readonly onUpgrade?: (request: UpgradeRequest, ways: { tell: TellUpgrade; openObject: OpenObject }) => void
  /** `reported`: the server has taken this node in and been told what there is to tell; `lost`: the connection is gone. */
  readonly onContact?: (contact: 'reported' | 'lost') => void
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
  const { config, log, runtimes: given, firstPauseMs, onUpgrade } = options
  const { identity, desired } = await openKept(config, log)
  const runtimes = given ?? (await openRuntimes(config, identity, log))
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
    ...contactWith({ reporter, reconciler, sampler, desired }, options),
    onDesired: (state) => take(state, { desired, reconciler, log }),
    openLogs: (request, signal) => openLogs(request, { reconciler, runtimes, signal }),
    openExec: (request, signal) => openExec(request, { reconciler, runtimes, signal }),
    onUpgrade: (request, tell) => onUpgrade?.(request, { tell, openObject: objectsFor(config, identity) }),
    onStatsWanted: (everyMs, send, mayRest) => sampler.start(everyMs, send, mayRest),
  })
  reconciler.start(desired.state)
  session.start()
  return { reconciler, desired, stop: () => stop({ reconciler, session, reporter, sampler, runtimes, unlock }) }
}

type Parts = Pick<Running, 'reporter' | 'reconciler' | 'sampler'> & Pick<Taking, 'desired'>

/** What happens when the connection comes and goes. */
function contactWith(
  { reporter, reconciler, sampler, desired }: Parts,
  { config, log, onContact = () => {} }: AgentOptions,
): Pick<SessionOptions, 'onConnected' | 'onDisconnected'> {
  return {
    onConnected: (nodeId, send) => {
      log(`agent ${nodeId} connected to ${config.server.href.replace(/\/$/, '')}`)
      reporter.connected((report) => {
        send({ type: 'report', report })
        onContact('reported')
      })
      // A node that was never told anything has nothing to report.
      if (!desired.state) onContact('reported')
      reconciler.wake()
    },
    onDisconnected: () => {
      reporter.disconnected()
      sampler.stop()
      onContact('lost')
    },
  }
}

/** What the node keeps on disk: who it is, and what it should run. */
async function openKept(config: AgentConfig, log: (line: string) => void): Promise<{ identity: IdentityStore; desired: DesiredStore }> {
  const identity = await IdentityStore.open(config.dataDir, config.joinWith)
  if (!identity.canConnect) throw new Error('this node has no identity yet: give --token, or --gateway and --secret')
  const desired = await DesiredStore.open(config.dataDir)
  if (desired.condition) log(`${desired.condition.code}: ${desired.condition.message}`)
  return { identity, desired }
}

function objectsFor(config: AgentConfig, identity: IdentityStore): OpenObject {
  return openObjects({ server: config.server, authorization: () => identity.nodeHeader() })
}

async function openRuntimes(config: AgentConfig, identity: IdentityStore, log: (line: string) => void): Promise<Runtime[]> {
  const openObject = objectsFor(config, identity)
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
  readonly unlock: () => Promise<void>
}

async function stop({ reconciler, session, reporter, sampler, runtimes, unlock }: Running): Promise<void> {
  // Together with the grace of drivers this stays below the 20 s that whoever stops the agent usually waits.
  await reconciler.close(3000)
  reporter.disconnected()
  sampler.stop()
  await session.close()
  await Promise.all(runtimes.map((runtime) => runtime.close()))
  await unlock()
}
