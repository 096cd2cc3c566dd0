// Drivers that speak MQTT, played by hand on packets of the protocol, with the topics of the vendor's library for Java.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeviceReport } from '@littoral/contract/node/device-report'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { callDevice } from './call-device.ts'
import { DeviceBook } from './device-book.ts'
import { Doors } from './local-doors.ts'
import { PacketLengths } from './mqtt-guard.ts'
import { parseTopic } from './mqtt-topics.ts'

interface Packet {
  readonly cmd: string
  readonly topic?: string
  readonly payload?: Buffer
  readonly returnCode?: number
  readonly granted?: number[]
}
interface Protocol {
  generate(packet: object): Buffer
  parser(): { on(event: 'packet', listener: (packet: Packet) => void): void; parse(bytes: Buffer): void }
}
const require = createRequire(import.meta.url)
const protocol = createRequire(require.resolve('aedes'))('mqtt-packet') as Protocol

const driver = { instanceId: 'drv-1', driverId: 'd0c5', driverName: 'thermo', runtime: 'java8' }
const config = { config: { json: { unit: 'K' } }, deviceList: [{ productKey: 'a1pk', deviceName: 'one' }] }
const inbox = 'edge/iot/driver/proxy/x'

let folder: string
let doors: Doors
let book: DeviceBook
let reports: DeviceReport[]
let sockets: Socket[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-mqtt-'))
  reports = []
  sockets = []
  book = new DeviceBook({ log: () => {}, minIntervalMs: 1 })
  book.connected((report) => {
    reports.push(report)
    book.taken(report.seq)
  })
  doors = new Doors({ folder: join(folder, 'doors'), book, models: { find: async () => undefined }, log: () => {}, mqttPort: 0 })
  const configPath = join(folder, 'driver_config.json')
  await writeFile(configPath, JSON.stringify(config))
  await doors.open({ ...driver, configPath })
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  book.close()
  await doors.end()
  await rm(folder, { recursive: true, force: true })
})

async function joined(username = 'driver&thermo&d0c5', password = 'd0c5', clientId = 'thermo') {
  const socket = connect(doors.mqttPort!, '127.0.0.1')
  sockets.push(socket)
  const packets: Packet[] = []
  const parser = protocol.parser()
  parser.on('packet', (packet) => void packets.push(packet))
  socket.on('data', (bytes: Buffer) => parser.parse(bytes))
  socket.on('error', () => {})
  const send = (packet: object) => void socket.write(protocol.generate(packet))
  const next = (isIt: (packet: Packet) => boolean) =>
    vi.waitFor(
      () => {
        const found = packets.find(isIt)
        expect(found).toBeDefined()
        return found!
      },
      { timeout: 10_000 },
    )
  send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive: 60,
    username,
    password: Buffer.from(password),
  })
  const { returnCode } = await next(({ cmd }) => cmd === 'connack')
  const subscribe = async (...topics: string[]) => {
    send({ cmd: 'subscribe', messageId: 7, subscriptions: topics.map((topic) => ({ topic, qos: 0 })) })
    return (await next(({ cmd }) => cmd === 'suback')).granted
  }
  const publish = (topic: string, content: object) => send({ cmd: 'publish', topic, payload: JSON.stringify(content), qos: 0 })
  const said = async (topic: string) =>
    JSON.parse((await next((packet) => packet.topic === topic)).payload!.toString()) as Record<string, unknown>
  return {
    returnCode,
    subscribe,
    publish,
    said,
    socket,
    ask: async (topic: string, id = '1') => publish(topic, { id, version: '1.0', params: {} }),
  }
}

describe('a driver that speaks MQTT', () => {
  it('gets its config and models', async () => {
    const one = await joined()
    await one.subscribe(`${inbox}/response/driver/d0c5/x/x/get_config`, `${inbox}/response/driver/d0c5/+/x/get_tsl`)
    await one.ask('edge/driver/d0c5/x/x/request/iot/driver/proxy/x/get_config')
    expect(await one.said(`${inbox}/response/driver/d0c5/x/x/get_config`)).toMatchObject({ id: '1', code: 0, data: config })
    await one.ask('edge/driver/d0c5/a1pk/x/request/iot/driver/proxy/x/get_tsl', '2')
    expect(await one.said(`${inbox}/response/driver/d0c5/a1pk/x/get_tsl`)).toMatchObject({
      id: '2',
      code: 0,
      data: { profile: { productKey: 'a1pk' } },
    })
  })

  it('brings its device online, reports, answers a call, and takes its device along when it goes', async () => {
    const one = await joined()
    await one.subscribe(`${inbox}/response/device/d0c5/+/+/online`, `${inbox}/request/device/d0c5/+/+/callservice/thing/service/+`)
    await one.ask('edge/device/d0c5/a1pk/one/request/iot/driver/proxy/x/online')
    expect(await one.said(`${inbox}/response/device/d0c5/a1pk/one/online`)).toMatchObject({ code: 0 })
    one.publish('edge/device/d0c5/a1pk/one/broadcast/thing/a1pk/one/property', { id: '2', params: { t: { value: 4, time: Date.now() } } })
    one.publish('edge/device/d0c5/a1pk/one/broadcast/thing/a1pk/one/event/hot', {
      id: '3',
      params: { value: { at: 41 }, time: Date.now() },
    })
    await vi.waitFor(() => expect(reports.flatMap(({ devices }) => devices).flatMap(({ events }) => events)).toHaveLength(1))
    expect(reports.flatMap(({ devices }) => devices).flatMap(({ properties }) => properties)).toMatchObject([{ name: 't', value: '4' }])
    const call = { kind: 'call' as const, productKey: 'a1pk', deviceName: 'one', service: 'add', params: '{"a":1}', timeoutMs: 5000 }
    const answered = callDevice(doors, call)
    const { id, params } = await one.said(`${inbox}/request/device/d0c5/a1pk/one/callservice/thing/service/add`)
    expect(params).toEqual({ a: 1 })
    one.publish('edge/device/d0c5/a1pk/one/response/iot/driver/proxy/x/callservice/thing/service/add', {
      id,
      version: '1.0',
      code: 0,
      data: { sum: 1 },
    })
    expect(JSON.parse(await answered)).toMatchObject({ code: 0, data: { sum: 1 } })
    one.socket.destroy()
    await vi.waitFor(() => expect(book.isOnline({ productKey: 'a1pk', deviceName: 'one' })).toBe(false))
  })

  it('is refused a device that is not its own', async () => {
    const one = await joined()
    await one.subscribe(`${inbox}/response/device/d0c5/+/+/online`)
    await one.ask('edge/device/d0c5/a1pk/other/request/iot/driver/proxy/x/online')
    expect(await one.said(`${inbox}/response/device/d0c5/a1pk/other/online`)).toMatchObject({ code: 109000 })
  })

  it.each([
    ['another driver', 'driver&other&d0c6', 'd0c6'],
    ['a wrong password', 'driver&thermo&d0c5', 'guess'],
    ['nobody', '', ''],
    ['the id of another connection', 'driver&thermo&d0c5', 'd0c5', 'victim'],
  ])('is not let in with %s', async (_who, username, password, clientId = 'thermo') => {
    expect((await joined(username, password, clientId)).returnCode).toBe(4)
  })

  it('is cut off when it announces more than is taken, before it has sent it', async () => {
    const one = await joined()
    const closed = new Promise((resolve) => one.socket.once('close', () => resolve('closed')))
    one.socket.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))
    expect(await closed).toBe('closed')
  })

  it('cannot listen to what other drivers are sent', async () => {
    const one = await joined()
    expect(await one.subscribe(`${inbox}/response/driver/d0c6/x/x/get_config`)).toEqual([128])
  })
})

describe('lengths of packets', () => {
  it('are followed over chunks of any size', () => {
    const packets = [Buffer.from([0xc0, 0]), Buffer.from([0x30, 0xc8, 1, ...Array<number>(200).fill(0xff)]), Buffer.from([0xc0, 0])]
    for (const size of [1, 3, 500]) {
      const lengths = new PacketLengths(200)
      const bytes = Buffer.concat(packets)
      for (let at = 0; at < bytes.length; at += size) lengths.take(bytes.subarray(at, at + size))
      expect(() => lengths.take(Buffer.from([0x30, 0xc9, 1]))).toThrow('a packet of 201 bytes')
    }
  })
})

describe('topics', () => {
  it('of another driver, and others, are nothing', () => {
    expect(parseTopic('edge/driver/d0c6/x/x/request/iot/driver/proxy/x/get_config', 'd0c5')).toBeUndefined()
    expect(parseTopic('edge/device/d0c6/pk/dn/request/iot/driver/proxy/x/online', 'd0c5')).toBeUndefined()
    expect(parseTopic('edge/device/d0c5/pk/dn/request/iot/driver/proxy/x/explode', 'd0c5')).toBeUndefined()
  })

  it('of answers name the service, for properties too', () => {
    const start = 'edge/device/d0c5/pk/dn/response/iot/driver/proxy/x/callservice/thing/service'
    expect(parseTopic(`${start}/property/get`, 'd0c5')).toMatchObject({ kind: 'answer', service: 'get' })
    expect(parseTopic(`${start}/add`, 'd0c5')).toMatchObject({ kind: 'answer', service: 'add' })
  })
})
