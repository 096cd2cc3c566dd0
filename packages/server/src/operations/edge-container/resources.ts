// Operations that show where an application can run and where it does.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers } from '@littoral/contract/operation'
import type { Area } from '../../domain/area.ts'
import { capacityOf } from '../../domain/capacity.ts'
import { resourceStatus } from '../../domain/resource-status.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as resources from '../../store/edge-container/resources.ts'
import type { Context } from '../context.ts'

type ResourceOperations = Pick<
  typeof operations,
  'GetEdgeContainerAppResourceCapacity' | 'GetEdgeContainerAppResourceStatus' | 'GetEdgeContainerDeployRegions'
>

export const resourceHandlers: Handlers<ResourceOperations, Context> = {
  async GetEdgeContainerAppResourceCapacity({ AppId }, { store, principal, settings, now }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const view = await store.read((tx) => resources.findCapacity(tx, ref, { regions: settings.regions, nowMs: now() }))
    return { Regions: capacityOf(view).map(({ place, replicas }) => ({ ...toPlaceView(place), Replicas: replicas })) }
  },

  async GetEdgeContainerAppResourceStatus({ AppId }, { store, principal, settings }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const view = await store.read((tx) => resources.findStatus(tx, ref, settings.regions))
    const Regions = resourceStatus(view).map((row) => ({
      IsOffline: row.isOffline,
      IsStaging: row.environment === 'staging',
      ...toPlaceView(row),
      Ready: row.ready,
      Total: row.total,
    }))
    return { Regions }
  },

  async GetEdgeContainerDeployRegions({ AppId }, { store, principal, settings }) {
    await store.read((tx) => apps.get(tx, { accountId: principal.accountId, appId: AppId }))
    return { Regions: [...new Set(settings.regions.map(({ code }) => code))] }
  },
}

function toPlaceView({ area, isp }: Area) {
  return { ...(isp !== undefined && { Isp: isp }), Region: area }
}
