// Where every node of production stands with a release: the survey that planning (rollout.ts), explaining (explanation.ts)
// and showing (release-progress.ts) share, so that they never tell different stories. Pure.
import type { Reason, WorkloadReport } from '@littoral/contract/node/report'
import type { Environment } from './app.ts'
import { isLost, lostAfterMs, type PlacementNode } from './placement.ts'
import { amountOf, type ReleasePolicy } from './release-policy.ts'
import type { Release } from './release.ts'
import { inLine, type LineNode, membersOf } from './share.ts'

export interface RolloutNode extends PlacementNode, LineNode {}

export interface RolloutAssignment {
  readonly nodeId: string
  readonly version: string
  readonly digest: string
  readonly restartToken?: string
}

/** What it says of its tries is for people only; no decision depends on it. */
type Tries = Partial<Pick<WorkloadReport, 'progress' | 'failedAttempts' | 'nextAttemptAtMs' | 'observedAtMs'>> & {
  readonly receivedAtMs?: number
}
export type RolloutReport = Pick<WorkloadReport, 'version' | 'digest' | 'phase' | 'reason' | 'retreat'> &
  Tries & {
    readonly nodeId: string
    /** When the server first heard of the retreat. */
    readonly retreatReceivedAtMs?: number
  }

/** What the server remembers of a node and the digest it is assigned: since when it could know, since when it is ready. */
export interface Mark {
  readonly nodeId: string
  readonly digest: string
  readonly reachedAtMs?: number
  readonly readyAtMs?: number
}

export interface NodeFailure {
  readonly nodeId: string
  readonly code: string
  readonly message: string
  readonly failedAtMs: number
}

export interface Target {
  readonly key: string
  readonly version: string
  readonly digest: string
  readonly restartToken?: string
}

export interface RolloutView {
  readonly environment: Environment
  /** The release that is in effect. */
  readonly release: Pick<
    Release,
    'id' | 'appId' | 'kind' | 'status' | 'paused' | 'percentage' | 'regions' | 'isFull' | 'isFromBack' | 'publishType'
  >
  /** What that release asks of a node it covers. */
  readonly target: Target
  /** What the others run, and what a node returns to. */
  readonly rest?: Target | undefined
  readonly policy: ReleasePolicy
  /** Nodes of the account that serve the environment. */
  readonly nodes: readonly RolloutNode[]
  readonly assignments: readonly RolloutAssignment[]
  readonly reports: readonly RolloutReport[]
  readonly marks: readonly Mark[]
  /** Nodes on which the version failed in this release. */
  readonly failures: readonly NodeFailure[]
  /** Since when this server has been listening: a node that was silent before was not heard, which is no failure of its. */
  readonly watchingSinceMs: number
  /** Until then no node is told to run the version: it is being found out what its tags stand for. */
  readonly heldUntilMs?: number
  /** Since when this try of the release goes on; retreats that were heard of before belong to an earlier one. */
  readonly triedSinceMs?: number
}

/**
 * outside: not covered · waiting: covered, told later · changing: told, not ready yet · baking: ready, not for long enough ·
 * proven: ready for its bake time · expired: did not become ready in time, and can return to what it had · failed: returned ·
 * late: did not become ready in time and has nothing to return to, so it goes on trying · unreached: away.
 */
export type StandingState = 'outside' | 'waiting' | 'changing' | 'baking' | 'proven' | 'expired' | 'failed' | 'late' | 'unreached'

export interface Standing {
  readonly node: RolloutNode
  readonly isMember: boolean
  readonly state: StandingState
  readonly assigned?: RolloutAssignment
  /** The report on exactly what is assigned. */
  readonly report?: RolloutReport
  /** Assigned something it is not known to run well, and there to be waited for. */
  readonly isInDoubt: boolean
  readonly failure?: NodeFailure
  /** Why the node went back from the release's version by itself. */
  readonly retreat?: Reason
}

export interface Survey {
  /** In line. */
  readonly standings: readonly Standing[]
  /** See isJudged(). */
  readonly isJudged: boolean
  readonly proven: number
  readonly failed: number
  /** Nodes that may be changing at once, now. */
  readonly mayChange: number
  readonly inDoubt: number
  /** Nodes on which the version may fail, now. */
  readonly budget: number
  /** Nodes that have the version and have not proven it. */
  readonly unproven: number
}

/** Whether the version can still fail: in a publish that is not through, over a version that nodes can return to. */
export function isJudged({ environment, release, rest }: Pick<RolloutView, 'environment' | 'release' | 'rest'>): boolean {
  return environment === 'prod' && release.kind === 'publish' && release.status !== 'published' && rest !== undefined
}

/**
 * A node that falls silent with a version that has proven nothing may have been cut off by it: the next one is told only when this one
 * has had the time to go back by itself, or a version that cuts nodes off would go through the fleet one by one.
 */
function firstPatienceMs({ confirmSeconds }: ReleasePolicy): number {
  return lostAfterMs + confirmSeconds * 1000
}

export function survey(view: RolloutView, nowMs: number): Survey {
  const judged = isJudged(view)
  const { policy } = view
  const usual = standingsOf(view, nowMs, lostAfterMs)
  const proven = count(usual, ({ state }) => state === 'proven')
  const isUnproven = judged && proven < policy.canaryNodes
  const standings = isUnproven ? standingsOf(view, nowMs, firstPatienceMs(policy)) : usual
  const total = view.nodes.length
  const failed = count(standings, ({ state }) => state === 'failed')
  const mayChange = amountOf(policy.maxUnavailable, total)
  const budget = amountOf(policy.failureBudget, total)
  return {
    standings,
    isJudged: judged,
    proven,
    failed,
    mayChange: isUnproven ? Math.min(mayChange, policy.canaryNodes) : mayChange,
    inDoubt: count(standings, ({ isInDoubt }) => isInDoubt),
    budget: isUnproven ? Math.min(budget, policy.canaryNodes) : budget,
    unproven: count(standings, ({ state }) => ['changing', 'baking', 'expired'].includes(state)),
  }
}

function count(standings: readonly Standing[], isCounted: (standing: Standing) => boolean): number {
  return standings.filter(isCounted).length
}

/** `patienceMs`: how long a silent node is waited for that was told to change. */
function standingsOf(view: RolloutView, nowMs: number, patienceMs: number): Standing[] {
  const line = inLine(view.release.appId, view.nodes)
  const members = membersOf(view.release, line)
  const assignments = new Map(view.assignments.map((assignment) => [assignment.nodeId, assignment]))
  const reports = new Map(view.reports.map((report) => [report.nodeId, report]))
  const failures = new Map(view.failures.map((failure) => [failure.nodeId, failure]))
  const marks = new Map(marksOf(view, nowMs).map((mark) => [mark.nodeId, mark]))
  return line.map((node) => {
    const assigned = assignments.get(node.id)
    const report = reports.get(node.id)
    const isAboutIt = assigned !== undefined && report?.version === assigned.version && report.digest === assigned.digest
    const failure = failures.get(node.id)
    const known = {
      node,
      isMember: members.has(node.id),
      ...(assigned && { assigned }),
      ...(isAboutIt && { report }),
      ...(failure && { failure }),
      ...retreatOf(report, view),
    }
    return { ...known, ...stateOf(known, { view, mark: marks.get(node.id), nowMs, patienceMs }) }
  })
}

/** Whether the node says that it went back from the version in question, in this try of it. */
function retreatOf(report: RolloutReport | undefined, { target, triedSinceMs = 0 }: RolloutView): { retreat?: Reason } {
  const isOfTry = report?.retreat?.digest === target.digest && (report.retreatReceivedAtMs ?? 0) >= triedSinceMs
  return isOfTry && report.retreat ? { retreat: report.retreat.reason } : {}
}

interface Seen {
  readonly view: RolloutView
  readonly mark: Mark | undefined
  readonly nowMs: number
  readonly patienceMs: number
}

function stateOf(
  known: Omit<Standing, 'state' | 'isInDoubt'>,
  { view, mark, nowMs, patienceMs }: Seen,
): Pick<Standing, 'state' | 'isInDoubt'> {
  const { node, isMember, assigned, report, failure, retreat } = known
  const judged = isJudged(view)
  const hasTarget = assigned?.digest === view.target.digest
  const isGone = isLost(node, nowMs, hasTarget ? patienceMs : lostAfterMs)
  const isReady = report?.phase === 'ready'
  const isBaked = isReady && (!judged || !hasTarget || nowMs - (mark?.readyAtMs ?? nowMs) >= view.policy.bakeSeconds * 1000)
  const isOverdue = node.isOnline && isPast(mark, view, nowMs)
  const isInDoubt = assigned !== undefined && !isBaked && !isGone && !isOverdue
  if (failure && judged) return { state: 'failed', isInDoubt: isInDoubt && !hasTarget }
  if (!isMember && !(view.release.isFromBack && hasTarget)) return { state: 'outside', isInDoubt }
  if (retreat && judged) return { state: 'expired', isInDoubt: isInDoubt || hasTarget }
  if (retreat && hasTarget) return { state: 'late', isInDoubt: false }
  if (!hasTarget) return { state: isGone ? 'unreached' : 'waiting', isInDoubt }
  if (isBaked) return { state: 'proven', isInDoubt }
  if (isGone) return { state: 'unreached', isInDoubt }
  if (judged && (isOverdue || (node.isOnline && report?.phase === 'failed'))) return { state: 'expired', isInDoubt: true }
  if (isReady) return { state: 'baking', isInDoubt: true }
  return { state: isOverdue ? 'late' : 'changing', isInDoubt }
}

function isPast(mark: Mark | undefined, view: RolloutView, nowMs: number): boolean {
  if (mark?.reachedAtMs === undefined || mark.readyAtMs !== undefined) return false
  return nowMs - Math.max(mark.reachedAtMs, view.watchingSinceMs) >= view.policy.deadlineSeconds * 1000
}

/**
 * The marks as they are after this look. A node that is away has no deadline; one that was ready and is not any more gets
 * the whole time again.
 */
export function marksOf(view: RolloutView, nowMs: number): Mark[] {
  const nodes = new Map(view.nodes.map((node) => [node.id, node]))
  const reports = new Map(view.reports.map((report) => [report.nodeId, report]))
  const before = new Map(view.marks.map((mark) => [mark.nodeId, mark]))
  return view.assignments.flatMap(({ nodeId, version, digest }) => {
    const node = nodes.get(nodeId)
    if (node === undefined) return []
    const report = reports.get(nodeId)
    const isReady = report?.version === version && report.digest === digest && report.phase === 'ready'
    const mark = before.get(nodeId)
    return [nextMark({ node, digest, isReady, before: mark?.digest === digest ? mark : undefined }, nowMs)]
  })
}

interface Look {
  readonly node: RolloutNode
  readonly digest: string
  readonly isReady: boolean
  readonly before: Mark | undefined
}

function nextMark({ node, digest, isReady, before }: Look, nowMs: number): Mark {
  const wasReady = before?.readyAtMs !== undefined
  const isNew = before?.reachedAtMs === undefined || (wasReady && !isReady)
  return {
    nodeId: node.id,
    digest,
    ...(node.isOnline && { reachedAtMs: isNew ? nowMs : before.reachedAtMs }),
    ...(isReady && { readyAtMs: before?.readyAtMs ?? nowMs }),
  }
}

/** The marks that are worth writing down. */
export function changedMarks(view: RolloutView, nowMs: number): Mark[] {
  const before = new Map(view.marks.map((mark) => [mark.nodeId, mark]))
  return marksOf(view, nowMs).filter((mark) => {
    const old = before.get(mark.nodeId)
    return old?.digest !== mark.digest || old.reachedAtMs !== mark.reachedAtMs || old.readyAtMs !== mark.readyAtMs
  })
}

/** When time alone changes a standing: a deadline, a bake time, a silent node that is not waited for any longer. */
export function nextChangeAtMs(view: RolloutView, nowMs: number): number | undefined {
  const { deadlineSeconds, bakeSeconds } = view.policy
  const marks = marksOf(view, nowMs).flatMap(({ reachedAtMs, readyAtMs }) => {
    if (readyAtMs !== undefined) return [readyAtMs + bakeSeconds * 1000]
    return reachedAtMs === undefined ? [] : [Math.max(reachedAtMs, view.watchingSinceMs) + deadlineSeconds * 1000]
  })
  const silent = view.nodes
    .filter((node) => !node.isOnline)
    .flatMap(({ lastSeenAtMs = 0 }) => [lastSeenAtMs + lostAfterMs, lastSeenAtMs + firstPatienceMs(view.policy)])
  const held = view.heldUntilMs === undefined ? [] : [view.heldUntilMs]
  const next = [...marks, ...silent, ...held].filter((atMs) => atMs > nowMs)
  return next.length === 0 ? undefined : Math.min(...next)
}
