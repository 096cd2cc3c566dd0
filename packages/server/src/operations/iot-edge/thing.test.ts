// What nodes say of devices, taken in as their sockets would hand it over, and read back through the operations; and calls.
import type { DeviceNews, DeviceReport } from '@littoral/contract/node/device-report'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'
import { reaper } from '../../loops/reaper.ts'
import { DeviceIntake } from '../../nodes/device-intake.ts'
import * as models from '../../store/iot-edge/thing-models.ts'
import * as nodes from '../../store/nodes.ts'

const stranger = { accountId: '2000000000000002' }

let door: Door
let intake: DeviceIntake
let nodeId: string
let bound: { InstanceId: string; DriverId: string }
let ref: { productKey: string; deviceName: string }
let named: { ProductKey: string; DeviceName: string }
let iotId: string
let other: { productKey: string; deviceName: string }
let seq = 0

beforeEach(async () => {
  door = await openDoor()
  bound = await door.assigned()
  nodeId = await door.node(await door.gateway(bound.InstanceId))
  const [first, second] = (await door.devices(2)) as [string, string]
  iotId = first
  await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...bound, IotIds: [first] })
  const nameOf = async (IotId: string) => {
    const { Data } = await door.call('QueryDeviceDetail', { IotId })
    return { productKey: String(Data.ProductKey), deviceName: String(Data.DeviceName) }
  }
  ref = await nameOf(first)
  other = await nameOf(second)
  named = { ProductKey: ref.productKey, DeviceName: ref.deviceName }
  intake = new DeviceIntake(nodeId, door.ctx)
})
afterEach(() => door.ctx.close())

async function say(news: Partial<DeviceNews>[], more: Partial<DeviceReport> = {}): Promise<boolean> {
  let isTaken = false
  const devices = news.map((entry) => ({ ...ref, driverId: bound.DriverId, properties: [], events: [], ...entry }))
  intake.take({ seq: ++seq, devices, ...more }, () => (isTaken = true))
  await intake.settled()
  return isTaken
}

const online = { state: { isOnline: true, sinceMs: 1000 } }
const status = async () => (await door.call('GetDeviceStatus', { IotId: iotId })).Data

describe('the state of a device', () => {
  it('is what its driver said, as long as its node is there', async () => {
    expect(await status()).toEqual({ Status: 'UNACTIVE' })
    expect(await say([online])).toBe(true)
    expect(await status()).toEqual({ Status: 'ONLINE', Timestamp: 1000 })
    await door.ctx.store.write(async (tx) => nodes.updateOffline(tx, nodeId, door.ctx.now()))
    expect((await status()).Status).toBe('OFFLINE')
    expect((await door.call('QueryDeviceDetail', named)).Data).toMatchObject({ Status: 'OFFLINE', GmtOnline: '2026-01-05 16:00:00' })
    expect((await door.call('QueryDevice', { ProductKey: named.ProductKey })).Data.DeviceInfo).toContainEqual(
      expect.objectContaining({ IotId: iotId, DeviceStatus: 'OFFLINE' }),
    )
  })

  it('is offline once the node connects and does not name it', async () => {
    await say([online])
    await say([], { online: [ref] })
    expect((await status()).Status).toBe('ONLINE')
    await say([], { online: [] })
    expect((await status()).Status).toBe('OFFLINE')
  })

  it('is nobody else’s to tell: a node is not heard on devices that are not bound behind it', async () => {
    expect(await say([{ ...online, ...other }])).toBe(true)
    expect((await door.call('GetDeviceStatus', { ProductKey: other.productKey, DeviceName: other.deviceName })).Data.Status).toBe(
      'UNACTIVE',
    )
  })

  it('is told to nobody but the account of the device', async () => {
    expect(await door.code('GetDeviceStatus', { IotId: iotId }, door.ctx.as(stranger))).toBe('iot.common.AuthActionPermissionDeny')
  })
})

describe('what a device reports', () => {
  const temperature = (value: string, atMs: number) => ({ name: 'temperature', value, atMs })
  const newest = async () => (await door.call('QueryDevicePropertyStatus', named)).Data.List.PropertyStatusInfo
  const history = async (fields: object) =>
    (await door.call('QueryDevicePropertyData', { ...named, Identifier: 'temperature', StartTime: 0, EndTime: 9999, ...fields })).Data

  it('is read as the newest value of each property, with types as far as they can be seen', async () => {
    await say([
      {
        properties: [temperature('21', 2000), { name: 'label', value: '"on <&>"', atMs: 2000 }, { name: 'axes', value: '[1,2]', atMs: 1 }],
      },
    ])
    // An older value that comes later does not replace a newer one.
    await say([{ properties: [temperature('19', 1500)] }])
    expect(await newest()).toEqual([
      { Identifier: 'axes', Name: 'axes', DataType: 'array', Value: '[1,2]', Time: '1' },
      { Identifier: 'label', Name: 'label', DataType: 'text', Value: 'on <&>', Time: '2000' },
      { Identifier: 'temperature', Name: 'temperature', DataType: 'double', Value: '21', Time: '2000' },
    ])
  })

  it('can be paged through in both directions', async () => {
    for (const atMs of [1000, 2000, 3000]) await say([{ properties: [temperature(String(atMs / 1000), atMs)] }])
    const first = await history({ Asc: 1, PageSize: 2 })
    expect(first).toEqual({
      List: {
        PropertyInfo: [
          { Time: '1000', Value: '1' },
          { Time: '2000', Value: '2' },
        ],
      },
      NextValid: true,
      NextTime: 3000,
    })
    expect(await history({ Asc: 1, PageSize: 2, StartTime: first.NextTime })).toEqual({
      List: { PropertyInfo: [{ Time: '3000', Value: '3' }] },
      NextValid: false,
    })
    // Newest first, the vendor's samples give the later end as StartTime.
    const back = await history({ StartTime: 9999, EndTime: 0, PageSize: 1 })
    expect(back).toEqual({ List: { PropertyInfo: [{ Time: '3000', Value: '3' }] }, NextValid: true, NextTime: 2000 })
  })

  it('counts once when the node has to say it twice', async () => {
    const event = { name: 'overheated', value: '{"at":41}', atMs: 1000 }
    await say([{ events: [event] }])
    await say([{ events: [event, { ...event, name: 'cooled' }] }])
    const events = async (fields: object = {}) =>
      (await door.call('QueryDeviceEventData', { ...named, StartTime: 0, EndTime: 9999, Asc: 1, ...fields })).Data.List.EventInfo
    expect((await events()).map(({ Identifier }: { Identifier: string }) => Identifier)).toEqual(['cooled', 'overheated'])
    expect(await events({ Identifier: 'overheated' })).toEqual([
      { Identifier: 'overheated', Name: 'overheated', OutputData: '{"at":41}', Time: '1000' },
    ])
    expect(await door.code('QueryDeviceEventData', { ...named, StartTime: 0, EndTime: 1, EventType: 'alert' })).toBe(
      'iot.common.InvalidParam',
    )
  })

  it('is forgotten after a week but for the newest values', async () => {
    await say([{ properties: [temperature('21', 2000)] }])
    door.ctx.clock.advance(8 * 24 * 3600 * 1000)
    await reaper.pass(door.ctx, AbortSignal.timeout(10_000))
    expect((await history({})).List.PropertyInfo).toEqual([])
    expect(await newest()).toHaveLength(1)
  })

  it('goes with the device', async () => {
    await say([{ ...online, properties: [temperature('21', 2000)] }])
    await door.call('BatchUnbindDeviceFromEdgeInstance', { InstanceId: bound.InstanceId, IotIds: [iotId] })
    expect(await door.code('DeleteDevice', { IotId: iotId })).toBe('Success')
  })
})

describe('the thing model of a product', () => {
  it('is the text that was imported last, and an empty model before', async () => {
    const { ProductKey } = named
    const read = async () => (await door.call('GetThingModelTsl', { ProductKey })).Data.TslStr
    expect(JSON.parse(await read())).toEqual({ profile: { productKey: ProductKey }, properties: [], events: [], services: [] })
    for (const TslStr of ['{"properties":[]}', '{"services":[ ]}']) {
      await door.call('ImportThingModelTsl', { ProductKey, TslStr })
      expect(await read()).toBe(TslStr)
    }
  })

  it('is refused when it is no object, is missing, or belongs to a product of somebody else', async () => {
    const { ProductKey } = named
    for (const fields of [
      { TslStr: '[]' },
      { TslStr: '{' },
      {},
      { TslStr: '{}', TslUrl: 'http://x' },
      { TslStr: '{}', FunctionBlockId: 'm' },
    ]) {
      expect(await door.code('ImportThingModelTsl', { ProductKey, ...fields })).toBe('iot.common.InvalidParam')
    }
    expect(await door.code('ImportThingModelTsl', { ProductKey: 'none', TslStr: '{}' })).toBe('iot.prod.NotExistedProduct')
    expect(await door.code('GetThingModelTsl', { ProductKey }, door.ctx.as(stranger))).toBe('iot.common.AuthActionPermissionDeny')
  })

  it('is found for a node with devices of the product behind its gateway, and for no other', async () => {
    const { ProductKey: productKey } = named
    await door.call('ImportThingModelTsl', { ProductKey: productKey, TslStr: '{"a":1}' })
    const find = (id: string) => door.ctx.store.read((tx) => models.findForNode(tx, id, productKey))
    expect(await find(nodeId)).toEqual({ isBound: true, model: '{"a":1}' })
    expect(await find(await door.node(await door.gateway((await door.assigned()).InstanceId, 'gateway_02')))).toEqual({ isBound: false })
  })
})

describe('a call of a device', () => {
  const invoke = (fields: object = {}) => ({ ...named, Identifier: 'calibrate', Args: '{"offset":0.5}', ...fields })
  const answering = (answer: object) => door.ctx.nodes.answers.set(nodeId, () => JSON.stringify(answer))

  it('reaches the node of its gateway with what was asked, and returns the answer', async () => {
    let asked: object = {}
    door.ctx.nodes.answers.set(nodeId, (request) => {
      asked = request
      return JSON.stringify({ code: 0, message: 'success', data: { isDone: true } })
    })
    const { Data } = await door.call('InvokeThingService', invoke())
    expect(JSON.parse(Data.Result)).toEqual({ isDone: true })
    expect(asked).toMatchObject({ ...ref, service: 'calibrate', params: '{"offset":0.5}' })
    await door.call('SetDeviceProperty', { ...named, Items: '{"interval":10}' })
    expect(asked).toMatchObject({ service: 'set', params: '{"interval":10}' })
  })

  it('that the driver refuses fails with its words', async () => {
    answering({ code: 109005, message: 'no such service', data: {} })
    await expect(door.call('InvokeThingService', invoke())).rejects.toThrow('code 109005, no such service')
  })

  it.each([
    ['NodeUnreachable', 'iot.device.DeviceOffline'],
    ['DeviceOffline', 'iot.device.DeviceOffline'],
    ['CallTimeout', 'iot.device.CallTimeout'],
    ['CallFailed', 'iot.device.CallFailed'],
  ])('that ends as %s is answered with %s', async (word, code) => {
    door.ctx.nodes.answers.set(nodeId, () => {
      throw Object.assign(new Error('because'), { code: word })
    })
    expect(await door.code('InvokeThingService', invoke())).toBe(code)
  })

  it('with more than a gateway takes at once is refused', async () => {
    answering({ code: 0, message: '', data: {} })
    const text = (length: number) => JSON.stringify({ a: 'x'.repeat(length - 8) })
    expect(await door.code('InvokeThingService', invoke({ Args: text(65_536) }))).toBe('Success')
    expect(await door.code('InvokeThingService', invoke({ Args: text(65_537) }))).toBe('iot.common.InvalidParam')
    expect(await door.code('SetDeviceProperty', { ...named, Items: text(65_537) })).toBe('iot.common.InvalidParam')
  })

  it('of a device that is in no instance, or with arguments that are no object, is refused', async () => {
    const loose = { ProductKey: other.productKey, DeviceName: other.deviceName }
    expect(await door.code('InvokeThingService', invoke(loose))).toBe('iot.device.DeviceOffline')
    expect(await door.code('InvokeThingService', invoke({ Args: '[1]' }))).toBe('iot.common.InvalidParam')
    expect(await door.code('InvokeThingService', invoke({ Args: '{' }))).toBe('iot.common.InvalidParam')
    expect(await door.code('InvokeThingService', invoke({ Identifier: 'set' }))).toBe('iot.common.InvalidParam')
    expect(await door.code('SetDeviceProperty', { ...named, Items: '{}' }, door.ctx.as(stranger))).toBe(
      'iot.common.AuthActionPermissionDeny',
    )
  })
})
