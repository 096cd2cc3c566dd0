// What an exited container died of, counted once per exit.
import type { Reason } from '@littoral/contract/node/report'
import { countFailures, type ObservedContainer, stableRunMs } from '../runtime.ts'
import type { ContainerDetails } from './client/containers.ts'
import { readLogs } from './client/logs.ts'
import type { EngineContext } from './context.ts'
import type { ConnectedEngine } from './link.ts'
import { countMemoryKills, wasOutOfMemory } from './memory-kills.ts'
import type { ContainerNotes } from './notes.ts'

interface Exited {
  instanceId: string
  name: string
  details: ContainerDetails
  /** It went down with its group, before this agent looked: not by itself. */
  isInterrupted: boolean
}

interface Exit {
  seen: Pick<ObservedContainer, 'failures' | 'exitedAtMs' | 'exitCode' | 'isOutOfMemory' | 'startedAtMs'>
  reason: Reason | undefined
}

export async function noteExit(context: EngineContext, connected: ConnectedEngine, exited: Exited): Promise<Exit> {
  const { instanceId, name, details } = exited
  const notes = context.notes.container(instanceId, name)
  if (exited.isInterrupted) noteInterruption(context, exited)
  if (notes.startError !== undefined) {
    const { atMs } = notes.startError
    return { seen: { failures: notes.failures, exitedAtMs: atMs, exitCode: details.State.ExitCode || 127 }, reason: notes.exitReason }
  }
  const { StartedAt, FinishedAt, ExitCode } = details.State
  if (notes.countedExit !== FinishedAt) {
    const reason = await reasonOf(connected, details, notes)
    // Another look may have counted it meanwhile.
    if (notes.countedExit !== FinishedAt) {
      notes.countedExit = FinishedAt
      notes.failures = countFailures(notes.failures, Date.parse(FinishedAt) - Date.parse(StartedAt))
      notes.exitReason = reason
      delete notes.killReason
      context.notes.save(instanceId)
    }
  }
  const seen = { failures: notes.failures, exitedAtMs: Date.parse(FinishedAt), startedAtMs: Date.parse(StartedAt), exitCode: ExitCode }
  const isOutOfMemory = notes.exitReason?.code === 'OutOfMemory'
  return { seen: isOutOfMemory ? { ...seen, isOutOfMemory } : seen, reason: notes.exitReason }
}

async function reasonOf(connected: ConnectedEngine, details: ContainerDetails, notes: ContainerNotes): Promise<Reason> {
  if (notes.killReason !== undefined) return notes.killReason
  const killed = { details, killsBefore: notes.memoryKillsBefore, killsNow: countMemoryKills() }
  const isOutOfMemory = await wasOutOfMemory(connected, killed)
  const message = await describe(connected, details, isOutOfMemory)
  // A kill of our own may have been noted while the engine was asked.
  return notes.killReason ?? { code: isOutOfMemory ? 'OutOfMemory' : 'ExitedEarly', message }
}

function noteInterruption(context: EngineContext, { instanceId, name, details }: Exited): void {
  const notes = context.notes.container(instanceId, name)
  const { StartedAt, FinishedAt } = details.State
  if (notes.startError !== undefined || notes.countedExit === FinishedAt) return
  notes.countedExit = FinishedAt
  if (Date.parse(FinishedAt) - Date.parse(StartedAt) >= stableRunMs) notes.failures = 0
  notes.exitReason = { code: 'Interrupted', message: 'it ended together with its group, as when the machine or the engine goes down' }
  delete notes.killReason
  context.notes.save(instanceId)
}

/** The exit code and the container's last words, which mostly say why. */
async function describe({ engine }: ConnectedEngine, details: ContainerDetails, isOutOfMemory: boolean): Promise<string> {
  const what = isOutOfMemory ? 'killed because it used more memory than its limit' : `exit code ${details.State.ExitCode}`
  let text = ''
  try {
    const signal = AbortSignal.timeout(3000)
    for await (const chunk of readLogs(engine, details.Id, { tailLines: 3, follow: false, isTty: details.Config.Tty === true, signal }))
      text += chunk
  } catch {
    // The log driver may not be readable; the exit code is worth reporting all the same.
  }
  const words = text.trim().split('\n').at(-1)?.slice(-300)
  return words === undefined || words === '' ? what : `${what}: ${words}`
}
