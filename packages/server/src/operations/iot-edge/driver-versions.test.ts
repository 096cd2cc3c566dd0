import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'

describe('driver versions', () => {
  let door: Door
  let DriverId: string
  beforeEach(async () => {
    door = await openDoor({ settings: { limits: { versionsPerDriver: 3 } } })
    DriverId = await door.driver()
  })
  afterEach(() => door.ctx.close())

  const number = { DriverVersion: '1.0.0', EdgeVersion: '2.0.0' }
  const create = (fields: Record<string, unknown> = {}) => door.code('CreateEdgeDriverVersion', { DriverId, ...number, ...fields })
  const read = async (DriverVersion = '1.0.0') => (await door.call('GetEdgeDriverVersion', { DriverId, DriverVersion })).Data
  const json = (value: unknown) => JSON.stringify(value)

  it('creates an unreleased version and answers nothing', async () => {
    expect(await door.call('CreateEdgeDriverVersion', { DriverId, ...number })).toEqual({})
    const stamps = { GmtCreateTimestamp: door.ctx.now(), GmtModifiedTimestamp: door.ctx.now() }
    expect(await read()).toEqual({ DriverId, ...number, VersionState: '0', ...stamps })
  })

  it('stores the sample of the page and reads it back with sorted keys', async () => {
    const ossAddress = await door.uploaded(DriverId)
    await door.call('CreateEdgeDriverVersion', {
      DriverId,
      ...number,
      Argument: '-XX:+PrintGCDetails',
      Description: 'LED driver',
      SourceConfig: json({ ossAddress, temporaryOssAddress: 'http://elsewhere/' }),
      DriverConfig: '[{"format":"JSON","content":"{\\"defaultConfig\\":\\"this is default driver config demo\\"}"}]',
      ConfigCheckRule: '{"deviceConfig":{"required":false},"driverConfig":{"required":true}}',
      ContainerConfig: '{"privileged":1,"devMappings":[],"volumeMappings":[],"hostNetworkMode":0,"portMappings":[]}',
    })
    const version = await read()
    expect(version).toMatchObject({
      Argument: '-XX:+PrintGCDetails',
      Description: 'LED driver',
      DriverConfig: '[{"content":"{\\"defaultConfig\\":\\"this is default driver config demo\\"}","format":"JSON"}]',
      ConfigCheckRule: '{"deviceConfig":{"required":false},"driverConfig":{"required":true}}',
      ContainerConfig: '{"devMappings":[],"hostNetworkMode":0,"portMappings":[],"privileged":1,"volumeMappings":[]}',
    })
    const source = JSON.parse(version.SourceConfig)
    expect(source.ossAddress).toBe(ossAddress)
    expect(source.temporaryOssAddress).toBe(`${ossAddress}?method=GET&Expires=${door.ctx.now() / 1000 + 300}`)
  })

  it.each(['1.0_a-B', '版本1.0', 'a'.repeat(64)])('accepts %s as a version number', async (DriverVersion) => {
    expect(await create({ DriverVersion })).toBe('Success')
  })
  it.each(['', 'a'.repeat(65), '1 0', '1/0', '1@0'])('refuses %j as a version number', async (DriverVersion) => {
    expect(await create({ DriverVersion })).toBe('iot.common.InvalidParam')
  })
  it.each(['2.0.0-beta', 'two', '1.2.3.4.5', ''])('refuses %j as an edge version', async (EdgeVersion) => {
    expect(await create({ EdgeVersion })).toBe('iot.common.InvalidParam')
  })
  it('echoes the edge version as it was written', async () => {
    await create({ EdgeVersion: 'v2.4' })
    expect((await read()).EdgeVersion).toBe('v2.4')
  })

  it('counts the description in bytes', async () => {
    expect(await create({ Description: '驱'.repeat(85) })).toBe('Success')
    expect(await create({ DriverVersion: '2', Description: '驱'.repeat(86) })).toBe('iot.common.InvalidParam')
    expect(await create({ DriverVersion: '2', Description: 'x'.repeat(257) })).toBe('iot.common.InvalidParam')
  })

  it('takes as many options for the virtual machine as a gateway does, and no more', async () => {
    expect(await create({ Argument: Array.from({ length: 256 }, () => '-Da=1').join(' ') })).toBe('Success')
    const tooMany = Array.from({ length: 257 }, () => '-Da=1').join(' ')
    expect(await create({ DriverVersion: '2', Argument: tooMany })).toBe('iot.common.InvalidParam')
  })

  const port = { hostPort: 8080, containerPort: 80, protocol: 'tcp' }
  const device = { hostPath: '/dev/ttyS0', permission: 'rw' }
  const volume = { hostPath: 'data', containerPath: '/data', permission: 'ro' }
  const eleven = <T>(one: (place: number) => T) => Array.from({ length: 11 }, (_, place) => one(place))

  it.each([
    ['an empty object', {}],
    ['ports in host mode, which say nothing', { hostNetworkMode: 1, portMappings: [port] }],
    ['devices of a privileged container', { privileged: 1, devMappings: [{ ...device, comment: 'serial line' }] }],
    ['one port for both protocols', { portMappings: [port, { ...port, protocol: 'udp' }] }],
    ['a relative host path', { volumeMappings: [volume] }],
    ['the limits of a port', { portMappings: [{ hostPort: 1, containerPort: 65535, protocol: 'udp' }] }],
    ['ten of each', { portMappings: eleven((n) => ({ ...port, hostPort: n + 1 })).slice(1), devMappings: eleven(() => device).slice(1) }],
  ])('accepts as ContainerConfig %s', async (_, config) => {
    expect(await create({ ContainerConfig: json(config) })).toBe('Success')
  })

  it.each([
    ['text that is no JSON', '{'],
    ['a list', '[]'],
    ['an unknown key', json({ previleged: 1 })],
    ['a boolean switch', json({ privileged: true })],
    ['a switch of 2', json({ hostNetworkMode: 2 })],
    ['eleven ports', json({ portMappings: eleven((n) => ({ ...port, hostPort: n + 1 })) })],
    ['eleven devices', json({ devMappings: eleven(() => device) })],
    ['eleven volumes', json({ volumeMappings: eleven((n) => ({ ...volume, containerPath: `/d${n}` })) })],
    ['port 0', json({ portMappings: [{ ...port, hostPort: 0 }] })],
    ['port 65536', json({ portMappings: [{ ...port, containerPort: 65536 }] })],
    ['a port as text', json({ portMappings: [{ ...port, hostPort: '80' }] })],
    ['a protocol by number', json({ portMappings: [{ ...port, protocol: 6 }] })],
    ['another protocol', json({ portMappings: [{ ...port, protocol: 'TCP' }] })],
    ['a port without protocol', json({ portMappings: [{ hostPort: 1, containerPort: 1 }] })],
    ['one host port twice', json({ portMappings: [port, { ...port, containerPort: 81 }] })],
    ['a device outside /dev', json({ devMappings: [{ ...device, hostPath: '/etc/shadow' }] })],
    ['a device that leaves /dev', json({ devMappings: [{ ...device, hostPath: '/dev/../etc/shadow' }] })],
    ['/dev/ itself', json({ devMappings: [{ ...device, hostPath: '/dev/' }] })],
    ['a device path of 129 characters', json({ devMappings: [{ ...device, hostPath: `/dev/${'a'.repeat(124)}` }] })],
    ['an empty comment', json({ devMappings: [{ ...device, comment: '' }] })],
    ['a comment of 129 characters', json({ devMappings: [{ ...device, comment: 'c'.repeat(129) }] })],
    ['another permission', json({ devMappings: [{ ...device, permission: 'rwm' }] })],
    ['a device without permission', json({ devMappings: [{ hostPath: '/dev/a' }] })],
    ['a host path with a space', json({ volumeMappings: [{ ...volume, hostPath: '/a b' }] })],
    ['an empty host path', json({ volumeMappings: [{ ...volume, hostPath: '' }] })],
    ['a relative container path', json({ volumeMappings: [{ ...volume, containerPath: 'data' }] })],
    ['a container path with a space', json({ volumeMappings: [{ ...volume, containerPath: '/a b' }] })],
    ['the root', json({ volumeMappings: [{ ...volume, containerPath: '/' }] })],
    ['the root in disguise', json({ volumeMappings: [{ ...volume, containerPath: '/./' }] })],
    ['the root by a detour', json({ volumeMappings: [{ ...volume, containerPath: '/a/..' }] })],
    ['a container path of 129 characters', json({ volumeMappings: [{ ...volume, containerPath: `/${'a'.repeat(128)}` }] })],
    ['one container path twice', json({ volumeMappings: [volume, { ...volume, containerPath: '/data/' }] })],
    ['a volume without host path', json({ volumeMappings: [{ containerPath: '/data', permission: 'ro' }] })],
  ])('refuses as ContainerConfig %s', async (_, ContainerConfig) => {
    expect(await create({ ContainerConfig })).toBe('iot.common.InvalidParam')
  })

  it('takes one configuration block for a list of one, and an empty list for none', async () => {
    await create({ DriverConfig: json({ format: 'JSON', content: '{"a":1}' }) })
    expect((await read()).DriverConfig).toBe('[{"content":"{\\"a\\":1}","format":"JSON"}]')
    await create({ DriverVersion: '2', DriverConfig: '[]' })
    expect(await read('2')).not.toHaveProperty('DriverConfig')
  })

  const pairs = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `k${n}`, value: 'v', note: '' }))
  it.each([
    ['pairs as a list', 'KV', json(pairs(100))],
    ['pairs as an object', 'KV', json({ kv: pairs(1) })],
    ['JSON of 1024 bytes', 'JSON', json('x'.repeat(1022))],
  ])('accepts as DriverConfig %s', async (_, format, content) => {
    expect(await create({ DriverConfig: json([{ format, content }]) })).toBe('Success')
  })
  it.each([
    ['101 pairs', json([{ format: 'KV', content: json(pairs(101)) }])],
    ['pairs without keys', json([{ format: 'KV', content: json([{ value: 'v' }]) }])],
    ['pairs that are no JSON', json([{ format: 'KV', content: 'a=b' }])],
    ['JSON of 1025 bytes', json([{ format: 'JSON', content: json('x'.repeat(1023)) }])],
    ['content that is no JSON', json([{ format: 'JSON', content: '{' }])],
    ['content that is not text', json([{ format: 'JSON', content: { a: 1 } }])],
    ['a format in lower case', json([{ format: 'json', content: '{}' }])],
    ['a block without content', json({ format: 'JSON' })],
    ['a file from elsewhere', json([{ format: 'FILE', content: 'http://elsewhere.test/config.json' }])],
  ])('refuses as DriverConfig %s', async (_, DriverConfig) => {
    expect(await create({ DriverConfig })).toBe('iot.common.InvalidParam')
  })

  it.each([
    ['a number in place of a boolean', '{"driverConfig":{"required":1}}'],
    ['text in place of a boolean', '{"deviceConfig":{"required":"true"}}'],
    ['a format without its last brace', '{"deviceConfig":{"required":false},"driverConfig":{"required":false}'],
  ])('refuses as ConfigCheckRule %s', async (_, ConfigCheckRule) => {
    expect(await create({ ConfigCheckRule })).toBe('iot.common.InvalidParam')
  })

  it.each([
    ['an address elsewhere', json({ ossAddress: 'http://nova.oss-cn-shanghai.aliyuncs.com/driver/a/b.zip' })],
    ['an address that was never handed out', json({ ossAddress: 'http://littoral.test:8080/oss/test/driver/1/x.zip' })],
    ['no address', '{}'],
    ['an empty address', json({ ossAddress: '' })],
    ['a bare address', 'http://littoral.test:8080/oss/test/x.zip'],
  ])('refuses as SourceConfig %s', async (_, SourceConfig) => {
    expect(await create({ SourceConfig })).toBe('iot.common.InvalidParam')
  })

  it("refuses a handed-out path under somebody else's name, and another account's address", async () => {
    const ossAddress = await door.uploaded(DriverId)
    const elsewhere = ossAddress.replace('littoral.test:8080', 'evil.test')
    expect(await create({ SourceConfig: json({ ossAddress: elsewhere }) })).toBe('iot.common.InvalidParam')
    const other = door.ctx.as({ accountId: '2000000000000002' })
    const driver = { DriverName: 'Theirs', DriverProtocol: 'customize', Runtime: 'nodejs8' }
    const theirs = (await door.call('CreateEdgeDriver', driver, other)).DriverId
    const input = { DriverId: theirs, ...number, SourceConfig: json({ ossAddress }) }
    expect(await door.code('CreateEdgeDriverVersion', input, other)).toBe('iot.common.InvalidParam')
  })

  it('takes an address whatever the letter case of its host, and with the port that goes without saying', async () => {
    const ctx = { ...door.ctx, origin: 'http://LITTORAL.test:80' }
    const request = { Type: 'DRIVER_VERSION_CONTENT', ResourceId: DriverId, ResourceVersion: '1', FileName: 'code.zip' }
    const { OssAddress } = (await door.call('CreateEdgeOssPreSignedAddress', request, ctx)).Data
    const input = { DriverId, ...number, SourceConfig: json({ ossAddress: OssAddress }) }
    expect(await door.code('CreateEdgeDriverVersion', input)).toBe('Success')
    const plain = json({ ossAddress: new URL(OssAddress).href })
    expect(await door.code('UpdateEdgeDriverVersion', { ...input, SourceConfig: plain })).toBe('Success')
  })

  it('keeps version numbers unique in their driver, and few', async () => {
    await create()
    expect(await create()).toBe('iot.edge.DriverVersionExist')
    await create({ DriverVersion: '2' })
    await create({ DriverVersion: '3' })
    expect(await create({ DriverVersion: '4' })).toBe('iot.edge.DriverVersionNumLimitation')
    expect(await door.code('CreateEdgeDriverVersion', { ...number, DriverId: 'none' })).toBe('iot.edge.DriverNotExist')
  })

  it('replaces the whole version: what is left out or empty is erased', async () => {
    const rich = {
      Description: 'one',
      Argument: '-Xmx1m',
      ConfigCheckRule: '{}',
      ContainerConfig: '{}',
      DriverConfig: json({ format: 'JSON', content: '1' }),
    }
    await create(rich)
    door.ctx.clock.advance(1000)
    await door.call('UpdateEdgeDriverVersion', { DriverId, ...number, EdgeVersion: '2.1.0', Description: 'two', ContainerConfig: '' })
    const stamps = { GmtCreateTimestamp: door.ctx.now() - 1000, GmtModifiedTimestamp: door.ctx.now() }
    expect(await read()).toEqual({
      DriverId,
      DriverVersion: '1.0.0',
      EdgeVersion: '2.1.0',
      Description: 'two',
      VersionState: '0',
      ...stamps,
    })
    expect(await door.code('UpdateEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0' })).toBe('MissingEdgeVersion')
    expect(await door.code('UpdateEdgeDriverVersion', { DriverId, ...number, DriverVersion: '9' })).toBe('iot.edge.DriverVersionNotExist')
  })

  it('freezes a released version for good', async () => {
    await door.released(DriverId)
    expect((await read()).VersionState).toBe('1')
    expect(await door.code('UpdateEdgeDriverVersion', { DriverId, ...number })).toBe('iot.edge.DriverVersionReleased')
    expect(await door.code('DeleteEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0' })).toBe('iot.edge.DriverVersionReleased')
    const before = await read()
    door.ctx.clock.advance(1000)
    expect(await door.code('ReleaseEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0' })).toBe('Success')
    expect((await read()).GmtModifiedTimestamp).toBe(before.GmtModifiedTimestamp)
  })

  it('says of a released version that is assigned that it is released, not that it is in use', async () => {
    await door.released(DriverId)
    await door.call('BindDriverToEdgeInstance', { InstanceId: await door.instance(), DriverId })
    expect(await door.code('DeleteEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0' })).toBe('iot.edge.DriverVersionReleased')
  })

  const release = () => door.call('ReleaseEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0' })
  it('does not release what has no code, code that was not uploaded, is too large or cannot be started', async () => {
    await create()
    await expect(release()).rejects.toThrow('SourceConfig is not set')
    const ossAddress = await door.uploaded(DriverId)
    await door.call('UpdateEdgeDriverVersion', { DriverId, ...number, SourceConfig: json({ ossAddress }) })
    const key = door.ctx.objects.keyOf(ossAddress) as string
    const stored = { sha256: 'cd'.repeat(32), sizeBytes: 10 }
    door.ctx.objects.stored.delete(key)
    await expect(release()).rejects.toThrow('nothing was uploaded')
    door.ctx.objects.stored.set(key, { ...stored, sizeBytes: 50 * 1024 * 1024 + 1 })
    await expect(release()).rejects.toThrow('larger than')
    door.ctx.objects.stored.set(key, { ...stored, problem: 'the file index.js is missing at the top of the package.' })
    await expect(release()).rejects.toMatchObject({ code: 'iot.edge.DriverVersionNoSource', message: expect.stringContaining('index.js') })
    door.ctx.objects.stored.set(key, stored)
    expect(await release()).toEqual({})
  })

  it('releases a built-in driver without code and ignores a source sent for it', async () => {
    const builtIn = await door.driver('BuiltIn', { IsBuiltIn: true })
    const version = { DriverId: builtIn, DriverVersion: '1', EdgeVersion: '2' }
    await door.call('CreateEdgeDriverVersion', { ...version, SourceConfig: json({ ossAddress: 'http://anywhere/x.zip' }) })
    expect(await door.code('ReleaseEdgeDriverVersion', version)).toBe('Success')
    expect((await door.call('GetEdgeDriverVersion', version)).Data).not.toHaveProperty('SourceConfig')
  })

  it('wants the files of a default configuration by the time of the release', async () => {
    const request = { Type: 'DRIVER_VERSION_DEFAULT_CONFIG', ResourceId: DriverId, ResourceVersion: '1.0.0', FileName: 'c.json' }
    const { OssAddress } = (await door.call('CreateEdgeOssPreSignedAddress', request)).Data
    const SourceConfig = json({ ossAddress: await door.uploaded(DriverId) })
    await door.call('CreateEdgeDriverVersion', {
      DriverId,
      ...number,
      SourceConfig,
      DriverConfig: json([{ format: 'FILE', content: OssAddress }]),
    })
    await expect(release()).rejects.toThrow('DriverConfig[0].content names a file that was not uploaded')
    const tooLarge = await door.uploaded(DriverId, request, 1024 * 1024 + 1)
    const input = { DriverId, ...number, SourceConfig, DriverConfig: json([{ format: 'FILE', content: tooLarge }]) }
    expect(await door.code('UpdateEdgeDriverVersion', input)).toBe('iot.common.InvalidParam')
  })

  it('lists versions newest first, by number and by state', async () => {
    await door.released(DriverId, '1.0.0')
    door.ctx.clock.advance(1)
    await create({ DriverVersion: '2.0.0' })
    const list = async (filter: Record<string, unknown> = {}) => {
      const { Data } = await door.call('QueryEdgeDriverVersion', { DriverId, CurrentPage: 1, PageSize: 10, ...filter })
      return Data.DriverVersionList.map((version: { DriverVersion: string }) => version.DriverVersion)
    }
    expect(await list()).toEqual(['2.0.0', '1.0.0'])
    expect(await list({ DriverVersion: '1.0' })).toEqual([])
    expect(await list({ DriverVersion: '1.0.0' })).toEqual(['1.0.0'])
    expect(await list({ VersionState: 0 })).toEqual(['2.0.0'])
    expect(await list({ VersionState: 1 })).toEqual(['1.0.0'])
    expect(await door.code('QueryEdgeDriverVersion', { DriverId: 'none', CurrentPage: 1, PageSize: 1 })).toBe('iot.edge.DriverNotExist')
  })

  it('deletes an unreleased version', async () => {
    await create()
    expect(await door.code('DeleteEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0' })).toBe('Success')
    expect(await door.code('GetEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0' })).toBe('iot.edge.DriverVersionNotExist')
    expect(await door.code('ReleaseEdgeDriverVersion', { DriverId, DriverVersion: '1.0.0' })).toBe('iot.edge.DriverVersionNotExist')
  })
})
