// Versions of applications in the store. Apart from the times of publishing a row never changes.
import { Fault } from '@littoral/contract/errors'
import type { Container } from '../../domain/container.ts'
import { withDigests } from '../../domain/image-pin.ts'
import type { Version } from '../../domain/version.ts'
import { inOrder } from '../creation-order.ts'
import { db } from '../db.ts'
import * as pins from '../image-pins.ts'
import { prepared } from '../prepared.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { AppVersionRow } from '../tables/edge-container.ts'
import type { AppRef } from './apps.ts'
import { type Listing, matches, offsetOf, orderColumns } from './listing.ts'

/** Names a version of an application of an account. */
export interface VersionRef extends AppRef {
  readonly versionId: string
}

const notFound = ({ appId, versionId }: VersionRef) =>
  ({ name: 'InvalidVersion.NotFound', params: { AppId: appId, VersionId: versionId } }) as const

/** Throws InvalidVersion.NotFound. */
export async function get(tx: ReadTx, ref: VersionRef): Promise<Version> {
  const row = await tx.first(byRef(ref))
  if (row === undefined) throw Fault.from(notFound(ref))
  return toVersion(row)
}

/** The version with the digests its tags stand for, if it is still there. */
export async function find(tx: ReadTx, ref: VersionRef): Promise<Version | undefined> {
  const row = await tx.first(byRef(ref))
  if (row === undefined) return undefined
  const version = toVersion(row)
  return { ...version, containers: withDigests(version.containers, await pins.listByVersion(tx, version.id)) }
}

/** The version as it may have been a moment ago; throws InvalidVersion.NotFound. Pair it with requirePresent. */
export async function peek(tx: WriteTx, ref: VersionRef): Promise<Version> {
  const row = await tx.peek(byRef(ref))
  if (row === undefined) throw Fault.from(notFound(ref))
  return toVersion(row)
}

/** At commit: the version exists; else InvalidVersion.NotFound. */
export function requirePresent(tx: WriteTx, ref: VersionRef): void {
  tx.require(byRef(ref).clearSelect().select('id'), notFound(ref))
}

/** One page of an application's versions, and how many there are on all pages. */
export async function list(tx: ReadTx, ref: AppRef, listing: Listing): Promise<{ versions: Version[]; total: number }> {
  const { search, pageSize } = listing
  const order = { table: 'app_versions', by: orderColumns[listing.order.by], direction: listing.order.direction } as const
  let wanted = db.selectFrom('app_versions').where('app_id', '=', ref.appId).where('account_id', '=', ref.accountId)
  if (search !== undefined) wanted = wanted.where((e) => matches(e, 'app_versions', search))
  // Sorted by what is short: containers are only read for the page.
  const page = inOrder(wanted.select('id'), order).limit(pageSize).offset(offsetOf(listing))
  const found = await tx.all(inOrder(db.selectFrom('app_versions').selectAll().where('id', 'in', page), order))
  const counted = await tx.first(wanted.select((e) => e.fn.countAll<number>().as('total')))
  return { versions: found.map(toVersion), total: Number(counted?.total ?? 0) }
}

const insertRow = prepared((row: AppVersionRow) => {
  const { id, account_id, app_id, name, status, remarks, containers } = row
  const { created_at_ms, updated_at_ms, first_published_at_ms, last_published_at_ms } = row
  const times = { created_at_ms, updated_at_ms, first_published_at_ms, last_published_at_ms }
  return db.insertInto('app_versions').values({ id, account_id, app_id, name, status, ...times, remarks, containers })
})
const hasRoom = prepared(({ appId, name, most }: { appId: string; name: string; most: number }) => {
  const ofApp = db.selectFrom('app_versions').where('app_id', '=', appId)
  const counted = ofApp.select((e) => e.fn.countAll<number>().as('total'))
  // A name that is taken is left for the row to be refused for: that says more than that there is no room.
  const isTaken = ofApp.select('id').where('name', '=', name)
  return counted.having((e) => e.or([e(e.fn.countAll<number>(), '<=', most), e.exists(isTaken)]))
})

/** Throws NameAlreadyExists, and InternalException when the application has `limit` versions already. */
export function insert(tx: WriteTx, version: Version, limit: number): void {
  // Before the row, so that nothing after it can be refused.
  tx.require(hasRoom({ appId: version.appId, name: version.name, most: limit - 1 }), {
    name: 'InternalException',
    params: { Detail: `The application has ${limit} versions, and no more are allowed here.` },
  })
  tx.run(insertRow(toRow(version)), {
    unique: { name: 'NameAlreadyExists', params: { Name: version.name } },
    missing: { name: 'InvalidApp.NotFound', params: { AppId: version.appId } },
  })
  tx.announce('versions')
}

/** Notes that the version was published just now. */
export function updatePublished(tx: WriteTx, ref: VersionRef, nowMs: number): void {
  tx.run(published(nowMs).where('id', '=', ref.versionId).where('app_id', '=', ref.appId), { none: notFound(ref) })
}

/** The same for the version of a release that has waited for its time until now; nothing where it did not wait any more. */
export function updatePublishedBy(tx: WriteTx, releaseId: string, nowMs: number): void {
  const waiting = db.selectFrom('releases').select('version_id').where('id', '=', releaseId)
  const ofRelease = waiting.where('has_begun', '=', 0).where('status', '=', 'publishing')
  tx.run(published(nowMs).where('id', '=', ofRelease))
}

function published(nowMs: number) {
  return db.updateTable('app_versions').set((e) => ({
    first_published_at_ms: e.fn.coalesce('first_published_at_ms', e.val(nowMs)),
    last_published_at_ms: nowMs,
    updated_at_ms: nowMs,
  }))
}

/** Throws InvalidVersion.NotFound at commit. */
export function remove(tx: WriteTx, ref: VersionRef): void {
  const gone = db.deleteFrom('app_versions').where('id', '=', ref.versionId).where('app_id', '=', ref.appId)
  tx.run(gone.where('account_id', '=', ref.accountId), { none: notFound(ref) })
}

function byRef({ accountId, appId, versionId }: VersionRef) {
  const rows = db.selectFrom('app_versions').selectAll().where('id', '=', versionId)
  return rows.where('app_id', '=', appId).where('account_id', '=', accountId)
}

function toRow(version: Version): AppVersionRow {
  return {
    id: version.id,
    account_id: version.accountId,
    app_id: version.appId,
    name: version.name,
    status: version.status,
    created_at_ms: version.createdAtMs,
    updated_at_ms: version.updatedAtMs,
    first_published_at_ms: version.firstPublishedAtMs ?? null,
    last_published_at_ms: version.lastPublishedAtMs ?? null,
    remarks: version.remarks,
    containers: JSON.stringify(version.containers),
  }
}

function toVersion(row: AppVersionRow): Version {
  return {
    id: row.id,
    accountId: row.account_id,
    appId: row.app_id,
    name: row.name,
    status: row.status,
    remarks: row.remarks,
    containers: JSON.parse(row.containers) as Container[],
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    ...(row.first_published_at_ms !== null && { firstPublishedAtMs: row.first_published_at_ms }),
    ...(row.last_published_at_ms !== null && { lastPublishedAtMs: row.last_published_at_ms }),
  }
}
