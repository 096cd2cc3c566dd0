// What is collected from applications' containers, in the store. Topic `log-rivers` is announced on every change.
import { type LogRiver, noLogRiver } from '../../domain/log-river.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { AppRef } from './apps.ts'

/** What is collected from an application; nothing where it was never asked for. */
export async function get(tx: ReadTx, appId: string): Promise<LogRiver> {
  const row = await tx.first(db.selectFrom('app_log_rivers').selectAll().where('app_id', '=', appId))
  return row === undefined ? noLogRiver : { isStdout: row.is_stdout === 1, path: row.path }
}

export function update(tx: WriteTx, { accountId, appId }: AppRef, river: LogRiver, nowMs: number): void {
  const values = { is_stdout: river.isStdout ? 1 : 0, path: river.path, updated_at_ms: nowMs }
  tx.run(
    db
      .insertInto('app_log_rivers')
      .values({ app_id: appId, account_id: accountId, ...values })
      .onConflict((conflict) => conflict.column('app_id').doUpdateSet(values)),
    { missing: { name: 'InvalidApp.NotFound', params: { AppId: appId } } },
  )
  tx.announce('log-rivers')
}
