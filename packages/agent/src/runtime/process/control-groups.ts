// Control groups for driver processes: a limit on memory and on the number of processes that the kernel itself keeps, for all
// that a driver starts together. In the unified hierarchy or the old ones, wherever this agent may write; `openControlGroups`
// says where it may not, and memory-watch.ts then does what can be done without. Used by index.ts.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, type KernelFolders, kernelFolders, kernelText, numberOf } from '../../files.ts'

export interface Limits {
  readonly memoryBytes: number
  readonly processes: number
}

export interface ControlGroup {
  /** Files into which a process writes 0 to join. */
  readonly joins: readonly string[]
  /** How often the kernel has ended a process of this group for its memory. Read at once: an exit is told with its cause. */
  countKills(): number
  /** What all of it uses together, as far as it is counted; undefined when it cannot be read. */
  use(): GroupUse | undefined
  /** Ends whatever is in it. */
  clear(): Promise<void>
  /** The same, and removes it. */
  remove(): Promise<void>
}

export interface GroupUse {
  readonly pids: readonly number[]
  /** Without what is a file's and could be read again. */
  readonly memoryBytes: number
  /** Processes and threads. */
  readonly processes?: number
  /** Absent in the old hierarchies, where it would take a group more. */
  readonly cpuMicroseconds?: number
}

export interface ControlGroups {
  /** The group of that name, with the limits; it may be there already. */
  make(name: string): Promise<ControlGroup>
  /** Removes all of them; nothing runs in them any more. */
  close(): Promise<void>
}

/** Opens the groups of one agent, and removes what is left of an earlier one. `owner` is unique among agents. */
export async function openControlGroups(
  owner: string,
  limits: Limits,
  folders: KernelFolders = kernelFolders,
): Promise<ControlGroups | { readonly impossible: string }> {
  const name = `littoral-${createHash('sha256').update(owner).digest('hex').slice(0, 12)}`
  try {
    const isUnified = await exists(join(folders.cgroup, 'cgroup.controllers'))
    const hierarchy = isUnified ? await openUnified(name, folders) : await openOld(name, folders)
    for (const folder of hierarchy.folders) await clear(folder)
    return {
      make: async (instanceId) => makeGroup(hierarchy, instanceId, limits),
      async close() {
        for (const folder of hierarchy.folders) {
          await clear(folder)
          await removeGroup(folder)
        }
      },
    }
  } catch (error) {
    return { impossible: error instanceof Error ? error.message : String(error) }
  }
}

interface Hierarchy {
  /** The folders below which groups are made, the one that limits memory first. */
  readonly folders: readonly string[]
  /** Files to write, in order, as far as they are there. */
  readonly settings: (limits: Limits) => readonly (readonly [file: string, value: string])[]
  /** The file to join by. */
  readonly member: string
  /** Where the kernel counts whom it has ended. */
  readonly counter: string
  /** Its name for memory that belongs to no file, in `memory.stat`. */
  readonly memory: string
}

async function openUnified(name: string, folders: KernelFolders): Promise<Hierarchy> {
  const own = await ownPath('', folders)
  const base = await firstExisting([join(folders.cgroup, own), folders.cgroup])
  await giveAway(base)
  const folder = join(base, name)
  await mkdir(folder, { recursive: true })
  await enable(folder)
  return {
    folders: [folder],
    settings: ({ memoryBytes, processes }) => [
      ['memory.max', String(memoryBytes)],
      ['memory.swap.max', '0'],
      ['memory.oom.group', '1'],
      ['pids.max', String(processes)],
    ],
    member: 'cgroup.procs',
    counter: 'memory.events',
    memory: 'anon',
  }
}

/** Hands memory and processes down. A group with processes of its own cannot; the agent then moves into one below it. */
async function giveAway(base: string): Promise<void> {
  try {
    await enable(base)
  } catch (error) {
    if (!hasCode(error, 'EBUSY')) throw error
    const below = join(base, 'littoral-agent')
    await mkdir(below, { recursive: true })
    const members = await membersOf(base)
    const isShared = members.some((pid) => pid !== process.pid && pid !== process.ppid)
    if (isShared) throw new Error('other processes share the control group of the agent', { cause: error })
    for (const pid of members) await writeFile(join(below, 'cgroup.procs'), String(pid))
    await enable(base)
  }
}

async function enable(folder: string): Promise<void> {
  const enabled = (await readFile(join(folder, 'cgroup.subtree_control'), 'utf8')).trim().split(/\s+/)
  const missing = ['memory', 'pids'].filter((controller) => !enabled.includes(controller))
  if (missing.length === 0) return
  await writeFile(join(folder, 'cgroup.subtree_control'), missing.map((controller) => `+${controller}`).join(' '))
}

async function openOld(name: string, folders: KernelFolders): Promise<Hierarchy> {
  const made: string[] = []
  for (const controller of ['memory', 'pids']) {
    const root = join(folders.cgroup, controller)
    if (!(await exists(root))) {
      if (controller === 'memory') throw new Error('there is no control group that limits memory')
      continue
    }
    const base = await firstExisting([join(root, await ownPath(controller, folders)), root])
    await mkdir(join(base, name), { recursive: true })
    made.push(join(base, name))
  }
  return {
    folders: made,
    settings: ({ memoryBytes, processes }) => [
      ['memory.limit_in_bytes', String(memoryBytes)],
      // The same value: nothing of it in swap.
      ['memory.memsw.limit_in_bytes', String(memoryBytes)],
      ['pids.max', String(processes)],
    ],
    // In newer kernels a thread that moves itself takes no lock over all processes of the machine. Who joins is a shell, which has
    // one thread.
    member: 'tasks',
    counter: 'memory.oom_control',
    memory: 'total_rss',
  }
}

function makeGroup(hierarchy: Hierarchy, name: string, limits: Limits): ControlGroup {
  const { settings, counter, member } = hierarchy
  const made = hierarchy.folders.map((folder) => join(folder, name))
  // No disk is behind these folders: the calls take microseconds, a turn of a thread on a busy machine takes milliseconds.
  for (const folder of made) {
    mkdirSync(folder, { recursive: true })
    for (const [file, value] of settings(limits)) if (existsSync(join(folder, file))) set(join(folder, file), value)
  }
  return {
    joins: made.map((folder) => join(folder, member)),
    countKills: () => readCounter(join(made[0] ?? '', counter)),
    use: () => readUse(made, hierarchy),
    async clear() {
      for (const folder of made) for (const pid of await membersOf(folder)) kill(pid)
    },
    async remove() {
      for (const folder of made) await removeGroup(folder)
    },
  }
}

function readCounter(file: string): number {
  return numberOf(kernelText(file), 'oom_kill') ?? 0
}

function readUse(made: readonly string[], { memory }: Hierarchy): GroupUse | undefined {
  const [folder = ''] = made
  const [members, stat] = [kernelText(join(folder, 'cgroup.procs')), kernelText(join(folder, 'memory.stat'))]
  if (members === undefined || stat === undefined) return undefined
  const cpu = numberOf(kernelText(join(folder, 'cpu.stat')), 'usage_usec')
  const processes = Number.parseInt(kernelText(join(made.at(-1) ?? '', 'pids.current')) ?? '', 10)
  return {
    pids: members.split('\n').filter(Boolean).map(Number),
    memoryBytes: numberOf(stat, memory) ?? 0,
    ...(cpu === undefined ? {} : { cpuMicroseconds: cpu }),
    ...(Number.isNaN(processes) ? {} : { processes }),
  }
}

/** A limit that is lowered below another one is refused by the kernel while the other still stands; the next try succeeds. */
function set(file: string, value: string): void {
  try {
    writeFileSync(file, value)
  } catch (error) {
    if (!file.endsWith('memory.limit_in_bytes')) throw error
    writeFileSync(file.replace('memory.limit', 'memory.memsw.limit'), value)
    writeFileSync(file, value)
  }
}

async function clear(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory()) await removeGroup(join(folder, entry.name))
}

const removeTries = 50

/** The kernel lets go of a group a moment after its last process. What will not go is left for the next start. */
async function removeGroup(folder: string): Promise<void> {
  for (let left = removeTries; left > 0; left--) {
    for (const pid of await membersOf(folder)) kill(pid)
    const error = await rmdir(folder).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (error === undefined || hasCode(error, 'ENOENT') || !hasCode(error, 'EBUSY')) return
    await delay(20)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

async function membersOf(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')
  return text.split('\n').filter(Boolean).map(Number)
}

/** Where the agent itself is; `controller` is empty for the unified hierarchy. */
async function ownPath(controller: string, { proc }: KernelFolders): Promise<string> {
  for (const line of (await readFile(join(proc, 'self', 'cgroup'), 'utf8')).split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path !== '' && controllers.split(',').includes(controller)) return path
  }
  return '/'
}

async function firstExisting(paths: readonly string[]): Promise<string> {
  for (const path of paths) if (await exists(path)) return path
  throw new Error(`there is no ${paths.join(' and no ')}`)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
