import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'

describe('message routes', () => {
  let door: Door
  let InstanceId: string
  beforeEach(async () => {
    door = await openDoor({ settings: { limits: { routesPerInstance: 2 } } })
    InstanceId = await door.instance()
  })
  afterEach(() => door.ctx.close())

  const toCloud = { SourceType: 'device', SourceData: '#', TargetType: 'IotHub', TargetIotHubQos: 0 }
  const create = (fields: object = {}) => door.code('CreateEdgeInstanceMessageRouting', { InstanceId, ...toCloud, ...fields })
  const created = async (fields: object = {}) =>
    (await door.call('CreateEdgeInstanceMessageRouting', { InstanceId, ...toCloud, ...fields })).RouteId as number
  const get = async (RouteId: number) => (await door.call('GetEdgeInstanceMessageRouting', { InstanceId, RouteId })).Data

  it('reads a route back; quality is text, and what is not set of the target is empty', async () => {
    const RouteId = await created({ Name: '灯到云' })
    expect(typeof RouteId).toBe('number')
    expect(await get(RouteId)).toEqual({
      Name: '灯到云',
      SourceType: 'device',
      SourceData: '#',
      TopicFilter: 'all',
      TargetType: 'IotHub',
      TargetData: '',
      RouteContext: { Qos: '0' },
      GmtCreate: '2026-01-05 16:00:00',
      GmtCreateTimestamp: door.ctx.now(),
      GmtModified: '2026-01-05 16:00:00',
      GmtModifiedTimestamp: door.ctx.now(),
    })
  })

  it('pages routes newest first, in a wrapper object', async () => {
    const first = await created()
    door.ctx.clock.advance(1)
    const second = await created({ TargetType: 'function', TargetData: 'app', TopicFilter: '/a' })
    const page = async (CurrentPage: number, PageSize: number) =>
      (await door.call('QueryEdgeInstanceMessageRouting', { InstanceId, CurrentPage, PageSize })).Data
    expect(await page(1, 10)).toMatchObject({
      MessageRouteList: { MessageRoute: [{ RouteId: second, TopicFilter: '/a', TargetData: 'app' }, { RouteId: first }] },
      Total: 2,
    })
    expect(await page(2, 1)).toMatchObject({ MessageRouteList: { MessageRoute: [{ RouteId: first }] }, Total: 2 })
    expect(await page(3, 1)).toMatchObject({ MessageRouteList: { MessageRoute: [] } })
    const query = (fields: object) => door.code('QueryEdgeInstanceMessageRouting', { InstanceId, CurrentPage: 1, PageSize: 1, ...fields })
    expect(await query({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await query({ PageSize: 'x' })).toBe('iot.common.InvalidPageParams')
  })

  const toApp = { TargetType: 'function', TargetData: 'app', TargetIotHubQos: undefined }
  it.each([
    ['all devices to an application', { ...toApp }, 'Success'],
    ['a product to the cloud', { SourceData: '/pk/+' }, 'Success'],
    ['a device to the cloud', { SourceData: '/pk/dn' }, 'Success'],
    ['an application to an application', { SourceType: 'function', SourceData: 'app', ...toApp }, 'Success'],
    ['an application to the cloud', { SourceType: 'function', SourceData: 'app' }, 'Success'],
    ['the cloud to an application', { SourceType: 'IotHub', SourceData: undefined, ...toApp }, 'Success'],
    ['quality for an application too', { ...toApp, TargetIotHubQos: 1 }, 'Success'],
    ['the cloud to the cloud', { SourceType: 'IotHub', SourceData: undefined }, 'iot.common.InvalidParam'],
    ['a device as the target', { TargetType: 'device' }, 'iot.common.InvalidParam'],
    ['no source device', { SourceData: undefined }, 'iot.common.InvalidParam'],
    ['a source device that is none', { SourceData: 'pk/dn' }, 'iot.common.InvalidParam'],
    ['a device below a device', { SourceData: '/pk/dn/more' }, 'iot.common.InvalidParam'],
    ['no source application', { SourceType: 'function', SourceData: '' }, 'iot.common.InvalidParam'],
    ['source data of the cloud', { SourceType: 'IotHub', ...toApp }, 'iot.common.InvalidParam'],
    ['no target application', { ...toApp, TargetData: undefined }, 'iot.common.InvalidParam'],
    ['target data of the cloud', { TargetData: 'app' }, 'iot.common.InvalidParam'],
    ['no quality for the cloud', { TargetIotHubQos: undefined }, 'iot.common.InvalidParam'],
    ['an unknown quality', { TargetIotHubQos: 2 }, 'iot.common.InvalidParam'],
    ['a name of three characters', { Name: 'abc' }, 'iot.common.InvalidParam'],
    ['a name of two Chinese characters', { Name: '路由' }, 'Success'],
    ['a name of seventeen full-width signs', { Name: '！'.repeat(17) }, 'iot.common.InvalidParam'],
    ['no source', { SourceType: undefined }, 'MissingSourceType'],
    ['no target', { TargetType: undefined }, 'MissingTargetType'],
  ])('answers %s', async (_, fields, code) => {
    expect(await create(fields)).toBe(code)
  })

  it('replaces a route as a whole', async () => {
    const RouteId = await created({ Name: 'route', TopicFilter: '/a' })
    door.ctx.clock.advance(1000)
    const update = (fields: object) => door.code('UpdateEdgeInstanceMessageRouting', { InstanceId, RouteId, ...toCloud, ...fields })
    expect(await update({ SourceData: '/pk/dn', TargetIotHubQos: 1 })).toBe('Success')
    const route = await get(RouteId)
    expect(route).toMatchObject({
      SourceData: '/pk/dn',
      TopicFilter: 'all',
      RouteContext: { Qos: '1' },
      GmtCreate: '2026-01-05 16:00:00',
      GmtModified: '2026-01-05 16:00:01',
    })
    expect(route).not.toHaveProperty('Name')
    expect(await update({ RouteId: 1 })).toBe('iot.edge.MessageRoutingNotExist')
    expect(await update({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await update({ TargetIotHubQos: undefined })).toBe('iot.common.InvalidParam')
  })

  it('deletes a route of its own instance only', async () => {
    const RouteId = await created()
    const remove = (fields: object = {}) => door.code('DeleteEdgeInstanceMessageRouting', { InstanceId, RouteId, ...fields })
    expect(await remove({ InstanceId: await door.instance() })).toBe('iot.edge.MessageRoutingNotExist')
    expect(await remove({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await remove()).toBe('Success')
    expect(await remove()).toBe('iot.edge.MessageRoutingNotExist')
    expect(await door.code('GetEdgeInstanceMessageRouting', { InstanceId, RouteId })).toBe('iot.edge.MessageRoutingNotExist')
    expect(await door.code('GetEdgeInstanceMessageRouting', { InstanceId: 'none', RouteId })).toBe('iot.edge.InstanceNotExist')
  })

  it('bounds the routes of an instance, of which a lite one takes none', async () => {
    await created()
    await created()
    expect(await create()).toBe('iot.edge.MessageRoutingNumLimitation')
    expect(await create({ InstanceId: await door.instance({ Spec: 10 }) })).toBe('iot.common.InvalidParam')
    expect(await create({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await door.code('UpdateEdgeInstance', { InstanceId, Name: 'lite', Spec: 10 })).toBe('iot.common.InvalidParam')
  })
})
