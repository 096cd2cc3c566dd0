// Devices of an edge instance: bind them with a driver, list them, take them out, tell whether they are bound anywhere.
import * as operations from '@littoral/contract/iot-edge/instance-devices'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { newPage } from '../../domain/edge-page.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as devices from '../../store/iot-edge/devices.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as instanceDevices from '../../store/iot-edge/instance-devices.ts'
import * as instanceDrivers from '../../store/iot-edge/instance-drivers.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'

export const handlers = {
  async BatchBindDeviceToEdgeInstanceWithDriver({ InstanceId, DriverId, IotIds }, { store, principal, now, settings }) {
    const { accountId } = principal
    const iotIds = [...new Set(IotIds)]
    await store.write(async (tx) => {
      const instance = await instances.get(tx, accountId, InstanceId)
      const { driverId } = await instanceDrivers.get(tx, instance.id, DriverId)
      for (const iotId of iotIds) await bindableDevice(tx, accountId, iotId)
      const holders = await instanceDevices.holdersOf(tx, iotIds)
      const elsewhere = iotIds.find((iotId) => holders.has(iotId) && holders.get(iotId)?.instanceId !== instance.id)
      if (elsewhere !== undefined) throw new Fault('iot.edge.DeviceAlreadyBound', { IotId: elsewhere })
      for (const iotId of iotIds) {
        const held = holders.get(iotId)
        if (held === undefined) instanceDevices.insert(tx, { iotId, instanceId: instance.id, accountId, driverId, createdAtMs: now() })
        else if (held.driverId !== driverId) instanceDevices.updateDriver(tx, iotId, driverId)
      }
      instanceDevices.requireLimit(tx, instance.id, settings.limits.devicesPerInstance)
    })
    return {}
  },

  async QueryEdgeInstanceDevice({ InstanceId, CurrentPage, PageSize }, { store, principal }) {
    const at = newPage(CurrentPage, PageSize)
    const found = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      return instanceDevices.page(tx, { instanceId: id }, at)
    })
    const DeviceList = found.devices.map(({ iotId, productKey, deviceName, driverId }) => ({
      IotId: iotId,
      ProductKey: productKey,
      DeviceName: deviceName,
      ...present({ DriverId: driverId }),
    }))
    return { Data: { DeviceList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async QueryEdgeInstanceDeviceByDriver({ InstanceId, DriverId, ChannelId, CurrentPage, PageSize }, { store, principal }) {
    const at = newPage(CurrentPage, PageSize)
    const found = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      const { driverId } = await instanceDrivers.get(tx, id, DriverId)
      return instanceDevices.page(tx, { instanceId: id, driverId, ...present({ channelId: ChannelId || undefined }) }, at)
    })
    const DeviceList = found.devices.map(({ iotId }) => ({ IotId: iotId }))
    return { Data: { DeviceList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async BatchGetEdgeInstanceDeviceDriver({ InstanceId, IotIds }, { store, principal }) {
    const found = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      return instanceDevices.listByIds(tx, id, IotIds)
    })
    return { DeviceDriverList: found.map(({ iotId, driverId }) => ({ IotId: iotId, ...present({ DriverId: driverId }) })) }
  },

  async BatchUnbindDeviceFromEdgeInstance({ InstanceId, IotIds }, { store, principal }) {
    await store.write(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      instanceDevices.remove(tx, id, IotIds)
    })
    return {}
  },

  async BatchGetDeviceBindStatus({ IotIds }, { store, principal }) {
    return store.read(async (tx) => {
      const found = await devices.listByIds(tx, principal.accountId, IotIds)
      const iotIds = found.map(({ iotId }) => iotId)
      const holders = await instanceDevices.holdersOf(tx, iotIds)
      const gateways = await instances.idsByGateway(tx, iotIds)
      return {
        Data: iotIds.map((iotId) => {
          const instanceId = gateways.get(iotId) ?? holders.get(iotId)?.instanceId
          return { IotId: iotId, BindStatus: instanceId === undefined ? 0 : 1, ...present({ InstanceId: instanceId }) }
        }),
      }
    })
  },
} satisfies Handlers<typeof operations, Context>

/** Throws iot.device.NotExistedDevice, iot.common.AuthActionPermissionDeny, and iot.common.InvalidParam for a gateway. */
async function bindableDevice(tx: ReadTx, accountId: string, iotId: string): Promise<void> {
  const { nodeType } = await devices.get(tx, accountId, { iotId })
  if (nodeType === 1) throw invalidParam('IotIds', `names a gateway, ${iotId}: use BindGatewayToEdgeInstance.`)
}
