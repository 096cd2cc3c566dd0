import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'

const stranger = { accountId: '2000000000000002' }

describe('devices of an edge instance', () => {
  let door: Door
  let owner: { InstanceId: string; DriverId: string }
  let iotIds: string[]
  beforeEach(async () => {
    door = await openDoor({ settings: { limits: { devicesPerInstance: 3 } } })
    owner = await door.assigned()
    iotIds = await door.devices(4)
  })
  afterEach(() => door.ctx.close())

  const bind = (IotIds: unknown, fields: object = {}) =>
    door.code('BatchBindDeviceToEdgeInstanceWithDriver', { ...owner, IotIds, ...fields })
  const page = async (fields: object = {}) =>
    (await door.call('QueryEdgeInstanceDevice', { InstanceId: owner.InstanceId, CurrentPage: 1, PageSize: 10, ...fields })).Data
  const secondDriver = async () => {
    const DriverId = await door.driver('Second')
    await door.released(DriverId)
    await door.call('BindDriverToEdgeInstance', { InstanceId: owner.InstanceId, DriverId })
    return DriverId
  }

  it('binds devices with a driver and pages them, the last one first', async () => {
    expect(await bind([iotIds[0]])).toBe('Success')
    door.ctx.clock.advance(1)
    expect(await bind([iotIds[1], iotIds[1]])).toBe('Success')
    const { DeviceList, ...about } = await page({ PageSize: 0 })
    expect(about).toEqual({ CurrentPage: 1, PageSize: 10, Total: 2 })
    expect(DeviceList).toEqual([
      { IotId: iotIds[1], ProductKey: expect.stringMatching(/^a1/), DeviceName: 'sensor_2', DriverId: owner.DriverId },
      { IotId: iotIds[0], ProductKey: expect.stringMatching(/^a1/), DeviceName: 'sensor_1', DriverId: owner.DriverId },
    ])
    expect(await page({ CurrentPage: 2, PageSize: 1 })).toMatchObject({ DeviceList: [{ IotId: iotIds[0] }], Total: 2 })
    expect(await page({ CurrentPage: 9 })).toMatchObject({ DeviceList: [], Total: 2 })
    expect(await door.code('QueryEdgeInstanceDevice', { InstanceId: 'none', CurrentPage: 1, PageSize: 1 })).toBe(
      'iot.edge.InstanceNotExist',
    )
  })

  it('binds all devices of a call or none', async () => {
    expect(await bind([iotIds[0], 'none'])).toBe('iot.device.NotExistedDevice')
    const other = await door.assigned()
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...other, IotIds: [iotIds[1]] })
    expect(await bind([iotIds[0], iotIds[1]])).toBe('iot.edge.DeviceAlreadyBound')
    expect(await bind(iotIds)).toBe('iot.edge.DeviceAlreadyBound')
    expect(await page()).toMatchObject({ DeviceList: [], Total: 0 })
  })

  it('bounds the devices of an instance, however they come', async () => {
    expect(await bind(iotIds)).toBe('iot.edge.InstanceDeviceLimitation')
    expect((await page()).Total).toBe(0)
    expect(await bind(iotIds.slice(0, 3))).toBe('Success')
    expect(await bind([iotIds[3]])).toBe('iot.edge.InstanceDeviceLimitation')
    expect(await bind(iotIds.slice(0, 3))).toBe('Success')
  })

  it('says what is missing, the instance before the driver before the device', async () => {
    expect(await bind(['none'], { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await bind(['none'], { DriverId: 'none' })).toBe('iot.edge.InstanceDriverNotExist')
    expect(await bind(undefined)).toBe('MissingIotIds')
    expect(await bind(Array.from({ length: 21 }, String))).toBe('iot.common.ParameterSizeLimit')
    expect(await bind([''])).toBe('iot.common.InvalidParam')
    expect(await door.code('BatchBindDeviceToEdgeInstanceWithDriver', { ...owner, IotIds: iotIds }, door.ctx.as(stranger))).toBe(
      'iot.common.AuthActionPermissionDeny',
    )
  })

  it('takes no gateways', async () => {
    const gatewayId = await door.gateway(await door.instance())
    expect(await bind([gatewayId])).toBe('iot.common.InvalidParam')
  })

  it('moves a device to another driver, off its channel, and keeps its configuration', async () => {
    const [IotId] = iotIds
    await bind([IotId])
    const Configs = [{ Format: 'JSON', Content: '{"port":1}' }]
    const ChannelId = (await door.call('CreateEdgeInstanceChannel', { ...owner, ChannelName: 'one', Configs })).Data
    await door.call('BatchSetEdgeInstanceDeviceChannel', { ...owner, ChannelId, IotIds: [IotId] })
    await door.call('BatchSetEdgeInstanceDeviceConfig', { InstanceId: owner.InstanceId, DeviceConfigs: [{ IotId, Content: '{}' }] })
    const channels = async () => (await door.call('BatchGetEdgeInstanceDeviceChannel', { ...owner, IotIds: [IotId] })).DeviceChannelList
    await bind([IotId])
    expect(await channels()).toHaveLength(1)
    const DriverId = await secondDriver()
    expect(await bind([IotId], { DriverId })).toBe('Success')
    const answer = await door.call('BatchGetEdgeInstanceDeviceDriver', { InstanceId: owner.InstanceId, IotIds: [IotId, 'none'] })
    expect(answer.DeviceDriverList).toEqual([{ IotId, DriverId }])
    expect(await bind([IotId])).toBe('Success')
    expect(await channels()).toEqual([])
    const configs = await door.call('BatchGetEdgeInstanceDeviceConfig', { InstanceId: owner.InstanceId, IotIds: [IotId] })
    expect(configs.DeviceConfigList).toEqual([{ IotId, Config: { Format: 'JSON', Content: '{}' } }])
  })

  it('pages the devices of one driver, or of one channel', async () => {
    await bind(iotIds.slice(0, 2))
    const DriverId = await secondDriver()
    await bind([iotIds[2]], { DriverId })
    const Configs = [{ Format: 'JSON', Content: '{"port":1}' }]
    const ChannelId = (await door.call('CreateEdgeInstanceChannel', { ...owner, ChannelName: 'one', Configs })).Data
    await door.call('BatchSetEdgeInstanceDeviceChannel', { ...owner, ChannelId, IotIds: [iotIds[0]] })
    const paging = { CurrentPage: 1, PageSize: 10 }
    const query = async (fields: object) => (await door.call('QueryEdgeInstanceDeviceByDriver', { ...owner, ...paging, ...fields })).Data
    expect((await query({})).Total).toBe(2)
    expect(await query({ DriverId })).toEqual({ DeviceList: [{ IotId: iotIds[2] }], ...paging, Total: 1 })
    expect(await query({ ChannelId })).toEqual({ DeviceList: [{ IotId: iotIds[0] }], ...paging, Total: 1 })
    expect(await query({ ChannelId: 'none' })).toMatchObject({ DeviceList: [], Total: 0 })
    const code = (fields: object) => door.code('QueryEdgeInstanceDeviceByDriver', { ...owner, ...paging, ...fields })
    expect(await code({ DriverId: 'none' })).toBe('iot.edge.InstanceDriverNotExist')
    expect(await code({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await code({ PageSize: 'x' })).toBe('iot.common.InvalidPageParams')
  })

  it('takes devices out with their configuration and passes over strangers', async () => {
    const { InstanceId } = owner
    await bind(iotIds.slice(0, 2))
    await door.call('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs: [{ IotId: iotIds[0], Content: '{}' }] })
    const other = await door.assigned()
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...other, IotIds: [iotIds[2]] })
    const unbind = (fields: object) => door.code('BatchUnbindDeviceFromEdgeInstance', { InstanceId, IotIds: iotIds, ...fields })
    expect(await unbind({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await unbind({ IotIds: Array.from({ length: 21 }, String) })).toBe('iot.common.ParameterSizeLimit')
    expect(await unbind({ IotIds: ['none', iotIds[0], iotIds[2]] })).toBe('Success')
    expect((await page()).DeviceList).toMatchObject([{ IotId: iotIds[1] }])
    expect((await page({ InstanceId: other.InstanceId })).Total).toBe(1)
    await bind([iotIds[0]])
    const { DeviceConfigList } = await door.call('BatchGetEdgeInstanceDeviceConfig', { InstanceId, IotIds: iotIds })
    expect(DeviceConfigList).toEqual([{ IotId: iotIds[0] }, { IotId: iotIds[1] }])
  })

  it('tells whether devices are bound, as gateway or behind one', async () => {
    const gatewayId = await door.gateway(owner.InstanceId)
    await bind([iotIds[0]])
    const status = async (IotIds: unknown, ctx = door.ctx) => (await door.call('BatchGetDeviceBindStatus', { IotIds }, ctx)).Data
    expect(await status([iotIds[1], gatewayId, 'none', iotIds[0]])).toEqual([
      { IotId: iotIds[1], BindStatus: 0 },
      { IotId: gatewayId, BindStatus: 1, InstanceId: owner.InstanceId },
      { IotId: iotIds[0], BindStatus: 1, InstanceId: owner.InstanceId },
    ])
    expect(await status([iotIds[0]], door.ctx.as(stranger))).toEqual([])
    expect(await door.code('BatchGetDeviceBindStatus', { IotIds: Array.from({ length: 21 }, String) })).toBe(
      'iot.common.ParameterSizeLimit',
    )
  })

  it('lists which driver each device uses in bounded calls', async () => {
    const code = (fields: object) =>
      door.code('BatchGetEdgeInstanceDeviceDriver', { InstanceId: owner.InstanceId, IotIds: iotIds, ...fields })
    expect(await code({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await code({ IotIds: Array.from({ length: 21 }, String) })).toBe('iot.common.ParameterSizeLimit')
  })
})
