// Message routes of edge instances; they go with the instance.
import { Fault } from '@littoral/contract/errors'
import type { Selectable } from 'kysely'
import type { Page } from '../../domain/edge-page.ts'
import type { MessageRoute, RouteContent } from '../../domain/message-route.ts'
import { nextWritten } from '../creation-order.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { MessageRouteRow } from '../tables/iot-edge-rest.ts'
import { newestPage } from './newest.ts'

/** Throws iot.edge.MessageRoutingNotExist. */
export async function get(tx: ReadTx, instanceId: string, id: number): Promise<MessageRoute> {
  const row = await tx.first(ofInstance(instanceId).selectAll().where('id', '=', id))
  if (row === undefined) throw new Fault('iot.edge.MessageRoutingNotExist')
  return toRoute(row)
}

/** Oldest first. */
export async function list(tx: ReadTx, instanceId: string): Promise<MessageRoute[]> {
  return (await tx.all(ofInstance(instanceId).selectAll().orderBy('created_at_ms').orderBy('id'))).map(toRoute)
}

/** One page, newest first, and how many there are in all. */
export async function page(tx: ReadTx, instanceId: string, at: Page): Promise<{ routes: MessageRoute[]; total: number }> {
  const counted = await tx.first(ofInstance(instanceId).select((e) => e.fn.countAll<number>().as('total')))
  const rows = await tx.all(newestPage(ofInstance(instanceId).selectAll(), 'message_routes', at))
  return { routes: rows.map(toRoute), total: Number(counted?.total ?? 0) }
}

/** Throws iot.edge.MessageRoutingNumLimitation at commit. */
export function insert(tx: WriteTx, route: MessageRoute, limit: number): void {
  const isBelowLimit = ofInstance(route.instanceId)
    .select((e) => e.fn.countAll<number>().as('total'))
    .having((e) => e(e.fn.countAll<number>(), '<', limit))
  tx.require(isBelowLimit, { name: 'iot.edge.MessageRoutingNumLimitation' })
  const { id, instanceId, accountId, createdAtMs, modifiedAtMs, ...content } = route
  const times = { created_at_ms: createdAtMs, modified_at_ms: modifiedAtMs }
  const row = { id, instance_id: instanceId, account_id: accountId, ...times, content: JSON.stringify(content) }
  tx.run(db.insertInto('message_routes').values({ ...row, written: nextWritten('message_routes') }))
}

/** Replaces the content; throws iot.edge.MessageRoutingNotExist at commit. */
export function update(tx: WriteTx, id: number, content: RouteContent, nowMs: number): void {
  const columns = { content: JSON.stringify(content), modified_at_ms: nowMs }
  tx.run(db.updateTable('message_routes').set(columns).where('id', '=', id), { none: { name: 'iot.edge.MessageRoutingNotExist' } })
}

/** Throws iot.edge.MessageRoutingNotExist at commit. */
export function remove(tx: WriteTx, instanceId: string, id: number): void {
  const query = db.deleteFrom('message_routes').where('instance_id', '=', instanceId).where('id', '=', id)
  tx.run(query, { none: { name: 'iot.edge.MessageRoutingNotExist' } })
}

function ofInstance(instanceId: string) {
  return db.selectFrom('message_routes').where('instance_id', '=', instanceId)
}

function toRoute(row: Selectable<MessageRouteRow>): MessageRoute {
  return {
    ...(JSON.parse(row.content) as RouteContent),
    id: row.id,
    instanceId: row.instance_id,
    accountId: row.account_id,
    createdAtMs: row.created_at_ms,
    modifiedAtMs: row.modified_at_ms,
  }
}
