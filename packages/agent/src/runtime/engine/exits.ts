// What an exited container died of, counted once per exit.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reason } from '@littoral/contract/node/report'
import { countFailures, type ObservedContainer, stableRunMs } from '../runtime.ts'
import { type ContainerDetails, findContainer } from './client/containers.ts'
import { readLogs } from './client/logs.ts'
import type { EngineContext } from './context.ts'
import type { ConnectedEngine } from './link.ts'

const causeWaitMs = 300
const causeLooks = 2
const causeKnownMs = 10_000

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
  const { instanceId, name } = exited
  const notes = context.notes.container(instanceId, name)
  if (exited.isInterrupted) noteInterruption(context, exited)
  const isNew = notes.startError === undefined && notes.countedExit !== exited.details.State.FinishedAt
  const details = isNew && notes.killReason === undefined ? await lookAgain(connected, exited.details) : exited.details
  if (notes.startError !== undefined) {
    const { atMs } = notes.startError
    return { seen: { failures: notes.failures, exitedAtMs: atMs, exitCode: details.State.ExitCode || 127 }, reason: notes.exitReason }
  }
  const { StartedAt, FinishedAt, ExitCode } = details.State
  const isOutOfMemory = wasOutOfMemory(details, isFlagMissing(connected) && notes.killReason === undefined)
  if (notes.countedExit !== FinishedAt) {
    notes.countedExit = FinishedAt
    notes.failures = countFailures(notes.failures, Date.parse(FinishedAt) - Date.parse(StartedAt))
    notes.exitReason = notes.killReason ?? {
      code: isOutOfMemory ? 'OutOfMemory' : 'ExitedEarly',
      message: await describe(connected, details, isOutOfMemory),
    }
    delete notes.killReason
    context.notes.save(instanceId)
  }
  const seen = { failures: notes.failures, exitedAtMs: Date.parse(FinishedAt), startedAtMs: Date.parse(StartedAt), exitCode: ExitCode }
  return { seen: isOutOfMemory ? { ...seen, isOutOfMemory } : seen, reason: notes.exitReason }
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

/** The engine hears of an exit and of its cause apart, so of one that was killed it may know the cause only a moment later. */
async function lookAgain({ engine }: ConnectedEngine, details: ContainerDetails): Promise<ContainerDetails> {
  if (details.State.ExitCode !== 137 || details.State.OOMKilled || engine.isPodman) return details
  let seen = details
  // What ended long ago is known by now. A clock that was set back says nothing of how long ago it was.
  const isOld = Date.now() - Date.parse(details.State.FinishedAt) > causeKnownMs
  for (let looks = isOld ? 1 : causeLooks; looks > 0 && !seen.State.OOMKilled; looks -= 1) {
    if (!isOld) await sleep(causeWaitMs)
    const later = await findContainer(engine, details.Id).catch(() => undefined)
    if (later?.State.FinishedAt !== details.State.FinishedAt) break
    seen = later
  }
  return seen
}

/** Podman flags it since version 5. */
function isFlagMissing({ engine, info }: ConnectedEngine): boolean {
  return engine.isPodman && Number.parseInt(info.ServerVersion, 10) < 5
}

/** Where nothing is flagged, a kill that nobody here asked for, under a memory limit, is taken for one. */
function wasOutOfMemory({ State, HostConfig }: ContainerDetails, isGuessAllowed: boolean): boolean {
  return State.OOMKilled || (isGuessAllowed && State.ExitCode === 137 && (HostConfig.Memory ?? 0) > 0)
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
