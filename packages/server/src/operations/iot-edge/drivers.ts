// Drivers: register, list, read several, delete.
import * as operations from '@littoral/contract/iot-edge/drivers'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { type Driver, parseCpuArch } from '../../domain/driver.ts'
import { newPage } from '../../domain/edge-page.ts'
import { present } from '../../domain/present.ts'
import * as drivers from '../../store/iot-edge/drivers.ts'
import type { Context } from '../context.ts'
import { toDriverView } from './views.ts'

export const handlers = {
  async CreateEdgeDriver({ DriverName, DriverProtocol, Runtime, CpuArch, IsBuiltIn }, { store, principal, ids, now, settings }) {
    const { accountId } = principal
    const cpuArch = parseCpuArch(CpuArch, Runtime)
    const nowMs = now()
    const driver: Driver = {
      id: ids.hex(32),
      accountId,
      name: DriverName,
      protocol: DriverProtocol,
      runtime: Runtime,
      isBuiltIn: IsBuiltIn ?? false,
      type: 1,
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
      ...present({ cpuArch }),
    }
    await store.write(async (tx) => {
      // Ahead of the limit: a name that is taken says more than a limit that is reached.
      if (await drivers.isNameTaken(tx, accountId, DriverName)) throw new Fault('iot.edge.DriverNameExist')
      drivers.insert(tx, driver, settings.limits.drivers)
    })
    return { DriverId: driver.id }
  },

  async QueryEdgeDriver({ Type, DriverName, CurrentPage, PageSize }, { store, principal }) {
    const at = newPage(CurrentPage, PageSize)
    const filter = { accountId: principal.accountId, type: Type, ...present({ name: DriverName }) }
    const found = await store.read((tx) => drivers.page(tx, filter, at))
    const DriverList = found.drivers.map((driver) => ({ ...toDriverView(driver), IsApply: false }))
    return { Data: { DriverList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async BatchGetEdgeDriver({ DriverIds }, { store, principal }) {
    const found = await store.read((tx) => drivers.listByIds(tx, principal.accountId, DriverIds))
    return { DriverList: found.map(toDriverView) }
  },

  async DeleteEdgeDriver({ DriverId }, { store, principal }) {
    await store.write(async (tx) => {
      const driver = await drivers.getOwn(tx, principal.accountId, DriverId)
      drivers.remove(tx, driver.id)
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>
