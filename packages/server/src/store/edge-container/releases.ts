// Releases in the store: what each environment is meant to run, and the history of it. Handlers insert, the rollouts
// loop finishes.
import type { Environment } from '../../domain/app.ts'
import type { EnvironmentReleases } from '../../domain/environment-status.ts'
import type { Release } from '../../domain/release.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { ReleaseRow } from '../tables/edge-container.ts'

export interface EnvironmentRef {
  readonly appId: string
  readonly environment: Environment
}

/** The newest release of an environment. */
export async function findCurrent(tx: ReadTx, ref: EnvironmentRef): Promise<Release | undefined> {
  const row = await tx.first(newestFirst(ref).limit(1))
  return row && toRelease(row)
}

/** The newest release of an environment, and the newest one that is through. */
export async function findBoth(tx: ReadTx, ref: EnvironmentRef): Promise<EnvironmentReleases> {
  const current = await findCurrent(tx, ref)
  if (current === undefined) return {}
  if (current.status === 'published') return { current, published: current }
  const row = await tx.first(newestFirst(ref).where('status', '=', 'published').limit(1))
  return row === undefined ? { current } : { current, published: toRelease(row) }
}

/** Whether anything of the application was ever published. */
export async function isAny(tx: ReadTx, appId: string): Promise<boolean> {
  return (await tx.first(db.selectFrom('releases').select('id').where('app_id', '=', appId).limit(1))) !== undefined
}

/** Every environment's newest release, of applications that are not being deleted. */
export async function listCurrent(tx: ReadTx): Promise<Release[]> {
  const rows = await tx.all(
    db
      .selectFrom('releases')
      .innerJoin('apps', 'apps.id', 'releases.app_id')
      .selectAll('releases')
      .where('apps.status', '=', 'created')
      .where('releases.revision', '=', (e) =>
        e
          .selectFrom('releases as newer')
          .whereRef('newer.app_id', '=', 'releases.app_id')
          .whereRef('newer.environment', '=', 'releases.environment')
          .select((of) => of.fn.max('newer.revision').as('revision')),
      )
      .orderBy('releases.started_at_ms')
      .orderBy('releases.id'),
  )
  return rows.map(toRelease)
}

/** Throws InternalException when another release of the environment is under way by now. */
export function insert(tx: WriteTx, release: Release): void {
  tx.run(db.insertInto('releases').values(toRow(release)), {
    unique: { name: 'InternalException', params: { Detail: `Another release to ${release.environment} is under way.` } },
    missing: { name: 'InvalidApp.NotFound', params: { AppId: release.appId } },
  })
  tx.announce('releases')
}

/** Ends a release that is under way; one that is not any more stays as it is. */
export function updateFinished(tx: WriteTx, id: string, status: 'published' | 'superseded', nowMs: number): void {
  tx.run(db.updateTable('releases').set({ status, finished_at_ms: nowMs }).where('id', '=', id).where('status', '=', 'publishing'))
  tx.announce('releases')
}

function newestFirst({ appId, environment }: EnvironmentRef) {
  const rows = db.selectFrom('releases').selectAll().where('app_id', '=', appId).where('environment', '=', environment)
  return rows.orderBy('revision', 'desc')
}

function toRow(release: Release): ReleaseRow {
  return {
    id: release.id,
    account_id: release.accountId,
    app_id: release.appId,
    environment: release.environment,
    revision: release.revision,
    version_id: release.versionId,
    status: release.status,
    percentage: release.percentage,
    created_by: release.createdBy,
    started_at_ms: release.startedAtMs,
    finished_at_ms: release.finishedAtMs ?? null,
    remarks: release.remarks,
  }
}

function toRelease(row: ReleaseRow): Release {
  return {
    id: row.id,
    accountId: row.account_id,
    appId: row.app_id,
    environment: row.environment,
    revision: row.revision,
    versionId: row.version_id,
    status: row.status,
    percentage: row.percentage,
    remarks: row.remarks,
    createdBy: row.created_by,
    startedAtMs: row.started_at_ms,
    ...(row.finished_at_ms !== null && { finishedAtMs: row.finished_at_ms }),
  }
}
