// The doors of all drivers of this gateway: a socket for each, opened before the driver starts, gone with its instance. What is
// behind them is loaded when somebody connects: most drivers never do.
import { mkdirSync } from 'node:fs'
import { chmod, mkdir, readFile, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { readIfPresent, writeAtomically } from '../files.ts'
import { busFolder, busSocketName, type LocalDoors, type LocalDriver, type LocalPlace } from '../packages/local-door.ts'
import { enclosed, enclosureProblem, ownBusFolder } from './bus-places.ts'
import { type Listening, listenIn, refuseTaken } from './bus-socket.ts'
import type { DeviceBook } from './device-book.ts'
import type { DeviceName } from './device-names.ts'
import type { DriverBus } from './driver-bus.ts'
import { DriverDesk, type DriverLine } from './driver-desk.ts'
import type { MqttDoor } from './mqtt-door.ts'
import { Presence } from './presence.ts'
import type { SharedBus } from './shared-bus.ts'
import type { ThingModels } from './thing-models.ts'

export interface LocalDoorsOptions {
  /** A folder of the agent's own. */
  readonly folder: string
  readonly book: DeviceBook
  readonly models: ThingModels
  readonly log: (line: string) => void
  /** For drivers that speak MQTT; 0 takes any free port. */
  readonly mqttPort?: number
  /** For how long a driver that went on without an agent may take to come back to its door. */
  readonly patienceMs?: number
}

/** The vendor's libraries that come back at all do so within seconds. */
const usualPatienceMs = 30_000

interface Door {
  readonly desk: DriverDesk
  /** Of a driver that goes on when the agent ends. */
  readonly presence: Presence | undefined
  readonly listening: Listening
  bus?: DriverBus
}

export class Doors implements LocalDoors {
  readonly #options: LocalDoorsOptions
  readonly #doors = new Map<string, Promise<Door>>()
  readonly #opened = new Map<string, Door>()
  #problem: Promise<string | undefined> | undefined
  #making: Promise<void> | undefined
  #shared: Promise<Listening | undefined> | undefined
  #sharedBus: SharedBus | undefined
  #mqtt: MqttDoor | undefined

  constructor(options: LocalDoorsOptions) {
    this.#options = options
  }

  async open(driver: LocalDriver): Promise<LocalPlace> {
    const { instanceId } = driver
    try {
      const known = this.#doors.get(instanceId) ?? this.#openDoor(driver)
      this.#doors.set(instanceId, known)
      await known
    } catch (error) {
      this.#doors.delete(instanceId)
      this.#options.log(`driver ${driver.driverName}: its bus cannot be opened: ${String(error)}`)
      return {}
    }
    if (driver.runtime === 'java8') await this.#listenMqtt(driver.reachedAt)
    const folder = this.#folderOf(instanceId)
    if (driver.reachedAt !== undefined) return { folder }
    const problem = await this.#enclosureProblem()
    if (problem === undefined) return { folder, enclose: (line, way) => enclosed(line, folder, way) }
    await this.#listenShared(problem)
    return { folder }
  }

  async configChanged(instanceId: string, config: string): Promise<void> {
    const door = await this.#doors.get(instanceId)
    if (door !== undefined && door.desk.driver.isConfigKept !== true) await this.#keepConfig(instanceId, config)
    await door?.desk.configChanged()
    await door?.bus?.configChanged()
  }

  async close(instanceId: string): Promise<void> {
    await this.#shut(instanceId)
    await rm(this.#folderOf(instanceId), { recursive: true, force: true })
    await rm(this.#configOf(instanceId), { force: true })
    await rm(this.#presenceOf(instanceId), { force: true })
  }

  async #shut(instanceId: string): Promise<void> {
    const opening = this.#doors.get(instanceId)
    this.#doors.delete(instanceId)
    const door = await opening?.catch(() => undefined)
    this.#opened.delete(instanceId)
    door?.presence?.close()
    door?.bus?.close()
    door?.desk.close()
    await door?.listening.close()
  }

  /** The connection on which a device is online, whichever driver it is behind. */
  lineOf(device: DeviceName): DriverLine | undefined {
    for (const { desk } of this.#opened.values()) {
      const line = desk.lineOf(device)
      if (line) return line
    }
    return undefined
  }

  get mqttPort(): number | undefined {
    return this.#mqtt?.port
  }

  /** The agent stops. Folders stay: containers that go on have them, and the next agent opens its doors there. */
  async end(): Promise<void> {
    await Promise.all([...this.#doors.keys()].map((instanceId) => this.#shut(instanceId)))
    this.#sharedBus?.close()
    await (await this.#shared)?.close()
    await this.#mqtt?.close()
  }

  /** Only the vendor's library for Java speaks MQTT. */
  async #listenMqtt(reachedAt: string | undefined): Promise<void> {
    const { MqttDoor, usualMqttPort } = await import('./mqtt-door.ts')
    const { log, mqttPort: port = usualMqttPort } = this.#options
    const find = (driverId: string) => [...this.#opened.values()].findLast(({ desk }) => desk.driver.driverId === driverId)?.desk
    this.#mqtt ??= new MqttDoor({ port, find, log })
    await this.#mqtt.listen('127.0.0.1')
    if (reachedAt !== undefined && reachedAt !== '127.0.0.1') await this.#mqtt.listen(reachedAt)
  }

  async #openDoor(driver: LocalDriver): Promise<Door> {
    const { book, models, log } = this.#options
    const folder = this.#folderOf(driver.instanceId)
    await this.#ready()
    // The driver may run as another user, and in its view only this folder is to be seen.
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    const presence = driver.reachedAt === undefined ? undefined : await this.#presenceAt(driver)
    const configPath = driver.isConfigKept === true ? driver.configPath : await this.#keptConfig(driver)
    const onConnected = (isConnected: boolean) => presence?.changed(isConnected)
    const desk = new DriverDesk({ ...driver, configPath }, { book, models, onConnected })
    const listening = await listenIn(folder, (socket) => void this.#busOf(door).then((bus) => bus.accept(socket)), log)
    const door: Door = { desk, listening, presence }
    this.#opened.set(driver.instanceId, door)
    return door
  }

  #presenceAt({ instanceId, onSilent }: LocalDriver): Promise<Presence> {
    const { log, patienceMs = usualPatienceMs } = this.#options
    return Presence.open({ file: this.#presenceOf(instanceId), patienceMs, onSilent, log })
  }

  async #busOf(door: Door): Promise<DriverBus> {
    const { DriverBus } = await import('./driver-bus.ts')
    door.bus ??= new DriverBus(door.desk, this.#options.log)
    return door.bus
  }

  /**
   * A copy of the config out of the driver's reach: what it may bring online is read from it. The driver's own copy is good enough
   * for an instance that never had a door.
   */
  async #keptConfig({ instanceId, config, configPath }: LocalDriver): Promise<string> {
    const kept = this.#configOf(instanceId)
    if (config !== undefined) await this.#keepConfig(instanceId, config)
    else if ((await readIfPresent(kept)) === undefined) await this.#keepConfig(instanceId, await readFile(configPath, 'utf8'))
    return kept
  }

  #keepConfig(instanceId: string, config: string): Promise<void> {
    return writeAtomically(this.#configOf(instanceId), config)
  }

  #configOf(instanceId: string): string {
    return join(this.#options.folder, `${instanceId}.json`)
  }

  #presenceOf(instanceId: string): string {
    return join(this.#options.folder, `${instanceId}.connected`)
  }

  #folderOf(instanceId: string): string {
    return join(this.#options.folder, instanceId)
  }

  #enclosureProblem(): Promise<string | undefined> {
    this.#problem ??= this.#ready().then(() => enclosureProblem(this.#options.folder))
    return this.#problem
  }

  /** Nobody but the agent goes through here: a driver is given its own folder, and must not find the socket of another. */
  #ready(): Promise<void> {
    const { folder } = this.#options
    this.#making ??= mkdir(folder, { recursive: true, mode: 0o700 }).then(() => chmod(folder, 0o700))
    return this.#making.catch((error: unknown) => {
      this.#making = undefined
      throw error
    })
  }

  async #listenShared(problem: string): Promise<void> {
    this.#shared ??= this.#openShared(problem)
    // Perhaps the path is free the next time a driver starts.
    if ((await this.#shared) === undefined) this.#shared = undefined
  }

  async #openShared(problem: string): Promise<Listening | undefined> {
    const { log } = this.#options
    try {
      await ownBusFolder()
      await refuseTaken(busFolder)
      const listening = await listenIn(busFolder, (socket) => void this.#acceptShared(socket), log)
      log(`drivers share one bus at ${join(busFolder, busSocketName)}, because ${problem}`)
      return listening
    } catch (error) {
      log(
        `drivers that look for ${join(busFolder, busSocketName)} find nothing there: ${error instanceof Error ? error.message : String(error)}`,
      )
      return undefined
    }
  }

  async #acceptShared(socket: Socket): Promise<void> {
    const { SharedBus } = await import('./shared-bus.ts')
    // Made beforehand: a name is asked for and answered in one turn.
    const buses = await Promise.all([...this.#opened.values()].map((door) => this.#busOf(door)))
    this.#sharedBus ??= new SharedBus((name) => this.#busByName(name), this.#options.log)
    if (buses.length === 0) socket.destroy()
    else this.#sharedBus.accept(socket)
  }

  #busByName(name: string): DriverBus | undefined {
    return [...this.#opened.values()].findLast(({ bus }) => bus?.isOwnName(name))?.bus
  }
}
