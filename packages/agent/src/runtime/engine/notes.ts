// What the engine cannot keep for us about an instance: how often a container was restarted and why, which hooks ran, the
// digest of a driver's present config. One small file per instance; without it an instance still runs, only its counters
// begin anew.
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Reason } from '@littoral/contract/node/report'
import { diskReason, makeFolderIfPossible, replaceIfPossible } from '../../files.ts'

export interface ContainerNotes {
  restarts: number
  failures: number
  /** FinishedAt of the last exit that was counted into `failures`. */
  countedExit?: string
  /** Why it exited last. */
  exitReason?: Reason
  /** Why we are killing it; becomes the reason of the exit that follows. */
  killReason?: Reason
  /** It could not even be started, and when that was. */
  startError?: { message: string; atMs: number }
  /** How many processes the kernel of this machine had ended for memory when it was started last. */
  memoryKillsBefore?: number
  /** StartedAt of the run whose postStart hook has succeeded. */
  postStarted?: string
  /** What tells the devices it was made with from others of their names, by host path. */
  devices?: Record<string, string>
  /** The next restart makes the container anew, to give its disk space back or another device to it. */
  isToBeRecreated?: boolean
}

export interface InstanceNotes {
  /** A driver's digest after its config was changed in place. */
  digest?: string
  phase?: 'stopping' | 'stopped'
  lastRestartReason?: string
  wasReady?: boolean
  containers: Record<string, ContainerNotes>
}

export interface Notes {
  of(instanceId: string): InstanceNotes
  container(instanceId: string, container: string): ContainerNotes
  save(instanceId: string): void
  remove(instanceId: string): void
  /** Drops the notes of instances that are gone. */
  keepOnly(isKept: (instanceId: string) => boolean): void
}

export function openNotes(folder: string): Notes {
  makeFolderIfPossible(folder)
  const known = new Map<string, InstanceNotes>()
  const path = (instanceId: string) => join(folder, `${instanceId}.json`)
  const notes: Notes = {
    of(instanceId) {
      const existing = known.get(instanceId) ?? read(path(instanceId))
      known.set(instanceId, existing)
      return existing
    },
    container(instanceId, container) {
      return (notes.of(instanceId).containers[container] ??= { restarts: 0, failures: 0 })
    },
    save(instanceId) {
      // Without disk they are right until the agent ends; what runs must not suffer from it.
      replaceIfPossible(path(instanceId), JSON.stringify(notes.of(instanceId)))
    },
    remove(instanceId) {
      known.delete(instanceId)
      try {
        rmSync(path(instanceId), { force: true })
      } catch (error) {
        if (diskReason(error) === undefined) throw error
      }
    },
    keepOnly(isKept) {
      for (const file of listIfPresent(folder)) {
        const instanceId = file.replace(/\.json(\.new)?$/, '')
        if (!isKept(instanceId)) notes.remove(instanceId)
      }
    },
  }
  return notes
}

function listIfPresent(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(path: string): InstanceNotes {
  try {
    const notes = JSON.parse(readFileSync(path, 'utf8')) as InstanceNotes
    return typeof notes?.containers === 'object' ? notes : { containers: {} }
  } catch {
    // Absent, or cut short by a power loss.
    return { containers: {} }
  }
}
