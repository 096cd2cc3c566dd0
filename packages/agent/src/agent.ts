// The agent, put together: the only file that knows every part.
//
// It starts what should run before it dials the server, so a node without network works. Its order of ending is the reverse:
// no more steps, goodbye to the server, let go of what runs (containers go on; driver processes are ended).
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecRequest, LogsRequest, NodeMessage, UpgradeRequest } from '@littoral/contract/node/stream'
import { type Caretaker, openCaretaker } from './caretaker.ts'
import type { AgentConfig } from './config.ts'
import type { Clock } from './clock.ts'
import type { DesiredStore } from './desired.ts'
import { nodeFacts } from './facts.ts'
import { makeFolder } from './files.ts'
import { type Keeping, openKeeping } from './keeping.ts'
import { callDevice } from './local/call-device.ts'
import { DeviceBook } from './local/device-book.ts'
import { Doors } from './local/local-doors.ts'
import { openThingModels } from './local/thing-models.ts'
import { lockFolder } from './lock.ts'
import { RiverGate } from './log-river/gate.ts'
import { type OpenObject, openObjects } from './objects.ts'
import { Reconciler } from './reconcile.ts'
import { Reporter } from './report.ts'
import { unmetRequirement } from './requirements.ts'
import { type ExecSession, type Runtime, StepError } from './runtime/runtime.ts'
import { isProcess, openRuntimes, type Runtimes } from './runtimes.ts'
import { Sampler } from './sampler.ts'
import { type ServerCommand, Session, type SessionOptions, type TellUpgrade } from './session.ts'
import { noSuchInstance, toExecOptions, toLogOptions } from './streams.ts'

const servingWaitMs = 3000

export interface AgentOptions {
  readonly config: AgentConfig
  readonly log: (line: string) => void
  /** Instead of the runtimes the configuration names; for tests. */
  readonly runtimes?: readonly Runtime[]
  readonly firstPauseMs?: number
  /** Instead of the machine's; for tests. */
  readonly clock?: Clock
  readonly diskLookMs?: number
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

const folderProblems: Readonly<Record<string, string>> = {
  EEXIST: 'something that is no folder is in its place',
  ENOTDIR: 'something on the way to it is no folder',
  ENOENT: 'nothing can be made there',
}

async function openFolder(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir)
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    const problem = folderProblems[code]
    const advice = problem === undefined ? '; make it writable or name' : `: ${problem}; name`
    throw new Error(`the folder ${dataDir} cannot be used (${code})${advice} another one with --data`, { cause: error })
  }
}

/** Throws where the machine is not usable: a data folder in use, or no credential to join with. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { config } = options
  await openFolder(config.dataDir)
  const unlock = await lockFolder(config.dataDir)
  try {
    return await start(options, unlock)
  } catch (error) {
    await unlock()
    throw error
  }
}

async function start(options: AgentOptions, unlock: () => Promise<void>): Promise<Agent> {
  const parts = await openParts(options)
  const { keeping, reconciler, river } = parts
  const { desired, trials } = keeping
  const session = openSession(options, parts)
  reconciler.start(desired.state && trials.effective(desired.state))
  river.want(desired.state)
  try {
    const isNeeded = desired.state?.workloads.some(isProcess) === true
    await Promise.all([isNeeded ? parts.openRest() : undefined, untilServing(parts)])
    await parts.openRest()
  } catch (error) {
    await stop(parts, session, async () => {})
    throw error
  }
  session.start()
  return { reconciler, desired, stop: () => stop(parts, session, unlock) }
}

/** Waits a moment until all that the node should run serves: after a power cut that comes first, and the server later. */
async function untilServing({ keeping, reconciler }: Parts): Promise<void> {
  const keys = (keeping.desired.state?.workloads ?? []).filter((workload) => !isProcess(workload)).map(({ key }) => key)
  for (const end = performance.now() + servingWaitMs; performance.now() < end; await sleep(50)) {
    if (keys.every((key) => reconciler.isReady(key))) return
  }
}

interface Parts {
  readonly openObject: OpenObject
  readonly keeping: Keeping
  readonly local: Local
  readonly runtimes: readonly Runtime[]
  readonly openRest: Runtimes['openRest']
  readonly river: RiverGate
  readonly caretaker: Caretaker
  readonly reporter: Reporter
  readonly reconciler: Reconciler
  readonly sampler: Sampler
  /** Where the node's ports are reached: as configured, else this machine's end of the connection to the server. */
  readonly address: { host: string }
}

async function openParts(options: AgentOptions): Promise<Parts> {
  const { config, log, runtimes: given } = options
  const keeping = await openKeeping({
    ...options,
    onRetreat: () => runWanted(keeping, reconciler),
    onComing: (state) => reconciler.foresee(keeping.trials.effective(state)),
  })
  const openObject = openObjects({ server: config.server, authorization: () => keeping.identity.nodeHeader() })
  const local = openLocal(config, openObject, log)
  // The engine asks it before it removes anything, and it asks the engine what there is.
  let river: RiverGate | undefined
  const beforeRemove = async (instanceId: string) => river?.settle(instanceId)
  const { runtimes, openRest } =
    given === undefined
      ? await openRuntimes(config, { openObject, keeping, doors: local.doors, beforeRemove, log })
      : { runtimes: given, openRest: () => Promise.resolve() }
  river = openRiver(config, runtimes, log)
  const caretaker = await openCaretaker({ dataDir: config.dataDir, runtimes, diskBudgetBytes: config.diskBudgetBytes, log })
  const reporter = openReporter(keeping)
  const address = { host: config.address ?? '127.0.0.1' }
  const reconciler = openReconciler(options, { keeping, runtimes, reporter, caretaker, address })
  const onCounters = caretaker.feed.bind(caretaker)
  const sampler = new Sampler({ runtimes, isReady: (key) => reconciler.isReady(key), log, onCounters })
  return { openObject, keeping, local, runtimes, openRest, river, caretaker, reporter, reconciler, sampler, address }
}

interface Local {
  readonly book: DeviceBook
  readonly doors: Doors
}

/** What this node's drivers talk to, and what is known of their devices. */
function openLocal(config: AgentConfig, openObject: OpenObject, log: (line: string) => void): Local {
  const book = new DeviceBook({ log })
  const models = openThingModels(join(config.dataDir, 'models'), openObject, log)
  return { book, doors: new Doors({ folder: join(config.dataDir, 'local'), book, models, log }) }
}

function openRiver(config: AgentConfig, runtimes: readonly Runtime[], log: (line: string) => void): RiverGate {
  const source = runtimes.find(({ outputs }) => outputs !== undefined)
  const { logSink: sink, logSpoolBytes: spoolBytes, name, region, dataDir } = config
  const river = new RiverGate({ folder: join(dataDir, 'log-river'), spoolBytes, sink, node: { name, region }, port: source?.outputs, log })
  source?.events(() => river.wake())
  return river
}

function openReporter({ conditions }: Keeping): Reporter {
  const reporter = new Reporter()
  conditions.onChange((standing) => reporter.updateConditions(standing))
  reporter.updateConditions(conditions.list())
  return reporter
}

type Around = Pick<Parts, 'keeping' | 'runtimes' | 'reporter' | 'caretaker' | 'address'>

function openReconciler({ config, log }: AgentOptions, { keeping, runtimes, reporter, caretaker, address }: Around): Reconciler {
  const { trials, clock } = keeping
  return new Reconciler({
    runtimes,
    onStatus: (generation, workloads) => reporter.update(generation, trials.withRetreats(workloads)),
    onLook: (instances, unavailable) => keeping.look(instances, unavailable),
    alsoKeep: () => trials.lastGood(),
    clock,
    log,
    unmet: (workload) => unmetRequirement(workload, { edgeVersion: config.edgeVersion, arch: process.arch }),
    host: () => address.host,
    hooks: caretaker.hooks,
  })
}

function openSession(options: AgentOptions, parts: Parts): Session {
  const { config, log, firstPauseMs, onUpgrade } = options
  const { openObject, keeping, local, runtimes, river, caretaker, reconciler, sampler, address } = parts
  const facts = (localAddress: string) => {
    address.host = config.address ?? (localAddress || address.host)
    return nodeFacts({ config, runtimes, identity: keeping.identity }, address.host)
  }
  return new Session({
    server: config.server,
    log,
    facts,
    ...heardBy(keeping),
    ...contactWith(parts, options),
    ...(firstPauseMs === undefined ? {} : { firstPauseMs }),
    onCommand: (command, send) => obey(command, send, { reconciler, caretaker }),
    onDevicesWanted: (send) => local.book.connected(send),
    onDevicesTaken: (seq) => local.book.taken(seq),
    callDevice: (request) => callDevice(local.doors, request),
    onDesired: async (state) => {
      const heardAtMs = Date.now()
      if (await keeping.accept(state)) runWanted(keeping, reconciler)
      river.want(keeping.desired.state, heardAtMs)
    },
    onLogSink: (sink) => river.hear(sink),
    openLogs: (request, signal) => openLogs(request, { reconciler, runtimes, signal }),
    openExec: (request, signal) => openExec(request, { reconciler, runtimes, signal }),
    onUpgrade: (request, tell) => onUpgrade?.(request, { tell, openObject }),
    onStatsWanted: (everyMs, send, mayRest) => sampler.start(everyMs, send, mayRest),
  })
}

/** What the session learns from, and tells, what the node keeps. */
function heardBy({ identity, desired, trials, clock, conditions }: Keeping) {
  return {
    identity,
    now: clock.bestMs,
    generation: () => desired.generation,
    onConfirmed: trials.confirmed.bind(trials),
    onServerTime: clock.noteServerTime.bind(clock),
    onRegionProblem: (problem: string | undefined) => {
      if (problem === undefined) conditions.clear('region')
      else conditions.set('region', 'RegionUnknown', problem)
    },
  }
}

/** What happens when the connection comes and goes. */
function contactWith(
  { reporter, reconciler, sampler, keeping, local, caretaker }: Parts,
  { config, log, onContact = () => {} }: AgentOptions,
): Pick<SessionOptions, 'onConnected' | 'onDisconnected'> {
  const { desired, trials } = keeping
  return {
    onConnected: (nodeId, send, takes) => {
      log(`agent ${nodeId} connected to ${config.server.href.replace(/\/$/, '')}`)
      reporter.connected((report) => {
        send({ type: 'report', report })
        onContact('reported')
      })
      trials.connected(send)
      caretaker.connected(send, takes)
      // A node that was never told anything has nothing to report.
      if (!desired.state) onContact('reported')
      reconciler.wake()
    },
    onDisconnected: () => {
      for (const part of [reporter, local.book, trials, caretaker]) part.disconnected()
      sampler.stop()
      onContact('lost')
    },
  }
}

/** Has the reconciler run what is wanted, apart from what was gone back from. */
function runWanted({ desired, trials }: Keeping, reconciler: Reconciler): void {
  if (desired.state) reconciler.accept(trials.effective(desired.state))
}

function obey(
  command: ServerCommand,
  send: (message: NodeMessage) => void,
  { reconciler, caretaker }: Pick<Parts, 'reconciler' | 'caretaker'>,
) {
  if (command.type === 'incidentState') caretaker.answered(command)
  else send({ type: 'retried', id: command.id, isWaiting: reconciler.retry(command.key) })
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

async function stop(parts: Parts, session: Session, unlock: () => Promise<void>): Promise<void> {
  const { reconciler, reporter, sampler, caretaker, river, keeping, runtimes, local } = parts
  // Together with the grace of drivers this stays below the 20 s that whoever stops the agent usually waits.
  await reconciler.close(3000)
  reporter.disconnected()
  sampler.stop()
  await session.close()
  await caretaker.close()
  await river.close()
  keeping.close()
  await Promise.all(runtimes.map((runtime) => runtime.close()))
  await local.doors.end()
  await unlock()
}
