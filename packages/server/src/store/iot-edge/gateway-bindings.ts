// What the node of a gateway has been told to keep of its edge instance. Written only by loops/deployments.ts; read by nodes/,
// which tells the node, and by whoever shows it.
import type { Binding } from '@littoral/contract/node/desired-state'
import { bumpGeneration } from '../assignments.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'
import type { GatewayBindingRow } from '../tables/gateway-bindings.ts'

/** Everything one node keeps, in an order that stays. */
export async function listByNode(tx: ReadTx, nodeId: string): Promise<Binding[]> {
  return (await tx.all(ofNode(nodeId).selectAll().orderBy('instance_id').orderBy('kind').orderBy('id'))).map(toBinding)
}

/** What one node keeps of one instance. */
export async function list(tx: ReadTx, { nodeId, instanceId }: GatewayRef): Promise<Binding[]> {
  return (await listByNode(tx, nodeId)).filter((binding) => binding.instanceId === instanceId)
}

export interface GatewayRef {
  readonly nodeId: string
  readonly instanceId: string
}

/** Replaces what the node keeps of the instance, which the node is then told anew. */
export function update(tx: WriteTx, place: GatewayRef & { readonly accountId: string }, bindings: readonly Binding[]): void {
  const { nodeId, instanceId, accountId } = place
  bumpGeneration(tx, nodeId)
  tx.run(db.deleteFrom('gateway_bindings').where('node_id', '=', nodeId).where('instance_id', '=', instanceId))
  for (const { kind, id, name, content } of bindings) {
    const row: GatewayBindingRow = { node_id: nodeId, instance_id: instanceId, kind, id, account_id: accountId, name, content }
    tx.run(db.insertInto('gateway_bindings').values(row))
  }
}

function ofNode(nodeId: string) {
  return db.selectFrom('gateway_bindings').where('node_id', '=', nodeId)
}

function toBinding({ kind, instance_id: instanceId, id, name, content }: GatewayBindingRow): Binding {
  return { kind: kind as Binding['kind'], instanceId, id, name, content }
}
