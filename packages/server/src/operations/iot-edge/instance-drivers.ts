// Drivers inside an edge instance: assign a version, configure it, list them, take one out.
import * as operations from '@littoral/contract/iot-edge/instance-drivers'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import type { DriverVersion } from '../../domain/driver-version.ts'
import { newPage } from '../../domain/edge-page.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as versions from '../../store/iot-edge/driver-versions.ts'
import * as drivers from '../../store/iot-edge/drivers.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as instanceDevices from '../../store/iot-edge/instance-devices.ts'
import * as instanceDrivers from '../../store/iot-edge/instance-drivers.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { noteUse, parseConfigs, storedBlocks } from './stored-files.ts'
import { toConfigView, toInstanceDriverView } from './views.ts'

export const handlers = {
  async BindDriverToEdgeInstance({ InstanceId, DriverId, DriverVersion, OrderId }, { store, principal, now, settings }) {
    const { accountId } = principal
    await store.write(async (tx) => {
      const instance = await instances.get(tx, accountId, InstanceId)
      const driver = await drivers.get(tx, accountId, DriverId)
      const { version, isReleased } = await chosenVersion(tx, driver.id, DriverVersion)
      if (instance.spec === 10) throw invalidParam('InstanceId', 'names a lite instance (Spec 10), which takes no drivers.')
      if (!isReleased && !settings.mayBindUnreleased) throw new Fault('iot.edge.DriverVersionNotReleased')
      const before = await instanceDrivers.find(tx, instance.id, driver.id)
      const chosen = { version, modifiedAtMs: now(), ...present({ orderId: OrderId || undefined }) }
      if (before?.version === version) return
      // Another version takes the place of the assigned one; configurations and devices stay (contract: iot-edge §12.2).
      if (before !== undefined) return instanceDrivers.update(tx, { ...before, ...chosen })
      const assigned = { instanceId: instance.id, driverId: driver.id, accountId, driverName: driver.name, createdAtMs: now(), configs: [] }
      instanceDrivers.insert(tx, { ...assigned, ...chosen }, settings.limits.driversPerInstance)
    })
    return {}
  },

  async SetEdgeInstanceDriverConfigs({ InstanceId, DriverId, Configs }, ctx) {
    const blocks = parseConfigs(Configs)
    await ctx.store.write(async (tx) => {
      const instance = await instances.get(tx, ctx.principal.accountId, InstanceId)
      const assigned = await instanceDrivers.get(tx, instance.id, DriverId)
      const configs = await storedBlocks(tx, ctx, blocks)
      instanceDrivers.update(tx, { ...assigned, configs, modifiedAtMs: ctx.now() })
      noteUse(tx, ctx, { blocks: configs })
    })
    return {}
  },

  async QueryEdgeInstanceDriver({ InstanceId, CurrentPage, PageSize }, { store, principal }) {
    const at = newPage(CurrentPage, PageSize)
    const found = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      return instanceDrivers.page(tx, id, at)
    })
    const DriverList = found.drivers.map(toInstanceDriverView)
    return { Data: { DriverList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async BatchGetEdgeInstanceDriverConfigs({ InstanceId, DriverIds }, { store, principal }) {
    const assigned = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      return instanceDrivers.listByIds(tx, id, DriverIds)
    })
    return { DriverConfigList: assigned.map(({ driverId, configs }) => ({ DriverId: driverId, ConfigList: configs.map(toConfigView) })) }
  },

  async ClearEdgeInstanceDriverConfigs({ InstanceId, DriverId }, { store, principal, now }) {
    await store.write(async (tx) => {
      const instance = await instances.get(tx, principal.accountId, InstanceId)
      const assigned = await instanceDrivers.get(tx, instance.id, DriverId)
      if (assigned.configs.length > 0) instanceDrivers.update(tx, { ...assigned, configs: [], modifiedAtMs: now() })
    })
    return {}
  },

  async UnbindDriverFromEdgeInstance({ InstanceId, DriverId }, { store, principal }) {
    await store.write(async (tx) => {
      const instance = await instances.get(tx, principal.accountId, InstanceId)
      const assigned = await instanceDrivers.get(tx, instance.id, DriverId)
      instanceDevices.removeDriver(tx, instance.id, assigned.driverId)
      instanceDrivers.remove(tx, instance.id, assigned.driverId)
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>

/** Without a number: the released version that was created last (contract: iot-edge §4.7). */
async function chosenVersion(tx: ReadTx, driverId: string, number: string | undefined): Promise<DriverVersion> {
  if (number) return versions.get(tx, driverId, number)
  const newest = await versions.findNewestReleased(tx, driverId)
  if (newest === undefined) throw new Fault('iot.edge.DriverVersionNotReleased')
  return newest
}
