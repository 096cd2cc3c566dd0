// Runs drivers as supervised processes of the agent.
//
// Drivers are children: when the agent is stopped they are stopped gracefully, because nobody would restart or log them.
// When the agent crashes they live on, and the next agent ends them before it starts anything (orphans.ts).
// A change of config or config files is written into the driver's folder without a restart (contract: iot-edge §8).
// Each driver has a user and bounds of its own as far as the machine allows (confinement.ts).
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DriverWorkload, Workload } from '@littoral/contract/node/desired-state'
import type { Reason } from '@littoral/contract/node/report'
import type { DriverPackages } from '../../packages/driver-packages.ts'
import { type DriverCommand, type DriverRuntime, languages } from '../../packages/languages.ts'
import type { LocalDoors } from '../../packages/local-door.ts'
import {
  driverGraceSeconds,
  type LogOptions,
  type ObservedInstance,
  type OnProgress,
  type Runtime,
  type RuntimeFacts,
  StepError,
  type Stock,
  type StopOptions,
  type UsageCounters,
} from '../runtime.ts'
import { Berths } from './berths.ts'
import { type Confinement, type ConfinementOptions, openConfinement } from './confinement.ts'
import { newRecord, openInstanceFolder, readRecord } from './instance-files.ts'
import { DriverInstance, type Run } from './instance.ts'
import { findInterpreters, foundAmong, type Interpreter } from './interpreters.ts'
import { type LogRing, readLines } from './log-ring.ts'
import { LogRings } from './log-rings.ts'
import { endOrphans } from './orphans.ts'
import { DriverUsage } from './usage.ts'
import type { DriverUser } from './users.ts'

export interface ProcessRuntimeOptions {
  readonly dataDir: string
  readonly packages: DriverPackages
  /** What drivers find on the machine beside their devices; absent: nothing. */
  readonly doors?: LocalDoors
  /** The agent's data folder, which drivers have to pass through and see nothing of; default: `dataDir`. */
  readonly home?: string
  readonly memoryBytes?: number
  readonly processes?: number
  readonly user?: DriverUser
  readonly log?: (line: string) => void
}

/** The vendor's default, which no operation of its API can set (contract: iot-edge §8). */
const usualMemoryBytes = 1024 * 1024 * 1024
/** More is no driver but a fork bomb; a large Java driver has a few hundred threads, which count as well. */
const usualProcesses = 1024

export async function openProcessRuntime({
  dataDir,
  packages,
  doors,
  log = () => {},
  ...options
}: ProcessRuntimeOptions): Promise<Runtime> {
  const runtime = new ProcessRuntime(dataDir, { packages, doors })
  await runtime.adopt(log)
  await runtime.confine({ home: dataDir, memoryBytes: usualMemoryBytes, processes: usualProcesses, user: 'own', ...options }, log)
  return runtime
}

const missing: Interpreter = { missing: 'the runtime is still being opened' }
const notLooked = { nodejs8: missing, python3: missing, c: missing, java8: missing }

class ProcessRuntime implements Runtime {
  readonly name = 'process'
  readonly #instancesFolder: string
  readonly #packages: DriverPackages
  readonly #doors: LocalDoors | undefined
  readonly #usage = new DriverUsage()
  #memoryBytes = usualMemoryBytes
  #interpreters: Readonly<Record<DriverRuntime, Interpreter>> = notLooked
  readonly #instances = new Map<string, DriverInstance>()
  readonly #rings: LogRings
  readonly #listeners = new Set<() => void>()
  readonly #berths = new Berths({ make: (driver) => this.#makeWaiting(driver), drop: (instance) => this.#drop(instance) })
  #confinement: Confinement | undefined

  constructor(dataDir: string, { packages, doors }: { packages: DriverPackages; doors: LocalDoors | undefined }) {
    this.#instancesFolder = join(dataDir, 'instances')
    this.#rings = new LogRings(join(dataDir, 'logs'))
    this.#packages = packages
    this.#doors = doors
  }

  /** Takes over what an earlier agent left in the folder. */
  async adopt(log: (line: string) => void): Promise<void> {
    await mkdir(this.#instancesFolder, { recursive: true, mode: 0o755 })
    const ended = await endOrphans(this.#instancesFolder, driverGraceSeconds * 1000)
    if (ended > 0) log(`ended ${ended} driver processes that an earlier agent left behind`)
    for (const name of await readdir(this.#instancesFolder)) {
      const folder = join(this.#instancesFolder, name)
      const record = await readRecord(folder)
      if (record?.instanceId === name) this.#add(new DriverInstance(folder, record, this.#parts(record.workload.key)))
      // Half-made, or unreadable: without its record nothing can be done with it.
      else await rm(folder, { recursive: true, force: true }).catch((error: unknown) => log(`${folder}: ${String(error)}`))
    }
  }

  /** After adopt: what an earlier agent left behind has ended, and its control groups can go. */
  async confine(
    options: Pick<ConfinementOptions, 'home' | 'memoryBytes' | 'processes' | 'user'>,
    log: (line: string) => void,
  ): Promise<void> {
    this.#memoryBytes = options.memoryBytes
    this.#confinement = await openConfinement({
      ...options,
      owner: this.#instancesFolder,
      usersFile: join(this.#instancesFolder, '..', 'users.json'),
      instancesFolder: this.#instancesFolder,
      program: process.execPath,
      running: () => [...this.#instances.values()].flatMap(toRunning),
    })
    for (const shortcoming of this.#confinement.shortcomings) log(shortcoming)
    const { asDriver } = this.#confinement
    this.#interpreters = await findInterpreters(asDriver)
  }

  async capabilities(): Promise<RuntimeFacts> {
    const reason = this.#confinement?.shortcomings.join('; ') ?? ''
    return {
      ...{ name: this.name, version: process.version, isAvailable: true, ...foundAmong(this.#interpreters) },
      ...(reason === '' ? {} : { reason }),
    }
  }

  supports(workload: Workload): true | false | Reason {
    if (workload.kind !== 'driver' || workload.container) return false
    if (this.#confinement?.isInsufficient === true) return { code: 'UserMissing', message: this.#confinement.shortcomings.join('; ') }
    const interpreter = this.#interpreters[workload.runtime]
    return 'program' in interpreter ? true : { code: 'RuntimeMissing', message: `${workload.runtime}: ${interpreter.missing}` }
  }

  async observe(): Promise<ObservedInstance[]> {
    return [...this.#instances.values()].map((instance) => instance.observe())
  }

  expect(workload: Workload): void {
    if (this.supports(workload) === true) void this.#makeBerth(asDriver(workload))
  }

  async prepare(workload: Workload, signal: AbortSignal, onProgress: OnProgress): Promise<void> {
    const driver = asDriver(workload)
    // Who has which user is brought to the disk meanwhile, and what else a start needs is made.
    const others = [this.#makeBerth(driver), this.#confinement?.userOf(driver.key)]
    const prepared = await Promise.allSettled([this.#packages.prepare(driver, signal, onProgress), ...others])
    const failed = prepared.find((one) => one.status === 'rejected')
    if (failed === undefined) return
    this.#berths.discard(driver.key)
    throw failed.reason
  }

  async start(workload: Workload): Promise<string> {
    const driver = asDriver(workload)
    const instance = this.#add(this.#berths.take(driver) ?? (await this.#makeWaiting(driver)))
    try {
      const uid = await this.#confinement?.userOf(driver.key)
      await this.#packages.layOut(driver, instance.codeFolder, { isSyncedLater: true, uid })
      instance.go(driver.config)
    } catch (error) {
      this.#instances.delete(instance.record.instanceId)
      await this.#drop(instance)
      throw error
    }
    instance.keepSoon()
    this.#changed()
    return instance.record.instanceId
  }

  /** Drivers have no ports of the node to move. */
  async activate(): Promise<void> {}

  async restart(instanceId: string, container: string): Promise<void> {
    const instance = this.#get(instanceId)
    if (container !== 'driver') throw new StepError('NotFound', `a driver process has no container ${container}`)
    if (instance.observe().phase !== 'backoff') return
    await instance.countRestart()
    await this.#run(instance)
  }

  async updateConfig(instanceId: string, workload: DriverWorkload): Promise<void> {
    const instance = this.#get(instanceId)
    await this.#packages.placeConfig(workload, instance.codeFolder, await this.#confinement?.userOf(workload.key))
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

  async usage(): Promise<UsageCounters[]> {
    const running = [...this.#instances.values()].flatMap((instance) => {
      const { pid, groupUse: group, record } = instance
      return pid === undefined ? [] : [{ key: record.workload.key, instanceId: record.instanceId, pid, group }]
    })
    return this.#usage.look(running, this.#memoryBytes)
  }

  get stock(): Stock {
    return this.#packages.stock
  }

  async tidy(keep: readonly Workload[]): Promise<void> {
    await this.#packages.tidy(keep)
    const keys = new Set([...keep.map(({ key }) => key), ...[...this.#instances.values()].map(({ record }) => record.workload.key)])
    await this.#confinement?.keepOnly(keys)
    await this.#rings.keepOnly(keys)
  }

  async close(): Promise<void> {
    const signal = new AbortController().signal
    await this.#berths.close()
    await Promise.all([...this.#instances.values()].map((instance) => instance.stop(driverGraceSeconds * 1000, signal)))
    for (const instance of this.#instances.values()) await instance.keep()
    await this.#confinement?.close()
    this.#rings.close()
  }

  /** A driver that replaces another one has to wait for its end anyway. */
  async #makeBerth(driver: DriverWorkload): Promise<void> {
    const isFirst = ![...this.#instances.values()].some(({ record }) => record.workload.key === driver.key)
    if (isFirst) await this.#berths.prepare(driver)
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

  /** A new instance, whose process waits for its code. */
  async #makeWaiting(driver: DriverWorkload): Promise<DriverInstance> {
    const instanceId = `drv-${randomBytes(8).toString('hex')}`
    const folder = join(this.#instancesFolder, instanceId)
    const instance = new DriverInstance(folder, newRecord(instanceId, driver, Date.now()), { ...this.#parts(driver.key), isNew: true })
    try {
      openInstanceFolder(folder, instance.codeFolder)
      instance.begin(await this.#surroundings(instance), driver.config)
      return instance
    } catch (error) {
      await this.#drop(instance)
      throw error
    }
  }

  /** Clears away one that was never started. */
  async #drop(instance: DriverInstance): Promise<void> {
    await instance.stop(0, new AbortController().signal)
    await this.#doors?.close(instance.record.instanceId)
    await instance.remove()
  }

  async #run(instance: DriverInstance): Promise<void> {
    await instance.run(await this.#surroundings(instance))
    this.#changed()
  }

  async #surroundings(instance: DriverInstance): Promise<Run> {
    const { record, codeFolder } = instance
    if (this.#confinement === undefined) throw new StepError('NotReady', 'the runtime is still being opened')
    const command = this.#command(record.workload, instance)
    const [enclose, cell] = await Promise.all([
      this.#enclosure(instance),
      this.#confinement.enter({ key: record.workload.key, instanceId: record.instanceId, codeFolder }),
    ])
    return { command, owner: this.#instancesFolder, cell, enclose }
  }

  #command(workload: Omit<DriverWorkload, 'config'>, instance: DriverInstance): DriverCommand {
    const interpreter = this.#interpreters[workload.runtime]
    if (!('program' in interpreter))
      throw new StepError('RuntimeMissing', `${workload.runtime}: ${interpreter.missing}`, { isStalled: true })
    return languages[workload.runtime].command({ program: interpreter.program, options: workload.arguments, folder: instance.codeFolder })
  }

  /** Opens the door through which the driver reaches what this gateway offers it. */
  async #enclosure({ record, configPath }: DriverInstance): Promise<Run['enclose']> {
    const { driverId, driverName, runtime, key } = record.workload
    const place = await this.#doors?.open({
      instanceId: record.instanceId,
      driverId,
      driverName,
      runtime,
      configPath,
      isConfigKept: true,
      note: (text) => this.#rings.note(key, text),
    })
    return place?.enclose
  }

  #parts(key: string): { ring: LogRing; onChange: () => void } {
    return { ring: this.#rings.of(key), onChange: () => this.#changed() }
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

function toRunning(instance: DriverInstance): { pid: number; end: (usedBytes: number) => void }[] {
  const { pid } = instance
  return pid === undefined ? [] : [{ pid, end: (usedBytes) => instance.endForMemory(usedBytes) }]
}

function asDriver(workload: Workload): DriverWorkload {
  if (workload.kind === 'driver') return workload
  throw new StepError('Unsupported', 'the process runtime runs drivers only', { isStalled: true })
}
