// Tags and settings of sites in the store. They go with their site.
import { sql } from 'kysely'
import { mostTags, type SiteSettings, type Tag } from '../../domain/site-settings.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

export interface SiteTag extends Tag {
  readonly siteId: number
}

/** A tag that is looked for; without a value any. */
export interface WantedTag {
  readonly key: string
  readonly value?: string
}

export interface TagListing {
  readonly accountId: string
  /** Absent: of every site of the account. */
  readonly siteIds?: readonly number[]
  readonly wanted: readonly WantedTag[]
  readonly after?: { readonly siteId: number; readonly key: string }
  readonly limit: number
}

/** Tags of the account's sites by site and key, and how many there are in all. */
export async function list(tx: ReadTx, listing: TagListing): Promise<{ tags: SiteTag[]; total: number }> {
  const { accountId, siteIds, wanted, after, limit } = listing
  let all = db.selectFrom('site_tags').innerJoin('sites', 'sites.id', 'site_tags.site_id').where('sites.account_id', '=', accountId)
  if (siteIds !== undefined) all = all.where('site_id', 'in', [...siteIds])
  for (const tag of wanted) all = all.where(hasTag('site_tags.site_id', tag))
  const columns = all.select(['site_id', 'key', 'value']).orderBy('site_id').orderBy('key')
  const page = after === undefined ? columns : columns.where((e) => e(e.refTuple('site_id', 'key'), '>', e.tuple(after.siteId, after.key)))
  const rows = await tx.all(page.limit(limit))
  const counted = await tx.first(all.select((e) => e.fn.countAll<number>().as('total')))
  return { tags: rows.map((row) => ({ siteId: row.site_id, key: row.key, value: row.value })), total: Number(counted?.total ?? 0) }
}

/** True of a site that has the tag. */
export function hasTag(site: 'sites.id' | 'site_tags.site_id', { key, value }: WantedTag) {
  const found = sql`select 1 from site_tags as wanted where wanted.site_id = ${sql.ref(site)} and wanted.key = ${key}`
  return value === undefined ? sql<boolean>`exists (${found})` : sql<boolean>`exists (${found} and wanted.value = ${value})`
}

/** Tags of these sites, by site. */
export async function listBySites(tx: ReadTx, siteIds: readonly number[]): Promise<Map<number, Tag[]>> {
  const bySite = new Map<number, Tag[]>(siteIds.map((siteId) => [siteId, []]))
  if (siteIds.length === 0) return bySite
  const rows = await tx.all(
    db
      .selectFrom('site_tags')
      .selectAll()
      .where('site_id', 'in', [...siteIds])
      .orderBy('key'),
  )
  for (const { site_id, key, value } of rows) bySite.get(site_id)?.push({ key, value })
  return bySite
}

/** Throws InternalException at commit when a site would have more tags than it may. */
export function put(tx: WriteTx, siteId: number, tags: readonly Tag[]): void {
  for (const { key, value } of tags) {
    const row = { site_id: siteId, key, value }
    tx.run(
      db
        .insertInto('site_tags')
        .values(row)
        .onConflict((conflict) => conflict.columns(['site_id', 'key']).doUpdateSet({ value })),
    )
  }
  const counted = db.selectFrom('site_tags').select((e) => e.fn.countAll<number>().as('total'))
  tx.require(
    counted.where('site_id', '=', siteId).having((e) => e.fn.countAll<number>(), '<=', mostTags),
    { name: 'InternalException', params: { Detail: `A site has at most ${mostTags} tags.` } },
  )
}

/** `keys` absent: all of them. */
export function remove(tx: WriteTx, siteId: number, keys: readonly string[] | undefined): void {
  const gone = db.deleteFrom('site_tags').where('site_id', '=', siteId)
  if (keys === undefined) tx.run(gone)
  else if (keys.length > 0) tx.run(gone.where('key', 'in', [...keys]))
}

export async function getSettings(tx: ReadTx, siteId: number): Promise<SiteSettings> {
  const row = await tx.first(db.selectFrom('site_settings').select('settings').where('site_id', '=', siteId))
  return row === undefined ? {} : (JSON.parse(row.settings) as SiteSettings)
}

export function updateSettings(tx: WriteTx, siteId: number, settings: SiteSettings): void {
  const text = JSON.stringify(settings)
  tx.run(
    db
      .insertInto('site_settings')
      .values({ site_id: siteId, settings: text })
      .onConflict((conflict) => conflict.column('site_id').doUpdateSet({ settings: text })),
  )
}
