// The start step: makes a new instance and starts it. What an interrupted start leaves behind is incomplete by its labels
// and gets removed.
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverWorkload, GroupWorkload, Workload } from '@littoral/contract/node/desired-state'
import { runDigest, StepError } from '../runtime.ts'
import { createContainer, getContainer, removeContainer, startContainer, type ContainerSpec } from './client/containers.ts'
import { isEngineError } from './client/engine-error.ts'
import { memberSpec } from './container-spec.ts'
import type { EngineContext } from './context.ts'
import { devicesOf, identitiesOf, lookAtDevices, requireAll } from './devices.ts'
import { driverSpec } from './driver-spec.ts'
import {
  containerName,
  driverContainerName,
  groupContainer,
  keptWorkload,
  memberLabels,
  newInstanceId,
  type InstanceIdentity,
} from './labels.ts'
import type { ConnectedEngine } from './link.ts'
import type { Holder } from './holders.ts'
import { countMemoryKills } from './memory-kills.ts'
import type { ContainerNotes } from './notes.ts'

interface Member {
  name: string
  spec: ContainerSpec
}

/** Throws StepError DeviceMissing, ContainerRejected; anything else is retried. */
export async function startInstance(context: EngineContext, workload: Workload, signal: AbortSignal): Promise<string> {
  const connected = await context.link.get(signal)
  const instanceId = newInstanceId(workload.key, randomBytes(4).toString('hex'))
  const identity: InstanceIdentity = {
    instanceId,
    createdAtMs: Date.now(),
    workload: keptWorkload(workload),
    runDigest: runDigest(workload),
  }
  context.starting.add(instanceId)
  try {
    if (workload.kind === 'group') await startGroup(context, connected, { workload, identity, signal })
    else await startDriver(context, connected, { workload, identity, signal })
    return instanceId
  } finally {
    context.starting.delete(instanceId)
    context.holders.replenish()
    context.notify()
  }
}

interface Start<W> {
  workload: W
  identity: InstanceIdentity
  signal: AbortSignal
}

async function startGroup(context: EngineContext, connected: ConnectedEngine, start: Start<GroupWorkload>): Promise<void> {
  const { engine } = connected
  context.ports.expect(start.workload)
  const holder = await context.holders.take(engine, start.signal)
  const members = start.workload.containers.map((container) => {
    const labels = memberLabels(context.owner, start.identity, container.name)
    return { name: container.name, spec: memberSpec(container, { labels, holderId: holder.id }, connected) }
  })
  try {
    await makeMembers(context, connected, { ...start, members, holder })
  } catch (error) {
    context.holders.giveBack(holder.id)
    await removeContainer(engine, holder.id).catch(() => {})
    throw error
  }
}

async function startDriver(context: EngineContext, connected: ConnectedEngine, start: Start<DriverWorkload>): Promise<void> {
  const { workload, identity } = start
  const folder = join(context.instancesFolder, identity.instanceId)
  if (context.drivers === undefined)
    throw new StepError('Unsupported', 'this agent was started without support for drivers', { isStalled: true })
  const look = requireAll(await lookAtDevices(devicesOf(workload)))
  const spec = await driverSpec(context, connected, { workload, identity, folder, look })
  context.notes.container(identity.instanceId, driverContainerName).devices = identitiesOf(look)
  try {
    await context.drivers.layOut(workload, folder)
    context.notes.save(identity.instanceId)
    await makeMembers(context, connected, { ...start, members: [{ name: driverContainerName, spec }], holder: undefined })
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    context.notes.remove(identity.instanceId)
    throw error
  }
}

interface Making extends Start<Workload> {
  members: readonly Member[]
  holder: Holder | undefined
}

/** Creates all, then starts all, each time side by side: the engine works on several at once. */
async function makeMembers(context: EngineContext, connected: ConnectedEngine, making: Making): Promise<void> {
  const { engine } = connected
  const { identity, signal, members } = making
  const created: string[] = []
  try {
    const ids = await settleAll(
      members.map(async ({ name, spec }) => {
        const id = await createContainer(engine, containerName(identity.instanceId, name), spec, signal)
        created.push(id)
        context.inventory.changed(id)
        return { id, name }
      }),
    )
    await settleAll(ids.map((member) => startMember(context, connected, { ...making, member })))
  } catch (error) {
    await Promise.all(created.map((id) => removeContainer(engine, id).catch(() => {})))
    for (const id of created) context.inventory.changed(id)
    context.notes.remove(identity.instanceId)
    throw toStepError(error)
  }
}

/** Waits for all even when one fails, so that nothing is still being made while the rest is cleared away. */
async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

async function startMember(
  context: EngineContext,
  connected: ConnectedEngine,
  making: Making & { member: { id: string; name: string } },
): Promise<void> {
  const { member, identity, signal, holder } = making
  noteMemoryKills(context.notes.container(identity.instanceId, member.name))
  try {
    await startContainer(connected.engine, member.id, signal)
  } catch (error) {
    // A command that cannot be run is the container's own failure, as an exit would be; the others of the group run.
    if (!isEngineError(error, 'badCommand')) throw error
    noteStartError(context, identity.instanceId, member.name, error.message)
    return
  } finally {
    context.inventory.changed(member.id)
  }
  const details = await getContainer(connected.engine, member.id, signal)
  if (!details.State.Running) return
  const container = groupContainer(identity.workload, member.name)
  context.watches.ensure({ instanceId: identity.instanceId, details, container, address: holder?.address, isAdopted: false })
}

/** To be told from later ones. */
export function noteMemoryKills(notes: ContainerNotes): void {
  const count = countMemoryKills()
  if (count === undefined) delete notes.memoryKillsBefore
  else notes.memoryKillsBefore = count
}

/** Counts a failed start like an exit, so that the next attempt waits longer. */
export function noteStartError(context: EngineContext, instanceId: string, container: string, message: string): void {
  const notes = context.notes.container(instanceId, container)
  notes.failures += 1
  notes.startError = { message, atMs: Date.now() }
  notes.exitReason = { code: 'StartFailed', message }
  context.notes.save(instanceId)
}

/** What the engine says, in the words of steps. */
export function toStepError(error: unknown): unknown {
  if (!isEngineError(error)) return error
  if (error.kind === 'deviceMissing') return new StepError('DeviceMissing', error.message, { waitsMs: 5000, cause: error })
  if (error.kind === 'portInUse') return new StepError('PortInUse', error.message, { cause: error })
  if (error.status === 400) return new StepError('ContainerRejected', error.message, { isStalled: true, cause: error })
  return error
}
