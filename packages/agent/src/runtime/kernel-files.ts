// The small files in which the kernel tells of processes and control groups. Read at once: no disk is behind them, the kernel
// makes these texts in memory, and a way through the thread pool costs ten times as much as the reading.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface KernelFolders {
  readonly proc: string
  readonly cgroup: string
}

export const kernelFolders: KernelFolders = { proc: '/proc', cgroup: '/sys/fs/cgroup' }

/** Undefined where there is no such file, or no longer. */
export function kernelText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** A number out of lines of names and numbers. */
export function numberOf(text: string | undefined, name: string): number | undefined {
  const value = text === undefined ? undefined : new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]
  return value === undefined ? undefined : Number(value)
}

/**
 * What `stat` says of a process behind its name, which may hold anything: state, parent, process group and so on, so the field
 * that the kernel counts as third is the first. Undefined when there is no such process, or the system does not say.
 */
export function processFields(pid: number, proc: string = kernelFolders.proc): string[] | undefined {
  const stat = kernelText(join(proc, String(pid), 'stat'))
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}
