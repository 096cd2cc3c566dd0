// Digests that tags stood for, per version and image.
import type { ImagePin } from '../domain/image-pin.ts'
import { db } from './db.ts'
import type { ReadTx, WriteTx } from './store.ts'
import type { ImagePinRow } from './tables/streams.ts'

export async function listByVersion(tx: ReadTx, versionId: string): Promise<ImagePin[]> {
  const rows = await tx.all(db.selectFrom('image_pins').selectAll().where('version_id', '=', versionId).orderBy('image'))
  return rows.map(toPin)
}

/** Versions made after that time that nothing is known of yet, oldest first. */
export async function listUnseen(tx: ReadTx, sinceMs: number, limit: number) {
  const rows = await tx.all(
    db
      .selectFrom('app_versions')
      .select(['id', 'account_id', 'app_id', 'created_at_ms', 'containers'])
      .where('created_at_ms', '>=', sinceMs)
      .where((e) => e.not(e.exists(e.selectFrom('image_pins').select('image').whereRef('version_id', '=', 'app_versions.id'))))
      .orderBy('created_at_ms')
      .limit(limit),
  )
  return rows.map((row) => ({
    id: row.id,
    accountId: row.account_id,
    appId: row.app_id,
    createdAtMs: row.created_at_ms,
    containers: row.containers,
  }))
}

/** What is to be asked now, the longest due first. */
export async function listDue(
  tx: ReadTx,
  { nowMs, exceptHosts, limit }: { nowMs: number; exceptHosts: readonly string[]; limit: number },
): Promise<ImagePin[]> {
  const all = db.selectFrom('image_pins').selectAll().where('state', 'in', ['pending', 'unreachable']).where('next_at_ms', '<=', nowMs)
  const open = exceptHosts.length === 0 ? all : all.where('host', 'not in', [...exceptHosts])
  return (await tx.all(open.orderBy('next_at_ms').limit(limit))).map(toPin)
}

/** Stores a new one, or what became of it. A digest that is known is never replaced, nor forgotten. */
export function put(tx: WriteTx, pin: ImagePin): void {
  const row = toRow(pin)
  const { state, digest, source, reason, attempts, next_at_ms, updated_at_ms, platforms } = row
  tx.run(
    db
      .insertInto('image_pins')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['version_id', 'image'])
          .doUpdateSet({ state, digest, source, reason, attempts, next_at_ms, updated_at_ms, platforms })
          .where('image_pins.digest', 'is', null),
      ),
  )
  tx.announce('images')
}

/** Whether it is still to be found out what the version's tags stand for, or whether its registries answer. */
export async function hasOpen(tx: ReadTx, versionId: string): Promise<boolean> {
  const rows = await tx.all(db.selectFrom('image_pins').select('state').where('version_id', '=', versionId))
  return rows.length === 0 || rows.some(({ state }) => state === 'pending')
}

/** Forgets those of versions that are gone. */
export function removeOrphans(tx: WriteTx): void {
  tx.run(
    db
      .deleteFrom('image_pins')
      .where((e) => e.not(e.exists(e.selectFrom('app_versions').select('id').whereRef('id', '=', 'image_pins.version_id')))),
  )
}

function toRow(pin: ImagePin): ImagePinRow {
  return {
    account_id: pin.accountId,
    app_id: pin.appId,
    version_id: pin.versionId,
    image: pin.image,
    host: pin.host,
    state: pin.state,
    digest: pin.digest ?? null,
    source: pin.digest === undefined ? null : 'registry',
    reason: pin.reason ?? null,
    attempts: pin.attempts,
    next_at_ms: pin.nextAtMs,
    created_at_ms: pin.createdAtMs,
    updated_at_ms: pin.updatedAtMs,
    platforms: JSON.stringify(pin.platforms),
  }
}

function toPin(row: ImagePinRow): ImagePin {
  return {
    accountId: row.account_id,
    appId: row.app_id,
    versionId: row.version_id,
    image: row.image,
    host: row.host,
    state: row.state,
    ...(row.digest === null ? {} : { digest: row.digest }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    platforms: JSON.parse(row.platforms) as Record<string, string>,
    attempts: row.attempts,
    nextAtMs: row.next_at_ms,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}
