// What deployments have put on the gateway of an edge instance and not taken off again; a later job takes off what is no
// longer held. Written with the snapshots of a job, in deployments.ts.
import type { DeployedResource } from '../../domain/deployment-content.ts'
import type { Deployment, Snapshot } from '../../domain/deployment.ts'
import { db } from '../db.ts'
import type { ReadTx, WriteTx } from '../store.ts'

export async function list(tx: ReadTx, instanceId: string): Promise<DeployedResource[]> {
  const query = db.selectFrom('deployed_resources').selectAll().where('instance_id', '=', instanceId)
  const rows = await tx.all(query.orderBy('resource_type').orderBy('resource_id'))
  return rows.map((row) => ({
    type: row.resource_type as DeployedResource['type'],
    id: row.resource_id,
    name: row.resource_name,
  }))
}

/** Notes what a snapshot that has succeeded did to the gateway. */
export function update(tx: WriteTx, { instanceId, accountId }: Deployment, snapshot: Snapshot): void {
  const { resourceType, resourceId, resourceName, operateType } = snapshot
  if (operateType === 1) {
    const query = db.deleteFrom('deployed_resources').where('instance_id', '=', instanceId)
    return tx.run(query.where('resource_type', '=', resourceType).where('resource_id', '=', resourceId))
  }
  const key = { instance_id: instanceId, resource_type: resourceType, resource_id: resourceId }
  tx.run(
    db
      .insertInto('deployed_resources')
      .values({ ...key, account_id: accountId, resource_name: resourceName })
      .onConflict((conflict) =>
        conflict.columns(['instance_id', 'resource_type', 'resource_id']).doUpdateSet({ resource_name: resourceName }),
      ),
  )
}

/** Forgets everything: the gateway is another one now. */
export function removeAll(tx: WriteTx, instanceId: string): void {
  tx.run(db.deleteFrom('deployed_resources').where('instance_id', '=', instanceId))
}
