// Containers of the engine: create, start, stop, kill, remove, inspect, list by label, copy files in.
import type { Engine } from './connection.ts'
import { EngineError, isEngineError } from './engine-error.ts'

export interface DeviceMapping {
  PathOnHost: string
  PathInContainer: string
  CgroupPermissions: string
}

/** The part of a container's specification that we use, in the engine's own words. */
export interface ContainerSpec {
  Image: string
  Hostname?: string
  Env?: string[]
  Entrypoint?: string[]
  Cmd?: string[]
  WorkingDir?: string
  User?: string
  Labels: Record<string, string>
  ExposedPorts?: Record<string, object>
  StopTimeout?: number
  HostConfig: {
    NetworkMode?: string
    IpcMode?: string
    PortBindings?: Record<string, { HostIp?: string; HostPort: string }[]>
    RestartPolicy: { Name: 'no' }
    NanoCpus?: number
    Memory?: number
    MemorySwap?: number
    PidsLimit?: number
    Privileged?: boolean
    Devices?: DeviceMapping[]
    Binds?: string[]
    CapDrop?: string[]
    ReadonlyRootfs?: boolean
    SecurityOpt?: string[]
    ExtraHosts?: string[]
    LogConfig?: { Type: string; Config: Record<string, string> }
    StorageOpt?: Record<string, string>
  }
}

export interface ContainerDetails {
  Id: string
  Name: string
  Created: string
  Image: string
  RestartCount: number
  SizeRw?: number
  /** Where the storage driver keeps the files; not every engine says it. */
  GraphDriver?: { Data?: Record<string, string> | null } | null
  Config: {
    Labels: Record<string, string> | null
    Image: string
    Tty?: boolean
    Env?: string[] | null
    Cmd?: string[] | null
    Entrypoint?: string[] | null
  }
  State: {
    Status: string
    Running: boolean
    OOMKilled: boolean
    ExitCode: number
    Error: string
    StartedAt: string
    FinishedAt: string
    Pid: number
  }
  HostConfig: ContainerSpec['HostConfig']
  NetworkSettings: {
    IPAddress?: string
    Networks?: Record<string, { IPAddress?: string; GlobalIPv6Address?: string; Gateway?: string }> | null
    Ports?: Record<string, { HostIp: string; HostPort: string }[] | null> | null
  }
}

export interface ContainerSummary {
  Id: string
  Names: string[]
  State: string
  Created: number
  Labels: Record<string, string>
}

/** Creates a container and returns its id. */
export async function createContainer(engine: Engine, name: string, spec: ContainerSpec, signal?: AbortSignal): Promise<string> {
  const call = { method: 'POST' as const, path: '/containers/create', query: { name }, body: spec, timeoutMs: 60_000, signal }
  return (await engine.json<{ Id: string }>(call)).Id
}

/** Starts a container; one that runs already is left alone. */
export async function startContainer(engine: Engine, id: string, signal?: AbortSignal): Promise<void> {
  await engine.json({ method: 'POST', path: `/containers/${id}/start`, timeoutMs: 60_000, signal })
}

/** Sends TERM, then KILL after the grace; returns when the process is gone. A stopped or missing container is fine. */
export async function stopContainer(engine: Engine, id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
  const call = { method: 'POST' as const, path: `/containers/${id}/stop`, query: { t: Math.max(0, Math.ceil(graceSeconds)) } }
  await tolerate(engine.json({ ...call, timeoutMs: graceSeconds * 1000 + 30_000, signal }), 'notFound', 'notRunning')
}

export async function killContainer(engine: Engine, id: string, posixSignal = 'KILL', signal?: AbortSignal): Promise<void> {
  const call = { method: 'POST' as const, path: `/containers/${id}/kill`, query: { signal: posixSignal }, timeoutMs: 30_000, signal }
  await tolerate(engine.json(call), 'notFound', 'notRunning', 'conflict')
}

/** Kills and removes, anonymous volumes too. Podman's forced removal waits ten seconds for TERM, hence the kill first. */
export async function removeContainer(engine: Engine, id: string, signal?: AbortSignal): Promise<void> {
  if (engine.isPodman) await killContainer(engine, id, 'KILL', signal)
  const call = { method: 'DELETE' as const, path: `/containers/${id}`, query: { force: true, v: true }, timeoutMs: 60_000, signal }
  try {
    await engine.json(call)
  } catch (error) {
    if (isEngineError(error, 'notFound')) return
    // "removal of container … is already in progress": someone else's removal of the same container is as good.
    if (isEngineError(error) && /removal .*already in progress/i.test(error.message)) return
    throw error
  }
}

export async function findContainer(
  engine: Engine,
  id: string,
  options: { size?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<ContainerDetails | undefined> {
  try {
    const query = { size: options.size === true ? true : undefined }
    return await engine.json<ContainerDetails>({ path: `/containers/${id}/json`, query, signal: options.signal })
  } catch (error) {
    if (isEngineError(error, 'notFound') || (isEngineError(error) && error.status === 404)) return undefined
    throw error
  }
}

/** Throws EngineError notFound. */
export async function getContainer(engine: Engine, id: string, signal?: AbortSignal): Promise<ContainerDetails> {
  const details = await findContainer(engine, id, { signal })
  if (details === undefined) throw new EngineError(404, `no such container: ${id}`, 'notFound')
  return details
}

/** Every container, running or not, that carries all the labels. A list without a label would show other people's. */
export async function listContainers(
  engine: Engine,
  labels: readonly [string, ...string[]],
  signal?: AbortSignal,
): Promise<ContainerSummary[]> {
  const filters = JSON.stringify({ label: labels })
  return engine.json<ContainerSummary[]>({ path: '/containers/json', query: { all: true, filters }, signal })
}

/** The address on the first network that has one. */
export function addressOf(details: ContainerDetails): string | undefined {
  const networks = Object.values(details.NetworkSettings.Networks ?? {})
  return [details.NetworkSettings.IPAddress, ...networks.map((network) => network.IPAddress)].find(
    (address) => address !== undefined && address !== '',
  )
}

async function tolerate(call: Promise<unknown>, ...kinds: Parameters<typeof isEngineError>[1][]): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isEngineError(error, ...kinds)) throw error
  }
}
