// The bus of a driver, spoken to over its real socket by a client library and by hand.
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeviceReport } from '@littoral/contract/node/device-report'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { toBytes } from './bus/codec.ts'
import { callDevice } from './call-device.ts'
import { DeviceBook } from './device-book.ts'
import { Doors } from './local-doors.ts'
import { TestDriver } from './test-driver.ts'

const driver = { driverId: 'd0c5', driverName: 'thermo', runtime: 'nodejs8' }
const config = { config: { json: { unit: '°C' } }, deviceList: [{ productKey: 'a1pk', deviceName: 'Sensor-1', custom: '{"id":1}' }] }
const ref = { productKey: 'a1pk', deviceName: 'Sensor-1' }
const id = 'a1pk_Sensor-1'

let folder: string
let doors: Doors
let book: DeviceBook
let log: string[]
let model: string | undefined
const models = { find: async () => model }
let reports: DeviceReport[]
const drivers: TestDriver[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-local-'))
  log = []
  model = undefined
  reports = []
  book = new DeviceBook({ log: (line) => void log.push(line), minIntervalMs: 1 })
  doors = new Doors({ folder: join(folder, 'a-long-name-'.repeat(8)), book, models, log: (line) => void log.push(line) })
  await put(config)
})
afterEach(async () => {
  for (const one of drivers.splice(0)) one.end()
  book.close()
  await doors.end()
  await rm(folder, { recursive: true, force: true })
})

const configPath = () => join(folder, 'driver_config.json')
const put = (content: object) => writeFile(configPath(), JSON.stringify(content))

/** The socket of the driver's door, by a path that is short enough to connect to, as the one drivers see is. */
async function opened(runtime = driver.runtime): Promise<string> {
  const place = await doors.open({ ...driver, runtime, instanceId: 'drv-1', configPath: configPath() })
  const short = join(folder, 's')
  await rm(short, { force: true })
  await symlink(place.folder ?? '', short)
  return join(short, 'mbusd_socket')
}

async function connected(runtime = driver.runtime): Promise<TestDriver> {
  const made = await TestDriver.connect(await opened(runtime), driver.driverId)
  drivers.push(made)
  return made
}

function listen(): void {
  book.connected((report) => {
    reports.push(report)
    book.taken(report.seq)
  })
}

describe('the config store', () => {
  it('hands over exactly the config text, under the id and under the name of the driver', async () => {
    const one = await connected()
    expect(await one.register()).toBe(1)
    for (const key of ['gw_driverconfig_d0c5', 'gw_driverconfig_thermo']) {
      expect(await one.ask('iot.dmp.configmanager', 'get_config', key)).toEqual([0, JSON.stringify(config)])
    }
  })

  it('answers a code and no text for the config of another driver', async () => {
    const one = await connected()
    const [code] = await one.ask('iot.dmp.configmanager', 'get_config', 'gw_driverconfig_other')
    expect(code).toBe(100001)
  })

  it('hands over a model for products of the driver, and only for those', async () => {
    const one = await connected()
    const [code, text] = await one.ask('iot.dmp.configmanager', 'get_config', 'gw_TSL_a1pk')
    expect([code, JSON.parse(String(text))]).toEqual([0, { profile: { productKey: 'a1pk' }, properties: [], events: [], services: [] }])
    model = '{"properties":[{"identifier":"t"}]}'
    expect(await one.ask('iot.dmp.configmanager', 'get_config', 'gw_TSL_a1pk')).toEqual([0, model])
    expect(await one.ask('iot.dmp.configmanager', 'get_config', 'gw_TSL_config_a1pk')).toEqual([0, '{}'])
    expect((await one.ask('iot.dmp.configmanager', 'get_config', 'gw_TSL_a1xx'))[0]).not.toBe(0)
  })

  it('tells whoever subscribed of a change, and nobody after unsubscribing', async () => {
    const one = await connected()
    await one.register()
    const key = 'gw_driverconfig_d0c5'
    expect(await one.ask('iot.dmp.configmanager', 'subscribe_config', 'iot.driver.idd0c5', key, 1)).toEqual([0])
    const changed = { ...config, config: { json: { unit: 'K' } } }
    await doors.configChanged('drv-1', JSON.stringify(changed))
    await vi.waitFor(() => expect(one.notified).toEqual([{ key, value: JSON.stringify(changed) }]))
    expect(await one.ask('iot.dmp.configmanager', 'unsubscribe_config', 'iot.driver.idd0c5', key)).toEqual([0])
    await doors.configChanged('drv-1', JSON.stringify(config))
    await one.ask('iot.dmp.configmanager', 'get_config', key)
    expect(one.notified).toHaveLength(1)
  })
})

describe('devices', () => {
  it('come online, report properties and events, and go offline', async () => {
    listen()
    const one = await connected()
    await one.register()
    expect(await one.online('a1pk', 'Sensor-1')).toMatchObject({ code: 0, params: { deviceCloudId: id } })
    one.report(id, 'propertiesChanged', { temperature: { value: 21.5, time: 1_790_000_000_000 } })
    one.report(id, 'overheated', { params: { time: 1_790_000_000_001, value: { at: '温度' } } })
    await vi.waitFor(() => expect(reports.flatMap(({ devices }) => devices.flatMap(({ events }) => events))).toHaveLength(1))
    const [text] = await one.ask('iot.dmp.dimu', 'disconnect', id)
    expect(JSON.parse(String(text))).toMatchObject({ code: 0 })
    await vi.waitFor(() => expect(reports.at(-1)?.devices[0]?.state).toMatchObject({ isOnline: false }))
    const news = reports.flatMap(({ devices }) => devices)
    expect(news.flatMap(({ properties }) => properties)).toEqual([expect.objectContaining({ name: 'temperature', value: '21.5' })])
    expect(news.flatMap(({ events }) => events)).toEqual([expect.objectContaining({ name: 'overheated', value: '{"at":"温度"}' })])
  })

  it('go offline when their name is given up, and come online again with it', async () => {
    const one = await connected()
    await one.register()
    const isOnline = () => book.isOnline(ref)
    for (const _ of [1, 2]) {
      await one.online('a1pk', 'Sensor-1')
      await one.serve(id, () => '{}')
      expect(isOnline()).toBe(true)
      await new Promise((resolve) => one.bus.releaseName(`iot.device.id${id}`, resolve))
      await vi.waitFor(() => expect(isOnline()).toBe(false))
    }
    expect(log).not.toContainEqual(expect.stringContaining('was not taken'))
  })

  it('stay online when another connection gives up a name', async () => {
    const one = await connected()
    const two = await connected()
    await one.online('a1pk', 'Sensor-1')
    await two.serve(id, () => '{}')
    await new Promise((resolve) => two.bus.releaseName(`iot.device.id${id}`, resolve))
    await two.ask('iot.dmp.configmanager', 'get_config', 'gw_driverconfig_d0c5')
    expect(book.isOnline(ref)).toBe(true)
  })

  it('that are not in the config are refused with a reason', async () => {
    const one = await connected()
    expect(await one.online('a1pk', 'Other')).toMatchObject({ code: 109000, message: expect.stringContaining('a1pk/Other') as string })
  })

  it.each([
    ['nodejs8', '/iot/device/ida1pk_hall.1@x:2'],
    ['c', '/iot/device/ida1pk_hall.1@x:2'],
    ['python3', '/iot/device/ida1pk_hall/1@x:2'],
  ])('of a driver in %s are called at %s when they have a dot in their name', async (runtime, path) => {
    const device = { productKey: 'a1pk', deviceName: 'hall.1@x:2' }
    await put({ ...config, deviceList: [device] })
    const one = await connected(runtime)
    await one.register()
    await one.online(device.productKey, device.deviceName)
    await one.serve('a1pk_hall.1@x:2', () => JSON.stringify({ code: 0, message: '', params: { data: { at: path } } }), path)
    const answer = await callDevice(doors, { kind: 'call', ...device, service: 'where', params: '{}', timeoutMs: 5000 })
    expect(JSON.parse(answer)).toMatchObject({ code: 0, data: { at: path } })
  })

  it('answer a service call, and the gateway hears what they answered', async () => {
    const one = await connected()
    await one.register()
    await one.online('a1pk', 'Sensor-1')
    await one.serve(id, (service, args) => {
      const { params } = JSON.parse(args) as { params: object }
      return JSON.stringify({ code: 0, message: 'success', params: { code: 0, message: 'success', data: { service, params } } })
    })
    const answer = await callDevice(doors, { kind: 'call', ...ref, service: 'reboot', params: '{"after":3}', timeoutMs: 5000 })
    expect(JSON.parse(answer)).toEqual({ code: 0, message: 'success', data: { service: 'reboot', params: { after: 3 } } })
  })

  it('that do not answer in time, or are offline, are named as such', async () => {
    const call = { kind: 'call' as const, ...ref, service: 'reboot', params: '{}', timeoutMs: 100 }
    await expect(callDevice(doors, call)).rejects.toMatchObject({ code: 'DeviceOffline' })
    const one = await connected()
    await one.register()
    await one.online('a1pk', 'Sensor-1')
    await one.serve(id, () => new Promise<string>(() => {}))
    await expect(callDevice(doors, call)).rejects.toMatchObject({ code: 'CallTimeout' })
  })

  it('go offline with the connection of their driver', async () => {
    const one = await connected()
    await one.register()
    await one.online('a1pk', 'Sensor-1')
    expect(book.isOnline(ref)).toBe(true)
    one.end()
    await vi.waitFor(() => expect(book.isOnline(ref)).toBe(false))
  })

  it('cannot be added by the driver itself, in the copy of the config that it has', async () => {
    const one = await connected()
    await put({ ...config, deviceList: [...config.deviceList, { productKey: 'a1pk', deviceName: 'forged' }] })
    expect(await one.online('a1pk', 'forged')).toMatchObject({ code: 109000 })
  })

  it('that a new config does not list any more go offline', async () => {
    const one = await connected()
    await one.register()
    await one.online('a1pk', 'Sensor-1')
    await doors.configChanged('drv-1', JSON.stringify({ config: {}, deviceList: [] }))
    expect(book.isOnline(ref)).toBe(false)
  })
})

describe('the bus', () => {
  it('gives a driver no name but its own', async () => {
    const one = await connected()
    const asked = new Promise((resolve) => one.bus.requestName('iot.driver.idother', 4, (error) => resolve(error)))
    expect(JSON.stringify(await asked)).toContain('may not be')
  })

  it('cuts off who sends something else than messages', async () => {
    const socket = connect(await opened())
    socket.on('error', () => {}).resume()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write('\0AUTH EXTERNAL 30\r\nBEGIN\r\n')
    socket.write(Buffer.alloc(4096, 0xff))
    await closed
    expect(log.join('\n')).toContain('the connection was cut')
  })

  it('outlives texts with zeros in them, wherever they stand', async () => {
    const one = await connected()
    const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus', type: 1 }
    const dimu = { destination: 'iot.dmp.dimu', path: '/iot/dmp/dimu', interface: 'iot.dmp.dimu', type: 1 }
    for (const message of [
      { ...bus, member: 'RequestName', signature: 'su', body: ['iot.device.id__', 4] },
      { ...bus, member: 'GetNameOwner', signature: 's', body: ['iot.device.id__'] },
      { ...dimu, member: 'me__', signature: 's', body: ['__'] },
      { ...dimu, member: 'disconnect', signature: 's', body: ['__'] },
    ]) {
      const bytes = toBytes({ ...message, serial: 9000 })
      for (let at = bytes.indexOf('__'); at >= 0; at = bytes.indexOf('__')) bytes.fill(0, at, at + 2)
      const socket = connect(await opened())
      socket.on('error', () => {}).resume()
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.write('\0AUTH EXTERNAL 30\r\nBEGIN\r\n')
      socket.end(bytes)
      await closed
    }
    expect((await one.ask('iot.dmp.configmanager', 'get_config', 'gw_driverconfig_d0c5'))[0]).toBe(0)
  })

  it('answers a call with a body it does not take without unpacking it', async () => {
    const one = await connected()
    const call = {
      destination: 'iot.dmp.dimu',
      path: '/iot/dmp/dimu',
      interface: 'iot.dmp.dimu',
      member: 'connect',
      signature: 'as',
      body: [['x']],
    }
    const asked = new Promise((resolve) =>
      (one.bus as unknown as { invoke(m: object, done: (e: unknown) => void): void }).invoke(call, resolve),
    )
    expect(JSON.stringify(await asked)).toContain('only texts')
  })
})
