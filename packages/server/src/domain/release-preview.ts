// What a release would change, node by node, before it does: PlanRelease. Pure.
import { amountOf, type ReleasePolicy } from './release-policy.ts'
import { place } from './placement.ts'
import type { Release } from './release.ts'
import { inLine, membersOf } from './share.ts'
import type { RolloutNode } from './standing.ts'

export interface PreviewView {
  readonly release: Pick<
    Release,
    'appId' | 'environment' | 'versionId' | 'restVersionId' | 'percentage' | 'regions' | 'isFull' | 'isFromBack'
  >
  readonly key: string
  readonly policy: ReleasePolicy
  readonly nodes: readonly RolloutNode[]
  /** Node → the version it is told to run. */
  readonly assigned: ReadonlyMap<string, string>
}

export type Change = 'none' | 'start' | 'update' | 'restore' | 'stop'

export interface NodePreview {
  readonly node: RolloutNode
  readonly place: number
  readonly now?: string
  readonly then?: string
  readonly change: Change
}

export interface Preview {
  readonly nodes: readonly NodePreview[]
  readonly covered: number
  readonly changing: number
  readonly atOnce: number
}

export function previewRelease(view: PreviewView, nowMs: number): Preview {
  const { release, policy } = view
  const line = inLine(release.appId, view.nodes)
  const members = release.environment === 'prod' ? membersOf(release, line) : stagingMember(view, nowMs)
  const nodes = line.map((node, at) => previewNode({ node, place: at + 1, isMember: members.has(node.id) }, view))
  const changing = nodes.filter(({ change }) => change !== 'none').length
  const isFirst = release.restVersionId === undefined
  const mayChange = amountOf(policy.maxUnavailable, line.length)
  const careful = policy.canaryNodes > 0 ? Math.min(mayChange, policy.canaryNodes) : mayChange
  return { nodes, covered: members.size, changing, atOnce: isFirst ? changing : Math.min(changing, careful) }
}

function stagingMember({ key, nodes, assigned }: PreviewView, nowMs: number): Set<string> {
  return new Set(place({ environment: 'staging', key, nodes, holders: [...assigned.keys()], isPublishing: true }, nowMs))
}

function previewNode(entry: { node: RolloutNode; place: number; isMember: boolean }, { release, assigned }: PreviewView): NodePreview {
  const now = assigned.get(entry.node.id)
  const keeps = release.isFromBack && now === release.versionId
  const then = entry.isMember || keeps ? release.versionId : release.restVersionId
  return {
    node: entry.node,
    place: entry.place,
    ...(now !== undefined && { now }),
    ...(then !== undefined && { then }),
    change: changeOf(now, then, release.versionId),
  }
}

function changeOf(now: string | undefined, then: string | undefined, versionId: string): Change {
  if (now === then) return 'none'
  if (now === undefined) return 'start'
  if (then === undefined) return 'stop'
  return then === versionId ? 'update' : 'restore'
}
