import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'

const many = Array.from({ length: 21 }, String)

describe('configurations and channels of devices', () => {
  let door: Door
  let owner: { InstanceId: string; DriverId: string }
  let iotIds: string[]
  beforeEach(async () => {
    door = await openDoor()
    owner = await door.assigned()
    iotIds = await door.devices(3)
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...owner, IotIds: iotIds.slice(0, 2) })
  })
  afterEach(() => door.ctx.close())

  const set = (DeviceConfigs: unknown, fields: object = {}) =>
    door.code('BatchSetEdgeInstanceDeviceConfig', { InstanceId: owner.InstanceId, DeviceConfigs, ...fields })
  const get = async (IotIds: unknown = iotIds) =>
    (await door.call('BatchGetEdgeInstanceDeviceConfig', { InstanceId: owner.InstanceId, IotIds })).DeviceConfigList

  it('sets, replaces and clears configurations; a device without one has no Config', async () => {
    expect(
      await set([
        { IotId: iotIds[0], Content: '{"slaveId": 1}' },
        { IotId: iotIds[1], Content: '{"slaveId":2}' },
      ]),
    ).toBe('Success')
    expect(await get([iotIds[1], iotIds[2], iotIds[0]])).toEqual([
      { IotId: iotIds[1], Config: { Format: 'JSON', Content: '{"slaveId":2}' } },
      { IotId: iotIds[0], Config: { Format: 'JSON', Content: '{"slaveId": 1}' } },
    ])
    await set([{ IotId: iotIds[0], Content: '{"slaveId":3}' }])
    const clear = (fields: object) => door.code('BatchClearEdgeInstanceDeviceConfig', { InstanceId: owner.InstanceId, ...fields })
    expect(await clear({ IotIds: [iotIds[1], iotIds[2]] })).toBe('Success')
    expect(await clear({ IotIds: [iotIds[1]] })).toBe('Success')
    expect(await get()).toEqual([{ IotId: iotIds[0], Config: { Format: 'JSON', Content: '{"slaveId":3}' } }, { IotId: iotIds[1] }])
    expect(await clear({ IotIds: many })).toBe('iot.common.ParameterSizeLimit')
    expect(await clear({ IotIds: iotIds, InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
  })

  it('sets all configurations of a call or none', async () => {
    const good = { IotId: iotIds[0], Content: '{}' }
    expect(await set([good, { IotId: iotIds[2], Content: '{}' }])).toBe('iot.edge.InstanceDeviceNotExist')
    expect(await set([good, { IotId: iotIds[1], Content: '{' }])).toBe('iot.common.InvalidParam')
    expect(await set([good, good])).toBe('iot.common.InvalidParam')
    expect(await get()).toEqual([{ IotId: iotIds[0] }, { IotId: iotIds[1] }])
  })

  it.each([
    ['text that is neither JSON nor an address', 'slaveId=1', 'iot.common.InvalidParam'],
    ["an address that is somebody else's", 'http://elsewhere.test/a.json', 'iot.common.InvalidParam'],
    ['more than 1 KB of JSON', JSON.stringify('x'.repeat(1023)), 'iot.common.InvalidParam'],
    ['exactly 1 KB of JSON', JSON.stringify('x'.repeat(1022)), 'Success'],
    ['nothing', '', 'iot.common.InvalidParam'],
  ])('answers %s', async (_, Content, code) => {
    expect(await set([{ IotId: iotIds[0], Content }])).toBe(code)
  })

  it('names the entry that is wrong', async () => {
    const refused = door.call('BatchSetEdgeInstanceDeviceConfig', {
      InstanceId: owner.InstanceId,
      DeviceConfigs: [
        { IotId: iotIds[0], Content: '{}' },
        { IotId: iotIds[1], Content: '{' },
      ],
    })
    await expect(refused).rejects.toThrow('DeviceConfigs.2.Content')
  })

  it('bounds a call and insists on its parts', async () => {
    expect(await set(many.map((IotId) => ({ IotId, Content: '{}' })))).toBe('iot.common.ParameterSizeLimit')
    expect(await set([{ IotId: iotIds[0] }])).toBe('iot.common.InvalidParam')
    expect(await set(undefined)).toBe('MissingDeviceConfigs')
    expect(await set([{ IotId: iotIds[0], Content: '{}' }], { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    const read = (fields: object) =>
      door.code('BatchGetEdgeInstanceDeviceConfig', { InstanceId: owner.InstanceId, IotIds: iotIds, ...fields })
    expect(await read({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await read({ IotIds: many })).toBe('iot.common.ParameterSizeLimit')
  })

  it('takes the JSON out of an uploaded file, shows the address, and keeps the text as it was', async () => {
    const Content = await door.uploaded(
      owner.DriverId,
      { Type: 'INSTANCE_DRIVER_VERSION_CONFIG', FileName: 'c.json', InstanceId: owner.InstanceId },
      20,
    )
    const key = door.ctx.objects.keyOf(Content) ?? ''
    const stored = (text: string) => door.ctx.objects.stored.set(key, { sizeBytes: 20, sha256: 'ab'.repeat(32), text })
    stored('no json')
    expect(await set([{ IotId: iotIds[0], Content }])).toBe('iot.common.InvalidParam')
    stored('{"slaveId":7}')
    expect(await set([{ IotId: iotIds[0], Content }])).toBe('Success')
    stored('{"slaveId":8}')
    expect(await get([iotIds[0]])).toEqual([{ IotId: iotIds[0], Config: { Format: 'FILE', Content } }])
    await door.gateway(owner.InstanceId)
    await door.call('CreateEdgeInstanceDeployment', { InstanceId: owner.InstanceId, Type: 'deploy' })
    const large = await door.uploaded(
      owner.DriverId,
      { Type: 'INSTANCE_DRIVER_VERSION_CONFIG', FileName: 'l.json', InstanceId: owner.InstanceId },
      1025,
    )
    expect(await set([{ IotId: iotIds[0], Content: large }])).toBe('iot.common.InvalidParam')
    const request = { Type: 'INSTANCE_DRIVER_VERSION_CONFIG', ResourceId: owner.DriverId, ResourceVersion: '1.0.0', FileName: 'never.json' }
    const never = (await door.call('CreateEdgeOssPreSignedAddress', { ...request, InstanceId: owner.InstanceId })).Data.OssAddress
    expect(await set([{ IotId: iotIds[0], Content: never }])).toBe('iot.common.InvalidParam')
  })

  const json = { Format: 'JSON', Content: '{"port":1}' }
  const channel = async (ChannelName: string) =>
    (await door.call('CreateEdgeInstanceChannel', { ...owner, ChannelName, Configs: [json] })).Data as string
  const attach = (ChannelId: string, IotIds: unknown, fields: object = {}) =>
    door.code('BatchSetEdgeInstanceDeviceChannel', { ...owner, ChannelId, IotIds, ...fields })
  const attached = async (IotIds: unknown = iotIds) =>
    (await door.call('BatchGetEdgeInstanceDeviceChannel', { ...owner, IotIds })).DeviceChannelList

  it('puts a device on one channel at a time; devices without one are left out', async () => {
    const [first, second] = [await channel('first'), await channel('second')]
    expect(await attach(first, [iotIds[0]])).toBe('Success')
    expect(await attached()).toEqual([{ IotId: iotIds[0], ChannelId: first, ChannelName: 'first' }])
    expect(await attach(second, [iotIds[0], iotIds[1]])).toBe('Success')
    expect(await attached([iotIds[1], iotIds[0]])).toEqual([
      { IotId: iotIds[1], ChannelId: second, ChannelName: 'second' },
      { IotId: iotIds[0], ChannelId: second, ChannelName: 'second' },
    ])
  })

  it('puts all devices of a call on the channel or none, and only those of its driver', async () => {
    const id = await channel('first')
    expect(await attach(id, [iotIds[0], iotIds[2]])).toBe('iot.edge.InstanceDeviceNotExist')
    const DriverId = await door.driver('Second')
    await door.released(DriverId)
    await door.call('BindDriverToEdgeInstance', { InstanceId: owner.InstanceId, DriverId })
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { InstanceId: owner.InstanceId, DriverId, IotIds: [iotIds[1]] })
    expect(await attach(id, [iotIds[0], iotIds[1]])).toBe('iot.edge.InstanceDeviceNotExist')
    expect(await attached()).toEqual([])
    expect(await attach(id, [iotIds[1]], { DriverId })).toBe('iot.edge.ChannelNotExist')
    expect(await attach('none', [iotIds[0]])).toBe('iot.edge.ChannelNotExist')
    expect(await attach(id, [iotIds[0]], { DriverId: 'none' })).toBe('iot.edge.InstanceDriverNotExist')
    expect(await attach(id, [iotIds[0]], { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await attach(id, many)).toBe('iot.common.ParameterSizeLimit')
    const read = (fields: object) => door.code('BatchGetEdgeInstanceDeviceChannel', { ...owner, IotIds: iotIds, ...fields })
    expect(await read({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await read({ DriverId: 'none' })).toBe('iot.edge.InstanceDriverNotExist')
    expect(await read({ IotIds: many })).toBe('iot.common.ParameterSizeLimit')
  })
})
