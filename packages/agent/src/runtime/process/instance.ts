// One instance of a driver: its folder, its process, and what was seen of it. Kept by runtime/process/index.ts.
//
//   <instances>/<id>/instance.json   what it was started with, and its counters
//   <instances>/<id>/config.json     the config it has now; the driver's own copy is no source, because the driver may change it
//   <instances>/<id>/code/           the driver's own folder, its working directory; the only one the driver's user may enter
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { diskReason, syncTree, writeAtomically } from '../../files.ts'
import { configFileName, driverEnvironment } from '../../packages/driver-packages.ts'
import { countFailures, driverGraceSeconds, type ObservedInstance } from '../runtime.ts'
import { Child, type Exit } from './child.ts'
import type { Cell } from './confinement.ts'
import type { GroupUse } from './control-groups.ts'
import type { DriverCommand } from '../../packages/languages.ts'
import type { LocalPlace } from '../../packages/local-door.ts'
import { type InstanceRecord, keepConfig, keptConfigName, readConfig, withoutConfig, writeRecord } from './instance-files.ts'
import { launchLine } from './launch.ts'
import type { LogRing } from './log-ring.ts'
import { ownerVariable } from './orphans.ts'

/**
 * A driver that runs this long counts as ready. There is no other sign: drivers speak to their devices, not to us. One that
 * cannot load its code or open its device as a rule exits earlier.
 */
export const readyAfterMs = 1000

/** Bringing an instance to the disk waits for the disk, for which thirty drivers that start at once would queue up. */
const keepAfterMs = 2000
const longestLine = 500

interface State {
  /** new: its first run is being prepared, so nobody is to start it a second time. */
  readonly kind: 'new' | 'running' | 'exited' | 'stopping' | 'stopped'
  readonly exit?: Exit
  readonly exitedAtMs?: number
}

const phases = { new: 'starting', running: 'starting', exited: 'backoff', stopping: 'stopping', stopped: 'stopped' } as const

export interface InstanceParts {
  readonly ring: LogRing
  readonly onChange: () => void
  /** It was made just now and is about to be run; else it was found on the disk. */
  readonly isNew?: boolean
}

export interface Run {
  readonly command: DriverCommand
  /** What processes of this agent are recognised by. */
  readonly owner: string
  readonly cell: Cell
  /** Puts what the gateway offers the driver where it looks for it. */
  readonly enclose: LocalPlace['enclose'] | undefined
}

export class DriverInstance {
  readonly #folder: string
  readonly #ring: LogRing
  readonly #onChange: () => void
  #record: InstanceRecord
  #child: Child | undefined
  #cell: Cell | undefined
  /** What it had in memory when it was ended for it. */
  #excessBytes: number | undefined
  #state: State
  #startedAtMs = 0
  /** The same on the clock that never jumps. */
  #startedAt = 0
  #failures = 0
  #lastLine = ''
  #readyTimer: NodeJS.Timeout | undefined
  #isKept: boolean
  #isKeeping = false
  #isRemoved = false
  #keepTimer: NodeJS.Timeout | undefined
  #keeping: Promise<void> = Promise.resolve()

  constructor(folder: string, record: InstanceRecord, { ring, onChange, isNew = false }: InstanceParts) {
    this.#folder = folder
    this.#record = record
    this.#ring = ring
    this.#onChange = onChange
    this.#isKept = !isNew
    // One that was there before: as if it had exited long ago, so that it is due at once.
    this.#state = isNew ? { kind: 'new' } : { kind: 'exited', exitedAtMs: 0, exit: { cause: 'the agent was restarted' } }
  }

  get record(): InstanceRecord {
    return this.#record
  }

  get ring(): LogRing {
    return this.#ring
  }

  get codeFolder(): string {
    return join(this.#folder, 'code')
  }

  /** The config it has now, as the driver cannot change it. */
  get configPath(): string {
    return join(this.#folder, keptConfigName)
  }

  /** What its processes use, where they are in a control group. */
  get groupUse(): GroupUse | undefined {
    return this.#cell?.use()
  }

  /** The id of its process, while it runs. */
  get pid(): number | undefined {
    return this.#state.kind === 'running' ? this.#child?.pid : undefined
  }

  /** Whether its first run has begun and waits for its code. */
  get isWaiting(): boolean {
    return this.#state.kind === 'new' && this.#child !== undefined
  }

  /** Begins its first run, as far as that goes without the driver's code: go() does the rest. */
  begin(run: Run, config: string): void {
    this.#spawn(run, config, true)
  }

  /** The code is there. A process that has ended meanwhile counts as one that ran and ended. */
  go(config: string): void {
    keepConfig(this.#folder, config)
    if (!this.isWaiting) return
    this.#began()
    this.#child?.go()
  }

  async run(run: Run): Promise<void> {
    if (this.#state.kind === 'running') return
    // Before anything is waited for: a second call meanwhile must not start a second process.
    this.#state = { kind: 'running' }
    this.#startedAtMs = Date.now()
    const config = await this.#readConfig()
    if (this.#state.kind !== 'running') return
    this.#spawn(run, config, false)
    this.#began()
  }

  #spawn({ command, owner, cell, enclose }: Run, config: string, isWaiting: boolean): void {
    const environment = {
      ...machineEnvironment(),
      // The folder of the agent's user is closed to the driver's.
      ...(cell.bounds.user === undefined ? {} : { HOME: this.codeFolder }),
      ...driverEnvironment({ ...this.#record.workload, config }, join(this.codeFolder, configFileName)),
      ...command.environment,
      [ownerVariable]: owner,
    }
    this.#cell = cell
    this.#excessBytes = undefined
    cell.begin()
    const { program, args, waitingArgs } = command
    const line = [program, ...((isWaiting ? waitingArgs : undefined) ?? args)]
    this.#child = new Child({
      line: launchLine(line, { ...cell.bounds, enclose, isWaiting: isWaiting && waitingArgs === undefined }),
      ...{ folder: this.codeFolder, environment, isWaiting },
      onOutput: (chunk) => this.#output(chunk),
      onExit: (exit) => this.#exited(exit),
    })
  }

  #began(): void {
    this.#state = { kind: 'running' }
    this.#startedAtMs = Date.now()
    this.#startedAt = performance.now()
    this.#readyTimer = setTimeout(this.#onChange, readyAfterMs + 10)
  }

  async #readConfig(): Promise<string> {
    try {
      return await readConfig(this.#folder, this.codeFolder)
    } catch (error) {
      this.#state = { kind: 'exited', exitedAtMs: Date.now(), exit: { cause: String(error) } }
      throw error
    }
  }

  /** Notes that the coming run is a restart, and why. */
  async countRestart(): Promise<void> {
    const { exit } = this.#state
    const how = exit?.exitCode === undefined ? (exit?.cause ?? 'unknown').slice(0, 64) : `exit code ${exit.exitCode}`
    const lastRestartReason = exit?.isOutOfMemory === true ? 'OutOfMemory' : how
    await this.#save({ ...this.#record, restarts: this.#record.restarts + 1, lastRestartReason })
  }

  async changeWorkload(workload: DriverWorkload): Promise<void> {
    await writeAtomically(join(this.#folder, keptConfigName), workload.config)
    await this.#save({ ...this.#record, workload: withoutConfig(workload) })
  }

  async stop(graceMs: number, signal: AbortSignal): Promise<void> {
    const child = this.#child
    const kill = () => child?.kill()
    this.#state = { ...this.#state, kind: child ? 'stopping' : 'stopped' }
    signal.addEventListener('abort', kill)
    try {
      await child?.stop(graceMs)
      await this.#cell?.clear()
    } finally {
      signal.removeEventListener('abort', kill)
    }
    this.#state = { kind: 'stopped' }
    this.#onChange()
  }

  /** Ends it because it has more in memory than it may. */
  endForMemory(usedBytes: number): void {
    this.#excessBytes = usedBytes
    this.#child?.kill()
  }

  async remove(): Promise<void> {
    clearTimeout(this.#readyTimer)
    clearTimeout(this.#keepTimer)
    this.#isRemoved = true
    await this.#keeping
    await this.#cell?.remove()
    await rm(this.#folder, { recursive: true, force: true })
  }

  observe(): ObservedInstance {
    const { workload, instanceId, createdAtMs, restarts, lastRestartReason } = this.#record
    const isReady = this.#state.kind === 'running' && performance.now() - this.#startedAt >= readyAfterMs
    const isExited = this.#state.kind === 'exited' || this.#state.kind === 'stopped'
    const { exit, exitedAtMs } = this.#state
    return {
      instanceId,
      key: workload.key,
      kind: 'driver',
      version: workload.version,
      digest: workload.digest,
      runDigest: this.#record.runDigest,
      phase: isReady ? 'ready' : phases[this.#state.kind],
      ...(this.#state.kind === 'exited' ? { reason: this.#exitReason() } : {}),
      isActive: true,
      createdAtMs,
      graceSeconds: driverGraceSeconds,
      restarts,
      ...(lastRestartReason === undefined ? {} : { lastRestartReason }),
      addresses: [],
      containers: [
        {
          name: 'driver',
          state: isExited ? 'exited' : 'running',
          isReady,
          restarts,
          failures: this.#failures,
          ...(exit?.exitCode === undefined ? {} : { exitCode: exit.exitCode }),
          ...(exit?.isOutOfMemory === true ? { isOutOfMemory: true } : {}),
          ...(exitedAtMs === undefined ? {} : { exitedAtMs }),
          ...(this.#startedAtMs > 0 ? { startedAtMs: this.#startedAtMs } : {}),
        },
      ],
    }
  }

  #exitReason(): { code: string; message: string } {
    const { exit } = this.#state
    const how = exit?.exitCode === undefined ? (exit?.cause ?? 'unknown') : `exit code ${exit.exitCode}`
    if (exit?.isOutOfMemory === true) return { code: 'OutOfMemory', message: exit.cause ?? how }
    const code = this.#failures > 0 ? 'ExitedEarly' : 'Exited'
    return { code, message: this.#lastLine === '' ? how : `${how}; its last line was: ${this.#lastLine}` }
  }

  #output(chunk: Buffer): void {
    this.#ring.append(chunk)
    // Only the end matters, and only when it exits.
    const text = chunk.subarray(-2 * longestLine).toString('utf8')
    const last = text.split('\n').findLast((line) => line.trim() !== '')
    if (last !== undefined) this.#lastLine = last.trim().slice(0, longestLine)
  }

  #exited(plain: Exit): void {
    clearTimeout(this.#readyTimer)
    const exit = this.#withMemory(plain)
    this.#child = undefined
    const exitedAtMs = Date.now()
    const ranForMs = performance.now() - this.#startedAt
    this.#failures = countFailures(this.#failures, ranForMs)
    const isAsked = this.#state.kind === 'stopping'
    // Of one that was never told to go there is nothing to say when it is cleared away.
    if (!isAsked || this.#startedAtMs > 0)
      this.#ring.append(Buffer.from(`[littoral] the driver ended: ${exit.cause ?? `exit code ${exit.exitCode}`}\n`))
    this.#state = { kind: isAsked ? 'stopped' : 'exited', exit, exitedAtMs }
    this.#onChange()
  }

  #withMemory(exit: Exit): Exit {
    const excess = this.#excessBytes
    if (excess !== undefined) return { ...exit, isOutOfMemory: true, cause: `ended because it had ${excess} bytes in memory` }
    if (this.#cell?.wasOutOfMemory() !== true) return exit
    return { ...exit, isOutOfMemory: true, cause: 'killed because it used more memory than its limit' }
  }

  /** Has a new instance kept as soon as the rush of its start is over. */
  keepSoon(): void {
    this.#keepTimer = setTimeout(() => void this.keep(), keepAfterMs)
  }

  /** Makes a new instance last: first all that lies in its folder, then its record. Never rejects. */
  keep(): Promise<void> {
    clearTimeout(this.#keepTimer)
    if (this.#isKept || this.#isKeeping) return this.#keeping
    this.#isKeeping = true
    this.#keeping = this.#keepOnDisk().catch((error: unknown) => {
      this.#ring.append(Buffer.from(`[littoral] the instance will not outlive the agent: ${String(error)}\n`))
    })
    return this.#keeping
  }

  async #keepOnDisk(): Promise<void> {
    await syncTree(this.#folder, () => this.#isRemoved)
    if (this.#isRemoved) return
    this.#isKept = true
    await this.#save(this.#record)
  }

  async #save(record: InstanceRecord): Promise<void> {
    this.#record = record
    // Before the folder is on the disk the record must not be; keep() writes the newest.
    if (!this.#isKept) return
    // A driver goes on where the disk takes nothing; the record is then right until the agent ends.
    await writeRecord(this.#folder, record).catch((error: unknown) => {
      if (diskReason(error) === undefined) throw error
    })
  }
}

/** What a driver gets to know of the machine; the agent's own variables, which hold its secrets, stay here. */
function machineEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'JAVA_HOME', 'PYENV_VERSION', 'PYENV_ROOT']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
}
