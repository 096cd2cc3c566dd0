// Deployments: freeze what an edge instance holds into a job, show what became of it, close it. The job itself is carried out
// by loops/deployments.ts.
import * as operations from '@littoral/contract/iot-edge/deployments'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { checkSizes, type DeployedResource, removalsOf, resourcesOf } from '../../domain/deployment-content.ts'
import { checkDeployable, closed, type Deployment, newSnapshot, type Resource } from '../../domain/deployment.ts'
import { type AssignedDriver, driverKey } from '../../domain/driver-workload.ts'
import type { EdgeInstance } from '../../domain/edge-instance.ts'
import { newPage } from '../../domain/edge-page.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as assignments from '../../store/assignments.ts'
import * as applications from '../../store/iot-edge/applications.ts'
import * as channels from '../../store/iot-edge/channels.ts'
import * as deployedResources from '../../store/iot-edge/deployed-resources.ts'
import * as deployments from '../../store/iot-edge/deployments.ts'
import * as versions from '../../store/iot-edge/driver-versions.ts'
import * as drivers from '../../store/iot-edge/drivers.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as instanceDevices from '../../store/iot-edge/instance-devices.ts'
import * as instanceDrivers from '../../store/iot-edge/instance-drivers.ts'
import * as routes from '../../store/iot-edge/message-routes.ts'
import * as sceneRules from '../../store/iot-edge/scene-rules.ts'
import * as nodes from '../../store/nodes.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { toDeploymentSummary, toDeploymentView } from './views.ts'

export const handlers = {
  async CreateEdgeInstanceDeployment({ InstanceId, Type }, { store, principal, ids, now }) {
    const id = ids.hex(32)
    await store.write(async (tx) => {
      const instance = await instances.get(tx, principal.accountId, InstanceId)
      if (Type === 'deploy' && !instance.isEnabled) throw new Fault('iot.edge.InstanceDisabled')
      const { gatewayIotId } = instance
      if (gatewayIotId === undefined) throw new Fault('iot.edge.InstanceHasNoGateway')
      if ((await deployments.findUnfinished(tx, instance.id)) !== undefined) throw new Fault('iot.edge.InstanceIsRunning')
      const node = await nodes.findByGateway(tx, gatewayIotId)
      const kept = Type === 'deploy' ? await contentOf(tx, instance, node?.facts.edgeVersion) : []
      const removed = removalsOf(instance.id, await deployedTo(tx, instance.id, node?.id), kept)
      const nowMs = now()
      const snapshots = [...kept, ...removed].map((about) => newSnapshot({ id: ids.hex(32), ...about }, nowMs))
      deployments.insert(tx, newDeployment({ id, taskId: ids.hex(32), type: Type, gatewayIotId, snapshots }, instance, nowMs))
    })
    return { DeploymentId: id }
  },

  async GetEdgeInstanceDeployment({ InstanceId, DeploymentId }, { store, principal }) {
    const deployment = await store.read(async (tx) => {
      const instance = await instances.get(tx, principal.accountId, InstanceId)
      return deployments.get(tx, instance.id, DeploymentId)
    })
    return { Data: toDeploymentView(deployment) }
  },

  async QueryEdgeInstanceHistoricDeployment({ InstanceId, StartTime, EndTime, CurrentPage, PageSize }, { store, principal }) {
    if (StartTime !== undefined && EndTime !== undefined && EndTime < StartTime) throw invalidParam('EndTime', 'is before StartTime.')
    const at = newPage(CurrentPage, PageSize)
    const found = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      return deployments.page(tx, { instanceId: id, ...present({ fromMs: StartTime, toMs: EndTime }) }, at)
    })
    const DeploymentList = found.deployments.map(toDeploymentSummary)
    return { Data: { DeploymentList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async CloseEdgeInstanceDeployment({ InstanceId }, { store, principal, now }) {
    await store.write(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      const deployment = await deployments.findUnfinished(tx, id)
      if (deployment !== undefined) deployments.update(tx, deployment, closed(deployment, now()))
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>

function newDeployment(
  about: Pick<Deployment, 'id' | 'taskId' | 'type' | 'gatewayIotId' | 'snapshots'>,
  instance: EdgeInstance,
  nowMs: number,
): Deployment {
  return { ...about, accountId: instance.accountId, instanceId: instance.id, status: 0, createdAtMs: nowMs, modifiedAtMs: nowMs }
}

/** What a deploy job puts on the gateway; throws the fault for which it must not begin. */
async function contentOf(tx: ReadTx, instance: EdgeInstance, edgeVersion: string | undefined): Promise<Resource[]> {
  const assigned = await assignedDrivers(tx, instance)
  checkDeployable(assigned, edgeVersion)
  const bound = {
    routes: await routes.list(tx, instance.id),
    sceneRuleIds: (await sceneRules.list(tx, instance.id)).map(({ id }) => id),
    applications: await applications.list(tx, instance.id),
  }
  const resources = resourcesOf(assigned, { ...bound, ...present({ role: instance.role }) })
  checkSizes(resources)
  return resources
}

async function assignedDrivers(tx: ReadTx, instance: EdgeInstance): Promise<AssignedDriver[]> {
  const devices = await instanceDevices.listByDriver(tx, instance.id)
  const channelsOf = await channels.listByDriver(tx, instance.id)
  const assigned: AssignedDriver[] = []
  for (const { driverId, version, configs } of await instanceDrivers.list(tx, instance.id)) {
    assigned.push({
      instanceId: instance.id,
      spec: instance.spec,
      driver: await drivers.get(tx, instance.accountId, driverId),
      version: await versions.get(tx, driverId, version),
      configs,
      devices: devices.get(driverId) ?? [],
      channels: channelsOf.get(driverId) ?? [],
    })
  }
  return assigned
}

/** What is on the gateway of an instance: what jobs have ended with, and drivers that a failed job has left assigned. */
async function deployedTo(tx: ReadTx, instanceId: string, nodeId: string | undefined): Promise<DeployedResource[]> {
  const deployed = await deployedResources.list(tx, instanceId)
  const onNode = nodeId === undefined ? [] : await assignments.listByNode(tx, nodeId)
  const left = onNode.flatMap(({ key, workload }) =>
    key.startsWith(driverKey(instanceId, '')) && workload.kind === 'driver'
      ? [{ type: 'driver' as const, id: workload.driverId, name: workload.driverName }]
      : [],
  )
  return [...left, ...deployed]
}
