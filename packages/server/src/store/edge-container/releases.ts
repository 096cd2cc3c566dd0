// Releases in the store: what each environment is meant to run, and the history of it. Handlers insert, the rollouts
// loop begins and ends them.
import type { Environment } from '../../domain/app.ts'
import { type Ending, type EnvironmentReleases, isCancelled, type Release, type ReleaseStatus } from '../../domain/release.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { ReleaseRow } from '../tables/releases.ts'
import * as versions from './versions.ts'

export interface EnvironmentRef {
  readonly appId: string
  readonly environment: Environment
}

/** The newest release of an environment, also while it waits for its time, but not once it was cancelled. */
export async function findCurrent(tx: ReadTx, ref: EnvironmentRef): Promise<Release | undefined> {
  const newest = await first(tx, newestFirst(ref))
  return newest === undefined || isCancelled(newest) ? undefined : newest
}

/** The newest release of an environment that has begun. */
export async function findEffective(tx: ReadTx, ref: EnvironmentRef): Promise<Release | undefined> {
  return first(tx, newestFirst(ref).where('has_begun', '=', 1))
}

/** Everything that newer releases of an environment are measured by. */
export async function findHistory(tx: ReadTx, ref: EnvironmentRef): Promise<EnvironmentReleases> {
  const newest = newestFirst(ref)
  const current = await first(tx, newest)
  if (current === undefined) return {}
  const lastRevision = current.revision
  // Only where nothing has begun can a release be cancelled without another one in its place.
  if (isCancelled(current)) return { lastRevision }
  const through = newest.where('status', '=', 'published')
  const found = {
    effective: current.hasBegun ? current : await findEffective(tx, ref),
    published: await first(tx, through),
    baseline: await first(tx, through.where('is_full', '=', 1)),
    lastPublish: current.kind === 'publish' ? current : await first(tx, newest.where('kind', '=', 'publish').where('has_begun', '=', 1)),
    lastRollback: await first(tx, newest.where('kind', '<>', 'publish')),
  }
  return { current, lastRevision, ...Object.fromEntries(Object.entries(found).filter(([, release]) => release !== undefined)) }
}

/** A release of an account by its id. */
export async function find(tx: ReadTx, { accountId, id }: { accountId: string; id: string }): Promise<Release | undefined> {
  return first(tx, db.selectFrom('releases').selectAll().where('id', '=', id).where('account_id', '=', accountId))
}

export interface ReleasePage {
  readonly appId: string
  readonly environment?: Environment | undefined
  readonly offset: number
  readonly limit: number
}

/** One page of an application's releases, newest first, and how many there are. */
export async function page(
  tx: ReadTx,
  { appId, environment, offset, limit }: ReleasePage,
): Promise<{ releases: Release[]; total: number }> {
  let rows = db.selectFrom('releases').where('app_id', '=', appId)
  if (environment !== undefined) rows = rows.where('environment', '=', environment)
  const sorted = rows.selectAll().orderBy('created_at_ms', 'desc').orderBy('revision', 'desc').orderBy('environment')
  const found = await tx.all(sorted.limit(limit).offset(offset))
  const counted = await tx.first(rows.select((e) => e.fn.countAll<number>().as('total')))
  return { releases: found.map(toRelease), total: Number(counted?.total ?? 0) }
}

/** Whether the version was ever told to a node of the environment. */
export async function wasReleased(tx: ReadTx, ref: EnvironmentRef & { versionId: string }): Promise<boolean> {
  const begun = newestFirst(ref).where('version_id', '=', ref.versionId).where('has_begun', '=', 1)
  return (await tx.first(begun.clearSelect().select('id').limit(1))) !== undefined
}

/** Every environment's release in effect, of applications that are not being deleted. */
export async function listEffective(tx: ReadTx): Promise<Release[]> {
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
          .where('newer.has_begun', '=', 1)
          .select((of) => of.fn.max('newer.revision').as('revision')),
      )
      .orderBy('releases.started_at_ms')
      .orderBy('releases.id'),
  )
  return rows.map(toRelease)
}

/** Releases whose time has come. */
export async function listDue(tx: ReadTx, nowMs: number): Promise<string[]> {
  const waiting = db.selectFrom('releases').select('id').where('has_begun', '=', 0).where('status', '=', 'publishing')
  return (await tx.all(waiting.where('start_at_ms', '<=', nowMs).orderBy('start_at_ms'))).map(({ id }) => id)
}

/** When the next release begins that waits for its time. */
export async function findNextStart(tx: ReadTx): Promise<number | undefined> {
  const waiting = db.selectFrom('releases').select('start_at_ms').where('has_begun', '=', 0).where('status', '=', 'publishing')
  return (await tx.first(waiting.orderBy('start_at_ms').limit(1)))?.start_at_ms ?? undefined
}

/** Throws InternalException when another release of the environment is under way by now. */
export function insert(tx: WriteTx, release: Release): void {
  tx.run(db.insertInto('releases').values(toRow(release)), {
    unique: { name: 'InternalException', params: { Detail: `Another release to ${release.environment} is under way.` } },
    missing: { name: 'InvalidApp.NotFound', params: { AppId: release.appId } },
  })
  tx.announce('releases')
}

/** Begins a release whose time has come, once: one that has begun, or is not under way any more, stays as it is. */
export function updateBegun(tx: WriteTx, id: string, nowMs: number): void {
  versions.updatePublishedBy(tx, id, nowMs)
  const begun = db.updateTable('releases').set({ has_begun: 1, started_at_ms: nowMs }).where('id', '=', id)
  tx.run(begun.where('has_begun', '=', 0).where('status', '=', 'publishing'))
  tx.announce('releases')
}

export interface Ended {
  readonly status: Exclude<ReleaseStatus, 'publishing'>
  readonly ending: Ending
  readonly nowMs: number
}

/** Ends a release that is under way, or that stopped and went through after all; another one stays as it is. */
export function updateEnded(tx: WriteTx, id: string, { status, ending, nowMs }: Ended): void {
  const open: ReleaseStatus[] = status === 'published' ? ['publishing', 'stopped'] : ['publishing']
  const ended = { status, finished_at_ms: nowMs, ending_code: ending.code, ending_message: ending.message }
  tx.run(db.updateTable('releases').set(ended).where('id', '=', id).where('status', 'in', open))
  tx.announce('releases')
}

/** Tries a release again that stopped. */
export function updateResumed(tx: WriteTx, id: string, nowMs: number): void {
  tx.run(db.updateTable('releases').set({ resumed_at_ms: nowMs }).where('id', '=', id))
  updatePaused(tx, id, undefined)
}

/** Holds a release, or lets it go on; one that stopped is under way again. */
export function updatePaused(tx: WriteTx, id: string, paused: { atMs: number; by: string } | undefined): void {
  const on = {
    status: 'publishing',
    paused_at_ms: null,
    paused_by: null,
    finished_at_ms: null,
    ending_code: null,
    ending_message: null,
  } as const
  const held = { paused_at_ms: paused?.atMs ?? null, paused_by: paused?.by ?? null }
  tx.run(
    db
      .updateTable('releases')
      .set(paused === undefined ? on : held)
      .where('id', '=', id),
  )
  tx.announce('releases')
}

/** Notes that a plan was carried out, so that nobody carries out another one that was made from the same view. */
export function updateStep(tx: WriteTx, id: string, step: number): void {
  tx.run(db.updateTable('releases').set({ step }).where('id', '=', id))
}

export function updateRestartToken(tx: WriteTx, id: string, token: string): void {
  tx.run(db.updateTable('releases').set({ restart_token: token }).where('id', '=', id))
  tx.announce('releases')
}

function newestFirst({ appId, environment }: EnvironmentRef) {
  const rows = db.selectFrom('releases').selectAll().where('app_id', '=', appId).where('environment', '=', environment)
  return rows.orderBy('revision', 'desc')
}

async function first(tx: ReadTx, rows: ReturnType<typeof newestFirst>): Promise<Release | undefined> {
  const row = await tx.first(rows.limit(1))
  return row && toRelease(row)
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
    kind: release.kind,
    publish_type: release.publishType,
    regions: JSON.stringify(release.regions),
    is_full: release.isFull ? 1 : 0,
    is_from_back: release.isFromBack ? 1 : 0,
    rest_version_id: release.restVersionId ?? null,
    created_at_ms: release.createdAtMs,
    start_at_ms: release.startAtMs ?? null,
    has_begun: release.hasBegun ? 1 : 0,
    paused_at_ms: release.paused?.atMs ?? null,
    paused_by: release.paused?.by ?? null,
    ending_code: release.ending?.code ?? null,
    ending_message: release.ending?.message ?? null,
    step: release.step,
    restart_token: release.restartToken ?? null,
    resumed_at_ms: release.resumedAtMs ?? null,
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
    kind: row.kind,
    publishType: row.publish_type,
    regions: JSON.parse(row.regions) as string[],
    isFull: row.is_full === 1,
    isFromBack: row.is_from_back === 1,
    createdAtMs: row.created_at_ms,
    hasBegun: row.has_begun === 1,
    step: row.step,
    ...toEnding(row),
    ...(row.rest_version_id !== null && { restVersionId: row.rest_version_id }),
    ...(row.start_at_ms !== null && { startAtMs: row.start_at_ms }),
    ...(row.paused_at_ms !== null && { paused: { atMs: row.paused_at_ms, by: row.paused_by ?? '' } }),
    ...(row.restart_token !== null && { restartToken: row.restart_token }),
    ...(row.resumed_at_ms !== null && { resumedAtMs: row.resumed_at_ms }),
  }
}

function toEnding(row: ReleaseRow): Pick<Release, 'finishedAtMs' | 'ending'> {
  return {
    ...(row.finished_at_ms !== null && { finishedAtMs: row.finished_at_ms }),
    ...(row.ending_code !== null && { ending: { code: row.ending_code, message: row.ending_message ?? '' } }),
  }
}
