// Looks at everything this agent has in the engine and tells what each instance is doing. Exits are counted here, watches
// of running containers begin here (also for containers that an earlier agent left running), and holders without a group
// are handed back.
import type { Reason } from '@littoral/contract/node/report'
import type { ForwardedPort } from '../../forwarder/protocol.ts'
import { driverGraceSeconds, type InstancePhase, type ObservedContainer, type ObservedInstance } from '../runtime.ts'
import { addressOf, type ContainerDetails, killContainer } from './client/containers.ts'
import type { EngineContext } from './context.ts'
import { devicesOf, lookAtDevices, missingReason, replacedDevice } from './devices.ts'
import { adoptDoor } from './driver-doors.ts'
import { noteExit } from './exits.ts'
import { holderIdOf, type Inventory } from './inventory.ts'
import { containerNames, groupContainer, identityOf, looseIdentity, type InstanceIdentity } from './labels.ts'
import type { ConnectedEngine } from './link.ts'
import { type ServedPort, servedPorts } from './node-ports.ts'

export async function observeInstances(context: EngineContext, signal: AbortSignal): Promise<ObservedInstance[]> {
  const connected = await context.link.get(signal)
  try {
    const inventory = await context.inventory.read(connected, signal)
    const open = await context.ports.list()
    handBackHolders(context, connected, inventory)
    return await Promise.all(
      [...inventory.instances].map(([instanceId, members]) =>
        observeInstance(context, { connected, inventory, open, instanceId, members, signal }),
      ),
    )
  } catch (error) {
    context.link.noteFailure(error)
    throw error
  }
}

function handBackHolders(context: EngineContext, { engine }: ConnectedEngine, inventory: Inventory): void {
  const { instances } = inventory
  const members = [...instances.values()].flatMap((byName) => [...byName.values()])
  const used = new Set(members.map(holderIdOf).filter((id) => id !== undefined))
  context.holders.reconcile(engine, inventory, used)
  const running = members.filter(({ State }) => State.Running).map(({ Id }) => Id)
  context.watches.keepOnly(new Set(running), new Set(instances.keys()))
  for (const instanceId of context.seenRunning) if (!instances.has(instanceId)) context.seenRunning.delete(instanceId)
}

interface Look {
  connected: ConnectedEngine
  inventory: Inventory
  open: readonly ForwardedPort[]
  instanceId: string
  members: ReadonlyMap<string, ContainerDetails>
  signal: AbortSignal
}

async function observeInstance(context: EngineContext, look: Look): Promise<ObservedInstance> {
  const { instanceId, members } = look
  const identity = [...members.values()].map(({ Config }) => identityOf(Config.Labels)).find((found) => found !== undefined)
  if (identity === undefined) return incompleteInstance(look)
  const network = networkOf(look)
  const containers = await Promise.all(
    containerNames(identity.workload).map((name) => observeContainer(context, { ...look, identity, name, network })),
  )
  await adoptDoor(context, identity, [...members.values()])
  const notes = context.notes.of(instanceId)
  const { phase, reason } = phaseOf(context, look, { identity, containers, network })
  if (phase === 'ready' && notes.wasReady !== true) {
    notes.wasReady = true
    context.notes.save(instanceId)
  }
  const { workload } = identity
  const served = await servedNow(context, look, { workload, network })
  const restartToken = workload.kind === 'group' ? workload.restartToken : undefined
  return {
    instanceId,
    key: workload.key,
    kind: workload.kind,
    version: workload.version,
    digest: notes.digest ?? workload.digest,
    runDigest: identity.runDigest,
    ...(restartToken === undefined ? {} : { restartToken }),
    phase,
    ...(reason === undefined ? {} : { reason }),
    isActive:
      workload.kind === 'driver' || (workload.ports.length === 0 ? notes.wasReady === true : served.length === workload.ports.length),
    createdAtMs: identity.createdAtMs,
    graceSeconds: workload.kind === 'group' ? workload.graceSeconds : driverGraceSeconds,
    restarts: containers.reduce((sum, { seen }) => sum + seen.restarts, 0),
    ...(notes.lastRestartReason === undefined ? {} : { lastRestartReason: notes.lastRestartReason }),
    addresses: [...served, ...driverAddresses(identity)],
    containers: containers.map(({ seen }) => seen),
  }
}

/** A group that comes up again may get another address, and its old one may be somebody else's by then. */
async function servedNow(
  context: EngineContext,
  { instanceId, open }: Look,
  { workload, network }: { workload: InstanceIdentity['workload']; network: Network },
): Promise<ServedPort[]> {
  if (workload.kind !== 'group') return []
  if (network.kind === 'ended') {
    if (open.some(({ target }) => target?.owner === instanceId)) await context.ports.release(instanceId)
    return []
  }
  return servedPorts(workload, { instanceId, ...(network.kind === 'held' && { host: network.address }) }, open)
}

/** The container that carries the workload is missing: nothing can be known but the key, so it is cleared away. */
function incompleteInstance({ instanceId, members }: Look): ObservedInstance {
  const [any] = members.values()
  const loose = looseIdentity(any?.Config.Labels ?? null)
  const rest = { graceSeconds: 0, restarts: 0, addresses: [], containers: [], isActive: false }
  return {
    instanceId,
    kind: loose.key.startsWith('driver/') ? 'driver' : 'group',
    runDigest: loose.digest,
    phase: 'incomplete',
    ...loose,
    ...rest,
  }
}

/**
 * `own`: a driver's own network · a holder's address · `ended`: the holder went down with all members, as with the machine or the
 * engine, and comes up with them again · `lost`: the holder does not run, its network is gone, and members still run in it.
 */
type Network = { kind: 'own' } | { kind: 'held'; address: string } | { kind: 'ended' } | { kind: 'lost' }

function networkOf({ inventory, members }: Look): Network {
  const [any] = members.values()
  const holderId = any === undefined ? undefined : holderIdOf(any)
  if (holderId === undefined) return { kind: 'own' }
  const holder = inventory.holders.get(holderId)
  if (holder === undefined) return { kind: 'lost' }
  if (!holder.State.Running) return { kind: [...members.values()].some(({ State }) => State.Running) ? 'lost' : 'ended' }
  const address = addressOf(holder)
  if (address === undefined) return { kind: 'lost' }
  // A holder that was started again from outside has a new namespace; the members are still in the old one.
  // Only one that has ended before can be: a clock that was set back makes every new member look older than its holder.
  const hasEnded = Date.parse(holder.State.FinishedAt) > 0
  const isNewer =
    hasEnded && [...members.values()].some(({ State }) => State.Running && Date.parse(State.StartedAt) < Date.parse(holder.State.StartedAt))
  return isNewer ? { kind: 'lost' } : { kind: 'held', address }
}

interface SeenContainer {
  seen: ObservedContainer
  problem: Reason | undefined
  isMissing: boolean
}

type ContainerLook = Look & { identity: InstanceIdentity; name: string; network: Network }

/** Sees to it that hook and probe of a running container go on, unless it is about to end. */
function watchRun(context: EngineContext, { instanceId, identity, name, network }: ContainerLook, details: ContainerDetails): void {
  if (context.notes.of(instanceId).phase !== undefined || network.kind === 'lost') return
  context.seenRunning.add(instanceId)
  context.watches.ensure({
    instanceId,
    details,
    container: groupContainer(identity.workload, name),
    address: network.kind === 'held' ? network.address : undefined,
    isAdopted: !context.starting.has(instanceId),
  })
}

async function observeContainer(context: EngineContext, look: ContainerLook): Promise<SeenContainer> {
  const { instanceId, name, members } = look
  const details = members.get(name)
  const notes = context.notes.container(instanceId, name)
  const common = {
    name,
    restarts: notes.restarts,
    ...(details === undefined ? {} : { image: details.Config.Image, imageDigest: details.Image }),
  }
  if (details === undefined || (details.State.Status === 'created' && notes.startError === undefined)) {
    return { seen: { ...common, state: 'waiting', isReady: false, failures: notes.failures }, problem: undefined, isMissing: true }
  }
  if (details.State.Running) {
    watchRun(context, look, details)
    const missing = await deviceProblem(context, look, details)
    const { isReady, problem } = missing === undefined ? context.watches.stateOf(details) : { isReady: false, problem: missing }
    const seen: ObservedContainer = {
      ...common,
      state: 'running',
      isReady,
      failures: notes.failures,
      startedAtMs: Date.parse(details.State.StartedAt),
    }
    return { seen, problem, isMissing: false }
  }
  // What went down before this agent began did so with the machine or the engine. What goes down again and again waits its time.
  const isInterrupted = look.network.kind === 'ended' && !context.seenRunning.has(instanceId)
  const exit = await noteExit(context, look.connected, { instanceId, name, details, isInterrupted })
  const missing = await deviceProblem(context, look, details)
  return { seen: { ...common, state: 'exited', isReady: false, ...exit.seen }, problem: missing ?? exit.reason, isMissing: false }
}

/**
 * What keeps a driver from its devices, if anything does. One that runs with a device that was put back meanwhile is ended:
 * it holds on to the old one. Its restart then makes the container anew.
 */
async function deviceProblem(
  context: EngineContext,
  { instanceId, identity, name, connected }: ContainerLook,
  details: ContainerDetails,
): Promise<Reason | undefined> {
  const devices = devicesOf(identity.workload)
  if (devices.length === 0) return undefined
  const look = await lookAtDevices(devices).catch((error: unknown) => ({ refusal: error }))
  if ('refusal' in look) return { code: 'DeviceRejected', message: String(look.refusal) }
  if (look.missing.length > 0) return missingReason(look)
  const notes = context.notes.container(instanceId, name)
  const replaced = replacedDevice(look, notes.devices)
  if (replaced === undefined || !details.State.Running || context.starting.has(instanceId)) return undefined
  const reason = { code: 'DeviceReplaced', message: `${replaced} was plugged in again: the driver is started anew with it` }
  notes.killReason = reason
  notes.isToBeRecreated = true
  context.notes.save(instanceId)
  await killContainer(connected.engine, details.Id, 'KILL')
  context.inventory.changed(details.Id)
  context.notify()
  return reason
}

interface Found {
  identity: InstanceIdentity
  containers: readonly SeenContainer[]
  network: Network
}

function phaseOf(
  context: EngineContext,
  { instanceId }: Look,
  { containers, network, identity }: Found,
): { phase: InstancePhase; reason?: Reason } {
  const notes = context.notes.of(instanceId)
  if (notes.phase !== undefined) return { phase: notes.phase }
  // Until the start step is done the instance is its work; afterwards a container that is missing or was never started shows
  // that the start was interrupted.
  if (context.starting.has(instanceId) || containers.some(({ isMissing }) => isMissing)) return { phase: 'incomplete' }
  if (network.kind === 'lost')
    return { phase: 'stopped', reason: { code: 'NetworkLost', message: "the container that owns the group's network has ended" } }
  const troubled = containers.find(({ problem }) => problem !== undefined)
  const problem = troubled?.problem === undefined ? {} : { reason: bounded(identity, troubled.seen.name, troubled.problem) }
  if (containers.some(({ seen }) => seen.state === 'exited')) return { phase: 'backoff', ...problem }
  if (containers.every(({ seen }) => seen.isReady)) return { phase: 'ready' }
  return { phase: notes.wasReady === true ? 'unready' : 'starting', ...problem }
}

function bounded(identity: InstanceIdentity, container: string, { code, message }: Reason): Reason {
  const text = identity.workload.kind === 'group' ? `${container}: ${message}` : message
  return { code, message: text.length > 2000 ? `${text.slice(0, 1999)}…` : text }
}

/** The engine publishes a driver's ports itself; UDP ones too. */
function driverAddresses({ workload }: InstanceIdentity): { port: number; servicePort: number }[] {
  if (workload.kind === 'group' || workload.container === undefined || workload.container.hostNetwork) return []
  return workload.container.ports.map(({ hostPort }) => ({ port: hostPort, servicePort: hostPort }))
}
