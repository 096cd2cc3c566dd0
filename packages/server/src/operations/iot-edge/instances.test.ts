import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'

describe('edge instances, their gateways and uploads', () => {
  let door: Door
  beforeEach(async () => {
    door = await openDoor({ settings: { limits: { instances: 3 } } })
  })
  afterEach(() => door.ctx.close())

  it('creates an instance of the standard tier and reads it back with times in UTC+8', async () => {
    const InstanceId = await door.instance({ Name: '网关_01', Tags: 'a:1,b:二' })
    expect(InstanceId).toMatch(/^[A-Za-z0-9]{20}$/)
    expect((await door.call('GetEdgeInstance', { InstanceId })).Data).toEqual({
      InstanceId,
      Name: '网关_01',
      Spec: 20,
      Tags: 'a:1,b:二',
      BizEnable: true,
      Type: '0',
      GmtCreate: '2026-01-05 16:00:00',
      GmtCreateTimestamp: door.ctx.now(),
      GmtModified: '2026-01-05 16:00:00',
      GmtModifiedTimestamp: door.ctx.now(),
    })
  })

  it.each([
    ['a name of eleven Chinese characters', { Name: '实'.repeat(11) }],
    ['a name with a space', { Name: 'a b' }],
    ['an unknown tier', { Name: 'a', Spec: 25 }],
    ['a tag without value', { Name: 'a', Tags: 'k' }],
    ['a tag key with a hyphen', { Name: 'a', Tags: 'k-1:v' }],
    ['a tag key twice', { Name: 'a', Tags: 'k:v,k:w' }],
    ['a tag value of 21 characters', { Name: 'a', Tags: `k:${'v'.repeat(21)}` }],
  ])('refuses %s', async (_, input) => {
    expect(await door.code('CreateEdgeInstance', input)).toBe('iot.common.InvalidParam')
  })

  it('keeps names unique and the number of instances bounded', async () => {
    await door.instance({ Name: 'one' })
    expect(await door.code('CreateEdgeInstance', { Name: 'one' })).toBe('iot.edge.InstanceNameExist')
    await door.instance()
    await door.instance()
    expect(await door.code('CreateEdgeInstance', { Name: 'four' })).toBe('iot.edge.InstanceNumLimitation')
  })

  it('pages instances newest first, with the type as a number', async () => {
    const first = await door.instance({ Name: 'test_1' })
    door.ctx.clock.advance(1)
    const second = await door.instance({ Name: 'test_2', Spec: 30 })
    const { Data } = await door.call('QueryEdgeInstance', { CurrentPage: 1, PageSize: 10, Name: 'test' })
    expect(Data).toMatchObject({ Total: 2, InstanceList: [{ InstanceId: second, Spec: 30, Type: 0 }, { InstanceId: first }] })
    expect((await door.call('QueryEdgeInstance', { CurrentPage: 1, PageSize: 10, Name: 'TEST' })).Data.Total).toBe(0)
    expect(await door.code('QueryEdgeInstance', { CurrentPage: 1.5, PageSize: 10 })).toBe('iot.common.InvalidPageParams')
  })

  it('tells a foreign instance from none', async () => {
    const InstanceId = await door.instance()
    const other = door.ctx.as({ accountId: '2000000000000002' })
    expect(await door.code('GetEdgeInstance', { InstanceId }, other)).toBe('iot.common.AuthActionPermissionDeny')
    expect(await door.code('GetEdgeInstance', { InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
  })

  it('binds one gateway per instance and one instance per gateway', async () => {
    const InstanceId = await door.instance()
    expect((await door.call('QueryEdgeInstanceGateway', { InstanceId })).GatewayList).toEqual([])
    const IotId = await door.gateway(InstanceId)
    const { GatewayList } = await door.call('QueryEdgeInstanceGateway', { InstanceId })
    expect(GatewayList).toEqual([{ IotId, ProductKey: expect.stringMatching(/^[A-Za-z0-9]{11}$/), DeviceName: 'gateway_01' }])
    expect(await door.code('BindGatewayToEdgeInstance', { InstanceId, IotId })).toBe('iot.edge.InstanceAlreadyBindGateway')
    const second = await door.instance()
    expect(await door.code('BindGatewayToEdgeInstance', { InstanceId: second, IotId })).toBe('iot.edge.InstanceAlreadyBindGateway')
  })

  it('shows the edge version that the gateway reported, with a leading v', async () => {
    const InstanceId = await door.instance()
    await door.node(await door.gateway(InstanceId), { edgeVersion: '2.4.0' })
    expect((await door.call('QueryEdgeInstanceGateway', { InstanceId })).GatewayList[0].EdgeVersion).toBe('v2.4.0')
  })

  it('binds by product and name, IotId first, and gateways only', async () => {
    const InstanceId = await door.instance()
    const { ProductKey } = await door.call('CreateProduct', { ProductName: 'sensors', NodeType: 0 })
    const { IotId } = (await door.call('RegisterDevice', { ProductKey, DeviceName: 'sensor_1' })).Data
    const bind = (input: object) => door.code('BindGatewayToEdgeInstance', { InstanceId, ...input })
    expect(await bind({ IotId })).toBe('iot.common.InvalidParam')
    expect(await bind({ ProductKey })).toBe('iot.common.InvalidParam')
    expect(await bind({ IotId: 'none', ProductKey, DeviceName: 'sensor_1' })).toBe('iot.device.NotExistedDevice')
    expect(await door.code('BindGatewayToEdgeInstance', { InstanceId: 'none', IotId })).toBe('iot.edge.InstanceNotExist')
    const gateways = (await door.call('CreateProduct', { ProductName: 'gateways', NodeType: 1 })).ProductKey
    await door.call('RegisterDevice', { ProductKey: gateways, DeviceName: 'gateway_1' })
    expect(await bind({ ProductKey: gateways, DeviceName: 'gateway_1' })).toBe('Success')
  })

  it('hands out two addresses with the documented key', async () => {
    const ResourceId = await door.driver()
    const request = { Type: 'DRIVER_VERSION_CONTENT', ResourceId, ResourceVersion: '2.0.0', FileName: 'code.zip' }
    const { Data } = await door.call('CreateEdgeOssPreSignedAddress', request)
    const key = `driver/1000000000000001/DRIVER_VERSION_CONTENT/${ResourceId}/2.0.0/${door.ctx.now()}/code.zip`
    expect(Data.OssAddress).toBe(`http://littoral.test:8080/oss/test/${key}`)
    expect(Data.OssPreSignedAddress).toBe(`${Data.OssAddress}?method=PUT&Expires=${door.ctx.now() / 1000 + 300}`)
  })

  it('hands out another address with every call, also within one millisecond', async () => {
    const request = { Type: 'DRIVER_VERSION_CONTENT', ResourceId: await door.driver(), ResourceVersion: '1', FileName: 'code.zip' }
    const asked = await Promise.all([1, 2, 3].map(() => door.call('CreateEdgeOssPreSignedAddress', request)))
    expect(new Set(asked.map(({ Data }) => Data.OssAddress)).size).toBe(3)
  })

  it("takes the tags of the vendor's own samples", async () => {
    const InstanceId = await door.instance({ Tags: 'k1:v1,k2:v2' })
    expect((await door.call('GetEdgeInstance', { InstanceId })).Data.Tags).toBe('k1:v1,k2:v2')
  })

  it.each([
    [
      'a name that no file system takes',
      { Type: 'DRIVER_VERSION_DEFAULT_CONFIG', FileName: `${'配'.repeat(66)}.json` },
      'iot.common.InvalidParam',
    ],
    ['code that is no zip', { FileName: 'code.tar' }, 'iot.common.InvalidParam'],
    ['a name with folders', { FileName: '../code.zip' }, 'iot.common.InvalidParam'],
    ['a name without extension', { FileName: 'code' }, 'iot.common.InvalidParam'],
    ['a version that is a way up', { ResourceVersion: '..' }, 'iot.common.InvalidParam'],
    ['an unknown type', { Type: 'driver_version_content' }, 'iot.common.InvalidParam'],
    ['an unknown driver', { ResourceId: 'none' }, 'iot.edge.DriverNotExist'],
    ['an unknown instance', { Type: 'INSTANCE_DRIVER_VERSION_CONFIG', InstanceId: 'none' }, 'iot.edge.InstanceNotExist'],
    ['a missing instance', { Type: 'INSTANCE_DRIVER_VERSION_CONFIG' }, 'iot.common.InvalidParam'],
  ])('hands out no address for %s', async (_, fields, code) => {
    const request = { Type: 'DRIVER_VERSION_CONTENT', ResourceId: await door.driver(), ResourceVersion: '1', FileName: 'code.zip' }
    expect(await door.code('CreateEdgeOssPreSignedAddress', { ...request, ...fields })).toBe(code)
  })
})
