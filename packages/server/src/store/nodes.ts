// Nodes: machines with an agent. Loops and handlers read them; only nodes/ (the server end of the socket), and liveness,
// write them, and whoever deletes the device that a node is. The node's secret is never read back as text, only its hash.
import type { NodeCondition, NodeFacts } from '@littoral/contract/node/report'
import type { Selectable } from 'kysely'
import { db } from './db.ts'
import type { ReadTx, WriteTx } from './store.ts'
import type { NodeRow } from './tables/nodes.ts'

export type Environment = 'prod' | 'staging'

export interface NodeRecord {
  readonly id: string
  readonly accountId: string
  readonly name: string
  readonly region: string
  readonly environments: readonly Environment[]
  readonly gatewayIotId?: string
  /** What the join token said; the node's own word does not change it. */
  readonly pinned: { readonly region?: string; readonly environment?: Environment }
  readonly facts: NodeFacts
  /** What the node said last of its own state. */
  readonly conditions: readonly NodeCondition[]
  readonly isOnline: boolean
  readonly lastSeenAtMs?: number
  /** Of the node's desired state: counts up with every change of its assignments. */
  readonly generation: number
  /** The newest generation that the node said it has accepted. */
  readonly acceptedGeneration: number
  readonly createdAtMs: number
}

/** One that has not said anything of its own state yet. */
export type NewNode = Omit<NodeRecord, 'conditions'> & { readonly secretHash: string }

/** All nodes of an account, oldest first, online or not. */
export async function list(tx: ReadTx, filter: { accountId: string; environment?: Environment }): Promise<NodeRecord[]> {
  const rows = await tx.all(
    db.selectFrom('nodes').selectAll().where('account_id', '=', filter.accountId).orderBy('created_at_ms').orderBy('id'),
  )
  const nodes = rows.map(toRecord)
  const { environment } = filter
  return environment === undefined ? nodes : nodes.filter((node) => node.environments.includes(environment))
}

/** One page of an account's nodes, oldest first, with how many there are. */
export async function page(
  tx: ReadTx,
  filter: { accountId: string; offset: number; limit: number },
): Promise<{ nodes: NodeRecord[]; total: number }> {
  const ofAccount = db.selectFrom('nodes').where('account_id', '=', filter.accountId)
  const rows = await tx.all(ofAccount.selectAll().orderBy('created_at_ms').orderBy('id').limit(filter.limit).offset(filter.offset))
  const counted = await tx.first(ofAccount.select((e) => e.fn.countAll<number>().as('total')))
  return { nodes: rows.map(toRecord), total: Number(counted?.total ?? 0) }
}

export async function find(tx: ReadTx, id: string): Promise<NodeRecord | undefined> {
  const row = await tx.first(db.selectFrom('nodes').selectAll().where('id', '=', id))
  return row && toRecord(row)
}

/** The node that is this gateway device, if its agent ever connected. */
export async function findByGateway(tx: ReadTx, iotId: string): Promise<NodeRecord | undefined> {
  const row = await tx.first(db.selectFrom('nodes').selectAll().where('gateway_iot_id', '=', iotId))
  return row && toRecord(row)
}

/** The hash to compare a node's secret with. */
export async function findSecretHash(tx: ReadTx, id: string): Promise<string | undefined> {
  return (await tx.first(db.selectFrom('nodes').select('secret_hash').where('id', '=', id)))?.secret_hash
}

/** Adds a node that joins for the first time; its desired state is empty and numbered 0. */
export function insert(tx: WriteTx, node: NewNode): void {
  tx.run(
    db.insertInto('nodes').values({
      id: node.id,
      account_id: node.accountId,
      gateway_iot_id: node.gatewayIotId ?? null,
      pinned_region: node.pinned.region ?? null,
      pinned_environment: node.pinned.environment ?? null,
      secret_hash: node.secretHash,
      is_online: node.isOnline ? 1 : 0,
      last_seen_at_ms: node.lastSeenAtMs ?? null,
      generation: node.generation,
      accepted_generation: node.acceptedGeneration,
      created_at_ms: node.createdAtMs,
      conditions: '[]',
      ...factColumns(node),
    }),
  )
  tx.announce('nodes')
}

/** What a node says of itself in a new hello; it is online from now on. `secretHash` only when it got a new secret. */
export function update(
  tx: WriteTx,
  hello: Pick<NodeRecord, 'id' | 'name' | 'region' | 'environments' | 'facts'> & { nowMs: number; secretHash?: string },
): void {
  tx.run(
    db
      .updateTable('nodes')
      .set({
        ...factColumns(hello),
        ...(hello.secretHash === undefined ? {} : { secret_hash: hello.secretHash }),
        is_online: 1,
        last_seen_at_ms: hello.nowMs,
      })
      .where('id', '=', hello.id),
  )
  tx.announce('nodes')
}

/** Makes what the node is told next newer than what it already has. */
export function updateGeneration(tx: WriteTx, id: string, generation: number): void {
  tx.run(db.updateTable('nodes').set({ generation }).where('id', '=', id).where('generation', '<', generation))
}

/** The numbers of these nodes' desired states. */
export async function listGenerations(tx: ReadTx, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await tx.all(
    db
      .selectFrom('nodes')
      .select(['id', 'generation'])
      .where('id', 'in', [...ids]),
  )
  return new Map(rows.map((row) => [row.id, row.generation]))
}

/** Forgets the node of a gateway with all it should run and has said; the server end of its socket is told. */
export async function removeByGateway(tx: WriteTx, iotId: string): Promise<void> {
  const rows = await tx.all(db.selectFrom('nodes').select('id').where('gateway_iot_id', '=', iotId))
  for (const { id } of rows) {
    tx.run(db.deleteFrom('nodes').where('id', '=', id))
    tx.announce(`assignments/${id}`)
  }
  if (rows.length > 0) tx.announce('nodes')
}

/** Notes which generation a node has accepted, which whoever waits for its reports wants to know. */
export function updateAccepted(tx: WriteTx, id: string, acceptedGeneration: number): void {
  tx.run(db.updateTable('nodes').set({ accepted_generation: acceptedGeneration }).where('id', '=', id))
  tx.announce('reports')
}

/** Keeps what a node says of its own state. Wakes nobody: nothing is decided by it. */
export function updateConditions(tx: WriteTx, id: string, conditions: readonly NodeCondition[]): void {
  tx.run(
    db
      .updateTable('nodes')
      .set({ conditions: JSON.stringify(conditions) })
      .where('id', '=', id),
  )
}

/** Notes that these nodes were heard of just now. Wakes nobody: nothing is decided by it until a node falls silent. */
export function updateSeen(tx: WriteTx, ids: readonly string[], nowMs: number): void {
  tx.run(
    db
      .updateTable('nodes')
      .set({ last_seen_at_ms: nowMs, is_online: 1 })
      .where('id', 'in', [...ids]),
  )
}

/** Takes a node off line, unless it was seen after `seenBeforeMs` (it may have come back, here or at another server). */
export function updateOffline(tx: WriteTx, id: string, seenBeforeMs: number): void {
  tx.run(
    db
      .updateTable('nodes')
      .set({ is_online: 0 })
      .where('id', '=', id)
      .where((e) => e.or([e('last_seen_at_ms', 'is', null), e('last_seen_at_ms', '<=', seenBeforeMs)])),
  )
  tx.announce('nodes')
}

/** Forgets a node, and with it its assignments and reports. */
export function remove(tx: WriteTx, id: string): void {
  tx.run(db.deleteFrom('nodes').where('id', '=', id))
  tx.announce('nodes')
}

/** Which nodes count as online, and when each was heard of last; for the liveness loop. */
export async function listOnline(tx: ReadTx): Promise<{ id: string; lastSeenAtMs: number }[]> {
  const rows = await tx.all(db.selectFrom('nodes').select(['id', 'last_seen_at_ms', 'created_at_ms']).where('is_online', '=', 1))
  return rows.map((row) => ({ id: row.id, lastSeenAtMs: row.last_seen_at_ms ?? row.created_at_ms }))
}

function factColumns(node: Pick<NodeRecord, 'name' | 'region' | 'environments' | 'facts'>) {
  return {
    name: node.name,
    region: node.region,
    environments: JSON.stringify(node.environments),
    facts: JSON.stringify(node.facts),
  }
}

function toRecord(row: Selectable<NodeRow>): NodeRecord {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    region: row.region,
    environments: JSON.parse(row.environments) as Environment[],
    ...(row.gateway_iot_id === null ? {} : { gatewayIotId: row.gateway_iot_id }),
    pinned: {
      ...(row.pinned_region === null ? {} : { region: row.pinned_region }),
      ...(row.pinned_environment === null ? {} : { environment: row.pinned_environment as Environment }),
    },
    facts: JSON.parse(row.facts) as NodeFacts,
    conditions: JSON.parse(row.conditions) as NodeCondition[],
    isOnline: row.is_online === 1,
    ...(row.last_seen_at_ms === null ? {} : { lastSeenAtMs: row.last_seen_at_ms }),
    generation: row.generation,
    acceptedGeneration: row.accepted_generation,
    createdAtMs: row.created_at_ms,
  }
}
