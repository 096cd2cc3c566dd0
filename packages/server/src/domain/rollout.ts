// planRollout: from what is intended, assigned and reported of one application in one environment to the decisions of
// this pass. Pure; the rollouts loop applies them. Rules, in the order of the code:
//
// 1. The newest release decides what its environment's nodes run, also on nodes that joined after it was through.
// 2. A report counts only for the node, version and digest it was asked about.
// 3. A release is through when every node it covers is ready, apart from nodes that are lost; at least one must be ready.
//    Lost nodes have the assignment and follow when they are back. Failing nodes keep the release `publishing`.
// 4. A release without nodes stays `publishing` until one appears.
import type { WorkloadReport } from '@littoral/contract/node/report'
import type { Environment } from './app.ts'
import { isLost, place, type PlacementNode } from './placement.ts'
import type { Release } from './release.ts'

export interface RolloutAssignment {
  readonly nodeId: string
  readonly version: string
  readonly digest: string
}

export type RolloutReport = Pick<WorkloadReport, 'version' | 'digest' | 'phase'> & { readonly nodeId: string }

export interface RolloutView {
  readonly environment: Environment
  /** The newest release. */
  readonly release: Pick<Release, 'id' | 'status'>
  /** What that release asks of a node. */
  readonly target: { readonly key: string; readonly version: string; readonly digest: string }
  /** Nodes of the account that serve the environment. */
  readonly nodes: readonly PlacementNode[]
  readonly assignments: readonly RolloutAssignment[]
  readonly reports: readonly RolloutReport[]
}

export type Decision =
  | { readonly kind: 'assign'; readonly nodeIds: readonly string[] }
  | { readonly kind: 'unassign'; readonly nodeIds: readonly string[] }
  | { readonly kind: 'finish' }

export function planRollout(view: RolloutView, nowMs: number): Decision[] {
  const covered = coveredNodes(view, nowMs)
  const decisions: Decision[] = []
  const coveredIds = new Set(covered.map((node) => node.id))
  const leaving = view.assignments.filter(({ nodeId }) => !coveredIds.has(nodeId))
  if (leaving.length > 0) decisions.push({ kind: 'unassign', nodeIds: leaving.map(({ nodeId }) => nodeId) })
  const assigned = new Map(view.assignments.map((assignment) => [assignment.nodeId, assignment.digest]))
  const joining = covered.filter((node) => assigned.get(node.id) !== view.target.digest)
  if (joining.length > 0) decisions.push({ kind: 'assign', nodeIds: joining.map((node) => node.id) })
  if (decisions.length === 0 && view.release.status === 'publishing' && isThrough(view, covered, nowMs)) decisions.push({ kind: 'finish' })
  return decisions
}

/** Share of the covered nodes that are ready, 0–99 while the release is under way; only a finished one has 100. */
export function reachedPercentage(view: RolloutView, nowMs: number): number {
  if (view.release.status === 'published') return 100
  const covered = coveredNodes(view, nowMs)
  if (covered.length === 0) return 0
  const ready = readyNodes(view)
  return Math.min(99, Math.floor((100 * covered.filter((node) => ready.has(node.id)).length) / covered.length))
}

function coveredNodes(view: RolloutView, nowMs: number): PlacementNode[] {
  const holders = view.assignments.map(({ nodeId }) => nodeId)
  const isPublishing = view.release.status === 'publishing'
  const chosen = new Set(place({ ...view, key: view.target.key, holders, isPublishing }, nowMs))
  return view.nodes.filter((node) => chosen.has(node.id))
}

function isThrough(view: RolloutView, covered: readonly PlacementNode[], nowMs: number): boolean {
  const ready = readyNodes(view)
  return covered.some((node) => ready.has(node.id)) && covered.every((node) => ready.has(node.id) || isLost(node, nowMs))
}

function readyNodes({ reports, target }: RolloutView): Set<string> {
  const isReady = (report: RolloutReport) =>
    report.version === target.version && report.digest === target.digest && report.phase === 'ready'
  return new Set(reports.filter(isReady).map((report) => report.nodeId))
}

export interface RemovalView {
  readonly assignments: readonly { readonly nodeId: string; readonly key: string }[]
  readonly reports: readonly Pick<RolloutReport, 'nodeId' | 'phase'>[]
  readonly onlineNodeIds: readonly string[]
}

export type RemovalDecision = { readonly kind: 'unassign'; readonly nodeId: string; readonly key: string } | { readonly kind: 'removeApp' }

/**
 * Taking a deleted application down: first off every node, then, when no online node reports an instance any more, for good.
 * A node that is offline is not waited for: it is told the whole truth when it returns, and this application is not in it.
 */
export function planRemoval(view: RemovalView): RemovalDecision[] {
  if (view.assignments.length > 0) return view.assignments.map(({ nodeId, key }) => ({ kind: 'unassign', nodeId, key }))
  const isStopping = view.reports.some((report) => report.phase !== 'gone' && view.onlineNodeIds.includes(report.nodeId))
  return isStopping ? [] : [{ kind: 'removeApp' }]
}
