// The container engine as a runtime: groups of containers and drivers in containers, on Docker or Podman. Put together here;
// each step lives in a file of its own.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverWorkload, Workload } from '@littoral/contract/node/desired-state'
import { pinnedImage } from '@littoral/contract/node/image-pin'
import type { Reason } from '@littoral/contract/node/report'
import { openForwarder, type Forwarder } from '../../forwarder/client.ts'
import { StepError, type ObservedInstance, type OnProgress, type Runtime, type RuntimeFacts } from '../runtime.ts'
import { watchEvents, type ContainerEvent } from './client/events.ts'
import { addressOf, getContainer } from './client/containers.ts'
import type { RegistryCredential } from './client/images.ts'
import { hasHardStorageLimit } from './container-spec.ts'
import type { DriverSupport, EngineContext } from './context.ts'
import { Holders } from './holders.ts'
import { ensureHolderImage } from './holder-image.ts'
import { holderIdOf, openInventory } from './inventory.ts'
import { identityOf, ownerLabel } from './labels.ts'
import { openLink } from './link.ts'
import { instanceLogs } from './log-merge.ts'
import { openNodePorts } from './node-ports.ts'
import { openNotes } from './notes.ts'
import { observeInstances } from './observe.ts'
import { outputsOf } from './outputs.ts'
import { openPuller, type SecretSource } from './pull.ts'
import { credentialFor } from './registry-credentials.ts'
import { driverImages, engineSocket } from './settings.ts'
import { startInstance } from './start.ts'
import { engineStock } from './stock.ts'
import { removeInstance, restartContainer, stopInstance } from './stop.ts'
import { watchStorage } from './storage-limit.ts'
import { execIn } from './terminal.ts'
import { readUsage } from './usage.ts'
import { Watches } from './watches.ts'

export interface EngineRuntimeOptions {
  /** This agent's name in labels; stable over restarts, unique among the agents on one engine. */
  owner: string
  /** A folder of this runtime's own, kept over restarts. */
  dataDir: string
  socketPath?: string
  drivers?: DriverSupport
  /** The only address on which the node's ports are opened. */
  address?: string
  driverMemoryBytes?: number
  /** What this machine itself knows of a registry; default: the logins of Docker and Podman. */
  credentialFor?: (image: string) => RegistryCredential | undefined
  /** What the server knows of a registry for a workload: an application's image secret. */
  secretFor?: SecretSource
  keepsSpareHolder?: boolean
  storageCheckMs?: number
  /** Told before an instance's containers go, with all they wrote. */
  beforeRemove?: (instanceId: string, signal: AbortSignal) => Promise<void>
  log?: (line: string) => void
}

/** The vendor's default, which no operation of its API can set (contract: iot-edge §8). */
const usualDriverMemoryBytes = 1024 * 1024 * 1024

/** Opens nothing yet: the engine may come later. */
export function openEngineRuntime(options: EngineRuntimeOptions): Runtime {
  const listeners = new Set<() => void>()
  const notify = () => {
    for (const listener of listeners) listener()
  }
  const forwarder = openForwarder({ folder: join(options.dataDir, 'forwarder'), onLost: notify })
  return runtimeOf(makeContext(options, forwarder, notify), { options, forwarder, listeners })
}

function makeContext(options: EngineRuntimeOptions, forwarder: Forwarder, notify: () => void): EngineContext {
  const { owner, dataDir: folder } = options
  const log = options.log ?? (() => {})
  const link = openLink(() => options.socketPath ?? engineSocket(process.env))
  const notes = openNotes(join(folder, 'notes'))
  const inventory = openInventory(owner)
  return {
    owner,
    instancesFolder: join(folder, 'instances'),
    link,
    notes,
    inventory,
    holders: new Holders({ owner, link, log, onMade: (id) => inventory.changed(id), keepsSpare: options.keepsSpareHolder ?? true }),
    ports: openNodePorts(forwarder, folder, options.address),
    watches: new Watches({ link, notes, onChange: notify, log }),
    puller: openPuller({
      file: join(folder, 'pulled-images.json'),
      credentialFor: options.credentialFor ?? credentialFor,
      ...(options.secretFor && { secretFor: options.secretFor }),
    }),
    drivers: options.drivers,
    driverImages: driverImages(process.env),
    driverMemoryBytes: options.driverMemoryBytes ?? usualDriverMemoryBytes,
    starting: new Set(),
    seenRunning: new Set(),
    notify,
    log,
  }
}

interface Surroundings {
  options: EngineRuntimeOptions
  forwarder: Forwarder
  listeners: Set<() => void>
}

function runtimeOf(context: EngineContext, { options, forwarder, listeners }: Surroundings): Runtime {
  const look = patientLook(context)
  const { begin, end } = background(context, options.storageCheckMs)
  return {
    name: 'engine',
    capabilities: () => capabilities(context),
    supports: (workload) => supports(context, workload),
    observe(signal) {
      begin()
      return look(signal)
    },
    prepare: (workload, signal, onProgress) => prepare(context, workload, { signal, onProgress }),
    start: (workload, signal) => startInstance(context, workload, signal),
    activate: (instanceId, signal) => activate(context, instanceId, signal),
    restart: (instanceId, container, signal) => restartContainer(context, instanceId, container, signal),
    updateConfig: (instanceId, workload) => updateConfig(context, instanceId, workload),
    stop: (instanceId, stop, signal) => stopInstance(context, instanceId, stop, signal),
    remove: (instanceId, signal) => remove(context, options, { instanceId, signal }),
    events(onChange) {
      begin()
      listeners.add(onChange)
      return () => listeners.delete(onChange)
    },
    logs: (instanceId, logs, signal) => instanceLogs(context, instanceId, logs, signal),
    exec: (instanceId, exec, signal) => execIn(context, instanceId, exec, signal),
    usage: (signal) => readUsage(context, signal),
    outputs: outputsOf(context),
    probes: (instanceId) => context.watches.probes(instanceId),
    stock: engineStock(context),
    tidy: (keep, signal) => tidy(context, keep, signal),
    close() {
      end()
      context.watches.close()
      context.holders.close()
      forwarder.close()
      context.link.close()
      return Promise.resolve()
    },
  }
}

interface Removing {
  instanceId: string
  signal: AbortSignal
}

async function remove(context: EngineContext, { beforeRemove }: EngineRuntimeOptions, { instanceId, signal }: Removing): Promise<void> {
  await beforeRemove?.(instanceId, signal)
  await removeInstance(context, instanceId, signal)
}

/** What goes on without being asked for: the event stream and the look at storage. Begins with the first use. */
function background(context: EngineContext, storageCheckMs: number | undefined): { begin: () => void; end: () => void } {
  const closing = new AbortController()
  let endStorage: (() => void) | undefined
  return {
    begin() {
      if (endStorage !== undefined) return
      endStorage = watchStorage(context, storageCheckMs)
      void followEvents(context, closing.signal)
    },
    end() {
      closing.abort()
      endStorage?.()
    },
  }
}

/** What an earlier agent left running is probed anew; a moment of patience at first spares it from looking unready. */
function patientLook(context: EngineContext): (signal: AbortSignal) => Promise<ObservedInstance[]> {
  let isFirst = true
  return async (signal) => {
    const seen = await observeInstances(context, signal)
    if (!isFirst) return seen
    isFirst = false
    await context.watches.settled(1000)
    return observeInstances(context, signal)
  }
}

async function capabilities({ link }: EngineContext): Promise<RuntimeFacts> {
  try {
    const { info, engine } = await link.get()
    return {
      name: 'engine',
      version: `${engine.isPodman ? 'Podman' : 'Docker'} ${info.ServerVersion}`,
      isAvailable: true,
      storageLimit: hasHardStorageLimit(info.Driver) ? 'engine' : 'agent',
      driverRuntimes: [],
    }
  } catch (error) {
    return {
      name: 'engine',
      isAvailable: false,
      reason: (error instanceof Error ? error.message : String(error)).slice(0, 500),
      driverRuntimes: [],
    }
  }
}

function supports({ link, drivers }: EngineContext, workload: Workload): boolean | Reason {
  if (workload.kind === 'driver' && (workload.container === undefined || drivers === undefined)) return false
  return link.failure === undefined ? true : { code: 'RuntimeMissing', message: `the container engine is out of reach: ${link.failure}` }
}

interface Preparing {
  signal: AbortSignal
  onProgress: OnProgress
}

async function prepare(context: EngineContext, workload: Workload, { signal, onProgress }: Preparing): Promise<void> {
  const { engine } = await context.link.get(signal)
  // The first group of a node gets its network set up while its images are pulled.
  if (workload.kind === 'group') context.holders.replenish(0)
  const images =
    workload.kind === 'group'
      ? new Map(workload.containers.map((container) => [pinnedImage(container), container.name]))
      : new Map([[context.driverImages[workload.runtime], workload.driverName.slice(0, 128)]])
  for (const [image, subject] of images) await context.puller.ensure(engine, image, { key: workload.key, subject, signal, onProgress })
  if (workload.kind === 'driver') return context.drivers?.prepare(workload, signal, onProgress)
  await ensureHolderImage(engine, signal)
}

async function activate(context: EngineContext, instanceId: string, signal: AbortSignal): Promise<void> {
  const connected = await context.link.get(signal)
  const { instances, holders } = await context.inventory.read(connected, signal)
  const members = [...(instances.get(instanceId)?.values() ?? [])]
  const identity = members.map(({ Config }) => identityOf(Config.Labels)).find((found) => found !== undefined)
  if (identity === undefined) throw new StepError('NotFound', `there is no instance ${instanceId} on this node`)
  const { workload } = identity
  if (workload.kind !== 'group' || workload.ports.length === 0) return
  const holderId = members[0] === undefined ? undefined : holderIdOf(members[0])
  const holder = holderId === undefined ? undefined : (holders.get(holderId) ?? (await getContainer(connected.engine, holderId, signal)))
  const address = holder === undefined ? undefined : addressOf(holder)
  if (address === undefined) throw new StepError('NetworkLost', `${instanceId} has no address`)
  await context.ports.activate(instanceId, workload, address)
  context.notify()
}

async function updateConfig(context: EngineContext, instanceId: string, workload: DriverWorkload): Promise<void> {
  await context.drivers?.placeConfig(workload, join(context.instancesFolder, instanceId))
  context.notes.of(instanceId).digest = workload.digest
  context.notes.save(instanceId)
  await context.drivers?.doors?.configChanged(instanceId, workload.config)
  context.notify()
}

async function tidy(context: EngineContext, keep: readonly Workload[], signal: AbortSignal): Promise<void> {
  const connected = await context.link.get(signal)
  const { instances } = await context.inventory.read(connected, signal)
  const isKept = (instanceId: string) => instances.has(instanceId) || context.starting.has(instanceId)
  context.notes.keepOnly(isKept)
  for (const folder of await readdir(context.instancesFolder).catch(() => [])) {
    if (!isKept(folder)) await rm(join(context.instancesFolder, folder), { recursive: true, force: true })
  }
  await context.drivers?.tidy(keep.filter((workload) => workload.kind === 'driver'))
}

/** Events only wake the agent sooner; a stream that breaks is opened again, and everything is then looked at anew. */
async function followEvents(context: EngineContext, signal: AbortSignal): Promise<void> {
  // Not kill and stop: whatever they do shows as die.
  const relevant = new Set(['start', 'die', 'oom', 'destroy', 'pause', 'unpause'])
  const onEvent = ({ action, containerId }: ContainerEvent) => {
    if (!relevant.has(action)) return
    context.inventory.changed(containerId)
    context.notify()
  }
  const onLost = (error: unknown) => {
    context.link.noteFailure(error)
    context.notify()
  }
  const onConnected = () => {
    context.inventory.allChanged()
    context.notify()
  }
  const connect = async () => (await context.link.get(signal)).engine
  await watchEvents(connect, { label: ownerLabel(context.owner), onConnected, onEvent, onLost, signal })
}
