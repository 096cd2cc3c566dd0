// Consistent views of where an account's applications are, for capacity and resource status.
import { environments, workloadKey } from '../../domain/app.ts'
import { areaKey, areaOf, areasOf } from '../../domain/area.ts'
import { type CapacityView, replicaSize, type Size, sumOf } from '../../domain/capacity.ts'
import type { Container } from '../../domain/container.ts'
import { reservationAt } from '../../domain/reservation.ts'
import type { PlacedView, ResourceView } from '../../domain/resource-status.ts'
import type { Settings } from '../../domain/settings.ts'
import { newestFirst } from '../creation-order.ts'
import { db } from '../db.ts'
import * as nodes from '../nodes.ts'
import * as reports from '../reports.ts'
import type { ReadTx } from '../store.ts'
import * as apps from './apps.ts'
import type { AppRef } from './apps.ts'
import * as reservations from './reservations.ts'
import { listAssignments } from './rollouts.ts'

type Regions = Settings['regions']

const nothing: Size = { cpus: 0, memoryBytes: 0 }

/** Throws InvalidApp.NotFound. */
export async function findStatus(tx: ReadTx, ref: AppRef, regions: Regions): Promise<ResourceView> {
  const app = await apps.get(tx, ref)
  const placed: PlacedView[] = []
  for (const environment of environments) {
    const key = workloadKey(ref.appId, environment)
    placed.push({ environment, assignments: await listAssignments(tx, key), reports: await reports.listByKey(tx, key) })
  }
  return { app, regions, nodes: await nodes.list(tx, { accountId: ref.accountId }), environments: placed }
}

/** Throws InvalidApp.NotFound. */
export async function findCapacity(
  tx: ReadTx,
  ref: AppRef,
  { regions, nowMs }: { regions: Regions; nowMs: number },
): Promise<CapacityView> {
  await apps.get(tx, ref)
  const { accountId } = ref
  const placed = await listPlaced(tx, accountId)
  const known = await nodes.list(tx, { accountId })
  const placeOf = new Map(known.map((node) => [node.id, areaOf(regions, node.region)]))
  const usedOf = new Map<string, Size>()
  for (const { nodeId, size } of placed) usedOf.set(nodeId, sumOf([usedOf.get(nodeId) ?? nothing, size]))
  const usable = known.filter((node) => node.isOnline && node.environments.includes('prod'))
  const reserved: CapacityView['reserved'][number][] = []
  for (const { appId, ...reservation } of await reservations.listEnabled(tx, accountId)) {
    if (appId === ref.appId || !reservationAt(reservation, nowMs).isEnabled) continue
    const size = await sizeOfNewest(tx, appId)
    const own = placed.filter(({ key }) => key === workloadKey(appId, 'prod'))
    for (const { count, ...place } of reservation.replicas) {
      const running = own.filter(({ nodeId }) => areaKey(placeOf.get(nodeId) ?? { area: '' }) === areaKey(place)).length
      reserved.push({ place, size, count: Math.max(0, count - running) })
    }
  }
  return {
    areas: areasOf(regions),
    nodes: usable.map((node) => ({
      place: areaOf(regions, node.region),
      cpus: node.facts.cpus,
      memoryBytes: node.facts.memoryBytes,
      used: usedOf.get(node.id) ?? nothing,
    })),
    size: await sizeOfNewest(tx, ref.appId),
    reserved,
  }
}

interface Placed {
  readonly nodeId: string
  readonly key: string
  readonly size: Size
}

/** What of the account's applications is assigned where. Sizes are read once per version and not from every assignment. */
async function listPlaced(tx: ReadTx, accountId: string): Promise<Placed[]> {
  const rows = await tx.all(
    db.selectFrom('assignments').select(['node_id', 'key', 'version']).where('account_id', '=', accountId).where('key', 'like', 'app/%'),
  )
  if (rows.length === 0) return []
  const versions = await tx.all(
    db
      .selectFrom('app_versions')
      .select(['id', 'containers'])
      .where('account_id', '=', accountId)
      .where('id', 'in', [...new Set(rows.map((row) => row.version))]),
  )
  const sizes = new Map(versions.map((row) => [row.id, replicaSize(JSON.parse(row.containers) as Container[])]))
  return rows.map((row) => ({ nodeId: row.node_id, key: row.key, size: sizes.get(row.version) ?? nothing }))
}

async function sizeOfNewest(tx: ReadTx, appId: string): Promise<Size> {
  const versions = db.selectFrom('app_versions').select('containers').where('app_id', '=', appId)
  const row = await tx.first(newestFirst(versions, 'app_versions').limit(1))
  return replicaSize(row && (JSON.parse(row.containers) as Container[]))
}
