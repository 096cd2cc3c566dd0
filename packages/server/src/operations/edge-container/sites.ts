// Operations on sites.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers, Input, Output } from '@littoral/contract/operation'
import { newSite, type Site } from '../../domain/site.ts'
import * as sites from '../../store/edge-container/sites.ts'
import type { Context } from '../context.ts'
import { toTime } from './views.ts'

type SiteOperations = Pick<typeof operations, 'CreateSite' | 'GetSite' | 'ListSites' | 'DeleteSite'>

export const siteHandlers: Handlers<SiteOperations, Context> = {
  async CreateSite(input, { store, principal, ids, settings, now }) {
    const draft = {
      id: Number(ids.digits(13)),
      accountId: principal.accountId,
      name: input.SiteName,
      access: input.AccessType,
      coverage: input.Coverage,
      planId: input.InstanceId ?? '',
      resourceGroupId: input.ResourceGroupId ?? '',
    }
    const site = newSite(draft, now())
    await store.write(async (tx) => sites.insert(tx, site, settings.limits.sites))
    return { NameServerList: '', SiteId: site.id, VerifyCode: '' }
  },

  async GetSite({ SiteId }, { store, principal }) {
    const site = await store.read((tx) => sites.get(tx, { accountId: principal.accountId, siteId: SiteId }))
    return { SiteModel: { ...toSiteView(site), VersionManagement: false } }
  },

  async ListSites(input, { store, principal }) {
    const listing = toSiteListing(input)
    const { sites: found, total } = canMatch(input)
      ? await store.read((tx) => sites.list(tx, principal.accountId, listing))
      : { sites: [], total: 0 }
    return { PageNumber: listing.page, PageSize: listing.pageSize, Sites: found.map(toSiteView), TotalCount: total }
  },

  async DeleteSite({ SiteId }, { store, principal }) {
    await store.write(async (tx) => sites.remove(tx, { accountId: principal.accountId, siteId: SiteId }))
    return {}
  },
}

type ListInput = Input<SiteOperations['ListSites']>

/** Sites here are always pending and have neither plans nor tags, so a filter by any of these finds nothing. */
function canMatch({ Status, OnlyEnterprise, PlanSubscribeType, TagFilter }: ListInput): boolean {
  return (Status ?? 'pending') === 'pending' && OnlyEnterprise !== true && !PlanSubscribeType && (TagFilter ?? []).length === 0
}

function toSiteListing(input: ListInput): sites.SiteListing {
  return {
    page: input.PageNumber ?? 1,
    pageSize: input.PageSize ?? 500,
    filter: {
      ...(input.AccessType && { access: input.AccessType }),
      ...(input.Coverage && { coverage: input.Coverage }),
      ...(input.ResourceGroupId && { resourceGroupId: input.ResourceGroupId }),
    },
    ...(input.SiteName && { name: { text: input.SiteName, mode: input.SiteSearchType ?? 'exact' } }),
  }
}

function toSiteView(site: Site): Output<SiteOperations['ListSites']>['Sites'][number] {
  return {
    AccessType: site.access,
    Coverage: site.coverage,
    CreateTime: toTime(site.createdAtMs),
    InstanceId: site.planId,
    NameServerList: '',
    ResourceGroupId: site.resourceGroupId,
    SiteId: site.id,
    SiteName: site.name,
    Status: 'pending',
    Tags: {},
    UpdateTime: toTime(site.updatedAtMs),
    VerifyCode: '',
  }
}
