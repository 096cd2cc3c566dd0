// Deployments: freeze what an edge instance holds into a job, and show what became of it. The job itself is carried out
// by loops/deployments.ts.
import * as operations from '@littoral/contract/iot-edge/deployments'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { checkDeployable, type Deployment, newSnapshot, type Snapshot } from '../../domain/deployment.ts'
import { type AssignedDriver, driverKey, effectiveConfigs, newDriverWorkload } from '../../domain/driver-workload.ts'
import type { EdgeInstance } from '../../domain/edge-instance.ts'
import * as assignments from '../../store/assignments.ts'
import * as deployments from '../../store/iot-edge/deployments.ts'
import * as versions from '../../store/iot-edge/driver-versions.ts'
import * as drivers from '../../store/iot-edge/drivers.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as instanceDrivers from '../../store/iot-edge/instance-drivers.ts'
import * as nodes from '../../store/nodes.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { toDeploymentView } from './views.ts'

export const handlers = {
  async CreateEdgeInstanceDeployment({ InstanceId, Type }, { store, principal, ids, now }) {
    const id = ids.hex(32)
    await store.write(async (tx) => {
      const instance = await instances.get(tx, principal.accountId, InstanceId)
      if (Type === 'deploy' && !instance.isEnabled) throw new Fault('iot.edge.InstanceDisabled')
      const { gatewayIotId } = instance
      if (gatewayIotId === undefined) throw new Fault('iot.edge.InstanceHasNoGateway')
      if (await deployments.isUnfinished(tx, instance.id)) throw new Fault('iot.edge.InstanceIsRunning')
      const assigned = Type === 'deploy' ? await assignedDrivers(tx, instance) : []
      const node = await nodes.findByGateway(tx, gatewayIotId)
      checkDeployable(assigned, node?.facts.edgeVersion)
      const removed = node === undefined ? [] : await removedDrivers(tx, instance.id, node.id, assigned)
      const nowMs = now()
      const snapshots = [...assigned.flatMap(resourcesOf), ...removed].map((about) => newSnapshot({ id: ids.hex(32), ...about }, nowMs))
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
} satisfies Handlers<typeof operations, Context>

function newDeployment(
  about: Pick<Deployment, 'id' | 'taskId' | 'type' | 'gatewayIotId' | 'snapshots'>,
  instance: EdgeInstance,
  nowMs: number,
): Deployment {
  return { ...about, accountId: instance.accountId, instanceId: instance.id, status: 0, createdAtMs: nowMs, modifiedAtMs: nowMs }
}

async function assignedDrivers(tx: ReadTx, instance: EdgeInstance): Promise<AssignedDriver[]> {
  const devices = await instanceDrivers.listDevices(tx, instance.id)
  const assigned: AssignedDriver[] = []
  for (const { driverId, version, configs } of await instanceDrivers.list(tx, instance.id)) {
    assigned.push({
      instanceId: instance.id,
      spec: instance.spec,
      driver: await drivers.get(tx, instance.accountId, driverId),
      version: await versions.get(tx, driverId, version),
      configs,
      devices: devices.get(driverId) ?? [],
    })
  }
  return assigned
}

type Resource = Parameters<typeof newSnapshot>[0] extends infer About ? Omit<About & Pick<Snapshot, 'workload'>, 'id'> : never

/** An assigned driver, its configuration if it has one, and that of its devices if it has some. */
function resourcesOf(assigned: AssignedDriver): Resource[] {
  const { driver, instanceId, devices } = assigned
  const workload = newDriverWorkload(assigned)
  const about = { resourceId: driver.id, resourceName: driver.name, operateType: 0 as const, workloadKey: driverKey(instanceId, driver.id) }
  return [
    { ...about, resourceType: 'driver', workload },
    ...(effectiveConfigs(assigned).length === 0 ? [] : [{ ...about, resourceType: 'driver_config' as const }]),
    ...(devices.length === 0 ? [] : [{ ...about, resourceType: 'device_config' as const }]),
  ]
}

/** What is on the gateway for this instance and no longer assigned; all of it when the job is a reset. */
async function removedDrivers(tx: ReadTx, instanceId: string, nodeId: string, assigned: readonly AssignedDriver[]): Promise<Resource[]> {
  const kept = new Set(assigned.map(({ driver }) => driverKey(instanceId, driver.id)))
  const prefix = driverKey(instanceId, '')
  return (await assignments.listByNode(tx, nodeId)).flatMap(({ key, workload }) => {
    if (!key.startsWith(prefix) || kept.has(key) || workload.kind !== 'driver') return []
    const about = { resourceId: workload.driverId, resourceName: workload.driverName, operateType: 1 as const, workloadKey: key }
    return [{ ...about, resourceType: 'driver' as const }]
  })
}
