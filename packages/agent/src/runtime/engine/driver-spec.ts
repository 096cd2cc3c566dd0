// From a driver workload to the container it runs in (contract: iot-edge §8): its package at /linkedge/driver, its ports
// published by the engine itself, because a driver never runs twice at once and so needs no port that outlives it.
import { stat } from 'node:fs/promises'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { normalizeImageName } from '@littoral/contract/node/image-name'
import { makeFolder } from '../../files.ts'
import { busFolder } from '../../packages/local-door.ts'
import { StepError } from '../runtime.ts'
import type { ContainerSpec } from './client/containers.ts'
import { commonHostConfig, pidsLimit } from './container-spec.ts'
import type { EngineContext } from './context.ts'
import type { DeviceLook } from './devices.ts'
import { openDoor } from './driver-doors.ts'
import { driverContainerName, memberLabels, type InstanceIdentity } from './labels.ts'
import type { ConnectedEngine } from './link.ts'

/** Where the package lies inside the container; also the working folder. */
export const driverFolder = '/linkedge/driver'

type DriverContainer = NonNullable<DriverWorkload['container']>

export interface DriverPlace {
  workload: DriverWorkload
  identity: InstanceIdentity
  /** The instance's folder on the node. */
  folder: string
  /** With none missing. */
  look: DeviceLook
}

/** Throws StepError VolumeMissing when a host path cannot be made. */
export async function driverSpec(context: EngineContext, connected: ConnectedEngine, place: DriverPlace): Promise<ContainerSpec> {
  const { workload, identity, folder, look } = place
  const { container } = workload
  if (container === undefined || context.drivers === undefined)
    throw new StepError('Unsupported', 'this driver does not run in a container', { isStalled: true })
  const { command, environment } = context.drivers.launch(workload, driverFolder)
  const env = { ...environment, FCBASE_IPADDR: container.hostNetwork ? '127.0.0.1' : await hostAddress(connected) }
  const volumes = await Promise.all(container.volumes.map(volumeBind))
  const [program, ...args] = command
  return {
    Image: normalizeImageName(context.driverImages[workload.runtime]),
    Labels: memberLabels(context.owner, identity, driverContainerName),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Entrypoint: program === undefined ? [] : [program],
    Cmd: args,
    WorkingDir: driverFolder,
    ...exposed(container),
    HostConfig: {
      ...commonHostConfig(connected),
      ...network(container),
      ...devices(container, look),
      Memory: context.driverMemoryBytes,
      MemorySwap: context.driverMemoryBytes,
      PidsLimit: pidsLimit(1),
      Binds: [`${folder}:${driverFolder}`, ...(await doorBind(context, place, env.FCBASE_IPADDR)), ...volumes],
    },
  }
}

/** The folder with the driver's bus, at the place where the vendor's libraries look for it. */
async function doorBind(context: EngineContext, { workload, identity, folder }: DriverPlace, reachedAt: string): Promise<string[]> {
  const opened = await openDoor(context, { workload, instanceId: identity.instanceId, folder, reachedAt })
  return opened?.folder === undefined ? [] : [`${opened.folder}:${busFolder}`]
}

/** On the host's network there is nothing to publish: the contract calls the port list pointless there. */
function network({ hostNetwork, ports }: DriverContainer): Partial<ContainerSpec['HostConfig']> {
  if (hostNetwork) return { NetworkMode: 'host' }
  const bindings: NonNullable<ContainerSpec['HostConfig']['PortBindings']> = {}
  for (const { hostPort, containerPort, protocol } of ports) {
    const name = `${containerPort}/${protocol}`
    bindings[name] = [...(bindings[name] ?? []), { HostPort: String(hostPort) }]
  }
  return { PortBindings: bindings }
}

function exposed({ hostNetwork, ports }: DriverContainer): Pick<ContainerSpec, 'ExposedPorts'> {
  if (hostNetwork || ports.length === 0) return {}
  return { ExposedPorts: Object.fromEntries(ports.map(({ containerPort, protocol }) => [`${containerPort}/${protocol}`, {}])) }
}

/** Under the path it was asked for by, whatever the kernel calls it today. A privileged container sees every device of the host. */
function devices({ privileged, devices }: DriverContainer, { found }: DeviceLook): Partial<ContainerSpec['HostConfig']> {
  if (privileged) return { Privileged: true }
  return {
    Devices: devices.map(({ hostPath, permission }) => ({
      PathOnHost: found[hostPath]?.path ?? hostPath,
      PathInContainer: hostPath,
      CgroupPermissions: permission === 'ro' ? 'r' : 'rw',
    })),
  }
}

/**
 * A host path that is missing is made as a folder, which is what engines do for `-v`: nobody who deploys from the console
 * can log in to the gateway to make it first.
 */
async function volumeBind({ hostPath, containerPath, permission }: DriverContainer['volumes'][number]): Promise<string> {
  if (hostPath.includes(':') || containerPath.includes(':')) {
    throw new StepError('VolumeRejected', `the volume ${hostPath} → ${containerPath} has a colon in its path`, { isStalled: true })
  }
  if (!(await exists(hostPath))) {
    await makeFolder(hostPath, 0o755).catch((error: unknown) => {
      throw new StepError('VolumeMissing', `${hostPath} is not on this node and cannot be made: ${String(error)}`, { cause: error })
    })
  }
  return `${hostPath}:${containerPath}:${permission}`
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** The node as a container on the engine's own bridge sees it. */
async function hostAddress({ engine }: ConnectedEngine): Promise<string> {
  const name = engine.isPodman ? 'podman' : 'bridge'
  const found = await engine.json<{ IPAM?: { Config?: { Gateway?: string }[] | null } }>({ path: `/networks/${name}` })
  const gateway = found.IPAM?.Config?.find((config) => config.Gateway !== undefined)?.Gateway
  if (gateway === undefined) throw new StepError('NetworkMissing', `the engine's network ${name} has no gateway address`)
  return gateway
}
