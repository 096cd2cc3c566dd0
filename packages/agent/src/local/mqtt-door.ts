// The door of drivers that speak MQTT: one port for all of them, as their library knows no other. A driver shows its id, which is
// no secret, so the port is open on this machine alone, and towards containers on the address they know the machine by.
import { createServer, type Server, type Socket } from 'node:net'
import type { AuthenticateError, Client } from 'aedes'
import type { DriverDesk } from './driver-desk.ts'
import { MqttDriver } from './mqtt-driver.ts'
import { guarded } from './mqtt-guard.ts'
import { mayHear, toDrivers } from './mqtt-topics.ts'

export const usualMqttPort = 9883

export interface MqttDoorOptions {
  readonly port: number
  /** The driver with this id, if this gateway runs it. */
  readonly find: (driverId: string) => DriverDesk | undefined
  readonly log: (line: string) => void
}

type Broker = Awaited<ReturnType<(typeof import('aedes'))['Aedes']['createBroker']>>

const connectTimeoutMs = 10_000
const mostConnections = 64
/** Larger than any config or answer; what is longer ends its connection. */
const longestPacket = 4 * 1024 * 1024
const retryMs = 30_000

export class MqttDoor {
  readonly #options: MqttDoorOptions
  readonly #servers = new Map<string, Server>()
  readonly #retries = new Map<string, NodeJS.Timeout>()
  readonly #sockets = new Set<Socket>()
  readonly #drivers = new WeakMap<Client, MqttDriver>()
  #broker: Promise<Broker> | undefined
  #isClosed = false

  constructor(options: MqttDoorOptions) {
    this.#options = options
  }

  /** The port that was bound first, for tests that let it be any. */
  get port(): number | undefined {
    const [server] = this.#servers.values()
    const address = server?.address()
    return typeof address === 'object' ? address?.port : undefined
  }

  /** Listens on an address, now or as soon as nobody else does. */
  async listen(host: string): Promise<void> {
    if (this.#isClosed || this.#servers.has(host) || this.#retries.has(host)) return
    const server = createServer((socket) => this.#accept(socket))
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(this.#options.port, host, () => resolve())
      })
      server.on('error', (error) => this.#options.log(`MQTT for drivers: ${error.message}`))
      this.#servers.set(host, server)
    } catch (error) {
      this.#options.log(`MQTT for drivers: ${error instanceof Error ? error.message : String(error)}; tried again in ${retryMs / 1000} s`)
      const timer = setTimeout(() => {
        this.#retries.delete(host)
        void this.listen(host)
      }, retryMs)
      this.#retries.set(host, timer.unref())
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#retries.values()) clearTimeout(timer)
    const closed = [...this.#servers.values()].map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(closed)
    const broker = await this.#broker
    if (broker) await new Promise<void>((resolve) => broker.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= mostConnections) return void socket.destroy()
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#sockets.delete(socket))
    this.#broker ??= this.#open()
    this.#broker.then(
      (broker) => broker.handle(guarded(socket, longestPacket)),
      (error: unknown) => {
        this.#options.log(`MQTT for drivers: ${String(error)}`)
        socket.destroy()
      },
    )
  }

  async #open(): Promise<Broker> {
    const { Aedes } = await import('aedes')
    const broker = await Aedes.createBroker({
      connectTimeout: connectTimeoutMs,
      maxClientsIdLength: 256,
      // Nothing is kept for who is away, so a broker's own queues stay empty.
      queueLimit: 256,
      authenticate: (client, username, password, done) => {
        const driver = this.#admit(client, String(username ?? ''), String(password ?? ''))
        if (driver) this.#drivers.set(client, driver)
        done(driver ? null : refused(), driver !== undefined)
      },
      authorizeSubscribe: (client, subscription, done) => {
        const driverId = this.#drivers.get(client)?.desk.driver.driverId
        done(null, driverId !== undefined && mayHear(subscription.topic, driverId) ? subscription : null)
      },
      authorizePublish: (client, packet, done) => {
        const driver = client && this.#drivers.get(client)
        // Nothing is kept for whoever comes later.
        packet.retain = false
        if (packet.topic.startsWith(toDrivers)) return done(new Error('only this agent speaks there'))
        // What a driver says is for this agent alone.
        driver
          ?.take(packet.topic, Buffer.from(packet.payload))
          .catch((error: unknown) => this.#options.log(`MQTT for drivers: ${String(error)}`))
        done(null)
      },
      authorizeForward: (_client, packet) => (packet.topic.startsWith(toDrivers) ? packet : null),
    })
    broker.on('client', (client) => this.#drivers.get(client)?.began())
    broker.on('clientDisconnect', (client) => this.#drivers.get(client)?.ended())
    broker.on('clientError', (client) => this.#drivers.get(client)?.ended())
    return broker
  }

  #admit(client: Client, username: string, password: string): MqttDriver | undefined {
    const [word, name, driverId] = username.split('&')
    const desk = word === 'driver' && driverId !== undefined && password === driverId ? this.#options.find(driverId) : undefined
    // A connection ends an older one of the same id, so a driver may only use its own.
    const isOwnId = client.id === name || client.id === driverId
    if (desk?.driver.driverName !== name || !desk || !isOwnId) {
      this.#options.log(`MQTT for drivers: ${username.slice(0, 80) || 'somebody without a name'} is no driver of this gateway`)
      return undefined
    }
    const publish = (topic: string, content: object) =>
      // Whoever is gone is noticed by the end of the connection.
      client.publish({ cmd: 'publish', topic, payload: JSON.stringify(content), qos: 0, retain: false, dup: false }, () => {})
    return new MqttDriver(desk, publish, this.#options.log)
  }
}

function refused(): AuthenticateError {
  return Object.assign(new Error('not a driver of this gateway'), { returnCode: 4 })
}
