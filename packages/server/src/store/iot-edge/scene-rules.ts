// Scene rules bound to edge instances: their ids, since nothing else is known of them here.
import { offsetOf, type Page } from '../../domain/edge-page.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

export interface BoundRule {
  readonly id: string
  readonly boundAtMs: number
}

/** Oldest first. */
export async function list(tx: ReadTx, instanceId: string): Promise<BoundRule[]> {
  const query = db.selectFrom('instance_scene_rules').selectAll().where('instance_id', '=', instanceId)
  const rows = await tx.all(query.orderBy('created_at_ms').orderBy('rule_id'))
  return rows.map((row) => ({ id: row.rule_id, boundAtMs: row.created_at_ms }))
}

/** One page, newest first, and how many there are in all. */
export async function page(tx: ReadTx, instanceId: string, at: Page): Promise<{ rules: BoundRule[]; total: number }> {
  // An instance has some thirty at most.
  const rules = (await list(tx, instanceId)).reverse()
  return { rules: rules.slice(offsetOf(at), offsetOf(at) + at.pageSize), total: rules.length }
}

/** Binding twice changes nothing; throws iot.common.ParameterSizeLimit at commit. */
export function insert(tx: WriteTx, rule: { id: string; instanceId: string; accountId: string; nowMs: number }, limit: number): void {
  const row = { instance_id: rule.instanceId, rule_id: rule.id, account_id: rule.accountId, created_at_ms: rule.nowMs }
  tx.run(
    db
      .insertInto('instance_scene_rules')
      .values(row)
      .onConflict((conflict) => conflict.doNothing()),
  )
  const count = db
    .selectFrom('instance_scene_rules')
    .where('instance_id', '=', rule.instanceId)
    .select((e) => e.fn.countAll<number>().as('total'))
    .having((e) => e(e.fn.countAll<number>(), '<=', limit))
  tx.require(count, { name: 'iot.common.ParameterSizeLimit', params: { Detail: `An edge instance has ${limit} scene rules at most.` } })
}

export function remove(tx: WriteTx, instanceId: string, id: string): void {
  tx.run(db.deleteFrom('instance_scene_rules').where('instance_id', '=', instanceId).where('rule_id', '=', id))
}
