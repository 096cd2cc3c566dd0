// Gateways: put one into an edge instance, show it, replace it.
import * as operations from '@littoral/contract/iot-edge/gateways'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { isRunning } from '../../domain/edge-instance.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as deployments from '../../store/iot-edge/deployments.ts'
import * as devices from '../../store/iot-edge/devices.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as clearings from '../../store/iot-edge/gateway-clearings.ts'
import * as nodes from '../../store/nodes.ts'
import type { Context } from '../context.ts'
import { deviceRef } from './device-registry.ts'

export const handlers = {
  async BindGatewayToEdgeInstance(input, { store, principal, now }) {
    const ref = deviceRef(input)
    await store.write(async (tx) => {
      const instance = await instances.get(tx, principal.accountId, input.InstanceId)
      const { iotId, nodeType } = await devices.get(tx, principal.accountId, ref)
      if (nodeType !== 1) throw invalidParam('IotId', 'names a device that is no gateway: its product has NodeType 0.')
      const holder = await instances.findIdByGateway(tx, iotId)
      if (instance.gatewayIotId !== undefined || holder !== undefined) throw new Fault('iot.edge.InstanceAlreadyBindGateway')
      instances.updateGateway(tx, { id: instance.id, iotId, nowMs: now() })
    })
    return {}
  },

  async QueryEdgeInstanceGateway({ InstanceId }, { store, principal }) {
    return store.read(async (tx) => {
      const { gatewayIotId } = await instances.get(tx, principal.accountId, InstanceId)
      const device = gatewayIotId === undefined ? undefined : await devices.find(tx, { iotId: gatewayIotId })
      if (device === undefined) return { GatewayList: [] }
      const edgeVersion = (await nodes.findByGateway(tx, device.iotId))?.facts.edgeVersion
      const EdgeVersion = edgeVersion && `v${edgeVersion.replace(/^[vV]/, '')}`
      return { GatewayList: [{ IotId: device.iotId, ProductKey: device.productKey, DeviceName: device.name, ...present({ EdgeVersion }) }] }
    })
  },

  async ReplaceEdgeInstanceGateway({ InstanceId, CurrentGatewayId, NewGatewayId }, { store, principal, now }) {
    const { accountId } = principal
    await store.write(async (tx) => {
      const instance = await instances.get(tx, accountId, InstanceId)
      await devices.get(tx, accountId, { iotId: CurrentGatewayId })
      const { iotId, nodeType } = await devices.get(tx, accountId, { iotId: NewGatewayId })
      const { gatewayIotId } = instance
      if (gatewayIotId === undefined) throw new Fault('iot.edge.InstanceHasNoGateway')
      if (gatewayIotId !== CurrentGatewayId) throw invalidParam('CurrentGatewayId', 'is not the gateway of the edge instance.')
      if (nodeType !== 1) throw invalidParam('NewGatewayId', 'names a device that is no gateway: its product has NodeType 0.')
      if ((await instances.findIdByGateway(tx, iotId)) !== undefined) throw new Fault('iot.edge.InstanceAlreadyBindGateway')
      if (isRunning(instance)) throw new Fault('iot.edge.InstanceIsRunning')
      deployments.removeAll(tx, instance.id)
      instances.replaceGateway(tx, { id: instance.id, iotId, nowMs: now() })
      clearings.insert(tx, { gatewayIotId, instanceId: instance.id }, accountId)
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>
