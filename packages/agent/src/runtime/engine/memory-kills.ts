// Whether the kernel ended a container because it used more memory than its limit. An engine hears of that and of the exit apart.
// Docker flags it only where it heard of the kill first; where it heard of it a moment later, only its events tell. Of a kill right
// after the start it may hear nothing at all, because it begins to listen when the container runs: then the kernel's own count does.
import { join } from 'node:path'
import { kernelFolders, kernelText, numberOf } from '../../files.ts'
import type { ContainerDetails } from './client/containers.ts'
import { type ContainerEvent, recallEvents } from './client/events.ts'
import type { ConnectedEngine } from './link.ts'

/** What a process that was ended by signal 9 exits with. */
const killedCode = 137
/** So long after an exit its cause may still come; measured: up to a tenth of a second on a busy machine. */
const causeWaitMs = 1000
/** The same where the kernel did end somebody for memory. */
const likelyCauseWaitMs = 3000
const causeKnownMs = 10_000
/** One that ran longer was listened to. */
const unheardMs = 5000
/** A kill whose signal is not told counts only this shortly before the exit. */
const killToExitMs = 2000

export interface Killed {
  details: ContainerDetails
  /** The kernel's counts of processes ended for memory, on the whole machine: before the container was started, and now. */
  killsBefore: number | undefined
  killsNow: number | undefined
}

/** Undefined where the kernel does not count. */
export function countMemoryKills(proc: string = kernelFolders.proc): number | undefined {
  return numberOf(kernelText(join(proc, 'vmstat')), 'oom_kill')
}

/** Asks the engine only about what exited as one that was killed, and under a limit. */
export async function wasOutOfMemory(connected: ConnectedEngine, killed: Killed): Promise<boolean> {
  const { State, HostConfig } = killed.details
  if (State.ExitCode !== killedCode || (HostConfig.Memory ?? 0) === 0) return State.OOMKilled
  const events = await eventsOf(connected, killed)
  // What the engine was asked to kill was not ended by the kernel, whatever became of other processes in it before.
  if (events.some((event) => isKill(event, State.FinishedAt))) return false
  return State.OOMKilled || events.some(({ action }) => action === 'oom') || isUnheard(connected, killed)
}

async function eventsOf({ engine }: ConnectedEngine, killed: Killed): Promise<ContainerEvent[]> {
  const { Id, State } = killed.details
  // What ended long ago is known by now. A clock that was set back says nothing of how long ago it was.
  const isKnown = State.OOMKilled || Date.now() - Date.parse(State.FinishedAt) > causeKnownMs
  const waitMs = hasRisen(killed) ? likelyCauseWaitMs : causeWaitMs
  // Podman tells no such kill, and what happened in the present second only when that is over.
  const untilMs = Date.now() + (engine.isPodman ? causeWaitMs : isKnown ? 0 : waitMs)
  const isLast = (event: ContainerEvent) => event.action === 'oom' || isKill(event, State.FinishedAt)
  return recallEvents(engine, { containerId: Id, actions: ['oom', 'kill'], since: State.StartedAt, untilMs, isLast }).catch(() => [])
}

/** Podman does not say which signal it was. */
function isKill({ action, labels, atMs }: ContainerEvent, finishedAt: string): boolean {
  if (action !== 'kill') return false
  const { signal } = labels
  return signal === undefined ? atMs > Date.parse(finishedAt) - killToExitMs : /^(9|(SIG)?KILL)$/i.test(signal)
}

function isUnheard({ engine, info }: ConnectedEngine, killed: Killed): boolean {
  const { StartedAt, FinishedAt } = killed.details.State
  // Podman flags it since version 5. Before, a kill that nobody asked for is taken for one unless the kernel says that it ended nobody.
  const isNeverFlagged = engine.isPodman && Number.parseInt(info.ServerVersion, 10) < 5
  if (isNeverFlagged) return killed.killsBefore === undefined || killed.killsNow === undefined || hasRisen(killed)
  return hasRisen(killed) && Date.parse(FinishedAt) - Date.parse(StartedAt) < unheardMs
}

/** It begins anew with each boot. */
function hasRisen({ killsBefore, killsNow }: Killed): boolean {
  return killsBefore !== undefined && killsNow !== undefined && killsNow > killsBefore
}
