// Records in the store: which domains are bound to which application.
import type { AppRecord } from '../../domain/record.ts'
import { inOrder, nextWritten } from '../creation-order.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { AppRecordRow } from '../tables/records.ts'
import type { AppRef } from './apps.ts'
import { type DomainFilter, matchesDomain, offsetOf } from './listing.ts'

export interface RecordListing {
  readonly page: number
  readonly pageSize: number
  /** Newest first without it. */
  readonly order?: { readonly by: 'created' | 'updated'; readonly direction: 'asc' | 'desc' }
  readonly name?: DomainFilter
}

export interface RecordPage {
  readonly records: AppRecord[]
  readonly total: number
}

/** The domain that was bound to the application first. */
export async function findOldest(tx: ReadTx, appId: string): Promise<AppRecord | undefined> {
  const bound = db.selectFrom('app_records').selectAll().where('app_id', '=', appId)
  const row = await tx.first(inOrder(bound, { table: 'app_records', by: 'created_at_ms', direction: 'asc' }).limit(1))
  return row && toRecord(row)
}

/** One page of the domains bound to an application. */
export async function listByApp(tx: ReadTx, { accountId, appId }: AppRef, listing: RecordListing): Promise<RecordPage> {
  return list(tx, db.selectFrom('app_records').where('account_id', '=', accountId).where('app_id', '=', appId), listing)
}

/** One page of a site's domains that are bound to applications. */
export async function listBySite(tx: ReadTx, siteId: number, listing: RecordListing): Promise<RecordPage> {
  return list(tx, db.selectFrom('app_records').where('site_id', '=', siteId), listing)
}

const ofRecords = () => db.selectFrom('app_records')

async function list(tx: ReadTx, rows: ReturnType<typeof ofRecords>, listing: RecordListing): Promise<RecordPage> {
  const { name, pageSize, order = { by: 'created', direction: 'desc' } } = listing
  const page = name === undefined ? rows : rows.where(matchesDomain('app_records.name', name))
  const sorted = inOrder(page.selectAll(), { table: 'app_records', by: `${order.by}_at_ms`, direction: order.direction })
  const found = await tx.all(sorted.limit(pageSize).offset(offsetOf(listing)))
  const counted = await tx.first(page.select((e) => e.fn.countAll<number>().as('total')))
  return { records: found.map(toRecord), total: Number(counted?.total ?? 0) }
}

/** Throws ParameterAlreadyExist, and InternalException when the application has `limit` domains already. */
export function insert(tx: WriteTx, record: AppRecord, limit: number): void {
  tx.run(db.insertInto('app_records').values({ ...toRow(record), written: nextWritten('app_records') }), {
    unique: { name: 'ParameterAlreadyExist', params: { Detail: `RecordName: ${record.name} is bound already.` } },
    missing: { name: 'SiteNotFound', params: { SiteId: String(record.siteId) } },
  })
  const counted = db.selectFrom('app_records').select((e) => e.fn.countAll<number>().as('total'))
  tx.require(
    counted.where('app_id', '=', record.appId).having((e) => e.fn.countAll<number>(), '<=', limit),
    { name: 'InternalException', params: { Detail: `The application has ${limit} domains, and no more are allowed here.` } },
  )
  tx.announce('records')
}

/** Throws InvalidParameter at commit when the application has no such domain, or another site than `siteId` has it. */
export function remove(tx: WriteTx, { appId, siteId, name }: Pick<AppRecord, 'appId' | 'name'> & { siteId?: number | undefined }): void {
  const named = db.deleteFrom('app_records').where('app_id', '=', appId).where('name', '=', name)
  tx.run(siteId === undefined ? named : named.where('site_id', '=', siteId), {
    // Terraform takes a record for gone when it finds this word in a message (contract: esa-edge-container §7).
    none: { name: 'InvalidParameter', params: { Detail: `RecordName: NotFound, ${name} is not bound to the application.` } },
  })
  tx.announce('records')
}

function toRow(record: AppRecord): Omit<AppRecordRow, 'written'> {
  return {
    id: record.id,
    account_id: record.accountId,
    app_id: record.appId,
    site_id: record.siteId,
    name: record.name,
    spelling: record.spelling,
    cname: record.cname,
    config_id: record.configId,
    scheduling_id: record.schedulingId,
    created_at_ms: record.createdAtMs,
    updated_at_ms: record.updatedAtMs,
  }
}

function toRecord(row: AppRecordRow): AppRecord {
  return {
    id: row.id,
    accountId: row.account_id,
    appId: row.app_id,
    siteId: row.site_id,
    name: row.name,
    spelling: row.spelling || row.name,
    cname: row.cname,
    configId: row.config_id,
    schedulingId: row.scheduling_id,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}
