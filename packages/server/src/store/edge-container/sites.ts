// Sites in the store.
import { Fault } from '@littoral/contract/errors'
import type { Site } from '../../domain/site.ts'
import { newestFirst, nextWritten } from '../creation-order.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { SiteRow } from '../tables/records.ts'
import { type DomainFilter, matchesDomain, offsetOf } from './listing.ts'
import { hasTag, type WantedTag } from './site-tags.ts'

/** Names a site of an account. */
export interface SiteRef {
  readonly accountId: string
  readonly siteId: number
}

export interface SiteListing {
  readonly page: number
  readonly pageSize: number
  readonly filter: Partial<Pick<Site, 'access' | 'coverage' | 'resourceGroupId'>>
  readonly name?: DomainFilter
  /** Only sites with all of these. */
  readonly tags: readonly WantedTag[]
}

const notFound = ({ siteId }: SiteRef) => ({ name: 'SiteNotFound', params: { SiteId: String(siteId) } }) as const

/** Throws SiteNotFound. */
export async function get(tx: ReadTx, ref: SiteRef): Promise<Site> {
  const row = await tx.first(db.selectFrom('sites').selectAll().where('id', '=', ref.siteId).where('account_id', '=', ref.accountId))
  if (row === undefined) throw Fault.from(notFound(ref))
  return toSite(row)
}

/** The account's site with the longest of these domains. */
export async function findByNames(tx: ReadTx, accountId: string, names: readonly string[]): Promise<Site | undefined> {
  const rows = await tx.all(
    db
      .selectFrom('sites')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('name', 'in', [...names]),
  )
  const [longest] = rows.sort((a, b) => b.name.length - a.name.length)
  return longest && toSite(longest)
}

/** One page of the account's sites, newest first, and how many there are on all pages. */
export async function list(tx: ReadTx, accountId: string, listing: SiteListing): Promise<{ sites: Site[]; total: number }> {
  const { filter, name, pageSize } = listing
  let page = db.selectFrom('sites').where('account_id', '=', accountId)
  if (filter.access !== undefined) page = page.where('access', '=', filter.access)
  if (filter.coverage !== undefined) page = page.where('coverage', '=', filter.coverage)
  if (filter.resourceGroupId !== undefined) page = page.where('resource_group_id', '=', filter.resourceGroupId)
  if (name !== undefined) page = page.where(matchesDomain('sites.name', name))
  for (const tag of listing.tags) page = page.where(hasTag('sites.id', tag))
  const found = await tx.all(newestFirst(page.selectAll(), 'sites').limit(pageSize).offset(offsetOf(listing)))
  const counted = await tx.first(page.select((e) => e.fn.countAll<number>().as('total')))
  return { sites: found.map(toSite), total: Number(counted?.total ?? 0) }
}

/** Throws ParameterAlreadyExist, and InternalException when the account has `limit` sites already. */
export function insert(tx: WriteTx, site: Site, limit: number): void {
  tx.run(db.insertInto('sites').values({ ...toRow(site), written: nextWritten('sites') }), {
    unique: { name: 'ParameterAlreadyExist', params: { Detail: `SiteName: ${site.name} is a site already.` } },
  })
  const counted = db.selectFrom('sites').select((e) => e.fn.countAll<number>().as('total'))
  tx.require(
    counted.where('account_id', '=', site.accountId).having((e) => e.fn.countAll<number>(), '<=', limit),
    { name: 'InternalException', params: { Detail: `The account has ${limit} sites, and no more are allowed here.` } },
  )
}

/** Throws SiteNotFound at commit. */
export function updateCoverage(tx: WriteTx, ref: SiteRef, coverage: Site['coverage'], nowMs: number): void {
  const changed = db.updateTable('sites').set({ coverage, updated_at_ms: nowMs })
  tx.run(changed.where('id', '=', ref.siteId).where('account_id', '=', ref.accountId), { none: notFound(ref) })
}

/** Removes the site with its records; throws SiteNotFound at commit. */
export function remove(tx: WriteTx, ref: SiteRef): void {
  tx.run(db.deleteFrom('sites').where('id', '=', ref.siteId).where('account_id', '=', ref.accountId), { none: notFound(ref) })
}

function toRow(site: Site): Omit<SiteRow, 'written'> {
  return {
    id: site.id,
    account_id: site.accountId,
    name: site.name,
    access: site.access,
    coverage: site.coverage,
    plan_id: site.planId,
    resource_group_id: site.resourceGroupId,
    created_at_ms: site.createdAtMs,
    updated_at_ms: site.updatedAtMs,
  }
}

function toSite(row: SiteRow): Site {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    access: row.access,
    coverage: row.coverage,
    planId: row.plan_id,
    resourceGroupId: row.resource_group_id,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}
