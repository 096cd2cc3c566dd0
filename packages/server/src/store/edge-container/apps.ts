// Applications in the store.
import { Fault } from '@littoral/contract/errors'
import type { App, HealthCheck } from '../../domain/app.ts'
import { inOrder } from '../creation-order.ts'
import { db } from '../db.ts'
import { prepared } from '../prepared.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { AppRow } from '../tables/edge-container.ts'
import { type Listing, matches, offsetOf, orderColumns } from './listing.ts'

/** Names an application of an account. */
export interface AppRef {
  readonly accountId: string
  readonly appId: string
}

export interface ListedApp extends App {
  readonly versionCount: number
  /** The domain that was bound first, of those that are bound. */
  readonly domainName?: string
}

const notFound = ({ appId }: AppRef) => ({ name: 'InvalidApp.NotFound', params: { AppId: appId } }) as const

const byRef = prepared(({ appId, accountId }: AppRef) =>
  db.selectFrom('apps').selectAll().where('id', '=', appId).where('account_id', '=', accountId),
)
const listedByRef = prepared(({ appId, accountId }: AppRef) => rows().where('apps.id', '=', appId).where('apps.account_id', '=', accountId))
const present = prepared(({ appId, accountId }: AppRef) =>
  db.selectFrom('apps').select('id').where('id', '=', appId).where('account_id', '=', accountId).where('status', '=', 'created'),
)

/** Throws InvalidApp.NotFound; an application that is being deleted is still found. */
export async function get(tx: ReadTx, ref: AppRef): Promise<App> {
  const row = await tx.first(byRef(ref))
  if (row === undefined) throw Fault.from(notFound(ref))
  return toApp(row)
}

/** The same with what lists show of it. */
export async function getListed(tx: ReadTx, ref: AppRef): Promise<ListedApp> {
  const row = await tx.first(listedByRef(ref))
  if (row === undefined) throw Fault.from(notFound(ref))
  return toListedApp(row)
}

/** The application as it may have been a moment ago; throws InvalidApp.NotFound. For what never changes of it. */
export async function peek(tx: WriteTx, ref: AppRef): Promise<App> {
  const row = await tx.peek(byRef(ref))
  if (row?.status !== 'created') throw Fault.from(notFound(ref))
  return toApp(row)
}

/** At commit: the application exists and is not being deleted; else InvalidApp.NotFound. */
export function requirePresent(tx: WriteTx, ref: AppRef): void {
  tx.require(present(ref), notFound(ref))
}

/** One page of the account's applications, without those that are being deleted, and how many there are on all pages. */
export async function list(tx: ReadTx, accountId: string, listing: Listing): Promise<{ apps: ListedApp[]; total: number }> {
  const { search, order, pageSize } = listing
  let page = rows().where('apps.account_id', '=', accountId).where('apps.status', '=', 'created')
  let all = db.selectFrom('apps').where('account_id', '=', accountId).where('status', '=', 'created')
  if (search !== undefined) {
    page = page.where((e) => matches(e, 'apps', search))
    all = all.where((e) => matches(e, 'apps', search))
  }
  const sorted = inOrder(page, { table: 'apps', by: orderColumns[order.by], direction: order.direction })
  const found = await tx.all(sorted.limit(pageSize).offset(offsetOf(listing)))
  const counted = await tx.first(all.select((e) => e.fn.countAll<number>().as('total')))
  return { apps: found.map(toListedApp), total: Number(counted?.total ?? 0) }
}

/** Whether the application exists and is not being deleted. */
export async function isPresent(tx: ReadTx, ref: AppRef): Promise<boolean> {
  const row = await tx.first(db.selectFrom('apps').select('status').where('id', '=', ref.appId).where('account_id', '=', ref.accountId))
  return row?.status === 'created'
}

/** Applications whose instances are still to be taken off the nodes. */
export async function listDeleted(tx: ReadTx): Promise<{ id: string; accountId: string }[]> {
  const found = await tx.all(db.selectFrom('apps').select(['id', 'account_id']).where('status', '=', 'deleted').orderBy('id'))
  return found.map((row) => ({ id: row.id, accountId: row.account_id }))
}

/** Throws NameAlreadyExists, and InternalException when the account has `limit` applications already. */
export function insert(tx: WriteTx, app: App, limit: number): void {
  tx.run(db.insertInto('apps').values(toRow(app)), { unique: { name: 'NameAlreadyExists', params: { Name: app.name } } })
  const counted = db.selectFrom('apps').select((e) => e.fn.countAll<number>().as('total'))
  const within = counted.where('account_id', '=', app.accountId).where('status', '=', 'created')
  tx.require(
    within.having((e) => e.fn.countAll<number>(), '<=', limit),
    { name: 'InternalException', params: { Detail: `The account has ${limit} applications, and no more are allowed here.` } },
  )
  tx.announce('apps')
}

/** From now on the application is gone for its owner; the loop takes its instances down and then removes it. */
export function updateDeleted(tx: WriteTx, ref: AppRef, nowMs: number): void {
  const deleted = db.updateTable('apps').set({ status: 'deleted', updated_at_ms: nowMs })
  tx.run(deleted.where('id', '=', ref.appId).where('account_id', '=', ref.accountId))
  tx.announce('apps')
}

/** Removes the application for good, with its versions and its history. */
export function remove(tx: WriteTx, ref: AppRef): void {
  tx.run(db.deleteFrom('apps').where('id', '=', ref.appId).where('account_id', '=', ref.accountId))
  tx.announce('apps')
}

function rows() {
  return db
    .selectFrom('apps')
    .selectAll('apps')
    .select((e) => [
      e
        .selectFrom('app_versions')
        .whereRef('app_versions.app_id', '=', 'apps.id')
        .select((of) => of.fn.countAll<number>().as('n'))
        .as('version_count'),
      inOrder(
        e
          .selectFrom('app_records')
          .whereRef('app_records.app_id', '=', 'apps.id')
          .select((of) =>
            of.fn.coalesce(of.fn<string | null>('nullif', ['app_records.spelling', of.val('')]), 'app_records.name').as('name'),
          ),
        { table: 'app_records', by: 'created_at_ms', direction: 'asc' },
      )
        .limit(1)
        .as('domain_name'),
    ])
}

function toRow(app: App): AppRow {
  return {
    id: app.id,
    account_id: app.accountId,
    name: app.name,
    status: app.status,
    service_port: app.servicePort,
    target_port: app.targetPort,
    created_at_ms: app.createdAtMs,
    updated_at_ms: app.updatedAtMs,
    remarks: app.remarks,
    health_check: JSON.stringify(app.healthCheck),
  }
}

function toApp(row: AppRow): App {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    status: row.status,
    remarks: row.remarks,
    servicePort: row.service_port,
    targetPort: row.target_port,
    healthCheck: JSON.parse(row.health_check) as HealthCheck,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}

function toListedApp(row: AppRow & { version_count: number | null; domain_name: string | null }): ListedApp {
  return { ...toApp(row), versionCount: Number(row.version_count ?? 0), ...(row.domain_name !== null && { domainName: row.domain_name }) }
}
