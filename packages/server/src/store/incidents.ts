// Incidents: what nodes kept of failures, few for each node and for a limited time. Written only on behalf of the node, which
// hands each over once or, when it did not hear the answer, again.
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Incident } from '@littoral/contract/node/incident'
import { db } from './db.ts'
import type { ReadTx, WriteTx } from './store.ts'
import type { IncidentRow } from './tables/incidents.ts'

/** Of one node; the oldest gives way. */
const mostPerNode = 50

export type IncidentHead = Pick<Incident, 'key' | 'version' | 'digest' | 'kind' | 'reason'> & {
  /** The server's name for it. */
  readonly id: string
  readonly accountId: string
  readonly nodeId: string
  readonly happenedAtMs: number
  readonly receivedAtMs: number
}

const headColumns = [
  ...(['id', 'account_id', 'node_id', 'key', 'version', 'digest', 'kind', 'code', 'message', 'happened_at_ms'] as const),
  'received_at_ms' as const,
]

export interface IncidentFilter {
  readonly accountId: string
  readonly nodeId?: string | undefined
  readonly key?: string | undefined
  readonly offset: number
  readonly limit: number
}

/** One page, newest first, with how many there are. */
export async function page(
  tx: ReadTx,
  { accountId, nodeId, key, offset, limit }: IncidentFilter,
): Promise<{ heads: IncidentHead[]; total: number }> {
  let wanted = db.selectFrom('incidents').where('account_id', '=', accountId)
  if (nodeId !== undefined) wanted = wanted.where('node_id', '=', nodeId)
  if (key !== undefined) wanted = wanted.where('key', '=', key)
  const rows = await tx.all(
    wanted
      .select([...headColumns])
      .orderBy('received_at_ms', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .offset(offset),
  )
  const counted = await tx.first(wanted.select((e) => e.fn.countAll<number>().as('total')))
  return { heads: rows.map(toHead), total: Number(counted?.total ?? 0) }
}

export async function find(
  tx: ReadTx,
  ref: { accountId: string; id: string },
): Promise<{ head: IncidentHead; incident: Incident } | undefined> {
  const row = await tx.first(db.selectFrom('incidents').selectAll().where('id', '=', ref.id).where('account_id', '=', ref.accountId))
  return row && { head: toHead(row), incident: JSON.parse(gunzipSync(Buffer.from(row.content, 'base64')).toString('utf8')) as Incident }
}

/** Whether the node has handed this one over already. */
export async function has(tx: ReadTx, nodeId: string, nodeIncidentId: string): Promise<boolean> {
  const wanted = db.selectFrom('incidents').select('id').where('node_id', '=', nodeId).where('node_incident_id', '=', nodeIncidentId)
  return (await tx.first(wanted)) !== undefined
}

export interface NewIncident {
  readonly id: string
  readonly nodeId: string
  readonly incident: Incident
  readonly nowMs: number
}

/** Stores it unless it is here, and removes the node's oldest beyond the bound. A node that is gone is not heard any more. */
export function insert(tx: WriteTx, { id, nodeId, incident, nowMs }: NewIncident): void {
  const { key, version, digest, kind, reason } = incident
  const values = {
    ...{ id, node_incident_id: incident.id, key, version, digest, kind, code: reason.code, message: reason.message },
    ...{ happened_at_ms: incident.atMs, received_at_ms: nowMs, content: gzipSync(JSON.stringify(incident)).toString('base64') },
  }
  const names = Object.keys(values) as (keyof typeof values)[]
  tx.run(
    db
      .insertInto('incidents')
      .columns(['account_id', 'node_id', ...names])
      .expression(
        db
          .selectFrom('nodes')
          .where('id', '=', nodeId)
          .select((e) => ['account_id', 'id as node_id', ...names.map((name) => e.val(values[name]).as(name))]),
      )
      .onConflict((conflict) => conflict.doNothing()),
  )
  const newest = db
    .selectFrom('incidents')
    .select('id')
    .where('node_id', '=', nodeId)
    .orderBy('received_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(mostPerNode)
  tx.run(db.deleteFrom('incidents').where('node_id', '=', nodeId).where('id', 'not in', newest))
}

export function removeBefore(tx: WriteTx, beforeMs: number): void {
  tx.run(db.deleteFrom('incidents').where('received_at_ms', '<', beforeMs))
}

function toHead(row: Omit<IncidentRow, 'content' | 'node_incident_id'>): IncidentHead {
  return {
    id: row.id,
    accountId: row.account_id,
    nodeId: row.node_id,
    key: row.key,
    version: row.version,
    digest: row.digest,
    kind: row.kind,
    reason: { code: row.code, message: row.message },
    happenedAtMs: row.happened_at_ms,
    receivedAtMs: row.received_at_ms,
  }
}
