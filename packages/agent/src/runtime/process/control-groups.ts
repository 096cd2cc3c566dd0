// Control groups for driver processes: a limit on memory and on the number of processes that the kernel itself keeps, for all
// that a driver starts together. In the unified hierarchy or the old ones, wherever this agent may write; `openControlGroups`
// says where it may not, and memory-watch.ts then does what can be done without. Used by index.ts.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '../../files.ts'

export interface Limits {
  readonly memoryBytes: number
  readonly processes: number
}

export interface ControlGroup {
  /** Files into which a process writes its id to join. */
  readonly joins: readonly string[]
  /** How often the kernel has ended a process of this group for its memory. Read at once: an exit is told with its cause. */
  countKills(): number
  /** Ends whatever is in it. */
  clear(): Promise<void>
  /** The same, and removes it. */
  remove(): Promise<void>
}

export interface ControlGroups {
  /** The group of that name, with the limits; it may be there already. */
  make(name: string): Promise<ControlGroup>
  /** Removes all of them; nothing runs in them any more. */
  close(): Promise<void>
}

export interface KernelFolders {
  readonly proc: string
  readonly cgroup: string
}

const kernelFolders: KernelFolders = { proc: '/proc', cgroup: '/sys/fs/cgroup' }

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
      make: (instanceId) => makeGroup(hierarchy, instanceId, limits),
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
  /** Where the kernel counts whom it has ended. */
  readonly counter: string
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
    counter: 'memory.events',
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
    counter: 'memory.oom_control',
  }
}

async function makeGroup({ folders, settings, counter }: Hierarchy, name: string, limits: Limits): Promise<ControlGroup> {
  const made = folders.map((folder) => join(folder, name))
  for (const folder of made) {
    await mkdir(folder, { recursive: true })
    for (const [file, value] of settings(limits)) if (await exists(join(folder, file))) await set(join(folder, file), value)
  }
  return {
    joins: made.map((folder) => join(folder, 'cgroup.procs')),
    countKills: () => readCounter(join(made[0] ?? '', counter)),
    async clear() {
      for (const folder of made) for (const pid of await membersOf(folder)) kill(pid)
    },
    async remove() {
      for (const folder of made) await removeGroup(folder)
    },
  }
}

function readCounter(file: string): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** A limit that is lowered below another one is refused by the kernel while the other still stands; the next try succeeds. */
async function set(file: string, value: string): Promise<void> {
  await writeFile(file, value).catch(async (error: unknown) => {
    if (!file.endsWith('memory.limit_in_bytes')) throw error
    await writeFile(file.replace('memory.limit', 'memory.memsw.limit'), value)
    await writeFile(file, value)
  })
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
