// Drivers written against the interface of the vendor's driver libraries, on real processes behind a real server: they look for
// their bus where those libraries do, get their config, bring devices online, report, and answer calls.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  configureDriver,
  createDriver,
  createInstance,
  deploy,
  registerGateway,
  releaseDriverVersion,
  throwing,
} from '../../tools/journey/driver.ts'
import { zipOf } from '../../tools/journey/sample-driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { codeOf, openTestServer, type TestServer } from '../test-server.ts'
import type { TestNode } from '../test-node.ts'

const dbusLibrary = createRequire(import.meta.url).resolve('@homebridge/dbus-native')
const fixture = async (name: string) => {
  const text = await readFile(new URL(`../local/${name}`, import.meta.url), 'utf8')
  return text.replace('__DBUS_LIBRARY__', dbusLibrary)
}

const languages = {
  nodejs8: async () => ({ 'index.js': await fixture('node-driver.cjs'), 'bus-client.cjs': await fixture('bus-client.cjs') }),
  python3: async () => ({ 'index.py': await fixture('python_driver.py'), 'bus_client.py': await fixture('bus_client.py') }),
}

let server: TestServer
let call: Call
let count = 0
beforeAll(async () => {
  server = await openTestServer({ env: { LITTORAL_STATS_SECONDS: '1' } })
  call = throwing(sdkCall('@alicloud/iot20180120', server.url, server.key))
})
afterAll(() => server.close())

type Status = { Data: { Status: string } }
type Properties = { Data: { List: { PropertyStatusInfo: { Identifier: string; Value: string }[] } } }
type Events = { Data: { List: { EventInfo: { Identifier: string; OutputData: string }[] } } }

describe.each(Object.keys(languages) as (keyof typeof languages)[])('a driver for %s', (runtime) => {
  let node: TestNode
  let instanceId: string
  let driverId: string
  let productKey: string
  const key = () => `driver/${instanceId}/${driverId}`

  const status = async (DeviceName: string) =>
    ((await call('GetDeviceStatus', { ProductKey: productKey, DeviceName })) as Status).Data.Status
  const online = (name: string) => until(`${name} online`, 20_000, async () => (await status(name)) === 'ONLINE' || undefined)
  const properties = async (DeviceName: string) => {
    const { Data } = (await call('QueryDevicePropertyStatus', { ProductKey: productKey, DeviceName })) as Properties
    return new Map(Data.List.PropertyStatusInfo.map(({ Identifier, Value }) => [Identifier, Value]))
  }
  const property = (DeviceName: string, name: string, value: string) =>
    until(`${name} of ${DeviceName} to be ${value}`, 20_000, async () => (await properties(DeviceName)).get(name) === value || undefined)
  const bind = async (DeviceName: string) => {
    const { Data } = await call('RegisterDevice', { ProductKey: productKey, DeviceName })
    const { IotId } = Data as { IotId: string }
    await call('BatchBindDeviceToEdgeInstanceWithDriver', { InstanceId: instanceId, DriverId: driverId, IotIds: [IotId] })
    return IotId
  }

  beforeAll(async () => {
    count += 1
    const gateway = await registerGateway(call, { product: `local_${count}`, device: `gateway-${count}` })
    node = await server.openNode({ gateway, runtimes: ['process'] })
    productKey = String((await call('CreateProduct', { ProductName: `sensors_${count}`, NodeType: 0 }))['ProductKey'])
    driverId = await createDriver(call, { name: `sensors_${count}`, runtime })
    await releaseDriverVersion(call, { driverId, version: '1.0.0', fileName: 'code.zip', zip: await zipOf(await languages[runtime]()) })
    instanceId = await createInstance(call, { name: `local_${count}`, spec: 20, gateway })
    await call('BindDriverToEdgeInstance', { InstanceId: instanceId, DriverId: driverId, DriverVersion: '1.0.0' })
    const iotId = await bind('sensor-1')
    await call('BatchSetEdgeInstanceDeviceConfig', { InstanceId: instanceId, DeviceConfigs: [{ IotId: iotId, Content: '{"slave":7}' }] })
    await configureDriver(call, { instanceId, driverId, config: { unit: '°C' } })
    await call('ImportThingModelTsl', {
      ProductKey: productKey,
      TslStr: JSON.stringify({ profile: { productKey: `model of ${productKey}` } }),
    })
    await deploy(call, instanceId)
  })
  afterAll(() => node.close())

  it('gets its config and that of its device, and brings the device online', async () => {
    await online('sensor-1')
    await property('sensor-1', 'unit', '°C')
    await property('sensor-1', 'slave', '7')
    await property('sensor-1', 'model', `model of ${productKey}`)
    const { Data } = await call('QueryDeviceDetail', { ProductKey: productKey, DeviceName: 'sensor-1' })
    expect(Data).toMatchObject({ Status: 'ONLINE', NodeType: 0 })
  })

  it('reports events, which can be read with what they carried', async () => {
    const window = { StartTime: Date.now() - 3_600_000, EndTime: Date.now() + 3_600_000, Asc: 1, PageSize: 10 }
    const read = async () =>
      ((await call('QueryDeviceEventData', { ProductKey: productKey, DeviceName: 'sensor-1', ...window })) as Events).Data.List
    const { EventInfo } = await until('an event', 20_000, async () => ((await read()).EventInfo.length > 0 ? read() : undefined))
    expect(EventInfo[0]).toMatchObject({ Identifier: 'started', OutputData: '{"slave":7}' })
  })

  it('answers a service call with what it was given', async () => {
    const { Data } = await call('InvokeThingService', {
      ProductKey: productKey,
      DeviceName: 'sensor-1',
      Identifier: 'add',
      Args: '{"a":2,"b":3}',
    })
    expect(JSON.parse((Data as { Result: string }).Result)).toEqual({ sum: 5 })
  })

  it('sets properties, and refuses a service that it does not have', async () => {
    await call('SetDeviceProperty', { ProductKey: productKey, DeviceName: 'sensor-1', Items: '{"interval":12}' })
    await property('sensor-1', 'interval', '12')
    const asked = call('InvokeThingService', { ProductKey: productKey, DeviceName: 'sensor-1', Identifier: 'nothing', Args: '{}' })
    expect(codeOf(await asked.catch((error: unknown) => error))).toBe('iot.device.CallFailed')
  })

  it('is told of a new config and of a new device, and was not started again for it', async () => {
    const pid = (await properties('sensor-1')).get('pid')
    await configureDriver(call, { instanceId, driverId, config: { unit: 'K' } })
    await bind('sensor-2')
    await deploy(call, instanceId)
    await property('sensor-1', 'unit', 'K')
    await online('sensor-2')
    expect((await properties('sensor-2')).get('pid') ?? (await properties('sensor-1')).get('pid')).toBe(pid)
    const lines = await node.logs(key())
    expect(lines.filter((line) => line.includes('[littoral] the driver ended'))).toEqual([])
    expect(lines).toContain(`[littoral] device ${productKey}/sensor-2 is online`)
  })

  it('is shown with its devices by GetNode', async () => {
    const { Devices, DeviceCount } = await server.littoral('GetNode', { NodeId: node.nodeId })
    expect(DeviceCount).toBe(2)
    expect(Devices).toContainEqual(expect.objectContaining({ DeviceName: 'sensor-1', DriverId: driverId, IsOnline: true }))
  })

  it('is shown with what it uses, and the node with what runs it', async () => {
    const shown = async () => {
      const { Node, Workloads } = await server.littoral('GetNode', { NodeId: node.nodeId })
      const found = (Workloads as { Key: string; Usage?: { MemoryBytes: number } }[]).find(({ Key }) => Key === key())
      return found?.Usage === undefined ? undefined : { Node, Usage: found.Usage }
    }
    const { Node, Usage } = await until('the usage of the driver', 20_000, shown)
    expect(Usage).toMatchObject({ CpuMicros: expect.any(Number) as number, MemoryLimitBytes: 1 << 30 })
    expect(Usage.MemoryBytes).toBeGreaterThan(1 << 20)
    expect(Node).toMatchObject({
      DriverRuntimeVersions: expect.arrayContaining([{ Name: runtime, Version: expect.stringMatching(/\d/) as string }]) as object,
    })
  })

  it('has its devices offline once it is taken off', async () => {
    await call('UnbindDriverFromEdgeInstance', { InstanceId: instanceId, DriverId: driverId })
    await deploy(call, instanceId)
    await until('sensor-1 offline', 20_000, async () => (await status('sensor-1')) === 'OFFLINE' || undefined)
    const asked = call('InvokeThingService', { ProductKey: productKey, DeviceName: 'sensor-1', Identifier: 'add', Args: '{}' })
    expect(codeOf(await asked.catch((error: unknown) => error))).toBe('iot.device.DeviceOffline')
  })

  it('has its devices offline while its node is away, and online again with the same config when it is back', async () => {
    await call('BindDriverToEdgeInstance', { InstanceId: instanceId, DriverId: driverId, DriverVersion: '1.0.0' })
    await configureDriver(call, { instanceId, driverId, config: { unit: 'F' } })
    await bind('sensor-3')
    await deploy(call, instanceId)
    await online('sensor-3')
    await node.disconnect()
    await until('sensor-3 offline', 20_000, async () => (await status('sensor-3')) === 'OFFLINE' || undefined)
    await node.reconnect()
    await online('sensor-3')
    await property('sensor-3', 'unit', 'F')
    // It lost its driver when that was taken off, and nobody has given it back.
    expect(await status('sensor-1')).toBe('OFFLINE')
  })
})
