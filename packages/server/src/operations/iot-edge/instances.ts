// Edge instances: create, read, list, change, delete.
import * as operations from '@littoral/contract/iot-edge/instances'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { type EdgeInstance, isRunning, parseInstanceName, parseTags } from '../../domain/edge-instance.ts'
import { newPage } from '../../domain/edge-page.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { present } from '../../domain/present.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as clearings from '../../store/iot-edge/gateway-clearings.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { toInstanceView } from './views.ts'

export const handlers = {
  async CreateEdgeInstance({ Name, Spec, Tags }, { store, principal, ids, now, settings }) {
    const { accountId } = principal
    const nowMs = now()
    const instance: EdgeInstance = {
      id: ids.letters(20),
      accountId,
      name: parseInstanceName(Name),
      spec: Spec ?? 20,
      isEnabled: true,
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
      ...present({ tags: parseTags(Tags) }),
    }
    await store.write(async (tx) => {
      if (await instances.isNameTaken(tx, accountId, Name)) throw new Fault('iot.edge.InstanceNameExist')
      instances.insert(tx, instance, settings.limits.instances)
    })
    return { InstanceId: instance.id }
  },

  async GetEdgeInstance({ InstanceId }, { store, principal }) {
    const instance = await store.read((tx) => instances.get(tx, principal.accountId, InstanceId))
    const view = toInstanceView(instance)
    return { Data: { ...view, Type: String(view.Type) } }
  },

  async QueryEdgeInstance({ Name, CurrentPage, PageSize }, { store, principal }) {
    const at = newPage(CurrentPage, PageSize)
    const filter = { accountId: principal.accountId, ...present({ name: Name }) }
    const found = await store.read((tx) => instances.page(tx, filter, at))
    const InstanceList = found.instances.map(toInstanceView)
    return { Data: { InstanceList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async UpdateEdgeInstance({ InstanceId, Name, Spec, Tags, BizEnable }, { store, principal, now }) {
    const { accountId } = principal
    const name = parseInstanceName(Name)
    const tags = parseTags(Tags)
    await store.write(async (tx) => {
      const { tags: tagsBefore, ...before } = await instances.get(tx, accountId, InstanceId)
      if (name !== before.name && (await instances.isNameTaken(tx, accountId, name))) throw new Fault('iot.edge.InstanceNameExist')
      const spec = Spec ?? before.spec
      if (spec === 10 && before.spec !== 10) await refuseContent(tx, before.id)
      const changed = { name, spec, isEnabled: BizEnable ?? before.isEnabled, modifiedAtMs: now() }
      // What is left out stays, unlike in UpdateEdgeDriverVersion (contract: iot-edge §5).
      instances.update(tx, { ...before, ...changed, ...present({ tags: Tags === undefined ? tagsBefore : tags }) })
    })
    return {}
  },

  async DeleteEdgeInstance({ InstanceId }, { store, principal }) {
    await store.write(async (tx) => {
      const instance = await instances.get(tx, principal.accountId, InstanceId)
      const { hasDevices, hasDrivers } = await instances.contentOf(tx, instance.id)
      if (hasDevices) throw new Fault('iot.edge.InstanceHasDevice')
      if (hasDrivers) throw new Fault('iot.edge.InstanceHasDriver')
      if (isRunning(instance)) throw new Fault('iot.edge.InstanceIsRunning')
      const { gatewayIotId } = instance
      if (gatewayIotId !== undefined) clearings.insert(tx, { gatewayIotId, instanceId: instance.id }, instance.accountId)
      instances.remove(tx, instance.id)
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>

/** A lite instance holds no drivers, devices or routes; throws iot.common.InvalidParam. */
async function refuseContent(tx: ReadTx, instanceId: string): Promise<void> {
  const { hasDevices, hasDrivers, hasRoutes } = await instances.contentOf(tx, instanceId)
  if (hasDevices || hasDrivers || hasRoutes) {
    throw invalidParam('Spec', 'cannot become 10 (lite) while the instance holds drivers, devices or message routes.')
  }
}
