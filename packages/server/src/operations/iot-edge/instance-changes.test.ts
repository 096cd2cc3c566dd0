import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Door, openDoor } from '../../../../../test/iot-edge/door.ts'
import { deployments as deploymentsLoop } from '../../loops/deployments.ts'
import * as assignments from '../../store/assignments.ts'
import { db } from '../../store/db.ts'
import * as reports from '../../store/reports.ts'

const stranger = { accountId: '2000000000000002' }

describe('changing, emptying and deleting edge instances', () => {
  let door: Door
  beforeEach(async () => {
    door = await openDoor()
  })
  afterEach(() => door.ctx.close())

  const read = async (InstanceId: string) => (await door.call('GetEdgeInstance', { InstanceId })).Data
  const passes = async () => {
    const signal = new AbortController().signal
    for (let decisions = 1, left = 10; decisions > 0 && left > 0; left--) ({ decisions } = await deploymentsLoop.pass(door.ctx, signal))
  }

  it('leaves alone whatever an update leaves out, unlike a driver version', async () => {
    const InstanceId = await door.instance({ Name: 'before', Tags: 'a:1', Spec: 30 })
    door.ctx.clock.advance(1000)
    expect(await door.code('UpdateEdgeInstance', { InstanceId, Name: 'after' })).toBe('Success')
    const changed = { Name: 'after', Tags: 'a:1', Spec: 30, BizEnable: true }
    expect(await read(InstanceId)).toMatchObject({ ...changed, GmtCreate: '2026-01-05 16:00:00', GmtModified: '2026-01-05 16:00:01' })
    await door.call('UpdateEdgeInstance', { InstanceId, Name: 'after', BizEnable: false, Spec: 20, Tags: 'b:2' })
    expect(await read(InstanceId)).toMatchObject({ Tags: 'b:2', Spec: 20, BizEnable: false })
  })

  it('takes the tags away for an empty text', async () => {
    const InstanceId = await door.instance({ Name: 'tagged', Tags: 'a:1' })
    await door.call('UpdateEdgeInstance', { InstanceId, Name: 'tagged', Tags: '' })
    expect(await read(InstanceId)).not.toHaveProperty('Tags')
  })

  it('keeps names unique and what is in an instance possible', async () => {
    await door.instance({ Name: 'taken' })
    const { InstanceId } = await door.assigned()
    const update = (fields: object) => door.code('UpdateEdgeInstance', { InstanceId, Name: 'mine', ...fields })
    expect(await update({ Name: 'taken' })).toBe('iot.edge.InstanceNameExist')
    expect(await update({ Name: '实'.repeat(11) })).toBe('iot.common.InvalidParam')
    expect(await update({ Tags: 'a' })).toBe('iot.common.InvalidParam')
    expect(await update({ Spec: 10 })).toBe('iot.common.InvalidParam')
    expect(await update({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await door.code('UpdateEdgeInstance', { InstanceId, Name: 'mine' }, door.ctx.as(stranger))).toBe(
      'iot.common.AuthActionPermissionDeny',
    )
    expect(await door.code('UpdateEdgeInstance', { InstanceId })).toBe('MissingName')
    expect(await door.code('UpdateEdgeInstance', { InstanceId: await door.instance(), Name: 'lite', Spec: 10 })).toBe('Success')
  })

  it('deletes an empty instance with everything that hangs on it, and frees its gateway', async () => {
    const InstanceId = await door.instance()
    const IotId = await door.gateway(InstanceId)
    const route = { SourceType: 'device', SourceData: '#', TargetType: 'IotHub', TargetIotHubQos: 0 }
    await door.call('CreateEdgeInstanceMessageRouting', { InstanceId, ...route })
    await door.call('BindSceneRuleToEdgeInstance', { InstanceId, RuleId: 'r1' })
    await door.call('BindApplicationToEdgeInstance', { InstanceId, ApplicationId: 'a1', ApplicationVersion: '1' })
    await door.call('CreateEdgeInstanceDeployment', { InstanceId, Type: 'reset' })
    await door.call('CloseEdgeInstanceDeployment', { InstanceId })
    expect(await door.code('DeleteEdgeInstance', { InstanceId })).toBe('Success')
    expect(await door.code('GetEdgeInstance', { InstanceId })).toBe('iot.edge.InstanceNotExist')
    const second = await door.instance()
    expect(await door.code('BindGatewayToEdgeInstance', { InstanceId: second, IotId })).toBe('Success')
  })

  it('refuses to delete what is in use, the devices first', async () => {
    const bound = await door.assigned()
    const { InstanceId } = bound
    const [IotId] = await door.devices(1)
    const remove = () => door.code('DeleteEdgeInstance', { InstanceId })
    await door.call('BatchBindDeviceToEdgeInstanceWithDriver', { ...bound, IotIds: [IotId] })
    expect(await remove()).toBe('iot.edge.InstanceHasDevice')
    await door.call('BatchUnbindDeviceFromEdgeInstance', { InstanceId, IotIds: [IotId] })
    expect(await remove()).toBe('iot.edge.InstanceHasDriver')
    await door.call('UnbindDriverFromEdgeInstance', bound)
    const gatewayId = await door.gateway(InstanceId)
    await door.call('CreateEdgeInstanceDeployment', { InstanceId, Type: 'deploy' })
    expect(await remove()).toBe('iot.edge.InstanceIsRunning')
    await door.node(gatewayId)
    await passes()
    expect(await remove()).toBe('iot.edge.InstanceIsRunning')
    await door.call('CreateEdgeInstanceDeployment', { InstanceId, Type: 'reset' })
    await passes()
    expect(await remove()).toBe('Success')
    expect(await remove()).toBe('iot.edge.InstanceNotExist')
  })

  const gatewayDevice = async (name: string) => {
    const { ProductKey } = await door.call('CreateProduct', { ProductName: `product_${name}`, NodeType: 1 })
    return (await door.call('RegisterDevice', { ProductKey, DeviceName: name })).Data.IotId as string
  }

  it('replaces a gateway after a reset and forgets its deployments', async () => {
    const { InstanceId, DriverId } = await door.assigned()
    const CurrentGatewayId = await door.gateway(InstanceId)
    const NewGatewayId = await gatewayDevice('second_1')
    const replace = () => door.code('ReplaceEdgeInstanceGateway', { InstanceId, CurrentGatewayId, NewGatewayId })
    const nodeId = await door.node(CurrentGatewayId)
    const { DeploymentId } = await door.call('CreateEdgeInstanceDeployment', { InstanceId, Type: 'deploy' })
    expect(await replace()).toBe('iot.edge.InstanceIsRunning')
    await passes()
    const assignedTo = () => door.ctx.store.read((tx) => assignments.listByNode(tx, nodeId))
    const [assignment] = await assignedTo()
    const report = {
      key: `driver/${InstanceId}/${DriverId}`,
      version: '1.0.0',
      digest: assignment?.digest ?? '',
      phase: 'ready' as const,
      restarts: 0,
      addresses: [],
      containers: [],
      observedAtMs: 1,
    }
    await door.ctx.store.write(async (tx) => reports.update(tx, { nodeId, report, nowMs: 1 }))
    await passes()
    expect(await replace()).toBe('iot.edge.InstanceIsRunning')
    // A gateway that is lost for good: a reset that was closed is enough.
    await door.call('CreateEdgeInstanceDeployment', { InstanceId, Type: 'reset' })
    await door.call('CloseEdgeInstanceDeployment', { InstanceId })
    expect(await replace()).toBe('Success')
    expect((await door.call('QueryEdgeInstanceGateway', { InstanceId })).GatewayList).toMatchObject([{ IotId: NewGatewayId }])
    expect(await read(InstanceId)).not.toHaveProperty('LatestDeploymentStatus')
    expect(await door.code('GetEdgeInstanceDeployment', { InstanceId, DeploymentId })).toBe('iot.edge.DeploymentNotExist')
    expect(await assignedTo()).toHaveLength(1)
    await passes()
    expect(await assignedTo()).toEqual([])
    expect(await door.ctx.store.read((tx) => tx.all(db.selectFrom('gateway_clearings').selectAll()))).toEqual([])
    // The new gateway has nothing, so a deploy takes nothing off it.
    const next = (await door.call('CreateEdgeInstanceDeployment', { InstanceId, Type: 'reset' })).DeploymentId
    const job = (await door.call('GetEdgeInstanceDeployment', { InstanceId, DeploymentId: next })).Data
    expect(job.TaskList[0]).toMatchObject({ GatewayId: NewGatewayId, ResourceSnapshotList: [] })
  })

  it('replaces the gateway of an instance that was never deployed, and gateways only', async () => {
    const InstanceId = await door.instance()
    const other = await door.instance()
    const replacement = await gatewayDevice('second_1')
    const replace = (fields: object) =>
      door.code('ReplaceEdgeInstanceGateway', { InstanceId, CurrentGatewayId: replacement, NewGatewayId: replacement, ...fields })
    expect(await replace({ InstanceId: 'none' })).toBe('iot.edge.InstanceNotExist')
    expect(await replace({})).toBe('iot.edge.InstanceHasNoGateway')
    const CurrentGatewayId = await door.gateway(InstanceId)
    const taken = await door.gateway(other, 'taken_1')
    expect(await replace({ CurrentGatewayId: taken })).toBe('iot.common.InvalidParam')
    expect(await replace({ CurrentGatewayId: 'none' })).toBe('iot.device.NotExistedDevice')
    expect(await replace({ CurrentGatewayId, NewGatewayId: 'none' })).toBe('iot.device.NotExistedDevice')
    expect(await replace({ CurrentGatewayId, NewGatewayId: taken })).toBe('iot.edge.InstanceAlreadyBindGateway')
    expect(await replace({ CurrentGatewayId, NewGatewayId: CurrentGatewayId })).toBe('iot.edge.InstanceAlreadyBindGateway')
    const [sensor] = await door.devices(1)
    expect(await replace({ CurrentGatewayId, NewGatewayId: sensor })).toBe('iot.common.InvalidParam')
    expect(await replace({ CurrentGatewayId })).toBe('Success')
  })
})
