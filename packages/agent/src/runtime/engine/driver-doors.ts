// The doors of drivers in containers: opened before the container is made, and again by the next agent for those that went on.
import { join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { configFileName } from '../../packages/driver-packages.ts'
import type { LocalPlace } from '../../packages/local-door.ts'
import type { ContainerDetails } from './client/containers.ts'
import type { EngineContext } from './context.ts'
import type { InstanceIdentity } from './labels.ts'

export interface DoorOf {
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
  { workload, instanceId, folder, reachedAt }: DoorOf,
): Promise<LocalPlace | undefined> {
  const { driverId, driverName, runtime, config } = workload
  const configPath = join(folder, configFileName)
  const known = config === undefined ? {} : { config }
  return context.drivers?.doors?.open({ instanceId, driverId, driverName, runtime, configPath, reachedAt, ...known })
}

/** A driver that an earlier agent left running finds its door open again. */
export async function adoptDoor(context: EngineContext, identity: InstanceIdentity, members: readonly ContainerDetails[]): Promise<void> {
  const { workload, instanceId } = identity
  const running = members.find(({ State }) => State.Running)
  if (workload.kind !== 'driver' || !running || context.starting.has(instanceId)) return
  const reachedAt = running.Config.Env?.find((entry) => entry.startsWith(addressVariable))?.slice(addressVariable.length) ?? '127.0.0.1'
  await openDoor(context, { workload, instanceId, folder: join(context.instancesFolder, instanceId), reachedAt })
}
