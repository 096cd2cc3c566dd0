// Runs drivers as supervised processes of the agent.
//
// Drivers are children: when the agent is stopped they are stopped gracefully, because nobody would restart or log them.
// When the agent crashes they live on, and the next agent ends them before it starts anything (orphans.ts).
// A change of config or config files is written into the driver's folder without a restart (contract: iot-edge §8).
// There is no memory limit: processes of the standard tier have none; a driver that needs one runs as a container.
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverWorkload, Workload } from '@littoral/contract/node/desired-state'
import type { Reason } from '@littoral/contract/node/report'
import { configFileName, type DriverPackages } from '../../packages/driver-packages.ts'
import { type DriverCommand, type DriverRuntime, languages } from '../../packages/languages.ts'
import type { LocalDoors } from '../../packages/local-door.ts'
import { type LogOptions, type ObservedInstance, type Runtime, type RuntimeFacts, StepError, type StopOptions } from '../runtime.ts'
import { DriverInstance, graceSeconds, makeInstance, newRecord, readRecord } from './instance.ts'
import { findInterpreters, type Interpreter } from './interpreters.ts'
import { LogRing, readLines } from './log-ring.ts'
import { endOrphans } from './orphans.ts'

export interface ProcessRuntimeOptions {
  readonly dataDir: string
  readonly packages: DriverPackages
  /** What drivers find on the machine beside their devices; absent: nothing. */
  readonly doors?: LocalDoors
  readonly log?: (line: string) => void
}

export async function openProcessRuntime({ dataDir, packages, doors, log = () => {} }: ProcessRuntimeOptions): Promise<Runtime> {
  const runtime = new ProcessRuntime(dataDir, { packages, doors }, await findInterpreters())
  await runtime.adopt(log)
  return runtime
}

class ProcessRuntime implements Runtime {
  readonly name = 'process'
  readonly #instancesFolder: string
  readonly #logsFolder: string
  readonly #packages: DriverPackages
  readonly #doors: LocalDoors | undefined
  readonly #interpreters: Readonly<Record<DriverRuntime, Interpreter>>
  readonly #instances = new Map<string, DriverInstance>()
  readonly #rings = new Map<string, LogRing>()
  readonly #listeners = new Set<() => void>()

  constructor(
    dataDir: string,
    { packages, doors }: { packages: DriverPackages; doors: LocalDoors | undefined },
    interpreters: Record<DriverRuntime, Interpreter>,
  ) {
    this.#instancesFolder = join(dataDir, 'instances')
    this.#logsFolder = join(dataDir, 'logs')
    this.#packages = packages
    this.#doors = doors
    this.#interpreters = interpreters
  }

  /** Takes over what an earlier agent left in the folder. */
  async adopt(log: (line: string) => void): Promise<void> {
    await mkdir(this.#instancesFolder, { recursive: true, mode: 0o755 })
    const ended = await endOrphans(this.#instancesFolder, graceSeconds * 1000)
    if (ended > 0) log(`ended ${ended} driver processes that an earlier agent left behind`)
    for (const name of await readdir(this.#instancesFolder)) {
      const folder = join(this.#instancesFolder, name)
      const record = await readRecord(folder)
      if (record?.instanceId === name) this.#add(new DriverInstance(folder, record, this.#parts(record.workload.key)))
      // Half-made, or unreadable: without its record nothing can be done with it.
      else await rm(folder, { recursive: true, force: true })
    }
  }

  async capabilities(): Promise<RuntimeFacts> {
    const found = (Object.keys(languages) as DriverRuntime[]).filter((name) => 'program' in this.#interpreters[name])
    return { name: this.name, version: process.version, isAvailable: true, driverRuntimes: found }
  }

  supports(workload: Workload): true | false | Reason {
    if (workload.kind !== 'driver' || workload.container) return false
    const interpreter = this.#interpreters[workload.runtime]
    return 'program' in interpreter ? true : { code: 'RuntimeMissing', message: `${workload.runtime}: ${interpreter.missing}` }
  }

  async observe(): Promise<ObservedInstance[]> {
    return [...this.#instances.values()].map((instance) => instance.observe())
  }

  async prepare(workload: Workload, signal: AbortSignal, onProgress: (message: string) => void): Promise<void> {
    await this.#packages.prepare(asDriver(workload), signal, onProgress)
  }

  async start(workload: Workload): Promise<string> {
    const driver = asDriver(workload)
    const instanceId = `drv-${randomBytes(8).toString('hex')}`
    const folder = join(this.#instancesFolder, instanceId)
    const record = newRecord(instanceId, driver, Date.now())
    await makeInstance(folder, record, (codeFolder) => this.#packages.layOut(driver, codeFolder))
    const instance = this.#add(new DriverInstance(folder, record, this.#parts(driver.key)))
    await instance.run(await this.#command(driver, instance), this.#instancesFolder)
    this.#changed()
    return instanceId
  }

  /** Drivers have no ports of the node to move. */
  async activate(): Promise<void> {}

  async restart(instanceId: string, container: string): Promise<void> {
    const instance = this.#get(instanceId)
    if (container !== 'driver') throw new StepError('NotFound', `a driver process has no container ${container}`)
    if (instance.observe().phase !== 'backoff') return
    await instance.countRestart()
    await instance.run(await this.#command(instance.record.workload, instance), this.#instancesFolder)
    this.#changed()
  }

  async updateConfig(instanceId: string, workload: DriverWorkload): Promise<void> {
    const instance = this.#get(instanceId)
    await this.#packages.placeConfig(workload, instance.codeFolder)
    await instance.changeWorkload(workload)
    await this.#doors?.configChanged(instanceId, workload.config)
    this.#changed()
  }

  async stop(instanceId: string, options: StopOptions, signal: AbortSignal): Promise<void> {
    await this.#instances.get(instanceId)?.stop(options.graceSeconds * 1000, signal)
  }

  async remove(instanceId: string, signal: AbortSignal): Promise<void> {
    const instance = this.#instances.get(instanceId)
    if (!instance) return
    await instance.stop(0, signal)
    await this.#doors?.close(instanceId)
    await instance.remove()
    this.#instances.delete(instanceId)
    this.#changed()
  }

  events(onChange: () => void): () => void {
    this.#listeners.add(onChange)
    return () => this.#listeners.delete(onChange)
  }

  async *logs(instanceId: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<string> {
    const instance = this.#get(instanceId)
    if (options.container !== undefined && options.container !== 'driver') {
      throw new StepError('NotFound', `a driver process has no container ${options.container}`)
    }
    if (options.sinceMs !== undefined) throw new StepError('Unsupported', 'lines of driver processes are kept without their time')
    yield* readLines(instance.ring, options, signal)
  }

  async exec(): Promise<never> {
    throw new StepError('Unsupported', 'a driver process has no container to open a terminal in')
  }

  async usage(): Promise<[]> {
    return []
  }

  async tidy(keep: readonly Workload[]): Promise<void> {
    await this.#packages.tidy(keep)
    const wanted = new Set(
      [...keep.map(({ key }) => key), ...[...this.#instances.values()].map(({ record }) => record.workload.key)].map(logName),
    )
    for (const name of await readdir(this.#logsFolder).catch(() => [])) {
      if (wanted.has(name)) continue
      this.#rings.get(name)?.close()
      this.#rings.delete(name)
      await rm(join(this.#logsFolder, name), { recursive: true, force: true })
    }
  }

  async close(): Promise<void> {
    const signal = new AbortController().signal
    await Promise.all([...this.#instances.values()].map((instance) => instance.stop(graceSeconds * 1000, signal)))
    for (const ring of this.#rings.values()) ring.close()
    this.#rings.clear()
  }

  #add(instance: DriverInstance): DriverInstance {
    this.#instances.set(instance.record.instanceId, instance)
    return instance
  }

  #get(instanceId: string): DriverInstance {
    const instance = this.#instances.get(instanceId)
    if (!instance) throw new StepError('NotFound', `there is no driver instance ${instanceId}`)
    return instance
  }

  async #command(workload: Omit<DriverWorkload, 'config'> & { config?: string }, instance: DriverInstance): Promise<DriverCommand> {
    const interpreter = this.#interpreters[workload.runtime]
    if (!('program' in interpreter))
      throw new StepError('RuntimeMissing', `${workload.runtime}: ${interpreter.missing}`, { isStalled: true })
    const { codeFolder, record } = instance
    const { driverId, driverName, runtime, config } = workload
    const command = languages[runtime].command({ program: interpreter.program, options: workload.arguments, folder: codeFolder })
    const configPath = join(codeFolder, configFileName)
    const known = config === undefined ? {} : { config }
    // A device may go offline after the last ring was closed.
    const note = (text: string) => this.#rings.get(logName(workload.key))?.append(Buffer.from(`[littoral] ${text}\n`))
    const place = await this.#doors?.open({ instanceId: record.instanceId, driverId, driverName, runtime, configPath, note, ...known })
    const line = [command.program, ...command.args]
    const [program = '', ...args] = place?.enclose(line) ?? line
    return { ...command, program, args }
  }

  // One ring per driver and not per instance: what the version before said last is often the answer.
  #parts(key: string): { ring: LogRing; onChange: () => void } {
    const name = logName(key)
    const ring = this.#rings.get(name) ?? new LogRing(join(this.#logsFolder, name))
    this.#rings.set(name, ring)
    return { ring, onChange: () => this.#changed() }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

function asDriver(workload: Workload): DriverWorkload {
  if (workload.kind === 'driver') return workload
  throw new StepError('Unsupported', 'the process runtime runs drivers only', { isStalled: true })
}

/** A key as the name of a folder. */
function logName(key: string): string {
  return encodeURIComponent(key).slice(0, 250)
}
