// Operations on sites.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers, Input, Output } from '@littoral/contract/operation'
import { newSite, type Site } from '../../domain/site.ts'
import type { Tag } from '../../domain/site-settings.ts'
import * as siteTags from '../../store/edge-container/site-tags.ts'
import * as sites from '../../store/edge-container/sites.ts'
import type { Context } from '../context.ts'
import { toTime } from './views.ts'

type SiteOperations = Pick<typeof operations, 'CreateSite' | 'GetSite' | 'ListSites' | 'DeleteSite' | 'UpdateSiteCoverage'>

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
    const { site, tags } = await store.read(async (tx) => {
      const site = await sites.get(tx, { accountId: principal.accountId, siteId: SiteId })
      return { site, tags: (await siteTags.listBySites(tx, [SiteId])).get(SiteId) }
    })
    return { SiteModel: { ...toSiteView(site, tags), VersionManagement: false } }
  },

  async ListSites(input, { store, principal }) {
    const listing = toSiteListing(input)
    const { found, total, tags } = await store.read(async (tx) => {
      const { sites: found, total } = canMatch(input) ? await sites.list(tx, principal.accountId, listing) : { sites: [], total: 0 }
      const tags = await siteTags.listBySites(
        tx,
        found.map(({ id }) => id),
      )
      return { found, total, tags }
    })
    const Sites = found.map((site) => toSiteView(site, tags.get(site.id)))
    return { PageNumber: listing.page, PageSize: listing.pageSize, Sites, TotalCount: total }
  },

  async UpdateSiteCoverage({ SiteId, Coverage }, { store, principal, now }) {
    const ref = { accountId: principal.accountId, siteId: SiteId }
    await store.write(async (tx) => sites.updateCoverage(tx, ref, Coverage, now()))
    return {}
  },

  async DeleteSite({ SiteId }, { store, principal }) {
    await store.write(async (tx) => sites.remove(tx, { accountId: principal.accountId, siteId: SiteId }))
    return {}
  },
}

type ListInput = Input<SiteOperations['ListSites']>

/** Sites here are always pending and have no plans, so a filter by any of these finds nothing. */
function canMatch({ Status, OnlyEnterprise, PlanSubscribeType }: ListInput): boolean {
  return (Status ?? 'pending') === 'pending' && OnlyEnterprise !== true && !PlanSubscribeType
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
    tags: (input.TagFilter ?? []).map(({ Key: key = '', Value: value }) => ({ key, ...(value !== undefined && { value }) })),
    ...(input.SiteName && { name: { text: input.SiteName, mode: input.SiteSearchType ?? 'exact' } }),
  }
}

function toSiteView(site: Site, tags: readonly Tag[] = []): Output<SiteOperations['ListSites']>['Sites'][number] {
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
    Tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    UpdateTime: toTime(site.updatedAtMs),
    VerifyCode: '',
  }
}
