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
})
