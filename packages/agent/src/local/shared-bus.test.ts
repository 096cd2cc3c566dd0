// The one socket of drivers that cannot have their own: who is who, and what strangers may.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { busSocketName } from '../packages/local-door.ts'
import { type Listening, listenIn, refuseTaken } from './bus-socket.ts'
import { DeviceBook } from './device-book.ts'
import { DriverBus } from './driver-bus.ts'
import { DriverDesk } from './driver-desk.ts'
import { SharedBus } from './shared-bus.ts'
import { TestDriver } from './test-driver.ts'

let folder: string
let listening: Listening
let shared: SharedBus
let log: string[]
const drivers: TestDriver[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-shared-'))
  log = []
  const say = (line: string) => void log.push(line)
  const book = new DeviceBook({ log: say })
  const models = { find: async () => undefined }
  const buses = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const configPath = join(folder, `${name}.json`)
      await writeFile(configPath, JSON.stringify({ config: { json: { name } }, deviceList: [] }))
      return new DriverBus(
        new DriverDesk({ instanceId: name, driverId: `id-${name}`, driverName: name, runtime: 'c', configPath }, { book, models }),
        say,
      )
    }),
  )
  shared = new SharedBus((name) => buses.find((bus) => bus.isOwnName(name)), say)
  listening = await listenIn(folder, (socket) => shared.accept(socket), say)
})
afterEach(async () => {
  for (const driver of drivers.splice(0)) driver.end()
  shared.close()
  await listening.close()
  await rm(folder, { recursive: true, force: true })
})

async function connected(driverId: string): Promise<TestDriver> {
  const driver = await TestDriver.connect(join(folder, busSocketName), driverId)
  drivers.push(driver)
  return driver
}

it('gives each driver what is its own, by the name it asks for', async () => {
  for (const name of ['one', 'two']) {
    const driver = await connected(`id-${name}`)
    expect(await driver.register()).toBe(1)
    const [, text] = await driver.ask('iot.dmp.configmanager', 'get_config', `gw_driverconfig_id-${name}`)
    expect(JSON.parse(String(text))).toMatchObject({ config: { json: { name } } })
    const other = name === 'one' ? 'two' : 'one'
    expect((await driver.ask('iot.dmp.configmanager', 'get_config', `gw_driverconfig_id-${other}`))[0]).not.toBe(0)
  }
})

it('gives nothing to who has not said who he is, or says that he is nobody of this gateway', async () => {
  const stranger = await connected('id-three')
  await expect(stranger.ask('iot.dmp.configmanager', 'get_config', 'gw_driverconfig_id-one')).rejects.toThrow('ask for the name')
  await expect(stranger.register()).rejects.toThrow('no driver of this gateway')
})

it('does not give away a name that somebody has', async () => {
  await (await connected('id-one')).register()
  await expect((await connected('id-one')).register()).resolves.toBe(3)
})

it('is not put in place of one at which somebody answers', async () => {
  await expect(refuseTaken(folder)).rejects.toThrow('another agent')
  await listening.close()
  await expect(refuseTaken(folder)).resolves.toBeUndefined()
})
