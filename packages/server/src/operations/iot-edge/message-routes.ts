// Message routes of an edge instance: create, read, replace, delete.
import * as operations from '@littoral/contract/iot-edge/message-routes'
import type { Handlers } from '@littoral/contract/operation'
import { newPage } from '../../domain/edge-page.ts'
import { invalidParam } from '../../domain/invalid-param.ts'
import { parseRoute } from '../../domain/message-route.ts'
import * as instances from '../../store/iot-edge/edge-instances.ts'
import * as routes from '../../store/iot-edge/message-routes.ts'
import type { Context } from '../context.ts'
import { toRouteView } from './views.ts'

export const handlers = {
  async CreateEdgeInstanceMessageRouting({ InstanceId, ...params }, { store, principal, ids, now, settings }) {
    const content = parseRoute(params)
    // Clients read it as a number, which is exact up to sixteen digits.
    const id = Number(ids.digits(12))
    await store.write(async (tx) => {
      const instance = await instances.get(tx, principal.accountId, InstanceId)
      if (instance.spec === 10) throw invalidParam('InstanceId', 'names a lite instance (Spec 10), which takes no message routes.')
      const about = { id, instanceId: instance.id, accountId: principal.accountId, createdAtMs: now(), modifiedAtMs: now() }
      routes.insert(tx, { ...content, ...about }, settings.limits.routesPerInstance)
    })
    return { RouteId: id }
  },

  async GetEdgeInstanceMessageRouting({ InstanceId, RouteId }, { store, principal }) {
    const route = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      return routes.get(tx, id, RouteId)
    })
    return { Data: toRouteView(route) }
  },

  async QueryEdgeInstanceMessageRouting({ InstanceId, CurrentPage, PageSize }, { store, principal }) {
    const at = newPage(CurrentPage, PageSize)
    const found = await store.read(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      return routes.page(tx, id, at)
    })
    const MessageRouteList = { MessageRoute: found.routes.map((route) => ({ RouteId: route.id, ...toRouteView(route) })) }
    return { Data: { MessageRouteList, CurrentPage: at.currentPage, PageSize: at.pageSize, Total: found.total } }
  },

  async UpdateEdgeInstanceMessageRouting({ InstanceId, RouteId, ...params }, { store, principal, now }) {
    const content = parseRoute(params)
    await store.write(async (tx) => {
      const instance = await instances.get(tx, principal.accountId, InstanceId)
      const { id } = await routes.get(tx, instance.id, RouteId)
      routes.update(tx, id, content, now())
    })
    return {}
  },

  async DeleteEdgeInstanceMessageRouting({ InstanceId, RouteId }, { store, principal }) {
    await store.write(async (tx) => {
      const { id } = await instances.get(tx, principal.accountId, InstanceId)
      routes.remove(tx, id, RouteId)
    })
    return {}
  },
} satisfies Handlers<typeof operations, Context>
