// Gateways: put one into an edge instance, show it.
import * as operations from '@littoral/contract/iot-edge/gateways'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as devices from '../../store/iot-edge/devices.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
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
} satisfies Handlers<typeof operations, Context>
