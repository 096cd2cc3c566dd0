import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'
import { deployments as deploymentsLoop } from '../../loops/deployments.ts'
import * as assignments from '../../store/assignments.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'

describe('deployments', () => {
  let door: Door
  let InstanceId: string
  let DriverId: string
  beforeEach(async () => {
    door = await openDoor()
    InstanceId = await door.instance()
    DriverId = await door.driver()
    await door.released(DriverId)
  })
  afterEach(() => door.ctx.close())

  const create = (Type = 'deploy') => door.code('CreateEdgeInstanceDeployment', { InstanceId, Type })
  const deploy = async (Type = 'deploy') => (await door.call('CreateEdgeInstanceDeployment', { InstanceId, Type })).DeploymentId as string
  const read = async (DeploymentId: string) => (await door.call('GetEdgeInstanceDeployment', { InstanceId, DeploymentId })).Data
  const bind = () => door.call('BindDriverToEdgeInstance', { InstanceId, DriverId })
  const assignedTo = (nodeId: string) => door.ctx.store.read((tx) => assignments.listByNode(tx, nodeId))
  const key = () => `driver/${InstanceId}/${DriverId}`

  /** As many passes as the loop would make by itself. */
  async function passes(): Promise<void> {
    const signal = new AbortController().signal
    for (let decisions = 1, left = 10; decisions > 0 && left > 0; left--) ({ decisions } = await deploymentsLoop.pass(door.ctx, signal))
  }

  async function reportReady(nodeId: string, fields: object = {}): Promise<void> {
    const [assignment] = await assignedTo(nodeId)
    const said = { key: key(), version: assignment?.version ?? '', digest: assignment?.digest ?? '', phase: 'ready' as const }
    const rest = { restarts: 0, addresses: [], containers: [], observedAtMs: door.ctx.now() }
    await door.ctx.store.write(async (tx) => reports.update(tx, { nodeId, report: { ...said, ...rest, ...fields }, nowMs: door.ctx.now() }))
  }

  it('needs a gateway', async () => {
    expect(await create()).toBe('iot.edge.InstanceHasNoGateway')
    expect(await door.code('CreateEdgeInstanceDeployment', { InstanceId: 'none', Type: 'deploy' })).toBe('iot.edge.InstanceNotExist')
    expect(await create('undo')).toBe('iot.common.InvalidParam')
  })

  it('waits for the gateway, then puts the driver on it, and succeeds when the node says that it runs', async () => {
    const IotId = await door.gateway(InstanceId)
    await bind()
    const Configs = [{ Format: 'JSON', Content: '{"test":123}' }]
    await door.call('SetEdgeInstanceDriverConfigs', { InstanceId, DriverId, Configs })
    const id = await deploy()
    expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(await read(id)).toMatchObject({
      DeploymentId: id,
      Type: 'deploy',
      Status: 0,
      Description: `deploy_${door.ctx.now()}`,
      GmtCreate: '2026-01-05 16:00:00',
      TaskList: [
        { GatewayId: IotId, Status: 0, Stage: 0, ResourceSnapshotList: [{ ResourceType: 'driver' }, { ResourceType: 'driver_config' }] },
      ],
    })
    await passes()
    expect(await read(id)).toMatchObject({ Status: 1, TaskList: [{ Stage: 16 }] })
    expect(await create()).toBe('iot.edge.InstanceIsRunning')

    const nodeId = await door.node(IotId)
    await passes()
    expect(await read(id)).toMatchObject({ Status: 1, TaskList: [{ Stage: 24 }] })
    const [assignment] = await assignedTo(nodeId)
    expect(assignment?.workload).toMatchObject({
      kind: 'driver',
      key: key(),
      version: '1.0.0',
      driverId: DriverId,
      driverName: 'MyDriver',
      runtime: 'nodejs8',
      edgeVersion: '2.0.0',
      package: { path: `/node/v1/objects/${'ab'.repeat(32)}`, sha256: 'ab'.repeat(32), sizeBytes: 1000 },
      config: '{"config":{"json":{"test":123}},"deviceList":[]}',
      files: [],
    })

    door.ctx.clock.advance(5000)
    await reportReady(nodeId)
    await passes()
    const ended = await read(id)
    expect(ended).toMatchObject({ Status: 2, GmtCompleted: '2026-01-05 16:00:05', TaskList: [{ Status: 2, Stage: 32 }] })
    const [driver] = ended.TaskList[0].ResourceSnapshotList
    expect(driver).toMatchObject({ ResourceId: DriverId, ResourceName: 'MyDriver', OperateType: 0, Status: 2, Stage: 32 })
    expect(JSON.parse(driver.Log).map((line: { stage: number }) => line.stage)).toEqual([0, 8, 16, 32])
    expect((await door.call('GetEdgeInstance', { InstanceId })).Data).toMatchObject({
      LatestDeploymentStatus: 2,
      LatestDeploymentType: 'deploy',
    })
    expect(await create()).toBe('Success')
  })

  it('works on what the instance held when the job was made', async () => {
    const nodeId = await door.node(await door.gateway(InstanceId))
    await bind()
    await deploy()
    await door.call('SetEdgeInstanceDriverConfigs', { InstanceId, DriverId, Configs: [{ Format: 'JSON', Content: '2' }] })
    await passes()
    expect((await assignedTo(nodeId))[0]?.workload).toMatchObject({ config: '{"config":{},"deviceList":[]}' })
  })

  it('fails with the reason when the node cannot run the driver', async () => {
    const nodeId = await door.node(await door.gateway(InstanceId))
    await bind()
    const id = await deploy()
    await passes()
    await reportReady(nodeId, { phase: 'failed', reason: { code: 'RuntimeMissing', message: 'no node found' } })
    await passes()
    const job = await read(id)
    expect(job).toMatchObject({ Status: 3, TaskList: [{ Status: 3, Stage: 24 }] })
    expect(job.TaskList[0].ResourceSnapshotList[0].Log).toContain('RuntimeMissing: no node found')
    expect((await door.call('GetEdgeInstance', { InstanceId })).Data.LatestDeploymentStatus).toBe(3)
  })

  it('takes off what is no longer assigned, and everything on a reset', async () => {
    const nodeId = await door.node(await door.gateway(InstanceId))
    await bind()
    await deploy()
    await passes()
    await reportReady(nodeId)
    await passes()
    const id = await deploy('reset')
    expect((await read(id)).TaskList[0].ResourceSnapshotList).toMatchObject([
      { ResourceId: DriverId, ResourceType: 'driver', OperateType: 1 },
    ])
    await passes()
    expect(await assignedTo(nodeId)).toEqual([])
    expect((await read(id)).Status).toBe(1)
    await door.ctx.store.write(async (tx) => reports.remove(tx, nodeId, key()))
    await door.ctx.store.write(async (tx) => nodes.updateAccepted(tx, nodeId, 99))
    await passes()
    expect(await read(id)).toMatchObject({ Status: 2, Description: expect.stringMatching(/^reset_/) })
  })

  it('refuses a gateway that is known to be too old', async () => {
    await door.node(await door.gateway(InstanceId), { edgeVersion: '1.9' })
    await bind()
    expect(await create()).toBe('iot.edge.EdgeVersionUnsupported')
    expect(await create('reset')).toBe('Success')
  })

  it('refuses to deploy a disabled instance, and still resets it', async () => {
    await door.gateway(InstanceId)
    await door.call('UpdateEdgeInstance', { InstanceId, Name: 'disabled', BizEnable: false })
    expect(await create()).toBe('iot.edge.InstanceDisabled')
    expect(await create('reset')).toBe('Success')
  })

  it('lets one of two jobs pass that are made at once', async () => {
    await door.gateway(InstanceId)
    const codes = await Promise.all([create(), create()])
    expect(codes.sort()).toEqual(['Success', 'iot.edge.InstanceIsRunning'])
  })

  it('finds a job in its own instance only', async () => {
    await door.gateway(InstanceId)
    const DeploymentId = await deploy()
    const other = await door.instance()
    expect(await door.code('GetEdgeInstanceDeployment', { InstanceId: other, DeploymentId })).toBe('iot.edge.DeploymentNotExist')
    expect(await door.code('GetEdgeInstanceDeployment', { InstanceId: 'none', DeploymentId })).toBe('iot.edge.InstanceNotExist')
  })
})
