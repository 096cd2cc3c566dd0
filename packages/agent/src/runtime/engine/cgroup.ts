// What the kernel counted for a process's control group: five small files, no question to the engine. Both hierarchies are
// read; on machines that have both, each controller is taken from where the process says it is.
import { join } from 'node:path'
import { type KernelFolders, kernelFolders, kernelText, numberOf } from '../../files.ts'

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
  const membership = kernelText(join(folders.proc, String(pid), 'cgroup'))
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
  return unified === undefined ? undefined : numberOf(kernelText(join(unified, 'cpu.stat')), 'usage_usec')
}

function readMemory({ old, unified }: Place): number | undefined {
  const stat = firstText(old.get('memory'), 'memory.stat')
  if (stat !== undefined) return numberOf(stat, 'total_rss') ?? numberOf(stat, 'rss')
  return unified === undefined ? undefined : numberOf(kernelText(join(unified, 'memory.stat')), 'anon')
}

/** Zero where nothing is counted: a kernel without the controller, or a group that never used a disk. */
function readDisk({ old, unified }: Place): Pick<CgroupCounters, 'readBytes' | 'writtenBytes'> {
  const throttle = firstText(old.get('blkio'), 'blkio.throttle.io_service_bytes')
  if (throttle !== undefined) return { readBytes: sum(throttle, / Read (\d+)$/), writtenBytes: sum(throttle, / Write (\d+)$/) }
  const stat = unified === undefined ? undefined : kernelText(join(unified, 'io.stat'))
  return { readBytes: sum(stat ?? '', /\brbytes=(\d+)/), writtenBytes: sum(stat ?? '', /\bwbytes=(\d+)/) }
}

function readProcesses({ old, unified }: Place): number | undefined {
  const count = Number(firstText(old.get('pids'), 'pids.current') ?? (unified && kernelText(join(unified, 'pids.current'))))
  return Number.isSafeInteger(count) ? count : undefined
}

function firstText(folders: readonly string[] | undefined, file: string): string | undefined {
  for (const folder of folders ?? []) {
    const found = kernelText(join(folder, file))
    if (found !== undefined) return found
  }
  return undefined
}

function sum(stat: string, pattern: RegExp): number {
  return stat.split('\n').reduce((total, line) => total + Number(pattern.exec(line.trimEnd())?.[1] ?? 0), 0)
}
