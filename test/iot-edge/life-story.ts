// The story itself: one gateway, two drivers, from the first upload to the retirement. Each step goes on where the one before
// ended. Told by life-processes.test.ts and life-containers.test.ts.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DesiredState } from '@littoral/contract/node/desired-state'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDriver, createInstance, registerGateway, type Gateway } from '../../tools/journey/driver.ts'
import { until } from '../../tools/journey/wait.ts'
import type { TestServer } from '../test-server.ts'
import type { TestNode } from '../test-node.ts'
import { configure, furnish, type Furniture } from './furnishing.ts'
import { brokenPackage, EdgeLife, type Job, type Resource, type Said, type Tier } from './life.ts'

const types = ['application', 'device_config', 'driver', 'driver', 'driver_config', 'message_route', 'role', 'scene_rule']

/** What the runtimes of a node keep of instances. */
/** What the node keeps of its desired state, beside its checksum. */
async function desiredOf({ dataDir }: TestNode): Promise<Partial<DesiredState>> {
  return (JSON.parse(await readFile(join(dataDir, 'desired.json'), 'utf8')) as { content: DesiredState }).content
}

const instanceFolders = async ({ dataDir: folder }: TestNode) => {
  const lists = ['process', 'engine'].map((runtime) => readdir(join(folder, runtime, 'instances')).catch(() => []))
  return (await Promise.all(lists)).flat()
}

const resourcesOf = (job: Job): readonly Resource[] => job.TaskList[0]?.ResourceSnapshotList ?? []
const linesOf = ({ Log }: Resource) => JSON.parse(Log) as { stage: number; message: string; code: string }[]

export function tellLife(openServer: () => Promise<TestServer>, tier: Tier, name: string): void {
  let server: TestServer
  let life: EdgeLife
  let gateway: Gateway
  let node: TestNode
  let meter = ''
  let lamp = ''
  let furniture: Furniture
  let words: { meter: Said; lamp: Said }

  beforeAll(async () => {
    server = await openServer()
    life = new EdgeLife(server, tier)
    gateway = await registerGateway(life.call, { product: `gateways_${name}`, device: 'gateway-1' })
    node = await life.openNode(gateway)
  })
  afterAll(() => server.close())

  /** The lamp is nobody's business: whatever happens to the meter, it goes on as the same process, with the same words. */
  const expectLampUndisturbed = async () => expect((await life.said(node, lamp)).at(-1)).toEqual(words.lamp)
  const workloads = async (of: TestNode) => (await life.view(of)).Workloads

  it('reaches no gateway before it is deployed', async () => {
    meter = await createDriver(life.call, { name: 'meter', runtime: 'nodejs8' })
    lamp = await createDriver(life.call, { name: 'lamp', runtime: 'nodejs8' })
    for (const driver of [meter, lamp]) await life.release(driver, '1.0.0')
    life.instanceId = await createInstance(life.call, { name: 'hall', spec: tier.spec, gateway })
    for (const driver of [meter, lamp]) await life.bind(driver, '1.0.0')
    await configure(life, meter, { json: { level: 1 }, file: '[1]' })
    furniture = await furnish(life, meter, `sensors_${name}`)
    expect(await life.view(node)).toMatchObject({ Workloads: [], Bindings: [] })
  })

  it('goes through every stage until it runs, and says for each resource how', async () => {
    const id = await life.begin('deploy')
    expect(await life.code('CreateEdgeInstanceDeployment', { InstanceId: life.instanceId, Type: 'deploy' })).toBe(
      'iot.edge.InstanceIsRunning',
    )
    const job = await life.ended(id)
    expect(job).toMatchObject({ Status: 2, Type: 'deploy', TaskList: [{ GatewayId: gateway.iotId, Status: 2, Stage: 32 }] })
    expect(
      resourcesOf(job)
        .map(({ ResourceType }) => ResourceType)
        .sort(),
    ).toEqual(types)
    for (const resource of resourcesOf(job)) {
      expect(resource).toMatchObject({ OperateType: 0, Status: 2, Stage: 32 })
      expect(linesOf(resource).map(({ stage, code }) => `${stage} ${code}`)).toEqual(['0 0', '8 0', '16 0', '32 0'])
    }
    words = { meter: await life.says(node, meter, () => true), lamp: await life.says(node, lamp, () => true) }
    const { channelId } = furniture
    expect(words.meter).toMatchObject({
      version: '1.0.0',
      config: {
        config: {
          json: { level: 1 },
          kv: [{ key: 'unit', value: 'kW', note: 'of power' }],
          fileList: [{ path: 'points.json' }],
          channelList: [{ channelId, channelName: 'line_1', config: { json: { port: 502 } } }],
        },
      },
      files: ['[1]'],
    })
    const devices = words.meter.config.deviceList.toSorted((a, b) => (String(a['deviceName']) < String(b['deviceName']) ? -1 : 1))
    expect(devices).toMatchObject([{ deviceName: 'sensor_1', custom: '{"slaveId":7}', channelId }, { deviceName: 'sensor_2' }])
    expect(words.lamp.config).toEqual({ config: {}, deviceList: [] })
  })

  it('has the gateway keep on its disk what it does not carry out, and shows it', async () => {
    const { Bindings } = await life.view(node)
    expect(Bindings.map(({ Kind, Id }) => `${Kind} ${Id}`).sort()).toEqual([
      'application app_1',
      `message_route ${String(furniture.routeId)}`,
      'role acs:ram::1:role/edge',
      'scene_rule rule_1',
    ])
    expect(Bindings.every(({ IsStored }) => IsStored)).toBe(true)
    const { bindings = [] } = await desiredOf(node)
    const route = bindings.find(({ kind }) => kind === 'message_route')
    expect(JSON.parse(route?.content ?? '')).toMatchObject({ sourceType: 'device', sourceData: '#', targetType: 'IotHub', qos: 1 })
  })

  it('takes a changed configuration without a restart', async () => {
    await configure(life, meter, { json: { level: 2 }, file: '[2]' })
    await life.deploy()
    const said = await life.says(node, meter, ({ config }) => (config.config['json'] as { level: number }).level === 2)
    expect(said).toMatchObject({ boot: words.meter.boot, files: ['[2]'] })
    await expectLampUndisturbed()
  })

  it('is upgraded in place, keeps what it was set to, and disturbs no other', async () => {
    await life.release(meter, '2.0.0')
    await life.bind(meter, '2.0.0')
    await life.deploy()
    const said = await life.says(node, meter, ({ version }) => version === '2.0.0')
    expect(said.boot).not.toBe(words.meter.boot)
    expect(said.config).toMatchObject({ config: { json: { level: 2 } }, deviceList: words.meter.config.deviceList })
    expect(said.files).toEqual(['[2]'])
    await expectLampUndisturbed()
    expect(await workloads(node)).toHaveLength(2)
  })

  it('is downgraded the same way', async () => {
    await life.bind(meter, '1.0.0')
    await life.deploy()
    const said = await life.says(node, meter, ({ version }) => version === '1.0.0')
    expect(said.boot).not.toBe(words.meter.boot)
    await expectLampUndisturbed()
  })

  it('holds up the next job while one is under way, until that one is closed', async () => {
    await life.release(meter, '3.0.0', await brokenPackage())
    await life.bind(meter, '3.0.0')
    const id = await life.begin('deploy')
    await until('the gateway to be told', 20_000, async () => ((await life.job(id)).TaskList[0]?.Stage === 24 ? true : undefined))
    expect(await life.code('CreateEdgeInstanceDeployment', { InstanceId: life.instanceId, Type: 'deploy' })).toBe(
      'iot.edge.InstanceIsRunning',
    )
    await life.call('CloseEdgeInstanceDeployment', { InstanceId: life.instanceId })
    const job = await life.job(id)
    expect(job.Status).toBe(3)
    const failed = resourcesOf(job).find(({ ResourceType, ResourceId }) => ResourceType === 'driver' && ResourceId === meter)!
    expect(failed).toMatchObject({ Status: 3, Stage: 24 })
    expect(linesOf(failed).at(-1)).toMatchObject({ code: '1', message: 'closed by CloseEdgeInstanceDeployment' })
    await life.bind(meter, '1.0.0')
    await life.deploy()
    await life.says(node, meter, ({ version }) => version === '1.0.0')
    await expectLampUndisturbed()
  })

  it('waits for a gateway that is away, and reaches it when it returns', async () => {
    await node.disconnect()
    await life.missed(node)
    await configure(life, meter, { json: { level: 3 }, file: '[3]' })
    const id = await life.begin('deploy')
    await until('the job to be packed', 10_000, async () => ((await life.job(id)).Status === 1 ? true : undefined))
    expect((await life.job(id)).TaskList[0]).toMatchObject({ Status: 1, Stage: 16 })
    await node.reconnect()
    expect(await life.ended(id)).toMatchObject({ Status: 2 })
    await life.says(node, meter, ({ config }) => (config.config['json'] as { level: number }).level === 3)
  })

  it('is taken off by a reset, and put back by the next deployment', async () => {
    const job = await life.ended(await life.begin('reset'))
    expect(job).toMatchObject({ Status: 2, Type: 'reset' })
    expect(resourcesOf(job).every(({ OperateType }) => OperateType === 1)).toBe(true)
    expect(
      resourcesOf(job)
        .map(({ ResourceType }) => ResourceType)
        .sort(),
    ).toEqual(types)
    expect(await life.view(node)).toMatchObject({ Workloads: [], Bindings: [] })
    await life.deploy()
    expect(await workloads(node)).toHaveLength(2)
    expect(await instanceFolders(node)).toHaveLength(2)
  })

  it('moves to another machine; the old one stops its drivers as soon as it is back', async () => {
    const old = node
    await old.disconnect()
    await life.missed(old)
    await life.begin('reset')
    await life.call('CloseEdgeInstanceDeployment', { InstanceId: life.instanceId })
    const successor = await registerGateway(life.call, { product: `successors_${name}`, device: 'gateway-2' })
    const change = { InstanceId: life.instanceId, CurrentGatewayId: gateway.iotId, NewGatewayId: successor.iotId }
    await life.call('ReplaceEdgeInstanceGateway', change)
    const { Data } = await life.call('QueryEdgeInstanceHistoricDeployment', { InstanceId: life.instanceId, CurrentPage: 1, PageSize: 10 })
    expect(Data).toMatchObject({ Total: 0 })
    gateway = successor
    node = await life.openNode(gateway)
    await life.deploy()
    for (const driver of [meter, lamp]) await life.says(node, driver, ({ version }) => version === '1.0.0')
    await old.reconnect()
    await until('the old gateway to be empty', 30_000, async () => {
      const { Workloads, Bindings } = await life.view(old)
      return Workloads.length === 0 && Bindings.length === 0 ? true : undefined
    })
    expect(await workloads(node)).toHaveLength(2)
    await old.close()
  })

  it('keeps the history of its jobs, newest first', async () => {
    const asked = { InstanceId: life.instanceId, CurrentPage: 1, PageSize: 10 }
    await life.deploy()
    const { Data } = await life.call('QueryEdgeInstanceHistoricDeployment', asked)
    const { DeploymentList, Total } = Data as {
      DeploymentList: { Type: string; Status: number; GmtCreateTimestamp: number }[]
      Total: number
    }
    expect(Total).toBe(2)
    expect(DeploymentList.map(({ Type, Status }) => `${Type} ${Status}`)).toEqual(['deploy 2', 'deploy 2'])
    expect(DeploymentList[0]!.GmtCreateTimestamp).toBeGreaterThan(DeploymentList[1]!.GmtCreateTimestamp)
  })

  it('is retired, and nothing of it is left', async () => {
    const InstanceId = life.instanceId
    await life.call('UnbindDriverFromEdgeInstance', { InstanceId, DriverId: lamp })
    await life.deploy()
    expect((await workloads(node)).map(({ Key }) => Key)).toEqual([`driver/${InstanceId}/${meter}`])
    expect(await life.code('DeleteEdgeInstance', { InstanceId })).toBe('iot.edge.InstanceHasDevice')
    await life.call('BatchUnbindDeviceFromEdgeInstance', { InstanceId, IotIds: furniture.iotIds })
    await life.call('UnbindDriverFromEdgeInstance', { InstanceId, DriverId: meter })
    await life.deploy()
    expect(await workloads(node)).toEqual([])
    expect(await life.code('DeleteEdgeInstance', { InstanceId })).toBe('iot.edge.InstanceIsRunning')
    expect(await life.ended(await life.begin('reset'))).toMatchObject({ Status: 2 })
    await life.call('DeleteEdgeInstance', { InstanceId })
    expect(await life.code('DeleteEdgeDriverVersion', { DriverId: meter, DriverVersion: '1.0.0' })).toBe('iot.edge.DriverVersionReleased')
    for (const IotId of furniture.iotIds) await life.call('DeleteDevice', { IotId })
    const kept = await desiredOf(node)
    expect(kept).toMatchObject({ workloads: [] })
    expect(kept).not.toHaveProperty('bindings')
    expect(await instanceFolders(node)).toEqual([])
  })

  it('leaves a gateway whose device is deleted neither connected nor known', async () => {
    await life.call('DeleteDevice', { IotId: gateway.iotId })
    await until('the node to be refused', 20_000, () => (node.log.some((line) => line.includes('Node.Unauthenticated')) ? true : undefined))
    expect(await life.nodeNames()).not.toContain(node.name)
  })
}
