// What is collected from applications' containers, in the store. Topic `log-rivers` is announced on every change. A revision
// counts the changes; the loop of the same name notes up to which one the nodes were told.
import { type LogRiver, noLogRiver } from '../../domain/log-river.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { AppRef } from './apps.ts'

/** What is collected from an application; nothing where it was never asked for. */
export async function get(tx: ReadTx, appId: string): Promise<LogRiver> {
  const row = await tx.first(db.selectFrom('app_log_rivers').selectAll().where('app_id', '=', appId))
  return row === undefined ? noLogRiver : { isStdout: row.is_stdout === 1, path: row.path }
}

/** Rivers of these applications from which something is collected. */
export async function listFlowing(tx: ReadTx, appIds: readonly string[]): Promise<Map<string, LogRiver>> {
  const flowing = db
    .selectFrom('app_log_rivers')
    .select(['app_id', 'is_stdout', 'path'])
    .where('app_id', 'in', [...appIds])
  const rows = await tx.all(flowing.where((e) => e.or([e('is_stdout', '=', 1), e('path', '<>', '')])))
  return new Map(rows.map((row) => [row.app_id, { isStdout: row.is_stdout === 1, path: row.path }]))
}

/** Changes that nodes were not told of yet. */
export async function listUntold(tx: ReadTx, limit: number): Promise<{ appId: string; revision: number }[]> {
  const untold = db.selectFrom('app_log_rivers').select(['app_id', 'revision']).whereRef('told_revision', '<', 'revision')
  const rows = await tx.all(untold.orderBy('updated_at_ms').limit(limit))
  return rows.map((row) => ({ appId: row.app_id, revision: row.revision }))
}

/** A later change stays untold. */
export function updateTold(tx: WriteTx, { appId, revision }: { appId: string; revision: number }): void {
  tx.run(
    db.updateTable('app_log_rivers').set({ told_revision: revision }).where('app_id', '=', appId).where('told_revision', '<', revision),
  )
}

export function update(tx: WriteTx, { accountId, appId }: AppRef, river: LogRiver, nowMs: number): void {
  const values = { is_stdout: river.isStdout ? 1 : 0, path: river.path, updated_at_ms: nowMs }
  tx.run(
    db
      .insertInto('app_log_rivers')
      .values({ app_id: appId, account_id: accountId, revision: 1, told_revision: 0, ...values })
      .onConflict((conflict) =>
        conflict.column('app_id').doUpdateSet((e) => ({ ...values, revision: e('app_log_rivers.revision', '+', 1) })),
      ),
    { missing: { name: 'InvalidApp.NotFound', params: { AppId: appId } } },
  )
  tx.announce('log-rivers')
}
