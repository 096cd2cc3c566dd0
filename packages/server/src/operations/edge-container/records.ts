// Operations on records. They keep and show which domain belongs to which application; nothing leads traffic along them yet.
import type { operations } from '@littoral/contract/edge-container/index'
import { Fault } from '@littoral/contract/errors'
import type { Handlers, Output } from '@littoral/contract/operation'
import { withParents } from '../../domain/domain-name.ts'
import { type AppRecord, newRecord, parseRecordName } from '../../domain/record.ts'
import type { Site } from '../../domain/site.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as records from '../../store/edge-container/records.ts'
import * as sites from '../../store/edge-container/sites.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { orderOf, toTime } from './views.ts'

type RecordOperations = Pick<
  typeof operations,
  'CreateEdgeContainerAppRecord' | 'DeleteEdgeContainerAppRecord' | 'ListEdgeContainerAppRecords' | 'ListEdgeContainerRecords'
>

export const recordHandlers: Handlers<RecordOperations, Context> = {
  async CreateEdgeContainerAppRecord({ AppId, RecordName, SiteId }, { store, principal, ids, settings, now }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const name = parseRecordName(RecordName)
    const numbers = { id: Number(ids.digits(13)), configId: Number(ids.digits(14)), schedulingId: Number(ids.digits(9)) }
    await store.write(async (tx) => {
      await apps.peek(tx, ref)
      const site = await findSite(tx, { ...ref, name, siteId: SiteId })
      const record = newRecord({ ...ref, ...numbers, name, spelling: RecordName }, site, now())
      apps.requirePresent(tx, ref)
      records.insert(tx, record, settings.limits.recordsPerApp)
    })
    return {}
  },

  async DeleteEdgeContainerAppRecord({ AppId, RecordName, SiteId }, { store, principal }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const name = parseRecordName(RecordName)
    await store.write(async (tx) => {
      await apps.peek(tx, ref)
      await findSite(tx, { ...ref, name, siteId: SiteId })
      // Without SiteId the domain is enough: since it was bound, a site with a longer domain may have come.
      records.remove(tx, { appId: AppId, siteId: SiteId, name })
    })
    return {}
  },

  async ListEdgeContainerAppRecords({ AppId, ...input }, { store, principal }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const direction = input.OrderType?.toLowerCase() === 'asc' ? 'asc' : 'desc'
    const listing: records.RecordListing = {
      page: input.PageNumber ?? 1,
      pageSize: input.PageSize ?? 20,
      order: { by: orderOf(input.OrderKey) === 'created' ? 'created' : 'updated', direction },
      ...(input.SearchKey && { name: { text: input.SearchKey, mode: 'fuzzy' } }),
    }
    const { records: found, total } = await store.read(async (tx) => {
      await apps.get(tx, ref)
      return records.listByApp(tx, ref, listing)
    })
    return { PageNumber: listing.page, PageSize: listing.pageSize, Records: found.map(toAppRecordView), TotalCount: total }
  },

  async ListEdgeContainerRecords({ SiteId, ...input }, { store, principal }) {
    const listing: records.RecordListing = {
      page: input.PageNumber ?? 1,
      pageSize: input.PageSize ?? 500,
      ...(input.RecordName && { name: { text: input.RecordName, mode: input.RecordMatchType ?? 'exact' } }),
    }
    const { site, found } = await store.read(async (tx) => ({
      site: await sites.get(tx, { accountId: principal.accountId, siteId: SiteId }),
      found: await records.listBySite(tx, SiteId, listing),
    }))
    const Records = found.records.map((record) => toSiteRecordView(record, site))
    return { PageNumber: listing.page, PageSize: listing.pageSize, Records, TotalCount: found.total }
  },
}

interface Wanted {
  readonly accountId: string
  readonly name: string
  readonly siteId: number | undefined
}

/** The named site, else the one with the longest fitting domain (contract: esa-edge-container §12.6). Throws SiteNotFound and SiteNotNamed. */
async function findSite(tx: ReadTx, { accountId, name, siteId }: Wanted): Promise<Site> {
  if (siteId !== undefined) return sites.get(tx, { accountId, siteId })
  const found = await sites.findByNames(tx, accountId, withParents(name))
  if (found === undefined) throw new Fault('SiteNotNamed', { RecordName: name })
  return found
}

function toRecordFields(record: AppRecord) {
  return {
    CreateTime: toTime(record.createdAtMs),
    RecordName: record.spelling,
    SiteId: record.siteId,
    UpdateTime: toTime(record.updatedAtMs),
  }
}

function toAppRecordView(record: AppRecord): Output<RecordOperations['ListEdgeContainerAppRecords']>['Records'][number] {
  return {
    AppId: record.appId,
    Cname: record.cname,
    ConfigId: record.configId,
    RecordId: record.id,
    SchemdId: record.schedulingId,
    ...toRecordFields(record),
  }
}

function toSiteRecordView(record: AppRecord, site: Site): Output<RecordOperations['ListEdgeContainerRecords']>['Records'][number] {
  return { RecordCname: record.cname, SiteName: site.name, ...toRecordFields(record) }
}
