import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'

describe('channels', () => {
  let door: Door
  let owner: { InstanceId: string; DriverId: string }
  beforeEach(async () => {
    door = await openDoor({ settings: { limits: { channelsPerInstance: 3 } } })
    owner = await door.assigned()
  })
  afterEach(() => door.ctx.close())

  const json = { Format: 'JSON', Content: '{"port":1}', Key: 'key1' }
  const create = (ChannelName: unknown, Configs: unknown = [json], fields: object = {}) =>
    door.code('CreateEdgeInstanceChannel', { ...owner, ChannelName, Configs, ...fields })
  const created = async (ChannelName: string) =>
    (await door.call('CreateEdgeInstanceChannel', { ...owner, ChannelName, Configs: [json] })).Data as string
  const get = async (ChannelIds: unknown) => (await door.call('BatchGetEdgeInstanceChannel', { ...owner, ChannelIds })).Data

  it('answers the id as bare text and reads channels in wrapper objects', async () => {
    const first = await created('串口_1')
    expect(first).toMatch(/^[0-9A-F]{32}$/)
    door.ctx.clock.advance(1000)
    const second = await created('tcp')
    const config = { ConfigId: expect.stringMatching(/^[0-9a-f]{32}$/), ...json }
    const shown = { ChannelId: first, ChannelName: '串口_1', ConfigList: { Config: [config] } }
    expect(await get([second, 'none', first, first])).toEqual({ Channel: [expect.objectContaining({ ChannelId: second }), shown] })
    const times = {
      GmtCreate: '2026-01-05 16:00:00',
      GmtCreateTimestamp: door.ctx.now() - 1000,
      GmtModified: '2026-01-05 16:00:00',
      GmtModifiedTimestamp: door.ctx.now() - 1000,
    }
    const query = async (fields: object = {}) =>
      (await door.call('QueryEdgeInstanceChannel', { ...owner, CurrentPage: 1, PageSize: 10, ...fields })).Data
    expect(await query()).toEqual({
      ChannelList: { Channel: [expect.objectContaining({ ChannelId: second }), { ...shown, ...times }] },
      CurrentPage: 1,
      PageSize: 10,
      Total: 2,
    })
    expect(await query({ ChannelName: '口' })).toMatchObject({ ChannelList: { Channel: [{ ChannelId: first }] }, Total: 1 })
    expect(await query({ ChannelName: 'TCP' })).toMatchObject({ ChannelList: { Channel: [] }, Total: 0 })
  })

  it('renames a channel and replaces its configuration', async () => {
    const ChannelId = await created('before')
    const before = (await get([ChannelId])).Channel[0].ConfigList.Config[0].ConfigId
    const update = (fields: object) =>
      door.code('UpdateEdgeInstanceChannel', { ...owner, ChannelId, ChannelName: 'after', Configs: [{ ...json, Content: '2' }], ...fields })
    expect(await update({})).toBe('Success')
    const [channel] = (await get([ChannelId])).Channel
    expect(channel).toMatchObject({ ChannelName: 'after', ConfigList: { Config: [{ Content: '2' }] } })
    expect(channel.ConfigList.Config[0].ConfigId).not.toBe(before)
    await created('taken')
    expect(await update({ ChannelName: 'taken' })).toBe('iot.edge.ChannelNameExist')
    expect(await update({ ChannelId: 'none' })).toBe('iot.edge.ChannelNotExist')
    expect(await update({ DriverId: 'none' })).toBe('iot.edge.InstanceDriverNotExist')
    expect(await update({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await update({ ChannelName: '实'.repeat(16) })).toBe('iot.common.InvalidParam')
    expect(await update({ Configs: Array.from({ length: 21 }, () => json) })).toBe('iot.common.ParameterSizeLimit')
  })

  it('keeps names unique in the instance and channels bounded', async () => {
    expect(await create('one')).toBe('Success')
    expect(await create('one')).toBe('iot.edge.ChannelNameExist')
    const DriverId = await door.driver('Second')
    await door.released(DriverId)
    await door.call('BindDriverToEdgeInstance', { InstanceId: owner.InstanceId, DriverId })
    expect(await create('one', [json], { DriverId })).toBe('iot.edge.ChannelNameExist')
    expect(await create('two', [json], { DriverId })).toBe('Success')
    expect(await create('three')).toBe('Success')
    expect(await create('four')).toBe('iot.common.ParameterSizeLimit')
  })

  it.each([
    ['a name with a hyphen', 'a-b', [json], 'iot.common.InvalidParam'],
    ['a name of 31 characters', 'x'.repeat(31), [json], 'iot.common.InvalidParam'],
    ['a name of sixteen Chinese characters', '实'.repeat(16), [json], 'iot.common.InvalidParam'],
    ['no configuration', 'one', undefined, 'MissingConfigs'],
    ['a key twice', 'one', [json, json], 'iot.common.InvalidParam'],
    ['pairs that are none', 'one', [{ Format: 'KV', Content: '{"a":1}' }], 'iot.common.InvalidParam'],
    ['a file from elsewhere', 'one', [{ Format: 'FILE', Content: 'http://elsewhere.test/a.json' }], 'iot.common.InvalidParam'],
    ['too many blocks', 'one', Array.from({ length: 21 }, () => json), 'iot.common.ParameterSizeLimit'],
  ])('refuses %s', async (_, name, configs, code) => {
    expect(await door.code('CreateEdgeInstanceChannel', { ...owner, ChannelName: name, Configs: configs })).toBe(code)
  })

  it('belongs to one assigned driver', async () => {
    const ChannelId = await created('one')
    expect(await create('two', [json], { DriverId: 'none' })).toBe('iot.edge.InstanceDriverNotExist')
    expect(await create('two', [json], { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    for (const [action, fields] of [
      ['BatchGetEdgeInstanceChannel', { ChannelIds: [ChannelId] }],
      ['BatchDeleteEdgeInstanceChannel', { ChannelIds: [ChannelId] }],
      ['QueryEdgeInstanceChannel', { CurrentPage: 1, PageSize: 1 }],
    ] as const) {
      expect(await door.code(action, { ...owner, ...fields, DriverId: 'none' })).toBe('iot.edge.InstanceDriverNotExist')
      expect(await door.code(action, { ...owner, ...fields, InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    }
    const ChannelIds = Array.from({ length: 21 }, String)
    expect(await door.code('BatchGetEdgeInstanceChannel', { ...owner, ChannelIds })).toBe('iot.common.ParameterSizeLimit')
    expect(await door.code('BatchDeleteEdgeInstanceChannel', { ...owner, ChannelIds })).toBe('iot.common.ParameterSizeLimit')
    expect(await door.code('QueryEdgeInstanceChannel', { ...owner, CurrentPage: 'x', PageSize: 1 })).toBe('iot.common.InvalidPageParams')
  })

  it('deletes channels; their devices stay and are on none', async () => {
    const ChannelId = await created('one')
    const [IotId] = await door.devices(1)
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...owner, IotIds: [IotId] })
    await door.call('BatchSetEdgeInstanceDeviceChannel', { ...owner, ChannelId, IotIds: [IotId] })
    expect(await door.code('BatchDeleteEdgeInstanceChannel', { ...owner, ChannelIds: [ChannelId, 'none'] })).toBe('Success')
    expect(await get([ChannelId])).toEqual({ Channel: [] })
    expect((await door.call('BatchGetEdgeInstanceDeviceChannel', { ...owner, IotIds: [IotId] })).DeviceChannelList).toEqual([])
    expect((await door.call('BatchGetEdgeInstanceDeviceDriver', { ...owner, IotIds: [IotId] })).DeviceDriverList).toHaveLength(1)
  })
})
