// Driver versions, addressed by driver and version number.
import { Fault } from '@littoral/contract/errors'
import type { Selectable } from 'kysely'
import type { DriverVersion, VersionContent } from '../../domain/driver-version.ts'
import type { Page } from '../../domain/edge-page.ts'
import { newestFirst } from '../creation-order.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { DriverVersionRow } from '../tables/iot-edge.ts'
import { newestPage } from './newest.ts'

export async function find(tx: ReadTx, driverId: string, version: string): Promise<DriverVersion | undefined> {
  const row = await tx.first(db.selectFrom('driver_versions').selectAll().where('driver_id', '=', driverId).where('version', '=', version))
  return row && toVersion(row)
}

/** Throws iot.edge.DriverVersionNotExist. */
export async function get(tx: ReadTx, driverId: string, version: string): Promise<DriverVersion> {
  const found = await find(tx, driverId, version)
  if (found === undefined) throw new Fault('iot.edge.DriverVersionNotExist')
  return found
}

/** The released version that was created last. */
export async function findNewestReleased(tx: ReadTx, driverId: string): Promise<DriverVersion | undefined> {
  const row = await tx.first(ofDriver(driverId).where('is_released', '=', 1).limit(1))
  return row && toVersion(row)
}

export interface VersionFilter {
  readonly driverId: string
  readonly version?: string
  readonly isReleased?: boolean
}

/** One page, newest first, and how many there are in all. */
export async function page(tx: ReadTx, filter: VersionFilter, at: Page): Promise<{ versions: DriverVersion[]; total: number }> {
  let query = db.selectFrom('driver_versions').where('driver_id', '=', filter.driverId)
  if (filter.version !== undefined && filter.version !== '') query = query.where('version', '=', filter.version)
  if (filter.isReleased !== undefined) query = query.where('is_released', '=', filter.isReleased ? 1 : 0)
  const counted = await tx.first(query.select((e) => e.fn.countAll<number>().as('total')))
  const rows = await tx.all(newestPage(query.selectAll(), 'driver_versions', at))
  return { versions: rows.map(toVersion), total: Number(counted?.total ?? 0) }
}

/** Throws iot.edge.DriverVersionNumLimitation, iot.edge.DriverVersionExist, iot.edge.DriverNotExist at commit. */
export function insert(tx: WriteTx, version: DriverVersion, limit: number): void {
  const count = db
    .selectFrom('driver_versions')
    .where('driver_id', '=', version.driverId)
    .select((e) => e.fn.countAll<number>().as('total'))
    .having((e) => e(e.fn.countAll<number>(), '<', limit))
  tx.require(count, { name: 'iot.edge.DriverVersionNumLimitation' })
  tx.run(db.insertInto('driver_versions').values(toRow(version)), {
    unique: { name: 'iot.edge.DriverVersionExist' },
    missing: { name: 'iot.edge.DriverNotExist' },
  })
}

/** Writes a version that was unreleased when it was read; throws iot.edge.DriverVersionReleased at commit. */
export function update(tx: WriteTx, version: DriverVersion): void {
  const { driver_id, version: number, ...changed } = toRow(version)
  tx.run(
    db
      .updateTable('driver_versions')
      .set(changed)
      .where('driver_id', '=', driver_id)
      .where('version', '=', number)
      .where('is_released', '=', 0),
    { none: { name: 'iot.edge.DriverVersionReleased' } },
  )
}

/** Throws iot.edge.DriverVersionReleased at commit. */
export function remove(tx: WriteTx, driverId: string, version: string): void {
  const assigned = db.selectFrom('instance_drivers').select('driver_id').where('driver_id', '=', driverId).where('version', '=', version)
  const isFree = db
    .selectFrom('drivers')
    .select('id')
    .where('id', '=', driverId)
    .where((e) => e.not(e.exists(assigned)))
  // Only where the operator lets unreleased versions be assigned can this one be in use.
  tx.require(isFree, { name: 'iot.common.InvalidParam', params: { Detail: 'DriverVersion is assigned to an edge instance.' } })
  tx.run(db.deleteFrom('driver_versions').where('driver_id', '=', driverId).where('version', '=', version).where('is_released', '=', 0), {
    none: { name: 'iot.edge.DriverVersionReleased' },
  })
}

function ofDriver(driverId: string) {
  return newestFirst(db.selectFrom('driver_versions').selectAll().where('driver_id', '=', driverId), 'driver_versions')
}

function toRow(version: DriverVersion): DriverVersionRow {
  const { driverId, accountId, version: number, isReleased, package: code, createdAtMs, modifiedAtMs, ...content } = version
  return {
    driver_id: driverId,
    version: number,
    account_id: accountId,
    is_released: isReleased ? 1 : 0,
    created_at_ms: createdAtMs,
    modified_at_ms: modifiedAtMs,
    package_sha256: code?.sha256 ?? null,
    package_bytes: code?.sizeBytes ?? null,
    content: JSON.stringify(content satisfies VersionContent),
  }
}

function toVersion(row: Selectable<DriverVersionRow>): DriverVersion {
  const { package_sha256: sha256, package_bytes: sizeBytes } = row
  return {
    ...(JSON.parse(row.content) as VersionContent),
    driverId: row.driver_id,
    version: row.version,
    accountId: row.account_id,
    isReleased: row.is_released === 1,
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
    ...(sha256 === null || sizeBytes === null ? {} : { package: { sha256, sizeBytes } }),
  }
}
