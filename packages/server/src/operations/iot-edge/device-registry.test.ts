import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'
import * as nodes from '../../store/nodes.ts'

describe('the device registry', () => {
  let door: Door
  beforeEach(async () => {
    door = await openDoor()
  })
  afterEach(() => door.ctx.close())

  const product = async (fields: Record<string, unknown> = {}) =>
    (await door.call('CreateProduct', { ProductName: 'gateways', NodeType: 1, ...fields })).ProductKey as string

  it('creates a product and echoes what it keeps', async () => {
    const answer = await door.call('CreateProduct', {
      ProductName: '网关_1',
      NodeType: 1,
      Description: 'at the door',
      ProtocolType: 'modbus',
    })
    expect(answer.ProductKey).toMatch(/^[A-Za-z0-9]{11}$/)
    const kept = { ProductName: '网关_1', NodeType: 1, Description: 'at the door', ProtocolType: 'modbus' }
    expect(answer.Data).toEqual({ ProductKey: answer.ProductKey, ...kept, DataFormat: 1, AuthType: 'secret', Id2: false })
  })

  it.each([
    ['a short name', { ProductName: 'abc' }, 'iot.prod.InvalidFormattedProductName'],
    ['a long description', { Description: 'd'.repeat(101) }, 'iot.prod.LongProductDesc'],
    ['another node type', { NodeType: 2 }, 'iot.common.InvalidParam'],
    ['another way to prove oneself', { AuthType: 'x509' }, 'iot.common.InvalidParam'],
    ['an internet device id', { Id2: true }, 'iot.common.InvalidParam'],
    ['a join permission', { JoinPermissionId: '1' }, 'iot.common.InvalidParam'],
  ])('refuses a product with %s', async (_, fields, code) => {
    expect(await door.code('CreateProduct', { ProductName: 'gateways', NodeType: 1, ...fields })).toBe(code)
  })

  it('keeps product names and device names unique', async () => {
    const ProductKey = await product()
    expect(await door.code('CreateProduct', { ProductName: 'gateways', NodeType: 0 })).toBe('iot.prod.AlreadyExistedProductName')
    await door.call('RegisterDevice', { ProductKey, DeviceName: 'gateway_1' })
    expect(await door.code('RegisterDevice', { ProductKey, DeviceName: 'gateway_1' })).toBe('iot.device.AlreadyExistedDeviceName')
  })

  it('registers devices with a secret, and makes up a name where none is sent', async () => {
    const ProductKey = await product()
    const { Data } = await door.call('RegisterDevice', { ProductKey, Nickname: 'door' })
    expect(Data).toMatchObject({ ProductKey, Nickname: 'door' })
    expect(Data.DeviceSecret).toMatch(/^[0-9a-f]{32}$/)
    expect(Data.DeviceName).toMatch(/^[A-Za-z0-9]{4,32}$/)
    expect(await door.code('RegisterDevice', { ProductKey, DeviceName: 'abc' })).toBe('iot.device.InvalidFormattedDeviceName')
    expect(await door.code('RegisterDevice', { ProductKey, DevEui: '1' })).toBe('iot.common.InvalidParam')
    expect(await door.code('RegisterDevice', { ProductKey: 'none', DeviceName: 'gateway_1' })).toBe('iot.prod.NotExistedProduct')
  })

  it('shows a device as inactive, online and offline by its node', async () => {
    const ProductKey = await product()
    const device = { ProductKey, DeviceName: 'gateway_1' }
    const { IotId, DeviceSecret } = (await door.call('RegisterDevice', device)).Data
    const read = async () => (await door.call('QueryDeviceDetail', device)).Data
    const named = { IotId, ProductKey, ProductName: 'gateways', DeviceName: 'gateway_1', DeviceSecret, NodeType: 1, Owner: true }
    const created = { GmtCreate: '2026-01-05 16:00:00', UtcCreate: '2026-01-05T08:00:00.000Z' }
    expect(await read()).toEqual({ ...named, ...created, Status: 'UNACTIVE' })
    const nodeId = await door.node(IotId)
    expect(await read()).toMatchObject({
      Status: 'ONLINE',
      IpAddress: '10.0.0.5',
      FirmwareVersion: '2.9.7',
      GmtOnline: '2026-01-05 16:00:00',
    })
    await door.ctx.store.write(async (tx) => nodes.updateOffline(tx, nodeId, door.ctx.now()))
    expect((await door.call('QueryDeviceDetail', { IotId })).Data.Status).toBe('OFFLINE')
    expect(await door.code('QueryDeviceDetail', { IotId: 'none' })).toBe('iot.device.NotExistedDevice')
    expect(await door.code('QueryDeviceDetail')).toBe('iot.common.InvalidParam')
    expect(await door.code('QueryDeviceDetail', { IotId }, door.ctx.as({ accountId: '2000000000000002' }))).toBe(
      'iot.common.AuthActionPermissionDeny',
    )
  })
})
