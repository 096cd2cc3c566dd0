// The memory limit of driver processes where no control group can be made: what each process group has in memory is summed
// up every few seconds, and one that has more than it may is ended. It can overshoot between two looks. Used by index.ts.
import { readdir, readFile } from 'node:fs/promises'

export interface MemoryWatch {
  readonly limitBytes: number
  /** The drivers that run: the leader of each one's process group, and how it is ended. */
  readonly running: () => readonly { readonly pid: number; readonly end: (usedBytes: number) => void }[]
  readonly everyMs?: number
}

/** Begins to look; returns the end of it. */
export function watchMemory({ limitBytes, running, everyMs = 2000 }: MemoryWatch): () => void {
  let isOver = false
  const look = async (): Promise<void> => {
    const drivers = running()
    const used = drivers.length === 0 ? new Map<number, number>() : await memoryByGroup()
    for (const { pid, end } of drivers) {
      const usedBytes = used.get(pid) ?? 0
      if (!isOver && usedBytes > limitBytes) end(usedBytes)
    }
  }
  const again = (): void => void (isOver || (timer = setTimeout(round, everyMs).unref()))
  const round = (): void => void look().then(again, again)
  let timer = setTimeout(round, everyMs).unref()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

/** Resident bytes by the leader of the process group; empty where the system has no /proc. */
export async function memoryByGroup(): Promise<Map<number, number>> {
  const used = new Map<number, number>()
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '')
    const leader = Number(/^NSpgid:\t(\d+)/m.exec(status)?.[1])
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0)
    if (leader > 0) used.set(leader, (used.get(leader) ?? 0) + kilobytes * 1024)
  }
  return used
}
