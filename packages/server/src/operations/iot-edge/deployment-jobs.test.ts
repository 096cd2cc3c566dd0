import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'
import { deployments as deploymentsLoop } from '../../loops/deployments.ts'
import * as assignments from '../../store/assignments.ts'
import { db } from '../../store/db.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'

interface Resource {
  readonly ResourceType: string
  readonly OperateType: number
  readonly Status: number
  readonly Log: string
}

describe('what a deployment is made of, and what becomes of it', () => {
  let door: Door
  let owner: { InstanceId: string; DriverId: string }
  let InstanceId: string
  let nodeId: string
  beforeEach(async () => {
    door = await openDoor()
    owner = await door.assigned()
    InstanceId = owner.InstanceId
    nodeId = await door.node(await door.gateway(InstanceId))
  })
  afterEach(() => door.ctx.close())

  const code = (Type = 'deploy') => door.code('CreateEdgeInstanceDeployment', { InstanceId, Type })
  const deploy = async (Type = 'deploy') => (await door.call('CreateEdgeInstanceDeployment', { InstanceId, Type })).DeploymentId as string
  const read = async (DeploymentId: string) => (await door.call('GetEdgeInstanceDeployment', { InstanceId, DeploymentId })).Data
  const resources = async (id: string) => (await read(id)).TaskList[0].ResourceSnapshotList as Resource[]
  const summary = async (id: string) =>
    (await resources(id)).map(({ ResourceType, OperateType, Status }) => `${ResourceType} ${OperateType} ${Status}`)
  const assignedTo = () => door.ctx.store.read((tx) => assignments.listByNode(tx, nodeId))
  const passes = async () => {
    const signal = new AbortController().signal
    for (let decisions = 1, left = 10; decisions > 0 && left > 0; left--) ({ decisions } = await deploymentsLoop.pass(door.ctx, signal))
  }
  const reportAll = async (phase: 'ready' | 'failed') => {
    const known = await assignedTo()
    await door.ctx.store.write(async (tx) => {
      nodes.updateAccepted(tx, nodeId, 99)
      for (const { key, version, digest } of known) {
        const rest = { phase, restarts: 0, addresses: [], containers: [], observedAtMs: 1 }
        reports.update(tx, { nodeId, report: { key, version, digest, ...rest }, nowMs: 1 })
      }
    })
  }
  const reportGone = async () => {
    const key = `driver/${InstanceId}/${owner.DriverId}`
    await door.ctx.store.write(async (tx) => reports.remove(tx, nodeId, key))
    await door.ctx.store.write(async (tx) => nodes.updateAccepted(tx, nodeId, 99))
  }
  const finish = async (id: string) => {
    await passes()
    await reportAll('ready')
    await passes()
    return read(id)
  }
  const config = async () => {
    const workload = (await assignedTo())[0]?.workload
    return JSON.parse(workload?.kind === 'driver' ? workload.config : '{}')
  }
  const bindDevices = async (count: number) => {
    const iotIds = await door.devices(count)
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...owner, IotIds: iotIds })
    return iotIds
  }
  const everything = async () => {
    await bindDevices(1)
    await door.call('SetEdgeInstanceDriverConfigs', { ...owner, Configs: [{ Format: 'JSON', Content: '{}' }] })
    const route = { SourceType: 'device', SourceData: '#', TargetType: 'IotHub', TargetIotHubQos: 0, Name: 'to the cloud' }
    const { RouteId } = await door.call('CreateEdgeInstanceMessageRouting', { InstanceId, ...route })
    await door.call('BindSceneRuleToEdgeInstance', { InstanceId, RuleId: 'rule_1' })
    await door.call('BindApplicationToEdgeInstance', { InstanceId, ApplicationId: 'app_1', ApplicationVersion: '3.7' })
    await door.call('BindRoleToEdgeInstance', { InstanceId, RoleArn: 'acs:ram::1:role/edge', RoleName: 'Edge' })
    return RouteId as number
  }
  const types = ['driver', 'driver_config', 'device_config', 'application', 'message_route', 'scene_rule', 'role']

  it('hands the driver its devices; their configuration is JSON text inside a string, and absent where there is none', async () => {
    const [first] = await bindDevices(2)
    await door.call('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs: [{ IotId: first, Content: '{"slaveId": 1}' }] })
    await deploy()
    await passes()
    const { deviceList } = await config()
    expect(deviceList).toEqual([
      { productKey: expect.any(String), deviceName: 'sensor_1', custom: '{"slaveId": 1}' },
      { productKey: expect.any(String), deviceName: 'sensor_2' },
    ])
  })

  it('hands the driver its channels with their configuration, and each device the id of its own', async () => {
    const [IotId] = await bindDevices(1)
    const upload = { Type: 'INSTANCE_DRIVER_VERSION_CONFIG', FileName: 'points.json', InstanceId }
    const Content = await door.uploaded(owner.DriverId, upload, 20)
    const Configs = [
      { Format: 'JSON', Content: '{"ip":"1.2.3.4"}' },
      { Format: 'KV', Content: '[{"key":"a","value":"b"}]', Key: 'pairs' },
      { Format: 'FILE', Content, Key: 'file' },
    ]
    const ChannelId = (await door.call('CreateEdgeInstanceChannel', { ...owner, ChannelName: 'tcp', Configs })).Data
    await door.call('BatchSetEdgeInstanceDeviceChannel', { ...owner, ChannelId, IotIds: [IotId] })
    const id = await deploy()
    await passes()
    const path = `${ChannelId}-points.json`
    expect(await config()).toEqual({
      config: {
        channelList: [
          {
            channelId: ChannelId,
            channelName: 'tcp',
            config: { json: { ip: '1.2.3.4' }, kv: [{ key: 'a', value: 'b' }], fileList: [{ path }] },
          },
        ],
      },
      deviceList: [{ productKey: expect.any(String), deviceName: 'sensor_1', channelId: ChannelId }],
    })
    expect((await assignedTo())[0]?.workload).toMatchObject({ files: [{ name: path, sha256: 'ab'.repeat(32), sizeBytes: 20 }] })
    expect(await summary(id)).toEqual(['driver 0 1', 'driver_config 0 1', 'device_config 0 1'])
  })

  it('passes over devices whose driver was taken out', async () => {
    await bindDevices(1)
    await door.call('UnbindDriverFromEdgeInstance', owner)
    expect(await resources(await deploy())).toEqual([])
  })

  it('checks the configuration of a driver as soon as it has devices', async () => {
    const DriverId = await door.driver('Ruled')
    await door.released(DriverId, '1.0.0', { ConfigCheckRule: '{"driverConfig":{"required":true},"deviceConfig":{"required":true}}' })
    await door.call('BindDriverToEdgeInstance', { InstanceId, DriverId })
    await deploy()
    await door.call('CloseEdgeInstanceDeployment', { InstanceId })
    const iotIds = await door.devices(2)
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { InstanceId, DriverId, IotIds: iotIds })
    expect(await code()).toBe('iot.edge.DriverConfigRequired')
    await door.call('SetEdgeInstanceDriverConfigs', { InstanceId, DriverId, Configs: [{ Format: 'JSON', Content: '1' }] })
    const [first, second] = iotIds.map((IotId) => ({ IotId, Content: '{}' }))
    await door.call('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs: [first] })
    expect(await code()).toBe('iot.edge.DeviceConfigRequired')
    await door.call('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs: [second] })
    expect(await code()).toBe('Success')
  })

  it('lists everything an instance holds, and says of what the gateway does not carry out that it does not', async () => {
    const RouteId = await everything()
    const id = await deploy()
    expect(await summary(id)).toEqual(types.map((type) => `${type} 0 0`))
    expect(await resources(id)).toMatchObject([
      { ResourceId: owner.DriverId },
      { ResourceId: owner.DriverId },
      { ResourceId: 'device_config', ResourceName: 'device_config' },
      { ResourceId: 'app_1', ResourceName: 'app_1:3.7' },
      { ResourceId: String(RouteId), ResourceName: 'to the cloud' },
      { ResourceId: 'rule_1' },
      { ResourceId: 'acs:ram::1:role/edge', ResourceName: 'Edge' },
    ])
    expect(await finish(id)).toMatchObject({ Status: 2 })
    const logs = (await resources(id)).map(({ Log }) => JSON.parse(Log).at(-1))
    expect(logs[2]).toMatchObject({ message: 'download success', resourceType: 'DEVICE_CONFIG', stage: 32, code: '0' })
    expect(logs[4]).toMatchObject({ message: 'stored on the gateway, which carries out nothing of it', resourceType: 'MESSAGE_ROUTE' })
  })

  it('takes off with the next job whatever is no longer held, and with a reset all of it', async () => {
    const RouteId = await everything()
    await finish(await deploy())
    await door.call('DeleteEdgeInstanceMessageRouting', { InstanceId, RouteId })
    await door.call('ClearEdgeInstanceDriverConfigs', owner)
    const second = await deploy()
    expect((await summary(second)).filter((line) => line.includes(' 1 '))).toEqual(['driver_config 1 0', 'message_route 1 0'])
    // The driver stays, so its lost configuration is off as soon as the driver runs without it.
    expect(await finish(second)).toMatchObject({ Status: 2 })
    const reset = await deploy('reset')
    const left = ['application', 'device_config', 'driver', 'role', 'scene_rule']
    expect((await summary(reset)).sort()).toEqual(left.map((type) => `${type} 1 0`))
    await passes()
    expect(await assignedTo()).toEqual([])
    expect((await read(reset)).Status).toBe(1)
    await reportGone()
    await passes()
    expect((await read(reset)).Status).toBe(2)
    expect(await resources(await deploy('reset'))).toEqual([])
  })

  it('fails the configuration of the devices with the driver they are behind', async () => {
    await bindDevices(1)
    const id = await deploy()
    await passes()
    await reportAll('failed')
    await passes()
    expect(await summary(id)).toEqual(['driver 0 3', 'device_config 0 3'])
    const logs = (await resources(id)).map(({ Log }) => JSON.parse(Log).at(-1).message)
    expect(logs[1]).toMatch(/^the driver Driver_\w+ was not deployed$/)
    expect((await read(id)).Status).toBe(3)
  })

  it('remembers a driver that failed, so that a reset takes it off', async () => {
    await deploy()
    await passes()
    await reportAll('failed')
    await passes()
    expect(await summary(await deploy('reset'))).toEqual(['driver 1 0'])
  })

  it('closes the unfinished job as failed, with a line that says so, and nothing where there is none', async () => {
    const close = (fields: object = {}) => door.code('CloseEdgeInstanceDeployment', { InstanceId, ...fields })
    expect(await close()).toBe('Success')
    const id = await deploy()
    await passes()
    door.ctx.clock.advance(1000)
    expect(await close()).toBe('Success')
    const job = await read(id)
    expect(job).toMatchObject({ Status: 3, GmtCompleted: '2026-01-05 16:00:01', TaskList: [{ Status: 3, Stage: 24 }] })
    const [driver] = job.TaskList[0].ResourceSnapshotList
    expect(JSON.parse(driver.Log).at(-1)).toMatchObject({ code: '1', level: 'ERROR', message: 'closed by CloseEdgeInstanceDeployment' })
    await reportAll('ready')
    await passes()
    expect((await read(id)).Status).toBe(3)
    expect(await code()).toBe('Success')
    expect(await close({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
  })

  it('closes a job without resources as failed too', async () => {
    await door.call('UnbindDriverFromEdgeInstance', owner)
    const id = await deploy()
    await door.call('CloseEdgeInstanceDeployment', { InstanceId })
    expect((await read(id)).Status).toBe(3)
  })

  it('pages the history newest first, by time of creation, without tasks', async () => {
    const jobs: string[] = []
    for (const Type of ['deploy', 'reset', 'deploy']) {
      jobs.push(await deploy(Type))
      await door.call('CloseEdgeInstanceDeployment', { InstanceId })
      door.ctx.clock.advance(1000)
    }
    const started = door.ctx.now() - 3000
    const history = async (fields: object = {}) =>
      (await door.call('QueryEdgeInstanceHistoricDeployment', { InstanceId, CurrentPage: 1, PageSize: 10, ...fields })).Data
    const { DeploymentList, ...about } = await history()
    expect(about).toEqual({ CurrentPage: 1, PageSize: 10, Total: 3 })
    expect(DeploymentList.map(({ DeploymentId }: { DeploymentId: string }) => DeploymentId)).toEqual([...jobs].reverse())
    expect(DeploymentList[1]).toEqual({
      DeploymentId: jobs[1],
      Type: 'reset',
      Status: 3,
      Description: `reset_${started + 1000}`,
      GmtCreate: '2026-01-05 16:00:01',
      GmtCreateTimestamp: started + 1000,
      GmtModified: '2026-01-05 16:00:01',
      GmtModifiedTimestamp: started + 1000,
      GmtCompleted: '2026-01-05 16:00:01',
      GmtCompletedTimestamp: started + 1000,
    })
    expect(await history({ StartTime: started + 1 })).toMatchObject({ Total: 2 })
    expect(await history({ EndTime: started })).toMatchObject({ Total: 1, DeploymentList: [{ DeploymentId: jobs[0] }] })
    expect(await history({ StartTime: started, EndTime: started })).toMatchObject({ Total: 1 })
    expect(await history({ CurrentPage: 2, PageSize: 2 })).toMatchObject({ DeploymentList: [{ DeploymentId: jobs[0] }], Total: 3 })
    const ask = (fields: object) =>
      door.code('QueryEdgeInstanceHistoricDeployment', { InstanceId, CurrentPage: 1, PageSize: 10, ...fields })
    expect(await ask({ StartTime: 2, EndTime: 1 })).toBe('iot.common.InvalidParam')
    expect(await ask({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await ask({ PageSize: 'x' })).toBe('iot.common.InvalidPageParams')
  })

  it('refuses more configuration files than a node takes', async () => {
    const upload = { Type: 'INSTANCE_DRIVER_VERSION_CONFIG', InstanceId }
    for (const channel of ['a', 'b', 'c', 'd']) {
      const Configs: object[] = []
      for (let place = 0; place < 17; place++) {
        const Content = await door.uploaded(owner.DriverId, { ...upload, FileName: `${channel}${place}.json` }, 1)
        Configs.push({ Format: 'FILE', Content, Key: String(place) })
      }
      await door.call('CreateEdgeInstanceChannel', { ...owner, ChannelName: channel, Configs })
    }
    expect(await code()).toBe('iot.common.ParameterSizeLimit')
  })

  it('puts a thousand devices behind thirty drivers on one gateway', async () => {
    const drivers = [owner.DriverId]
    for (let place = 1; place < 30; place++) {
      const DriverId = await door.driver(`Many_${place}`)
      await door.released(DriverId)
      await door.call('BindDriverToEdgeInstance', { InstanceId, DriverId })
      drivers.push(DriverId)
    }
    const iotIds = await door.devices(1000)
    for (let from = 0; from < 1000; from += 20) {
      const IotIds = iotIds.slice(from, from + 20)
      const DriverId = drivers[(from / 20) % 30]
      await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { InstanceId, DriverId, IotIds })
      const DeviceConfigs = IotIds.map((IotId) => ({ IotId, Content: JSON.stringify({ text: 'x'.repeat(1000) }) }))
      await door.call('BatchSetEdgeInstanceDeviceConfig', { InstanceId, DeviceConfigs })
    }
    const id = await deploy()
    expect(await finish(id)).toMatchObject({ Status: 2 })
    const workloads = (await assignedTo()).map(({ workload }) => JSON.parse((workload as { config: string }).config))
    expect(workloads).toHaveLength(30)
    expect(workloads.flatMap(({ deviceList }) => deviceList)).toHaveLength(1000)
    const rows = await door.ctx.store.read((tx) => tx.all(db.selectFrom('deployed_resources').selectAll()))
    expect(rows).toHaveLength(31)
  }, 60_000)
})
