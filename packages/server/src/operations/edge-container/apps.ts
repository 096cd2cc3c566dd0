// Operations on applications.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers } from '@littoral/contract/operation'
import { newApp } from '../../domain/app.ts'
import { requireUnbound } from '../../domain/record.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as records from '../../store/edge-container/records.ts'
import * as rollouts from '../../store/edge-container/rollouts.ts'
import type { Context } from '../context.ts'
import { toAppEntry, toAppView, toHealthCheck, toListing } from './views.ts'

type AppOperations = Pick<
  typeof operations,
  'CreateEdgeContainerApp' | 'GetEdgeContainerApp' | 'ListEdgeContainerApps' | 'DeleteEdgeContainerApp'
>

export const appHandlers: Handlers<AppOperations, Context> = {
  async CreateEdgeContainerApp(input, { store, principal, ids, settings, now }) {
    const draft = {
      id: `app-${ids.digits(18)}`,
      accountId: principal.accountId,
      name: input.Name,
      remarks: input.Remarks ?? '',
      servicePort: input.ServicePort,
      targetPort: input.TargetPort,
      healthCheck: toHealthCheck(input),
    }
    const app = newApp(draft, settings, now())
    await store.write(async (tx) => apps.insert(tx, app, settings.limits.apps))
    return { AppId: app.id }
  },

  async GetEdgeContainerApp({ AppId }, { store, principal }) {
    const app = await store.read((tx) => apps.getListed(tx, { accountId: principal.accountId, appId: AppId }))
    return { App: toAppView(app) }
  },

  async ListEdgeContainerApps(input, { store, principal }) {
    const listing = toListing(input)
    const { apps: found, total } = await store.read((tx) => apps.list(tx, principal.accountId, listing))
    return { Apps: found.map(toAppEntry), PageNumber: listing.page, PageSize: listing.pageSize, TotalCount: total }
  },

  async DeleteEdgeContainerApp({ AppId }, { store, principal, now }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    await store.write(async (tx) => {
      await apps.get(tx, ref)
      requireUnbound(AppId, await records.findOldest(tx, AppId))
      // What no node was told of and none speaks of is gone at once; anything else the loop takes down first.
      if (await rollouts.isPlaced(tx, AppId)) apps.updateDeleted(tx, ref, now())
      else apps.remove(tx, ref)
    })
    return { State: 'ok' }
  },
}
