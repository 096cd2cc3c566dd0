// Drivers. Custom ones (type 1) belong to an account; official ones (type 0) are seeded by the operator for everybody.
import { Fault } from '@littoral/contract/errors'
import type { Selectable } from 'kysely'
import type { Driver } from '../../domain/driver.ts'
import type { Page } from '../../domain/edge-page.ts'
import { present } from '../../domain/present.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { DriverRow } from '../tables/iot-edge.ts'
import { contains } from './contains.ts'
import { newestPage } from './newest.ts'

/** A driver the account may use; throws iot.edge.DriverNotExist, iot.common.AuthActionPermissionDeny. */
export async function get(tx: ReadTx, accountId: string, id: string): Promise<Driver> {
  const row = await tx.first(db.selectFrom('drivers').selectAll().where('id', '=', id))
  if (row === undefined) throw new Fault('iot.edge.DriverNotExist')
  if (row.type !== 0 && row.account_id !== accountId) throw new Fault('iot.common.AuthActionPermissionDeny')
  return toDriver(row)
}

/** A driver the account may change; throws iot.edge.DriverNotExist, iot.common.AuthActionPermissionDeny. */
export async function getOwn(tx: ReadTx, accountId: string, id: string): Promise<Driver> {
  const driver = await get(tx, accountId, id)
  if (driver.type === 0) throw new Fault('iot.common.AuthActionPermissionDeny')
  return driver
}

/** Those of the drivers that exist and may be used, in the order of the ids. */
export async function listByIds(tx: ReadTx, accountId: string, ids: readonly string[]): Promise<Driver[]> {
  const rows = await tx.all(
    db
      .selectFrom('drivers')
      .selectAll()
      .where('id', 'in', [...ids])
      .where((e) => e.or([e('type', '=', 0), e('account_id', '=', accountId)])),
  )
  const byId = new Map(rows.map((row) => [row.id, toDriver(row)]))
  return [...new Set(ids)].flatMap((id) => byId.get(id) ?? [])
}

export interface DriverFilter {
  readonly accountId: string
  readonly type: 0 | 1
  /** Part of the name. */
  readonly name?: string
}

/** One page, newest first, and how many there are in all. */
export async function page(tx: ReadTx, filter: DriverFilter, at: Page): Promise<{ drivers: Driver[]; total: number }> {
  let query = db.selectFrom('drivers').where('type', '=', filter.type)
  if (filter.type === 1) query = query.where('account_id', '=', filter.accountId)
  const { name } = filter
  if (name !== undefined && name !== '') query = query.where((e) => contains(e.ref('name'), name))
  const counted = await tx.first(query.select((e) => e.fn.countAll<number>().as('total')))
  const rows = await tx.all(newestPage(query.selectAll(), 'drivers', at))
  return { drivers: rows.map(toDriver), total: Number(counted?.total ?? 0) }
}

export async function isNameTaken(tx: ReadTx, accountId: string, name: string): Promise<boolean> {
  return (await tx.first(db.selectFrom('drivers').select('id').where('account_id', '=', accountId).where('name', '=', name))) !== undefined
}

/** Throws iot.edge.DriverNumLimitation, iot.edge.DriverNameExist at commit. */
export function insert(tx: WriteTx, driver: Driver, limit: number): void {
  const custom = db.selectFrom('drivers').where('account_id', '=', driver.accountId).where('type', '=', 1)
  const isBelowLimit = custom.select((e) => e.fn.countAll<number>().as('total')).having((e) => e(e.fn.countAll<number>(), '<', limit))
  tx.require(isBelowLimit, { name: 'iot.edge.DriverNumLimitation' })
  const row = {
    id: driver.id,
    account_id: driver.accountId,
    name: driver.name,
    protocol: driver.protocol,
    runtime: driver.runtime,
    cpu_arch: driver.cpuArch ?? null,
    is_built_in: driver.isBuiltIn ? 1 : 0,
    type: driver.type,
    created_at_ms: driver.createdAtMs,
    modified_at_ms: driver.modifiedAtMs,
  }
  tx.run(db.insertInto('drivers').values(row), { unique: { name: 'iot.edge.DriverNameExist' } })
}

/** Removes a driver with its unreleased versions; throws iot.edge.DriverHasReleasedVersion at commit. */
export function remove(tx: WriteTx, id: string): void {
  const released = db.selectFrom('driver_versions').select('version').where('driver_id', '=', id).where('is_released', '=', 1)
  const isFree = db
    .selectFrom('drivers')
    .select('id')
    .where('id', '=', id)
    .where((e) => e.not(e.exists(released)))
  tx.require(isFree, { name: 'iot.edge.DriverHasReleasedVersion' })
  // An unreleased version may be assigned when the operator allows it: then the driver stays, as if it were released.
  tx.run(db.deleteFrom('drivers').where('id', '=', id), { missing: { name: 'iot.edge.DriverHasReleasedVersion' } })
}

function toDriver(row: Selectable<DriverRow>): Driver {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    protocol: row.protocol as Driver['protocol'],
    runtime: row.runtime as Driver['runtime'],
    isBuiltIn: row.is_built_in === 1,
    type: row.type as Driver['type'],
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
    ...present({ cpuArch: row.cpu_arch }),
  }
}
