// What the kernel counted for a process's control group: five small files, no question to the engine. Both hierarchies are
// read; on machines that have both, each controller is taken from where the process says it is. Without waiting: the kernel
// makes these texts in memory, and a way through the thread pool costs ten times as much as the reading.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface KernelFolders {
  readonly proc: string
  readonly cgroup: string
}

export const kernelFolders: KernelFolders = { proc: '/proc', cgroup: '/sys/fs/cgroup' }

export interface CgroupCounters {
  readonly cpuMicroseconds: number
  /** Resident memory without the page cache. */
  readonly memoryBytes: number
  readonly readBytes: number
  readonly writtenBytes: number
  readonly processes?: number
}

/** Undefined when the process is gone or nothing is counted for it. */
export function readCgroup(pid: number, folders: KernelFolders = kernelFolders): CgroupCounters | undefined {
  const membership = text(join(folders.proc, String(pid), 'cgroup'))
  if (membership === undefined) return undefined
  const place = parseMembership(membership, folders.cgroup)
  const [cpu, memory, disk, processes] = [readCpu(place), readMemory(place), readDisk(place), readProcesses(place)] as const
  if (cpu === undefined || memory === undefined) return undefined
  return { cpuMicroseconds: cpu, memoryBytes: memory, ...disk, ...(processes === undefined ? {} : { processes }) }
}

interface Place {
  /** Candidates for a controller's folder in the old hierarchy. */
  readonly old: ReadonlyMap<string, readonly string[]>
  readonly unified: string | undefined
}

function parseMembership(membership: string, root: string): Place {
  const old = new Map<string, string[]>()
  let unified: string | undefined
  for (const line of membership.split('\n')) {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line)
    const [, , controllers = '', path = '/'] = match ?? []
    if (match === null) continue
    if (controllers === '') unified = join(root, path)
    else for (const controller of controllers.split(',')) old.set(controller, [join(root, controllers, path), join(root, controller, path)])
  }
  return { old, unified }
}

function readCpu({ old, unified }: Place): number | undefined {
  const nanoseconds = firstText(old.get('cpuacct'), 'cpuacct.usage')
  if (nanoseconds !== undefined) return Math.floor(Number(nanoseconds) / 1000)
  return unified === undefined ? undefined : field(text(join(unified, 'cpu.stat')), 'usage_usec')
}

function readMemory({ old, unified }: Place): number | undefined {
  const stat = firstText(old.get('memory'), 'memory.stat')
  if (stat !== undefined) return field(stat, 'total_rss') ?? field(stat, 'rss')
  return unified === undefined ? undefined : field(text(join(unified, 'memory.stat')), 'anon')
}

/** Zero where nothing is counted: a kernel without the controller, or a group that never used a disk. */
function readDisk({ old, unified }: Place): Pick<CgroupCounters, 'readBytes' | 'writtenBytes'> {
  const throttle = firstText(old.get('blkio'), 'blkio.throttle.io_service_bytes')
  if (throttle !== undefined) return { readBytes: sum(throttle, / Read (\d+)$/), writtenBytes: sum(throttle, / Write (\d+)$/) }
  const stat = unified === undefined ? undefined : text(join(unified, 'io.stat'))
  return { readBytes: sum(stat ?? '', /\brbytes=(\d+)/), writtenBytes: sum(stat ?? '', /\bwbytes=(\d+)/) }
}

function readProcesses({ old, unified }: Place): number | undefined {
  const count = Number(firstText(old.get('pids'), 'pids.current') ?? (unified && text(join(unified, 'pids.current'))))
  return Number.isSafeInteger(count) ? count : undefined
}

function firstText(folders: readonly string[] | undefined, file: string): string | undefined {
  for (const folder of folders ?? []) {
    const found = text(join(folder, file))
    if (found !== undefined) return found
  }
  return undefined
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function field(stat: string | undefined, name: string): number | undefined {
  const value = stat === undefined ? undefined : new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1]
  return value === undefined ? undefined : Number(value)
}

function sum(stat: string, pattern: RegExp): number {
  return stat.split('\n').reduce((total, line) => total + Number(pattern.exec(line.trimEnd())?.[1] ?? 0), 0)
}
