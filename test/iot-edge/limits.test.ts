// The table of limits of contract: iot-edge §9, row by row: the last value that is taken, and what the first beyond it gets.
// Then the call rates and the paging of the whole family.
import { family } from '@littoral/contract/iot-edge/index'
import type { AnyOperation } from '@littoral/contract/operation'
import { defaultSettings } from '../../packages/server/src/domain/settings.ts'
import { createThrottle } from '../../packages/server/src/http/throttle.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { operationsOf } from '../../tools/families.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
beforeEach(async () => {
  door = await openDoor()
})
afterEach(() => door.ctx.close())

type Ask = (count: number) => Promise<string>

interface Row {
  readonly what: string
  readonly most: number
  /** What the first beyond gets. */
  readonly code: string
  /** The code that so many, or one so long, are answered with. */
  readonly ask: Ask
}

/** One after the other; the code of the last. */
async function lastOf(count: number, one: (place: number) => Promise<string>): Promise<string> {
  let code = ''
  for (let place = 0; place < count; place++) code = await one(place)
  return code
}

const some = (count: number) => Array.from({ length: count }, (_, place) => place)
const json = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2))

const versionCode = async (fields: Record<string, unknown>) => {
  return door.code('CreateEdgeDriverVersion', { DriverId: await door.driver(), DriverVersion: '1.0.0', EdgeVersion: '2.0.0', ...fields })
}
const configCode = async (...Configs: object[]) => door.code('SetEdgeInstanceDriverConfigs', { ...(await door.assigned()), Configs })
const container = (name: string, entry: (place: number) => object): Ask => {
  return async (count) => versionCode({ ContainerConfig: JSON.stringify({ [name]: some(count).map(entry) }) })
}
/** An operation with a list of ids that need not exist. */
const ids = (action: string, field: string, more: Record<string, unknown> = {}): Ask => {
  return async (count) => {
    const { InstanceId, DriverId } = await door.assigned()
    const answer = await door.code(action, { InstanceId, DriverId, ...more, [field]: some(count).map((place) => `none_${place}`) })
    // That they do not exist is found out after their number was looked at.
    return ['iot.device.NotExistedDevice', 'iot.edge.ChannelNotExist'].includes(answer) ? 'Success' : answer
  }
}
const inInstance = (action: string, fields: (place: number) => Record<string, unknown>): Ask => {
  return async (count) => {
    const InstanceId = await door.instance()
    return lastOf(count, (place) => door.code(action, { InstanceId, ...fields(place) }))
  }
}
const route = { SourceType: 'device', SourceData: '#', TargetType: 'IotHub', TargetIotHubQos: 0 }

const [invalid, tooMany] = ['iot.common.InvalidParam', 'iot.common.ParameterSizeLimit']

const rows: readonly Row[] = [
  {
    what: 'custom drivers of an account',
    most: 50,
    code: 'iot.edge.DriverNumLimitation',
    ask: (count) =>
      lastOf(count, (place) => door.code('CreateEdgeDriver', { DriverName: `d${place}`, DriverProtocol: 'customize', Runtime: 'python3' })),
  },
  {
    what: 'versions of a driver',
    most: 10,
    code: 'iot.edge.DriverVersionNumLimitation',
    async ask(count) {
      const DriverId = await door.driver()
      return lastOf(count, (place) => door.code('CreateEdgeDriverVersion', { DriverId, DriverVersion: `1.${place}`, EdgeVersion: '2.0.0' }))
    },
  },
  {
    what: 'bytes of a driver package',
    most: 50 * 1024 * 1024,
    code: 'iot.edge.DriverVersionNoSource',
    async ask(bytes) {
      const key = { DriverId: await door.driver(), DriverVersion: '1.0.0' }
      const ossAddress = await door.uploaded(key.DriverId, {}, bytes)
      await door.call('CreateEdgeDriverVersion', { ...key, EdgeVersion: '2.0.0', SourceConfig: JSON.stringify({ ossAddress }) })
      return door.code('ReleaseEdgeDriverVersion', key)
    },
  },
  {
    what: 'pairs of a driver configuration',
    most: 100,
    code: invalid,
    ask: (count) => configCode({ Format: 'KV', Content: JSON.stringify(some(count).map((place) => ({ key: `k${place}`, value: '1' }))) }),
  },
  {
    what: 'bytes of a JSON driver configuration',
    most: 1024,
    code: invalid,
    ask: (bytes) => configCode({ Format: 'JSON', Content: json(bytes) }),
  },
  {
    what: 'bytes of a driver configuration file',
    most: 1024 * 1024,
    code: invalid,
    async ask(bytes) {
      const bound = await door.assigned()
      const upload = { Type: 'INSTANCE_DRIVER_VERSION_CONFIG', FileName: 'points.json', InstanceId: bound.InstanceId }
      const Content = await door.uploaded(bound.DriverId, upload, bytes)
      return door.code('SetEdgeInstanceDriverConfigs', { ...bound, Configs: [{ Format: 'FILE', Content }] })
    },
  },
  {
    what: 'bytes of a device configuration',
    most: 1024,
    code: invalid,
    async ask(bytes) {
      const bound = await door.assigned()
      const [IotId] = await door.devices(1)
      await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...bound, IotIds: [IotId] })
      const DeviceConfigs = [{ IotId, Content: json(bytes) }]
      return door.code('BatchSetEdgeInstanceDeviceConfig', { InstanceId: bound.InstanceId, DeviceConfigs })
    },
  },
  {
    what: 'gateways of an instance',
    most: 1,
    code: 'iot.edge.InstanceAlreadyBindGateway',
    async ask(count) {
      const InstanceId = await door.instance()
      const { ProductKey } = await door.call('CreateProduct', { ProductName: `gateways_${count}`, NodeType: 1 })
      return lastOf(count, async (place) => {
        const { IotId } = (await door.call('RegisterDevice', { ProductKey, DeviceName: `gateway_${place}` })).Data
        return door.code('BindGatewayToEdgeInstance', { InstanceId, IotId })
      })
    },
  },
  {
    what: 'drivers of an instance',
    most: 30,
    code: 'iot.edge.InstanceDriverLimitation',
    async ask(count) {
      const InstanceId = await door.instance()
      return lastOf(count, async () => {
        const DriverId = await door.driver(`d_${door.ctx.ids.hex(6)}`)
        await door.released(DriverId)
        return door.code('BindDriverToEdgeInstance', { InstanceId, DriverId })
      })
    },
  },
  {
    what: 'devices of an instance',
    most: 1000,
    code: 'iot.edge.InstanceDeviceLimitation',
    async ask(count) {
      const bound = await door.assigned()
      const iotIds = await door.devices(count)
      return lastOf(Math.ceil(count / 20), (place) =>
        door.code('BatchBindDeviceToEdgeInstanceWithDriver', { ...bound, IotIds: iotIds.slice(20 * place, 20 * place + 20) }),
      )
    },
  },
  {
    what: 'message routes of an instance',
    most: 30,
    code: 'iot.edge.MessageRoutingNumLimitation',
    ask: inInstance('CreateEdgeInstanceMessageRouting', () => route),
  },
  {
    what: 'scene rules of an instance',
    most: 30,
    code: tooMany,
    ask: inInstance('BindSceneRuleToEdgeInstance', (place) => ({ RuleId: `rule_${place}` })),
  },
  {
    what: 'applications of an instance',
    most: 30,
    code: tooMany,
    ask: inInstance('BindApplicationToEdgeInstance', (place) => ({ ApplicationId: `app_${place}`, ApplicationVersion: '1' })),
  },
  ...[
    'BatchBindDeviceToEdgeInstanceWithDriver',
    'BatchUnbindDeviceFromEdgeInstance',
    'BatchGetEdgeInstanceDeviceConfig',
    'BatchClearEdgeInstanceDeviceConfig',
    'BatchGetEdgeInstanceDeviceChannel',
    'BatchGetEdgeInstanceDeviceDriver',
    'BatchGetDeviceBindStatus',
  ].map((action) => ({ what: `IotIds of a call of ${action}`, most: 20, code: tooMany, ask: ids(action, 'IotIds') })),
  {
    what: 'IotIds of a call of BatchSetEdgeInstanceDeviceChannel',
    most: 20,
    code: tooMany,
    ask: ids('BatchSetEdgeInstanceDeviceChannel', 'IotIds', { ChannelId: 'none' }),
  },
  ...['BatchGetEdgeInstanceChannel', 'BatchDeleteEdgeInstanceChannel'].map((action) => {
    return { what: `ChannelIds of a call of ${action}`, most: 20, code: tooMany, ask: ids(action, 'ChannelIds') }
  }),
  {
    what: 'DriverIds of a call of BatchGetEdgeInstanceDriverConfigs',
    most: 20,
    code: tooMany,
    ask: ids('BatchGetEdgeInstanceDriverConfigs', 'DriverIds'),
  },
  { what: 'DriverIds of a call of BatchGetEdgeDriver', most: 30, code: tooMany, ask: ids('BatchGetEdgeDriver', 'DriverIds') },
  {
    what: 'DeviceConfigs of a call',
    most: 20,
    code: tooMany,
    async ask(count) {
      const bound = await door.assigned()
      const iotIds = await door.devices(count)
      for (const IotIds of [iotIds.slice(0, 20), iotIds.slice(20)]) {
        if (IotIds.length > 0) await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...bound, IotIds })
      }
      const DeviceConfigs = iotIds.map((IotId) => ({ IotId, Content: '{}' }))
      return door.code('BatchSetEdgeInstanceDeviceConfig', { InstanceId: bound.InstanceId, DeviceConfigs })
    },
  },
  {
    what: 'port mappings',
    most: 10,
    code: invalid,
    ask: container('portMappings', (place) => ({ hostPort: 1000 + place, containerPort: 1000 + place, protocol: 'tcp' })),
  },
  {
    what: 'device mappings',
    most: 10,
    code: invalid,
    ask: container('devMappings', (place) => ({ hostPath: `/dev/tty${place}`, permission: 'rw' })),
  },
  {
    what: 'volume mappings',
    most: 10,
    code: invalid,
    ask: container('volumeMappings', (place) => ({ hostPath: `/data${place}`, containerPath: `/data${place}`, permission: 'ro' })),
  },
  { what: 'bytes of a description', most: 256, code: invalid, ask: (length) => versionCode({ Description: 'd'.repeat(length) }) },
  { what: 'characters of a version', most: 64, code: invalid, ask: (length) => versionCode({ DriverVersion: '1'.repeat(length) }) },
  {
    what: 'characters of a driver name',
    most: 20,
    code: invalid,
    ask: (length) => door.code('CreateEdgeDriver', { DriverName: 'd'.repeat(length), DriverProtocol: 'customize', Runtime: 'python3' }),
  },
  {
    what: 'characters of an instance name',
    most: 20,
    code: invalid,
    ask: (length) => door.code('CreateEdgeInstance', { Name: 'n'.repeat(length) }),
  },
  {
    what: 'characters of a channel name',
    most: 30,
    code: invalid,
    ask: async (length) => {
      const Configs = [{ Format: 'JSON', Content: '{}' }]
      return door.code('CreateEdgeInstanceChannel', { ...(await door.assigned()), ChannelName: 'c'.repeat(length), Configs })
    },
  },
  {
    what: 'characters of a route name',
    most: 32,
    code: invalid,
    ask: (length) => inInstance('CreateEdgeInstanceMessageRouting', () => ({ ...route, Name: 'r'.repeat(length) }))(1),
  },
]

describe('the limit of', () => {
  it.each(rows.map((row) => ({ ...row, row })))(
    '$what is $most',
    async ({ row }) => {
      expect(await row.ask(row.most)).toBe('Success')
      await door.ctx.close()
      door = await openDoor()
      expect(await row.ask(row.most + 1)).toBe(row.code)
    },
    60_000,
  )

  it('instances of an account is 100000, and an operator may set another', async () => {
    expect(defaultSettings.limits.instances).toBe(100_000)
    await door.ctx.close()
    door = await openDoor({ settings: { limits: { instances: 2 } } })
    const codes = [await door.code('CreateEdgeInstance', { Name: 'a' }), await door.code('CreateEdgeInstance', { Name: 'b' })]
    expect(codes).toEqual(['Success', 'Success'])
    expect(await door.code('CreateEdgeInstance', { Name: 'c' })).toBe('iot.edge.InstanceNumLimitation')
  })

  it.each([
    ['a route name of three characters', 'CreateEdgeInstanceMessageRouting', { ...route, Name: 'abc' }],
    ['a route name of seventeen Chinese characters', 'CreateEdgeInstanceMessageRouting', { ...route, Name: '路'.repeat(17) }],
    ['an instance name of eleven Chinese characters', 'CreateEdgeInstance', { Name: '实'.repeat(11) }],
  ])('names refuses %s', async (_, action, fields) => {
    expect(await door.code(action, { InstanceId: await door.instance(), ...fields })).toBe(invalid)
  })
})

const operations = operationsOf(family)
const rated = operations.filter(({ callsPerSecond }) => callsPerSecond !== undefined)

describe('the call rate of', () => {
  it('an operation is known for every one that the contract gives a rate', () => {
    // The registry's own operations have none; that the numbers are the contract's is compared in test/sdk/contract.test.ts.
    expect(operations.length).toBe(73)
    expect(rated.length).toBe(58)
  })

  it.each(rated.map((operation) => ({ action: operation.action, rate: operation.callsPerSecond ?? 0, operation })))(
    '$action is $rate a second, for each account',
    ({ rate, operation }) => {
      let nowMs = 0
      const throttle = createThrottle(true, () => nowMs)
      const take = (accountId: string) => throttle.take(accountId, operation)
      for (let call = 0; call < rate; call++) take('1')
      expect(() => take('1')).toThrow(expect.objectContaining({ code: 'Throttling.User' }))
      expect(() => take('2')).not.toThrow()
      nowMs += 1000
      for (let call = 0; call < rate; call++) take('1')
      expect(() => take('1')).toThrow(expect.objectContaining({ code: 'Throttling.User' }))
    },
  )
})

const isPaged = ({ action, input }: AnyOperation) => action.startsWith('QueryEdge') && (input.required ?? []).includes('PageSize')

describe('the pages of', () => {
  const paging = operations.filter(isPaged)

  it('ten operations are numbered', () => {
    expect(paging.map(({ action }) => action)).toHaveLength(10)
  })

  it.each(paging.map(({ action }) => action))('%s are put right, echoed as used, and empty beyond the end', async (action) => {
    const { InstanceId, DriverId } = await door.assigned()
    const ask = async (CurrentPage: unknown, PageSize: unknown) => {
      const answer = await door.call(action, { InstanceId, DriverId, Type: 1, CurrentPage, PageSize })
      return answer.Data as Record<string, unknown> & { CurrentPage: number; PageSize: number; Total: number }
    }
    expect(await ask(0, 0)).toMatchObject({ CurrentPage: 1, PageSize: 10 })
    expect(await ask(-3, -1)).toMatchObject({ CurrentPage: 1, PageSize: 10 })
    expect(await ask(1, 30)).toMatchObject({ PageSize: 30 })
    expect(await ask(1, 31)).toMatchObject({ PageSize: 30 })
    const { Total } = await ask(1, 10)
    const beyond = await ask(1000, 10)
    expect(beyond).toMatchObject({ CurrentPage: 1000, Total })
    const list = Object.values(beyond).find((value) => typeof value === 'object')
    expect(JSON.stringify(list)).toMatch(/^(\[\]|\{"\w+":\[\]\})$/)
    const code = (fields: object) => door.code(action, { InstanceId, DriverId, Type: 1, CurrentPage: 1, PageSize: 10, ...fields })
    expect(await code({ PageSize: 'ten' })).toBe('iot.common.InvalidPageParams')
    expect(await code({ CurrentPage: 1.5 })).toBe('iot.common.InvalidPageParams')
    expect(await code({ PageSize: undefined })).toBe('MissingPageSize')
    expect(await code({ CurrentPage: undefined })).toBe('MissingCurrentPage')
  })
})
