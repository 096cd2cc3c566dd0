// One instance of a driver: its folder, its process, and what was seen of it. Kept by runtime/process/index.ts.
//
//   <instances>/<id>/instance.json   what it was started with, and its counters
//   <instances>/<id>/code/           the driver's own folder, its working directory
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { diskReason, readIfPresent, writeAtomically } from '../../files.ts'
import { copyOf, seal, unseal } from '../../kept.ts'
import { configFileName, driverEnvironment } from '../../packages/driver-packages.ts'
import { countFailures, type ObservedInstance, runDigest } from '../runtime.ts'
import { Child, type Exit } from './child.ts'
import type { DriverCommand } from '../../packages/languages.ts'
import type { LogRing } from './log-ring.ts'
import { ownerVariable } from './orphans.ts'

/**
 * A driver that runs this long counts as ready. There is no other sign: drivers speak to their devices, not to us. One that
 * cannot load its code or open its device as a rule exits earlier.
 */
export const readyAfterMs = 1000
/** SIGTERM to SIGKILL; drivers keep little, and a device should not be without its driver for long. */
export const graceSeconds = 10

const longestLine = 500
const recordName = 'instance.json'

/** As kept on disk; the config is left out, because it lies in the driver's folder. */
export interface InstanceRecord {
  readonly instanceId: string
  readonly createdAtMs: number
  readonly workload: Omit<DriverWorkload, 'config'>
  readonly runDigest: string
  readonly restarts: number
  readonly lastRestartReason?: string
}

interface State {
  readonly kind: 'running' | 'exited' | 'stopping' | 'stopped'
  readonly exit?: Exit
  readonly exitedAtMs?: number
}

export class DriverInstance {
  readonly #folder: string
  readonly #ring: LogRing
  readonly #onChange: () => void
  #record: InstanceRecord
  #child: Child | undefined
  #state: State
  #startedAtMs = 0
  /** The same on the clock that never jumps. */
  #startedAt = 0
  #failures = 0
  #lastLine = ''
  #readyTimer: NodeJS.Timeout | undefined

  constructor(folder: string, record: InstanceRecord, { ring, onChange }: { ring: LogRing; onChange: () => void }) {
    this.#folder = folder
    this.#record = record
    this.#ring = ring
    this.#onChange = onChange
    // Until it is started: as if it had exited long ago, so that it is due at once.
    this.#state = { kind: 'exited', exitedAtMs: 0, exit: { cause: 'the agent was restarted' } }
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

  async run(command: DriverCommand, owner: string): Promise<void> {
    if (this.#state.kind === 'running') return
    const config = await readFile(join(this.codeFolder, configFileName), 'utf8')
    const workload = { ...this.#record.workload, config }
    const environment = {
      ...machineEnvironment(),
      ...driverEnvironment(workload, join(this.codeFolder, configFileName)),
      [ownerVariable]: owner,
    }
    this.#startedAtMs = Date.now()
    this.#startedAt = performance.now()
    this.#state = { kind: 'running' }
    this.#child = new Child({
      command,
      folder: this.codeFolder,
      environment,
      onOutput: (chunk) => this.#output(chunk),
      onExit: (exit) => this.#exited(exit),
    })
    this.#readyTimer = setTimeout(this.#onChange, readyAfterMs + 10)
  }

  /** Notes that the coming run is a restart, and why. */
  async countRestart(): Promise<void> {
    const { exit } = this.#state
    const lastRestartReason = exit?.exitCode === undefined ? (exit?.cause ?? 'unknown').slice(0, 64) : `exit code ${exit.exitCode}`
    await this.#save({ ...this.#record, restarts: this.#record.restarts + 1, lastRestartReason })
  }

  async changeWorkload(workload: DriverWorkload): Promise<void> {
    await this.#save({ ...this.#record, workload: withoutConfig(workload) })
  }

  async stop(graceMs: number, signal: AbortSignal): Promise<void> {
    const child = this.#child
    const kill = () => child?.kill()
    this.#state = { ...this.#state, kind: child ? 'stopping' : 'stopped' }
    signal.addEventListener('abort', kill)
    try {
      await child?.stop(graceMs)
    } finally {
      signal.removeEventListener('abort', kill)
    }
    this.#state = { kind: 'stopped' }
    this.#onChange()
  }

  async remove(): Promise<void> {
    clearTimeout(this.#readyTimer)
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
      phase:
        this.#state.kind === 'running' ? (isReady ? 'ready' : 'starting') : this.#state.kind === 'exited' ? 'backoff' : this.#state.kind,
      ...(this.#state.kind === 'exited' ? { reason: this.#exitReason() } : {}),
      isActive: true,
      createdAtMs,
      graceSeconds,
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
          ...(exitedAtMs === undefined ? {} : { exitedAtMs }),
          ...(this.#startedAtMs > 0 ? { startedAtMs: this.#startedAtMs } : {}),
        },
      ],
    }
  }

  #exitReason(): { code: string; message: string } {
    const { exit } = this.#state
    const how = exit?.exitCode === undefined ? (exit?.cause ?? 'unknown') : `exit code ${exit.exitCode}`
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

  #exited(exit: Exit): void {
    clearTimeout(this.#readyTimer)
    this.#child = undefined
    const exitedAtMs = Date.now()
    const ranForMs = performance.now() - this.#startedAt
    this.#failures = countFailures(this.#failures, ranForMs)
    const isAsked = this.#state.kind === 'stopping'
    this.#ring.append(
      Buffer.from(`[littoral] the driver ended: ${exit.exitCode === undefined ? exit.cause : `exit code ${exit.exitCode}`}\n`),
    )
    this.#state = { kind: isAsked ? 'stopped' : 'exited', exit, exitedAtMs }
    this.#onChange()
  }

  async #save(record: InstanceRecord): Promise<void> {
    // A driver goes on where the disk takes nothing; the record is then right until the agent ends.
    this.#record = record
    await writeRecord(this.#folder, record).catch((error: unknown) => {
      if (diskReason(error) === undefined) throw error
    })
  }
}

/** Makes the folder of a new instance under another name first: a folder with the final name is complete. */
export async function makeInstance(folder: string, record: InstanceRecord, fill: (codeFolder: string) => Promise<void>): Promise<void> {
  const making = `${folder}.making`
  await rm(making, { recursive: true, force: true })
  try {
    await mkdir(making, { recursive: true, mode: 0o755 })
    await fill(join(making, 'code'))
    await writeRecord(making, record)
    await rename(making, folder)
  } catch (error) {
    await rm(making, { recursive: true, force: true })
    throw error
  }
}

export function newRecord(instanceId: string, workload: DriverWorkload, createdAtMs: number): InstanceRecord {
  return { instanceId, createdAtMs, workload: withoutConfig(workload), runDigest: runDigest(workload), restarts: 0 }
}

/** The record of an instance's folder, or undefined when it cannot be read. */
export async function readRecord(folder: string): Promise<InstanceRecord | undefined> {
  for (const path of [join(folder, recordName), copyOf(join(folder, recordName))]) {
    const opened = unseal((await readIfPresent(path).catch(() => undefined)) ?? '')
    const record = opened.isValid ? (opened.value as InstanceRecord | null) : undefined
    if (typeof record?.instanceId === 'string' && typeof record.workload?.key === 'string') return record
  }
  return undefined
}

/** Twice, so that a damaged record does not cost a driver what it keeps in its folder. */
async function writeRecord(folder: string, record: InstanceRecord): Promise<void> {
  const path = join(folder, recordName)
  const text = seal(record)
  await writeAtomically(copyOf(path), text)
  await writeAtomically(path, text)
}

function withoutConfig({ config: _config, ...workload }: DriverWorkload): Omit<DriverWorkload, 'config'> {
  return workload
}

/** What a driver gets to know of the machine; the agent's own variables, which hold its secrets, stay here. */
function machineEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'JAVA_HOME', 'PYENV_VERSION', 'PYENV_ROOT']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
}
