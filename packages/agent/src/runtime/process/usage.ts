// What driver processes use, as the kernel counts it: from the control group of each driver where it has one, and from the
// processes in it. Read at once and not one file after the other: these files are no disk's, a few microseconds each, and a node
// is asked several times a minute. Used by index.ts.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { kernelText, statFields } from '../../files.ts'
import type { UsageCounters } from '../runtime.ts'
import type { GroupUse } from './control-groups.ts'

/** A driver that runs. */
export interface Running {
  readonly key: string
  readonly instanceId: string
  /** The leader of its process group. */
  readonly pid: number
  /** Absent: it has no control group, and all of its process group is looked at. */
  readonly group: GroupUse | undefined
}

interface Counted {
  readonly cpuMicroseconds: number
  readonly memoryBytes: number
  readonly readBytes: number
  readonly writtenBytes: number
}

/** One driver cannot make a look longer than this; the kernel's own sums for a group hold for all of it. */
const mostProcesses = 256
/** Linux counts processor time for programs in hundredths of a second on every machine, and pages in 4 KiB on nearly every one. */
const tickMicroseconds = 10_000
const pageBytes = 4096

export class DriverUsage {
  readonly #proc: string
  /** What was counted last of each instance's present process. */
  #before = new Map<string, Counted & { readonly pid: number }>()

  constructor(proc = '/proc') {
    this.#proc = proc
  }

  look(running: readonly Running[], memoryLimitBytes: number): UsageCounters[] {
    const grouped = running.every(({ group }) => group !== undefined) ? new Map<number, number[]>() : this.#byLeader()
    const before = this.#before
    this.#before = new Map()
    return running.map(({ key, instanceId, pid, group }) => {
      const pids = group?.pids ?? grouped.get(pid) ?? []
      const counted = this.#count(pids.slice(0, mostProcesses), group)
      const earlier = before.get(instanceId)
      // A process that nobody waited for takes its time along when it goes: what was told stays told.
      const steady = earlier?.pid === pid ? grown(earlier, counted) : counted
      this.#before.set(instanceId, { ...steady, pid })
      return {
        key,
        instanceId,
        container: 'driver',
        atMs: Date.now(),
        ...steady,
        memoryLimitBytes,
        processes: group?.processes ?? pids.length,
      }
    })
  }

  #count(pids: readonly number[], group: GroupUse | undefined): Counted {
    const all = pids.map((pid) => this.#countProcess(pid, { isGrouped: group !== undefined, hasCpu: group?.cpuMicroseconds !== undefined }))
    const sum = (name: keyof Counted) => all.reduce((total, one) => total + one[name], 0)
    return {
      cpuMicroseconds: group?.cpuMicroseconds ?? sum('cpuMicroseconds'),
      memoryBytes: group?.memoryBytes ?? sum('memoryBytes'),
      readBytes: sum('readBytes'),
      writtenBytes: sum('writtenBytes'),
    }
  }

  #countProcess(pid: number, { isGrouped, hasCpu }: { isGrouped: boolean; hasCpu: boolean }): Counted {
    const io = this.#read(pid, 'io')
    // Resident, without what is a file's and could be read again.
    const [, resident = 0, shared = 0] = isGrouped ? [] : this.#read(pid, 'statm').split(' ').map(Number)
    return {
      cpuMicroseconds: hasCpu ? 0 : cpuTicks(statFields(pid, this.#proc)) * tickMicroseconds,
      memoryBytes: Math.max(0, resident - shared) * pageBytes,
      readBytes: Number(/^read_bytes: (\d+)$/m.exec(io)?.[1] ?? 0),
      writtenBytes: Number(/^write_bytes: (\d+)$/m.exec(io)?.[1] ?? 0),
    }
  }

  /** Processes by the leader of their process group; none where the system has no /proc. */
  #byLeader(): Map<number, number[]> {
    const found = new Map<number, number[]>()
    for (const name of listIfPresent(this.#proc)) {
      if (!/^\d+$/.test(name)) continue
      const leader = Number(statFields(Number(name), this.#proc)?.[2])
      if (leader > 0) found.set(leader, [...(found.get(leader) ?? []), Number(name)])
    }
    return found
  }

  /** Empty for a process that is gone. */
  #read(pid: number, file: string): string {
    return kernelText(join(this.#proc, String(pid), file)) ?? ''
  }
}

/** Its own, and that of its children that it has waited for. */
function cpuTicks(fields: readonly string[] = []): number {
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}

function grown(earlier: Counted, now: Counted): Counted {
  return {
    cpuMicroseconds: Math.max(earlier.cpuMicroseconds, now.cpuMicroseconds),
    memoryBytes: now.memoryBytes,
    readBytes: Math.max(earlier.readBytes, now.readBytes),
    writtenBytes: Math.max(earlier.writtenBytes, now.writtenBytes),
  }
}

function listIfPresent(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
