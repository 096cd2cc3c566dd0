// What the rollouts loop remembers beside assignments: since when nodes could know and are ready, and on which the version of
// a release failed. Written only by the loop, apart from a second try that somebody asks for.
import type { Mark, NodeFailure } from '../../domain/standing.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

export async function listMarks(tx: ReadTx, appId: string): Promise<Mark[]> {
  const rows = await tx.all(db.selectFrom('rollout_marks').selectAll().where('app_id', '=', appId))
  return rows.map((row) => ({
    nodeId: row.node_id,
    digest: row.digest,
    ...(row.reached_at_ms !== null && { reachedAtMs: row.reached_at_ms }),
    ...(row.ready_at_ms !== null && { readyAtMs: row.ready_at_ms }),
  }))
}

/** A node that left meanwhile is not marked. */
export function updateMark(tx: WriteTx, appId: string, { nodeId, digest, reachedAtMs, readyAtMs }: Mark): void {
  const columns = ['app_id', 'node_id', 'digest', 'reached_at_ms', 'ready_at_ms'] as const
  const row = db
    .selectFrom('nodes')
    .where('id', '=', nodeId)
    .select((e) => [
      e.val(appId).as('app_id'),
      'id as node_id',
      e.val(digest).as('digest'),
      e.val(reachedAtMs ?? null).as('reached_at_ms'),
      e.val(readyAtMs ?? null).as('ready_at_ms'),
    ])
  tx.run(
    db
      .insertInto('rollout_marks')
      .columns(columns)
      .expression(row)
      .onConflict((conflict) =>
        conflict.columns(['app_id', 'node_id']).doUpdateSet((e) => ({
          digest: e.ref('excluded.digest'),
          reached_at_ms: e.ref('excluded.reached_at_ms'),
          ready_at_ms: e.ref('excluded.ready_at_ms'),
        })),
      ),
  )
}

export async function listFailures(tx: ReadTx, releaseId: string): Promise<NodeFailure[]> {
  const rows = await tx.all(db.selectFrom('release_failures').selectAll().where('release_id', '=', releaseId).orderBy('node_id'))
  return rows.map((row) => ({ nodeId: row.node_id, code: row.code, message: row.message, failedAtMs: row.failed_at_ms }))
}

/** The first failure of a node is the one that is kept. */
export function insertFailure(tx: WriteTx, releaseId: string, failure: NodeFailure): void {
  const row = {
    release_id: releaseId,
    node_id: failure.nodeId,
    failed_at_ms: failure.failedAtMs,
    code: failure.code,
    message: failure.message,
  }
  tx.run(
    db
      .insertInto('release_failures')
      .values(row)
      .onConflict((conflict) => conflict.columns(['release_id', 'node_id']).doNothing()),
  )
}

/** Forgets on which nodes the version failed, so that they are tried again. */
export function removeFailures(tx: WriteTx, releaseId: string): void {
  tx.run(db.deleteFrom('release_failures').where('release_id', '=', releaseId))
}
