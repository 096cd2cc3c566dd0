// What really runs, seen on the machine and not through the agent: containers as the engine has them, driver processes as the
// kernel has them. Compared with what is wanted by digest; anything too much counts as much as anything missing.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Engine, openEngine } from '../../packages/agent/src/runtime/engine/client/connection.ts'
import { listContainers } from '../../packages/agent/src/runtime/engine/client/containers.ts'
import { unseal } from '../../packages/agent/src/kept.ts'
import type { Wanted, WantedApp, WantedDriver } from './intent.ts'

export interface Seen {
  readonly id: string
  readonly isRunning: boolean
  readonly labels: Readonly<Record<string, string>>
}

export interface DriverProcess {
  readonly pid: number
  readonly folder: string
}

/** The containers of this node's agent, in any state. */
export async function seeContainers(socketPath: string, dataFolder: string): Promise<Seen[]> {
  const engine: Engine = await openEngine({ socketPath })
  try {
    const list = await listContainers(engine, [`littoral.node=${ownerOf(dataFolder)}`])
    return list.map(({ Id, State, Labels }) => ({ id: Id, isRunning: State === 'running', labels: Labels }))
  } finally {
    engine.close()
  }
}

/** Every container that any agent ever made in this engine: one with another owner's name is an orphan. */
export async function seeStrangers(socketPath: string, dataFolder: string): Promise<string[]> {
  const engine = await openEngine({ socketPath })
  try {
    const owner = ownerOf(dataFolder)
    const list = await listContainers(engine, ['littoral.node'])
    return list.filter(({ Labels }) => Labels['littoral.node'] !== owner).map(({ Id }) => Id)
  } finally {
    engine.close()
  }
}

function ownerOf(dataFolder: string): string {
  for (const name of ['owner.json', 'owner.previous.json']) {
    try {
      const opened = unseal(readFileSync(join(dataFolder, name), 'utf8'))
      if (opened.isValid && typeof opened.value === 'string') return opened.value
    } catch {
      // The copy is looked at next.
    }
  }
  return 'nobody'
}

/** The driver processes of this node: whoever carries its mark in the environment, without what has only not been reaped. */
export function seeDrivers(dataFolder: string): DriverProcess[] {
  const mark = `LITTORAL_DRIVER_OWNER=${join(dataFolder, 'process', 'instances')}\0`
  return seeProcesses((pid) => readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark))
}

export function seeForwarders(dataFolder: string): DriverProcess[] {
  const needle = join(dataFolder, 'engine', 'forwarder')
  return seeProcesses((pid) => {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return words.includes('forwarder/main.js') && words.includes(needle)
  })
}

function seeProcesses(isMeant: (pid: number) => boolean): DriverProcess[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).flatMap((pid) => {
    try {
      return isMeant(pid) ? [{ pid, folder: readlinkSync(`/proc/${pid}/cwd`) }] : []
    } catch {
      return []
    }
  })
}

/** What is wrong with the containers; empty where everything is as wanted. */
export function judgeContainers(wanted: readonly Wanted[], seen: readonly Seen[], digests: ReadonlyMap<string, string>): string[] {
  const apps = wanted.filter((one): one is WantedApp => one.kind === 'app')
  const members = seen.filter(({ labels }) => labels['littoral.role'] === 'member')
  const holders = seen.filter(({ labels }) => labels['littoral.role'] === 'holder')
  const known = new Set(apps.map(({ key }) => key))
  const strangers = members.filter(({ labels }) => !known.has(labels['littoral.key'] ?? ''))
  return [
    ...strangers.map(({ labels }) => `a container of ${labels['littoral.key']} is left over`),
    ...apps.flatMap((app) => judgeApp(app, members, digests.get(app.key))),
    // One may be kept in reserve.
    ...(holders.length > apps.length + 1 ? [`${holders.length} holders for ${apps.length} groups`] : []),
  ]
}

function judgeApp(app: WantedApp, members: readonly Seen[], digest: string | undefined): string[] {
  const own = members.filter(({ labels }) => labels['littoral.key'] === app.key)
  const instances = new Set(own.map(({ labels }) => labels['littoral.instance']))
  const wrong = own.filter(({ labels }) => labels['littoral.version'] !== app.version || labels['littoral.digest'] !== digest)
  return [
    ...(instances.size === 1 ? [] : [`${instances.size} instances of ${app.key}`]),
    ...(own.length === app.containers ? [] : [`${own.length} containers of ${app.key}, not ${app.containers}`]),
    ...(wrong.length === 0 ? [] : [`${app.key} is of ${wrong[0]?.labels['littoral.version']}, not ${app.version}`]),
    ...(own.every(({ isRunning }) => isRunning) ? [] : [`a container of ${app.key} does not run`]),
  ]
}

export function judgeDrivers(wanted: readonly Wanted[], seen: readonly DriverProcess[]): string[] {
  const drivers = wanted.filter((one): one is WantedDriver => one.kind === 'driver')
  const found = seen.map((process) => ({ ...process, ...whatIs(process.folder) }))
  const extra = found.length > drivers.length ? [`${found.length} driver processes, not ${drivers.length}`] : []
  const missing = drivers
    .filter(({ version, mark }) => !found.some((process) => process.version === version && process.config.includes(`"${mark}`)))
    .map(
      ({ key, version, mark }) =>
        `${key} does not run as ${version} with ${mark}: ${JSON.stringify(found.map(({ folder: _folder, ...rest }) => rest))}`,
    )
  return [...extra, ...missing]
}

function whatIs(folder: string): { version: string; config: string } {
  const read = (name: string) => {
    try {
      return readFileSync(join(folder, name), 'utf8')
    } catch {
      return ''
    }
  }
  return { version: read('version.txt'), config: read('driver_config.json').replaceAll('\\', '') }
}
