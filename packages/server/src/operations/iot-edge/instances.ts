// Edge instances: create, read, list.
import * as operations from '@littoral/contract/iot-edge/instances'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { type EdgeInstance, parseInstanceName, parseTags } from '../../domain/edge-instance.ts'
import { newPage } from '../../domain/edge-page.ts'
import { present } from '../../domain/present.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
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
} satisfies Handlers<typeof operations, Context>
