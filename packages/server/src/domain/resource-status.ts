// Where an application's replicas are and how many are ready, by area (contract: esa-edge-container §12.15). Pure. As
// everywhere, a report counts only for the version and digest it was asked about, and only from a node that is there.
import type { WorkloadReport } from '@littoral/contract/node/report'
import { type Area, areaKey, areaOf } from './area.ts'
import type { App, Environment } from './app.ts'
import type { Settings } from './settings.ts'

export interface PlacedView {
  readonly environment: Environment
  readonly assignments: readonly { readonly nodeId: string; readonly version: string; readonly digest: string }[]
  readonly reports: readonly (Pick<WorkloadReport, 'version' | 'digest' | 'phase'> & { readonly nodeId: string })[]
}

export interface ResourceView {
  readonly app: Pick<App, 'status'>
  readonly regions: Settings['regions']
  readonly nodes: readonly { readonly id: string; readonly region: string; readonly isOnline: boolean }[]
  readonly environments: readonly PlacedView[]
}

export interface ResourceRow extends Area {
  readonly environment: Environment
  readonly isOffline: boolean
  readonly ready: number
  readonly total: number
}

export function resourceStatus({ app, regions, nodes, environments }: ResourceView): ResourceRow[] {
  const places = new Map(nodes.map((node) => [node.id, { ...node, place: areaOf(regions, node.region) }]))
  return environments.flatMap(({ environment, assignments, reports }) => {
    const rows = new Map<string, ResourceRow>()
    const add = (nodeId: string, isReady: boolean, isOffline: boolean) => {
      const node = places.get(nodeId)
      if (node === undefined) return
      const key = areaKey(node.place)
      const row = rows.get(key) ?? { ...node.place, environment, isOffline, ready: 0, total: 0 }
      // Where replicas are placed, those that are leaving are not counted any more.
      if (row.isOffline !== isOffline) return
      rows.set(key, { ...row, ready: row.ready + (isReady && node.isOnline ? 1 : 0), total: row.total + 1 })
    }
    for (const { nodeId, version, digest } of assignments) {
      const isAboutIt = (report: PlacedView['reports'][number]) =>
        report.nodeId === nodeId && report.version === version && report.digest === digest
      add(nodeId, reports.find(isAboutIt)?.phase === 'ready', app.status === 'deleted')
    }
    const assigned = new Set(assignments.map(({ nodeId }) => nodeId))
    // A node that is away keeps its last word for ever; what leaves is shown only while somebody can say that it does.
    const leaving = reports.filter(({ nodeId, phase }) => phase !== 'gone' && !assigned.has(nodeId) && places.get(nodeId)?.isOnline)
    for (const { nodeId, phase } of leaving) add(nodeId, phase === 'ready', true)
    return [...rows.values()]
  })
}
