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

  const stranger = { accountId: '2000000000000002' }

  it('lists and reads products with the number of their devices', async () => {
    const first = await product({ AliyunCommodityCode: 'iothub', CategoryKey: 'Lighting' })
    await door.call('RegisterDevice', { ProductKey: first, DeviceName: 'gateway_1' })
    door.ctx.clock.advance(1)
    const second = await product({ ProductName: 'sensors', NodeType: 0, AliyunCommodityCode: 'iothub_senior', Description: '"iothub"' })
    const list = async (fields: object = {}) => (await door.call('QueryProductList', { CurrentPage: 1, PageSize: 10, ...fields })).Data
    const about = { DataFormat: 1, AuthType: 'secret' }
    expect(await list()).toEqual({
      List: {
        ProductInfo: [
          {
            ProductKey: second,
            ProductName: 'sensors',
            NodeType: 0,
            Description: '"iothub"',
            DeviceCount: 0,
            GmtCreate: door.ctx.now(),
            ...about,
          },
          { ProductKey: first, ProductName: 'gateways', NodeType: 1, DeviceCount: 1, GmtCreate: door.ctx.now() - 1, ...about },
        ],
      },
      CurrentPage: 1,
      PageSize: 10,
      PageCount: 1,
      Total: 2,
    })
    expect(await list({ AliyunCommodityCode: 'iothub' })).toMatchObject({ List: { ProductInfo: [{ ProductKey: first }] }, Total: 1 })
    expect(await list({ ResourceGroupId: 'none' })).toMatchObject({ List: { ProductInfo: [] }, Total: 0 })
    expect(await list({ CurrentPage: 2, PageSize: 1 })).toMatchObject({ List: { ProductInfo: [{ ProductKey: first }] }, PageCount: 2 })
    expect((await door.call('QueryProduct', { ProductKey: first })).Data).toMatchObject({
      DeviceCount: 1,
      Owner: true,
      CategoryKey: 'Lighting',
      GmtCreate: door.ctx.now() - 1,
    })
    expect(await door.code('QueryProduct', { ProductKey: 'none' })).toBe('iot.prod.NotExistedProduct')
    expect(await door.code('QueryProduct', { ProductKey: first }, door.ctx.as(stranger))).toBe('iot.common.AuthActionPermissionDeny')
    expect(await door.code('QueryProductList', { CurrentPage: 'x', PageSize: 1 })).toBe('iot.common.InvalidPageParams')
  })

  it('pages the devices of a product, newest first', async () => {
    const ProductKey = await product()
    const first = (await door.call('RegisterDevice', { ProductKey, DeviceName: 'gateway_1' })).Data
    door.ctx.clock.advance(1)
    const second = (await door.call('RegisterDevice', { ProductKey, DeviceName: 'gateway_2', Nickname: 'door' })).Data
    await door.node(first.IotId)
    const { DeviceSecret, ...unnamed } = first
    const list = (fields: object = {}) => door.call('QueryDevice', { ProductKey, ...fields })
    expect(await list()).toEqual({
      Data: {
        DeviceInfo: [
          expect.objectContaining({ IotId: second.IotId, Nickname: 'door', DeviceStatus: 'UNACTIVE' }),
          {
            ...unnamed,
            DeviceSecret,
            DeviceId: first.IotId,
            DeviceStatus: 'ONLINE',
            GmtCreate: '2026-01-05 16:00:00',
            UtcCreate: '2026-01-05T08:00:00.000Z',
          },
        ],
      },
      Page: 1,
      PageSize: 10,
      PageCount: 1,
      Total: 2,
    })
    expect(await list({ CurrentPage: 2, PageSize: 1 })).toMatchObject({ Data: { DeviceInfo: [{ IotId: first.IotId }] }, PageCount: 2 })
    expect(await list({ PageSize: 99 })).toMatchObject({ PageSize: 50 })
    expect(await door.code('QueryDevice', { ProductKey, NextToken: 'x' })).toBe('iot.common.InvalidParam')
    expect(await door.code('QueryDevice', { ProductKey: 'none' })).toBe('iot.prod.NotExistedProduct')
    expect(await door.code('QueryDevice', { ProductKey, PageSize: 'x' })).toBe('iot.common.InvalidPageParams')
  })

  it('deletes devices that are nowhere, and products without devices', async () => {
    const owner = await door.assigned()
    const [IotId] = await door.devices(1)
    const { ProductKey } = (await door.call('QueryDeviceDetail', { IotId })).Data
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...owner, IotIds: [IotId] })
    const remove = (fields: object = { IotId }) => door.code('DeleteDevice', { ...fields })
    expect(await remove()).toBe('iot.edge.DeviceAlreadyBound')
    expect(await remove({ IotId: await door.gateway(owner.InstanceId) })).toBe('iot.edge.DeviceAlreadyBound')
    await door.call('BatchUnbindDeviceFromEdgeInstance', { InstanceId: owner.InstanceId, IotIds: [IotId] })
    expect(await door.code('DeleteProduct', { ProductKey })).toBe('iot.prod.ProductHasDevice')
    expect(await door.code('DeleteDevice', { IotId }, door.ctx.as(stranger))).toBe('iot.common.AuthActionPermissionDeny')
    expect(await remove({ ProductKey, DeviceName: 'sensor_1' })).toBe('Success')
    expect(await remove()).toBe('iot.device.NotExistedDevice')
    expect(await remove({})).toBe('iot.common.InvalidParam')
    expect(await door.code('DeleteProduct', { ProductKey })).toBe('Success')
    expect(await door.code('DeleteProduct', { ProductKey })).toBe('iot.prod.NotExistedProduct')
  })
})
