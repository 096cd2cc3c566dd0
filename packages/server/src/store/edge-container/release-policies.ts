// How careful releases of an application are, where its owner said so. The defaults are in domain/release-policy.ts.
import { defaultPolicy, formatAmount, parseAmount, type ReleasePolicy } from '../../domain/release-policy.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { AppRef } from './apps.ts'

export interface StoredPolicy extends ReleasePolicy {
  /** Absent while everything is as it is by default. */
  readonly updated?: { readonly atMs: number; readonly by: string }
}

/** The policy of an application; the default where none was set. */
export async function find(tx: ReadTx, appId: string): Promise<StoredPolicy> {
  const row = await tx.first(db.selectFrom('release_policies').selectAll().where('app_id', '=', appId))
  if (row === undefined) return defaultPolicy
  return {
    maxUnavailable: parseAmount(row.max_unavailable),
    failureBudget: parseAmount(row.failure_budget),
    canaryNodes: row.canary_nodes,
    bakeSeconds: row.bake_seconds,
    deadlineSeconds: row.deadline_seconds,
    isAutoRollback: row.is_auto_rollback === 1,
    confirmSeconds: row.confirm_seconds,
    updated: { atMs: row.updated_at_ms, by: row.updated_by },
  }
}

export function update(tx: WriteTx, { accountId, appId }: AppRef, policy: ReleasePolicy & { updated: { atMs: number; by: string } }): void {
  const set = {
    max_unavailable: formatAmount(policy.maxUnavailable),
    failure_budget: formatAmount(policy.failureBudget),
    canary_nodes: policy.canaryNodes,
    bake_seconds: policy.bakeSeconds,
    deadline_seconds: policy.deadlineSeconds,
    is_auto_rollback: policy.isAutoRollback ? 1 : 0,
    confirm_seconds: policy.confirmSeconds,
    updated_at_ms: policy.updated.atMs,
    updated_by: policy.updated.by,
  }
  const row = { app_id: appId, account_id: accountId, ...set }
  tx.run(
    db
      .insertInto('release_policies')
      .values(row)
      .onConflict((conflict) => conflict.column('app_id').doUpdateSet(set)),
    { missing: { name: 'InvalidApp.NotFound', params: { AppId: appId } } },
  )
  tx.announce('releases')
}
