// The doors of drivers in containers: opened before the container is made, and again by the next agent for those that went on.
import { join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { configFileName } from '../../packages/driver-packages.ts'
import type { LocalDriver, LocalPlace } from '../../packages/local-door.ts'
import { driverGraceSeconds } from '../runtime.ts'
import { type ContainerDetails, findContainer, stopContainer } from './client/containers.ts'
import type { EngineContext } from './context.ts'
import { driverContainerName, type InstanceIdentity } from './labels.ts'

export interface DoorOf extends Pick<LocalDriver, 'onSilent'> {
  readonly workload: Pick<DriverWorkload, 'driverId' | 'driverName' | 'runtime'> & { readonly config?: string }
  readonly instanceId: string
  /** The instance's folder on the node. */
  readonly folder: string
  /** The address the container knows this machine by. */
  readonly reachedAt: string
}

const addressVariable = 'FCBASE_IPADDR='

export async function openDoor(
  context: EngineContext,
  { workload, instanceId, folder, reachedAt, onSilent }: DoorOf,
): Promise<LocalPlace | undefined> {
  const { driverId, driverName, runtime, config } = workload
  const configPath = join(folder, configFileName)
  const known = { ...(config === undefined ? {} : { config }), ...(onSilent && { onSilent }) }
  return context.drivers?.doors?.open({ instanceId, driverId, driverName, runtime, configPath, reachedAt, ...known })
}

/** A driver that an earlier agent left running finds its door open again; one that does not look for it is started anew. */
export async function adoptDoor(context: EngineContext, identity: InstanceIdentity, members: readonly ContainerDetails[]): Promise<void> {
  const { workload, instanceId } = identity
  const running = members.find(({ State }) => State.Running)
  if (workload.kind !== 'driver' || !running || context.starting.has(instanceId)) return
  const reachedAt = running.Config.Env?.find((entry) => entry.startsWith(addressVariable))?.slice(addressVariable.length) ?? '127.0.0.1'
  const onSilent = () =>
    void endSilent(context, instanceId, running).catch((error: unknown) => context.log(`${instanceId}: ${String(error)}`))
  await openDoor(context, { workload, instanceId, folder: join(context.instancesFolder, instanceId), reachedAt, onSilent })
}

/** Ends this run of a driver that holds on to a connection to the agent before; as with every exit, it is started again. */
async function endSilent(context: EngineContext, instanceId: string, { Id, State }: ContainerDetails): Promise<void> {
  const { engine } = await context.link.get()
  const now = await findContainer(engine, Id)
  const isSameRun = now?.State.Running === true && now.State.StartedAt === State.StartedAt
  if (!isSameRun || context.notes.of(instanceId).phase !== undefined) return
  const message = 'the agent was started again and the driver did not come back to it, so the driver is started again as well'
  context.notes.container(instanceId, driverContainerName).killReason = { code: 'ConnectionLost', message }
  context.notes.save(instanceId)
  await stopContainer(engine, Id, driverGraceSeconds)
  context.inventory.changed(Id)
  context.notify()
}
