// What goes on beside a running container: its postStart hook first, then its probe. One watch per run of a container; a
// container is ready when its hook has succeeded and its probe passes.
import type { GroupContainer } from '@littoral/contract/node/desired-state'
import type { ProbeResult } from '@littoral/contract/node/incident'
import { runProbe, type ProbeRun, type RunProbe } from '../../probe/run-probe.ts'
import { Transcripts } from '../../probe/transcript.ts'
import { killContainer, type ContainerDetails } from './client/containers.ts'
import { execCommand } from './client/exec.ts'
import type { EngineLink } from './link.ts'
import type { Notes } from './notes.ts'

export interface Watched {
  instanceId: string
  details: ContainerDetails
  /** Absent for a driver, which has neither hooks nor a probe. */
  container: GroupContainer | undefined
  /** The group's address. */
  address: string | undefined
  /** Runs already when the agent begins: its initial delay is over. */
  isAdopted: boolean
}

export interface WatchState {
  isReady: boolean
  /** Why it is not ready, once there is something to say. */
  problem?: { code: string; message: string }
}

interface Watch {
  startedAt: string
  probe: ProbeRun | undefined
  isHookDone: boolean
  container: GroupContainer | undefined
  ending: AbortController
  hasResult: boolean
}

export interface WatchesOptions {
  link: EngineLink
  notes: Notes
  onChange: () => void
  log: (line: string) => void
}

/** The longest a postStart hook may take; without a limit a hook that hangs would keep a container unready for ever. */
const postStartLimitMs = 10 * 60_000

export class Watches {
  readonly #options: WatchesOptions
  readonly #watches = new Map<string, Watch>()
  readonly #waiting = new Set<() => void>()
  readonly #transcripts = new Transcripts()

  constructor(options: WatchesOptions) {
    this.#options = options
  }

  /** Begins to watch this run of the container, unless that has begun. */
  ensure(watched: Watched): void {
    const { details, container } = watched
    if (this.#watches.get(details.Id)?.startedAt === details.State.StartedAt) return
    this.end(details.Id)
    const ending = new AbortController()
    const watch: Watch = { startedAt: details.State.StartedAt, isHookDone: false, container, ending, hasResult: false, probe: undefined }
    this.#watches.set(details.Id, watch)
    void runHook(this.#options, watched, ending.signal).then((isDone) => {
      if (!isDone || ending.signal.aborted) return
      watch.isHookDone = true
      if (container?.probe === undefined) this.#changed(watch)
      else {
        const onResult = (result: ProbeResult) => this.#transcripts.note(watched.instanceId, container.name, result)
        watch.probe = startProbe(this.#options, watched, { onChange: () => this.#changed(watch), onResult })
      }
    })
  }

  stateOf(details: ContainerDetails): WatchState {
    const watch = this.#watches.get(details.Id)
    return watch?.startedAt === details.State.StartedAt ? toState(watch) : { isReady: false }
  }

  /** Ends the watch of a container that exited, is being stopped or is gone. */
  end(containerId: string): void {
    const watch = this.#watches.get(containerId)
    watch?.ending.abort()
    watch?.probe?.stop()
    this.#watches.delete(containerId)
  }

  keepOnly(containerIds: ReadonlySet<string>, instanceIds: ReadonlySet<string>): void {
    for (const id of this.#watches.keys()) if (!containerIds.has(id)) this.end(id)
    this.#transcripts.keepOnly(instanceIds)
  }

  /** The last results of an instance's probes, by container. */
  probes(instanceId: string): ReadonlyMap<string, readonly ProbeResult[]> {
    return this.#transcripts.of(instanceId)
  }

  /** Resolves when every watch has had one result, or after the wait. */
  settled(waitMs: number): Promise<void> {
    const isSettled = () => [...this.#watches.values()].every((watch) => watch.hasResult)
    return isSettled() ? Promise.resolve() : waitFor(isSettled, this.#waiting, waitMs)
  }

  close(): void {
    for (const id of this.#watches.keys()) this.end(id)
  }

  #changed(watch: Watch): void {
    watch.hasResult = true
    for (const check of this.#waiting) check()
    this.#options.onChange()
  }
}

function waitFor(isTrue: () => boolean, waiting: Set<() => void>, waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      waiting.delete(check)
      resolve()
    }
    const check = () => {
      if (isTrue()) finish()
    }
    const timer = setTimeout(finish, waitMs)
    waiting.add(check)
  })
}

function toState(watch: Watch): WatchState {
  if (!watch.isHookDone) return { isReady: false, problem: { code: 'PostStartRunning', message: 'its postStart hook has not ended yet' } }
  const { probe, container } = watch
  if (container?.probe === undefined) return { isReady: true }
  if (probe?.isReady === true) return { isReady: true }
  const isFailing = probe !== undefined && probe.failures >= container.probe.failureThreshold
  return isFailing ? { isReady: false, problem: { code: 'ProbeFailed', message: probe.message } } : { isReady: false }
}

/** Runs the postStart hook, once per run of the container even over restarts of the agent. A failure kills the container. */
async function runHook(options: WatchesOptions, { instanceId, details, container }: Watched, signal: AbortSignal): Promise<boolean> {
  if (container?.postStart === undefined || container.postStart.length === 0) return true
  const notes = options.notes.container(instanceId, container.name)
  if (notes.postStarted === details.State.StartedAt) return true
  let message: string
  try {
    const { engine } = await options.link.get(signal)
    const { exitCode, output } = await execCommand(engine, details.Id, {
      command: container.postStart,
      timeoutMs: postStartLimitMs,
      signal,
    })
    if (exitCode === 0) {
      notes.postStarted = details.State.StartedAt
      options.notes.save(instanceId)
      return true
    }
    message = `postStart ended with exit code ${exitCode}: ${output.trim().slice(-300)}`
  } catch (error) {
    if (signal.aborted) return false
    message = `postStart: ${error instanceof Error ? error.message : String(error)}`
  }
  notes.killReason = { code: 'PostStartFailed', message }
  options.notes.save(instanceId)
  const { engine } = await options.link.get()
  await killContainer(engine, details.Id).catch((error: unknown) => options.log(`kill after postStart: ${String(error)}`))
  return false
}

function startProbe(
  options: WatchesOptions,
  { details, container, address, isAdopted }: Watched,
  told: Pick<RunProbe, 'onChange' | 'onResult'>,
): ProbeRun | undefined {
  if (container?.probe === undefined) return undefined
  return runProbe({
    probe: isAdopted ? { ...container.probe, initialDelaySeconds: 0 } : container.probe,
    address: () => address,
    async exec(command, timeoutMs, signal) {
      const { engine } = await options.link.get(signal)
      const { exitCode, output } = await execCommand(engine, details.Id, { command, timeoutMs, signal })
      return {
        isSuccess: exitCode === 0,
        message: exitCode === 0 ? '' : `the probe's command ended with ${exitCode}: ${output.trim().slice(-300)}`,
        ...(exitCode === 0 ? { output: output.trim().slice(-300) } : {}),
      }
    },
    ...told,
  })
}
