import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'
import { db } from '../../store/db.ts'
import * as instanceDrivers from '../../store/iot-edge/instance-drivers.ts'

describe('drivers of an edge instance', () => {
  let door: Door
  let DriverId: string
  let InstanceId: string
  beforeEach(async () => {
    door = await openDoor({ settings: { limits: { driversPerInstance: 2 } } })
    DriverId = await door.driver()
    InstanceId = await door.instance()
  })
  afterEach(() => door.ctx.close())

  const bind = (fields: Record<string, unknown> = {}) => door.code('BindDriverToEdgeInstance', { InstanceId, DriverId, ...fields })
  const assigned = () => door.ctx.store.read((tx) => instanceDrivers.get(tx, InstanceId, DriverId))

  it('assigns the newest released version when none is named', async () => {
    await door.released(DriverId, '2.0.0')
    door.ctx.clock.advance(1)
    await door.released(DriverId, '1.0.0')
    door.ctx.clock.advance(1)
    await door.call('CreateEdgeDriverVersion', { DriverId, DriverVersion: '3.0.0', EdgeVersion: '2' })
    expect(await bind({ OrderId: '42' })).toBe('Success')
    expect(await assigned()).toMatchObject({ version: '1.0.0', orderId: '42' })
  })

  it('refuses unreleased versions, unless the operator allows them', async () => {
    await door.call('CreateEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0', EdgeVersion: '2' })
    expect(await bind({ DriverVersion: '1.0.0' })).toBe('iot.edge.DriverVersionNotReleased')
    expect(await bind()).toBe('iot.edge.DriverVersionNotReleased')
    const lenient = { ...door.ctx, settings: { ...door.ctx.settings, mayBindUnreleased: true } }
    expect(await door.code('BindDriverToEdgeInstance', { InstanceId, DriverId, DriverVersion: '1.0.0' }, lenient)).toBe('Success')
    expect(await door.code('DeleteEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0' })).toBe('iot.common.InvalidParam')
    expect(await door.code('DeleteEdgeDriver', { DriverId })).toBe('iot.edge.DriverHasReleasedVersion')
  })

  it('says what is missing, the instance before the driver', async () => {
    expect(await bind({ InstanceId: 'none', DriverId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await bind({ DriverId: 'none' })).toBe('iot.edge.DriverNotExist')
    expect(await bind({ DriverVersion: '9' })).toBe('iot.edge.DriverVersionNotExist')
  })

  it('puts no drivers into a lite instance', async () => {
    await door.released(DriverId)
    expect(await bind({ InstanceId: await door.instance({ Spec: 10 }) })).toBe('iot.common.InvalidParam')
  })

  const json = { Format: 'JSON', Content: '{"a":1}', Key: 'one' }
  const configure = (Configs: unknown, fields: Record<string, unknown> = {}) =>
    door.code('SetEdgeInstanceDriverConfigs', { InstanceId, DriverId, Configs, ...fields })

  it('switches to another version in place and keeps the configuration', async () => {
    await door.released(DriverId, '1.0.0')
    await door.released(DriverId, '2.0.0')
    await bind({ DriverVersion: '1.0.0' })
    await configure([json])
    await bind({ DriverVersion: '2.0.0' })
    expect(await assigned()).toMatchObject({ version: '2.0.0', configs: [{ content: '{"a":1}' }] })
  })

  it('bounds the drivers of an instance and keeps their names apart', async () => {
    for (const name of ['A', 'B', 'C']) {
      const id = await door.driver(name)
      await door.released(id)
      expect(await bind({ DriverId: id })).toBe(name === 'C' ? 'iot.edge.InstanceDriverLimitation' : 'Success')
    }
    const second = await door.instance()
    await door.released(DriverId)
    await bind({ InstanceId: second })
    const official = { id: 'official', account_id: 'operator', name: 'MyDriver', protocol: 'modbus', runtime: 'c', is_built_in: 1, type: 0 }
    const times = { created_at_ms: 1, modified_at_ms: 1 }
    const version = {
      driver_id: 'official',
      version: '1',
      account_id: 'operator',
      is_released: 1,
      content: '{"edgeVersion":"2","configs":[]}',
    }
    await door.ctx.store.write(async (tx) => {
      tx.run(db.insertInto('drivers').values({ ...official, ...times }))
      tx.run(db.insertInto('driver_versions').values({ ...version, ...times }))
    })
    expect(await bind({ InstanceId: second, DriverId: 'official' })).toBe('iot.edge.InstanceHasSameNameDriver')
    expect(await door.code('DeleteEdgeDriver', { DriverId: 'official' })).toBe('iot.common.AuthActionPermissionDeny')
  })

  it('replaces the whole configuration, with new ids', async () => {
    await door.released(DriverId)
    await bind()
    await configure([json, { Format: 'KV', Content: '[{"key":"ip","value":"127.0.0.1"}]' }])
    const before = (await assigned()).configs
    expect(await configure([json])).toBe('Success')
    const after = (await assigned()).configs
    expect(after).toHaveLength(1)
    expect(before.map(({ id }) => id)).not.toContain(after[0]?.id)
  })

  it('keeps the digest of a configuration file as it is now', async () => {
    await door.released(DriverId)
    await bind()
    const fields = { Type: 'INSTANCE_DRIVER_VERSION_CONFIG', FileName: 'c.json', InstanceId }
    const Content = await door.uploaded(DriverId, fields, 20)
    expect(await configure([{ Format: 'FILE', Content }])).toBe('Success')
    expect((await assigned()).configs[0]?.file).toEqual({ name: 'c.json', sha256: 'ab'.repeat(32), sizeBytes: 20 })
    const second = await door.uploaded(DriverId, fields, 20)
    expect(
      await configure([
        { Format: 'FILE', Content },
        { Format: 'FILE', Content: second },
      ]),
    ).toBe('iot.common.InvalidParam')
  })

  it.each(['driver_config.json', 'index.js', 'Package.json'])(
    'puts a file called %s under another name, beside the driver',
    async (FileName) => {
      await door.released(DriverId)
      await bind()
      const Content = await door.uploaded(DriverId, { Type: 'INSTANCE_DRIVER_VERSION_CONFIG', FileName, InstanceId }, 20)
      expect(await configure([{ Format: 'FILE', Content }])).toBe('Success')
      expect((await assigned()).configs[0]?.file?.name).toBe(`file-${FileName}`)
    },
  )

  it.each([
    ['a key twice', [json, json], 'iot.common.InvalidParam'],
    ['an unknown format', [{ ...json, Format: 'YAML' }], 'iot.common.InvalidParam'],
    ['content that is no JSON', [{ ...json, Content: '{' }], 'iot.common.InvalidParam'],
    ['no content', [{ Format: 'JSON' }], 'iot.common.InvalidParam'],
    ['too many blocks', Array.from({ length: 21 }, () => ({ ...json, Key: '' })), 'iot.common.ParameterSizeLimit'],
    ['a file from elsewhere', [{ Format: 'FILE', Content: 'http://elsewhere.test/a.json' }], 'iot.common.InvalidParam'],
  ])('refuses a configuration with %s', async (_, Configs, code) => {
    await door.released(DriverId)
    await bind()
    expect(await configure(Configs)).toBe(code)
  })

  it('configures assigned drivers only', async () => {
    expect(await configure([json])).toBe('iot.edge.InstanceDriverNotExist')
    expect(await configure([json], { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await door.code('SetEdgeInstanceDriverConfigs', { InstanceId, DriverId })).toBe('MissingConfigs')
  })

  it('pages the assigned drivers newest first, with times as texts only', async () => {
    await door.released(DriverId)
    await bind({ OrderId: '42' })
    door.ctx.clock.advance(1000)
    const second = await door.driver('Second')
    await door.released(second)
    await bind({ DriverId: second })
    const page = async (CurrentPage: number, PageSize: number) =>
      (await door.call('QueryEdgeInstanceDriver', { InstanceId, CurrentPage, PageSize })).Data
    const { DriverList, ...about } = await page(0, 40)
    expect(about).toEqual({ CurrentPage: 1, PageSize: 30, Total: 2 })
    expect(DriverList).toEqual([
      { DriverId: second, DriverVersion: '1.0.0', GmtCreate: '2026-01-05 16:00:01', GmtModified: '2026-01-05 16:00:01' },
      { DriverId, DriverVersion: '1.0.0', OrderId: '42', GmtCreate: '2026-01-05 16:00:00', GmtModified: '2026-01-05 16:00:00' },
    ])
    expect(await page(2, 1)).toMatchObject({ DriverList: [{ DriverId }], Total: 2 })
    expect(await page(3, 1)).toMatchObject({ DriverList: [], Total: 2 })
    expect(await door.code('QueryEdgeInstanceDriver', { InstanceId: 'none', CurrentPage: 1, PageSize: 1 })).toBe(
      'iot.edge.InstanceNotExist',
    )
    expect(await door.code('QueryEdgeInstanceDriver', { InstanceId, CurrentPage: 'x', PageSize: 1 })).toBe('iot.common.InvalidPageParams')
  })

  it('reads configurations in the order asked for; one without any is empty, one that is not assigned is left out', async () => {
    await door.released(DriverId)
    await bind()
    const second = await door.driver('Second')
    await door.released(second)
    await bind({ DriverId: second })
    await configure([json])
    const get = (DriverIds: unknown) => door.call('BatchGetEdgeInstanceDriverConfigs', { InstanceId, DriverIds })
    expect((await get([second, 'none', DriverId, second])).DriverConfigList).toEqual([
      { DriverId: second, ConfigList: [] },
      { DriverId, ConfigList: [{ ConfigId: expect.stringMatching(/^[0-9a-f]{32}$/), ...json }] },
    ])
    const code = (DriverIds: unknown, fields: object = {}) =>
      door.code('BatchGetEdgeInstanceDriverConfigs', { InstanceId, DriverIds, ...fields })
    expect(await code(Array.from({ length: 21 }, String))).toBe('iot.common.ParameterSizeLimit')
    expect(await code([''])).toBe('iot.common.InvalidParam')
    expect(await code(undefined)).toBe('MissingDriverIds')
    expect(await code([DriverId], { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
  })

  it('clears a configuration, again and again', async () => {
    await door.released(DriverId)
    await bind()
    await configure([json])
    const clear = (fields: object = {}) => door.code('ClearEdgeInstanceDriverConfigs', { InstanceId, DriverId, ...fields })
    expect(await clear()).toBe('Success')
    expect((await assigned()).configs).toEqual([])
    expect(await clear()).toBe('Success')
    expect(await clear({ DriverId: 'none' })).toBe('iot.edge.InstanceDriverNotExist')
    expect(await clear({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
  })

  it('takes a driver out with its configuration and channels, and leaves its devices without one', async () => {
    await door.released(DriverId)
    await bind()
    await configure([json])
    const [IotId] = await door.devices(1)
    const owner = { InstanceId, DriverId }
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...owner, IotIds: [IotId] })
    const ChannelId = (await door.call('CreateEdgeInstanceChannel', { ...owner, ChannelName: 'one', Configs: [json] })).Data
    await door.call('BatchSetEdgeInstanceDeviceChannel', { ...owner, ChannelId, IotIds: [IotId] })
    await door.call('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs: [{ IotId, Content: '{"a":1}' }] })
    const unbind = (fields: object = {}) => door.code('UnbindDriverFromEdgeInstance', { ...owner, ...fields })
    expect(await unbind({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await unbind()).toBe('Success')
    expect(await unbind()).toBe('iot.edge.InstanceDriverNotExist')
    expect((await door.call('BatchGetEdgeInstanceDeviceDriver', { InstanceId, IotIds: [IotId] })).DeviceDriverList).toEqual([{ IotId }])
    await bind()
    expect((await assigned()).configs).toEqual([])
    expect((await door.call('BatchGetEdgeInstanceChannel', { ...owner, ChannelIds: [ChannelId] })).Data.Channel).toEqual([])
    expect((await door.call('BatchGetEdgeInstanceDeviceConfig', { InstanceId, IotIds: [IotId] })).DeviceConfigList).toMatchObject([
      { Config: { Content: '{"a":1}' } },
    ])
  })
})
