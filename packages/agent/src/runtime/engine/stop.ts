// The stop, remove and restart steps of an instance.
import { join } from 'node:path'
import { rm } from 'node:fs/promises'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { StepError, type StopOptions } from '../runtime.ts'
import {
  createContainer,
  findContainer,
  killContainer,
  listContainers,
  removeContainer,
  startContainer,
  stopContainer,
  type ContainerDetails,
} from './client/containers.ts'
import type { Engine } from './client/connection.ts'
import { isEngineError } from './client/engine-error.ts'
import { execCommand } from './client/exec.ts'
import { memberSpec } from './container-spec.ts'
import type { EngineContext } from './context.ts'
import { type DeviceLook, devicesOf, identitiesOf, lookAtDevices, replacedDevice, requireAll } from './devices.ts'
import { driverSpec } from './driver-spec.ts'
import { holderIdOf } from './inventory.ts'
import {
  containerName,
  driverContainerName,
  groupContainer,
  identityOf,
  type InstanceIdentity,
  instanceLabel,
  memberLabels,
  memberOf,
  ownerLabel,
  type KeptWorkload,
} from './labels.ts'
import { noteMemoryKills, noteStartError, toStepError } from './start.ts'

/**
 * Drains, runs preStop, sends TERM, and kills what is left when the grace is over. Open connections get at most two thirds
 * of the grace, so that hooks and a container's own way of ending have time too.
 */
export async function stopInstance(context: EngineContext, instanceId: string, options: StopOptions, signal: AbortSignal): Promise<void> {
  const { engine } = await context.link.get(signal)
  const members = await membersOf(context, engine, instanceId, signal)
  if (members.length === 0) return context.ports.release(instanceId)
  const notes = context.notes.of(instanceId)
  notes.phase = 'stopping'
  context.notes.save(instanceId)
  context.notify()
  const endsAtMs = performance.now() + options.graceSeconds * 1000
  const leftMs = () => Math.max(0, endsAtMs - performance.now())
  await context.ports.release(instanceId)
  if (members.some(({ State }) => State.Running)) await context.ports.drain(instanceId, (leftMs() * 2) / 3)
  const workload = workloadOf(members)
  await Promise.all(members.map((details) => stopMember(context, engine, { details, workload, leftMs, signal })))
  await context.ports.cut(instanceId)
  // Before the removal: one that runs and that nobody uses would be taken for a spare.
  for (const id of holderIds(members)) {
    await killContainer(engine, id, 'KILL', signal)
    context.inventory.changed(id)
  }
  notes.phase = 'stopped'
  context.notes.save(instanceId)
  context.notify()
}

interface Stopping {
  details: ContainerDetails
  workload: KeptWorkload | undefined
  leftMs: () => number
  signal: AbortSignal
}

async function stopMember(context: EngineContext, engine: Engine, { details, workload, leftMs, signal }: Stopping): Promise<void> {
  context.watches.end(details.Id)
  if (details.State.Running) {
    const name = memberOf(details.Config.Labels)?.container ?? ''
    const preStop = workload === undefined ? undefined : groupContainer(workload, name)?.preStop
    if (preStop !== undefined && preStop.length > 0 && leftMs() > 0) {
      // A hook that fails or hangs does not keep a container alive.
      await execCommand(engine, details.Id, { command: preStop, timeoutMs: leftMs(), signal }).catch((error: unknown) => {
        if (signal.aborted) throw error
        context.log(`preStop of ${name}: ${error instanceof Error ? error.message : String(error)}`)
      })
    }
    if (leftMs() > 0) await endWithin(engine, details.Id, leftMs(), signal)
    else await killContainer(engine, details.Id, 'KILL', signal)
  }
  context.inventory.changed(details.Id)
}

/** The engine counts a grace in whole seconds, so it gets a longer one and our own kill comes in time. */
async function endWithin(engine: Engine, containerId: string, graceMs: number, signal: AbortSignal): Promise<void> {
  const timer = setTimeout(() => void killContainer(engine, containerId, 'KILL', signal).catch(() => {}), graceMs)
  try {
    await stopContainer(engine, containerId, Math.ceil(graceMs / 1000) + 1, signal)
  } finally {
    clearTimeout(timer)
  }
}

/** Deletes all containers of an instance, its holder, its notes and its folder. */
export async function removeInstance(context: EngineContext, instanceId: string, signal: AbortSignal): Promise<void> {
  const { engine } = await context.link.get(signal)
  const members = await membersOf(context, engine, instanceId, signal)
  await context.ports.release(instanceId)
  await context.ports.cut(instanceId)
  // The container with the workload goes last: until then the next agent still knows what this was.
  const last = members.filter(({ Config }) => identityOf(Config.Labels) !== undefined)
  const first = members.filter((details) => !last.includes(details))
  for (const part of [first, last]) {
    await Promise.all(
      part.map(async ({ Id }) => {
        context.watches.end(Id)
        await removeContainer(engine, Id, signal)
        context.inventory.changed(Id)
      }),
    )
  }
  for (const id of holderIds(members)) {
    await removeContainer(engine, id, signal)
    context.inventory.changed(id)
  }
  await context.drivers?.doors?.close(instanceId)
  await rm(join(context.instancesFolder, instanceId), { recursive: true, force: true })
  context.notes.remove(instanceId)
  context.notify()
}

/** Starts an exited container again, in a fresh one when it had outgrown its storage. */
export async function restartContainer(context: EngineContext, instanceId: string, container: string, signal: AbortSignal): Promise<void> {
  const { engine } = await context.link.get(signal)
  // It is restarted because of what a look has just shown; after a power cut every question more would hold up all groups.
  const isIt = ({ Config }: ContainerDetails) => memberOf(Config.Labels)?.container === container
  const seen = context.inventory.lastSeen(instanceId)
  const isSeen = seen.some((details) => isIt(details) && !details.State.Running)
  const members = isSeen ? seen : await membersOf(context, engine, instanceId, signal)
  const details = members.find(isIt)
  if (details === undefined) throw new StepError('NotFound', `${instanceId} has no container ${container}`)
  if (details.State.Running) return
  const notes = context.notes.container(instanceId, container)
  const workload = workloadOf(members)
  if (workload !== undefined) context.ports.expect(workload)
  const devices = workload === undefined ? [] : devicesOf(workload)
  const look = requireAll(await lookAtDevices(devices))
  if (replacedDevice(look, notes.devices) !== undefined) notes.isToBeRecreated = true
  const id = notes.isToBeRecreated === true ? await recreate(context, { members, details, look, signal }) : details.Id
  notes.restarts += 1
  delete notes.startError
  delete notes.isToBeRecreated
  noteMemoryKills(notes)
  if (devices.length > 0) notes.devices = identitiesOf(look)
  context.notes.of(instanceId).lastRestartReason = notes.exitReason?.code ?? 'Exited'
  context.notes.save(instanceId)
  await wakeHolder(context, engine, details, signal)
  try {
    await startContainer(engine, id, signal)
  } catch (error) {
    if (!isEngineError(error, 'badCommand')) throw toStepError(error)
    noteStartError(context, instanceId, container, error.message)
  } finally {
    context.inventory.changed(id)
  }
  context.notify()
}

/**
 * Sees to it that the network of a group is there: its holder ended with it when the machine or the engine went down. One that
 * cannot be started again is removed, which makes the instance one that has lost its network.
 */
async function wakeHolder(context: EngineContext, engine: Engine, member: ContainerDetails, signal: AbortSignal): Promise<void> {
  const id = holderIdOf(member)
  if (id === undefined) return
  try {
    // One that runs is left alone.
    await startContainer(engine, id, signal)
    context.holders.replenish()
  } catch (error) {
    if (!isEngineError(error) || error.status < 400) throw error
    await removeContainer(engine, id, signal)
    throw new StepError('NetworkLost', `the network of the group cannot be set up again: ${error.message}`, { cause: error })
  } finally {
    context.inventory.changed(id)
  }
}

interface Recreation {
  members: readonly ContainerDetails[]
  details: ContainerDetails
  look: DeviceLook
  signal: AbortSignal
}

async function recreate(context: EngineContext, { members, details, look, signal }: Recreation): Promise<string> {
  const connected = await context.link.get(signal)
  const member = memberOf(details.Config.Labels)
  const identity = members.map(({ Config }) => identityOf(Config.Labels)).find((found) => found !== undefined)
  if (identity?.workload.kind === 'driver') return recreateDriver(context, { identity, details, look, signal })
  const container = identity === undefined ? undefined : groupContainer(identity.workload, member?.container ?? '')
  const holderId = holderIdOf(details)
  if (identity === undefined || container === undefined || holderId === undefined) return details.Id
  const spec = memberSpec(container, { labels: memberLabels(context.owner, identity, container.name), holderId }, connected)
  await removeContainer(connected.engine, details.Id, signal)
  return createContainer(connected.engine, containerName(identity.instanceId, container.name), spec, signal)
}

/** In its folder, and with the environment it had: its config is handed over in that folder, not in the labels. */
async function recreateDriver(
  context: EngineContext,
  { identity, details, look, signal }: Omit<Recreation, 'members'> & { identity: InstanceIdentity },
): Promise<string> {
  const connected = await context.link.get(signal)
  const workload = { ...identity.workload, config: '', files: [] } as DriverWorkload
  const folder = join(context.instancesFolder, identity.instanceId)
  const spec = await driverSpec(context, connected, { workload, identity, folder, look })
  await removeContainer(connected.engine, details.Id, signal)
  const name = containerName(identity.instanceId, driverContainerName)
  return createContainer(connected.engine, name, { ...spec, Env: details.Config.Env ?? [] }, signal)
}

async function membersOf(context: EngineContext, engine: Engine, instanceId: string, signal: AbortSignal): Promise<ContainerDetails[]> {
  const list = await listContainers(engine, [ownerLabel(context.owner), instanceLabel(instanceId)], signal)
  const found = await Promise.all(list.map(({ Id }) => findContainer(engine, Id, { signal })))
  return found.filter((details) => details !== undefined)
}

function workloadOf(members: readonly ContainerDetails[]): KeptWorkload | undefined {
  return members.map(({ Config }) => identityOf(Config.Labels)?.workload).find((workload) => workload !== undefined)
}

const holderIds = (members: readonly ContainerDetails[]) => new Set(members.map(holderIdOf).filter((id) => id !== undefined))
