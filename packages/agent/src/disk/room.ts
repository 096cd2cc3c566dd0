// How much room is missing, and what may go for it. Pure; budget.ts acts on it.

/** The reserve that stays free for everything else on the machine: a tenth of the disk, and never more than this. */
const mostReserveBytes = 10 * 1024 ** 3
/** What nothing has needed for so long goes even where there is room. */
const keptUnusedMs = 30 * 24 * 3600 * 1000

export interface DiskSpace {
  readonly totalBytes: number
  readonly freeBytes: number
}

export function reserveBytes({ totalBytes }: DiskSpace): number {
  return Math.min(totalBytes / 10, mostReserveBytes)
}

export function shortBytes(disks: readonly DiskSpace[]): number {
  return Math.max(0, ...disks.map((disk) => reserveBytes(disk) - disk.freeBytes))
}

/** The disk that is nearest to being short. */
export function tightest<T extends DiskSpace>(disks: readonly T[]): T | undefined {
  return disks.toSorted((a, b) => a.freeBytes - reserveBytes(a) - (b.freeBytes - reserveBytes(b)))[0]
}

export interface Candidate {
  readonly name: string
  readonly sizeBytes: number
  /** The desired state, the last good version or an instance needs it. */
  readonly isNeeded: boolean
  readonly neededAtMs: number
}

/** What may go, the longest unneeded first. */
export function removable<T extends Candidate>(items: readonly T[]): T[] {
  return items.filter(({ isNeeded }) => !isNeeded).toSorted((a, b) => a.neededAtMs - b.neededAtMs)
}

export function isForgotten({ neededAtMs }: Candidate, nowMs: number): boolean {
  return nowMs - neededAtMs > keptUnusedMs
}
