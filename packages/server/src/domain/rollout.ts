// planRollout: from what is intended, assigned and reported of one application in one environment to the decisions of
// this pass. Pure; the rollouts loop applies them. Rules:
//
// 1. The release in effect decides what its environment's nodes run, also on nodes that joined or returned after it was through.
// 2. A report counts only for the node, version and digest it was asked about.
// 3. Before every single node: fewer nodes in doubt than may change at once, and, while a version can fail, fewer failed and
//    unproven nodes together than its failure budget. Where there was nothing before, there is nothing to lose and no limit.
// 4. Only a node that is there is told something new. One that goes away before it has proven the version is taken back to
//    the last good one; when it returns, it waits for its turn like any other.
// 5. A release is through when every covered node has proven the version, apart from nodes that are lost; at least one must.
// 6. A version that is not ready in time has failed on its node, which returns to the last good one at once. A rollback, or a
//    first version, cannot fail like that: there is nothing better to return to, so its nodes go on trying.
//    So has one that a node went back from by itself, because it lost contact: it says so when it is back.
// 7. A rollback knows no canary, no bake time and no budget, but keeps the limit on nodes in doubt; it never rolls back itself.
//    Where it does not get through in time it stops, which only means that another version may take its place. So does a
//    first version, and so do both where no node is there.
// 8. While it is being found out what the version's tags stand for, nobody is told to run it; that wait has an end.
// 9. Staging is one instance and is never taken back: it is where one looks at what does not work. It stops like a rollback,
//    as soon as its node says that the version fails: there is no rollback of staging, so the next version is the way out.
import { isLost, place } from './placement.ts'
import type { EndingCode, Release } from './release.ts'
import { isJudged, type RolloutReport, type RolloutView, type Standing, type Survey, survey } from './standing.ts'

export type { RolloutReport, RolloutView } from './standing.ts'

export type Decision =
  /** Give these nodes the release's version. */
  | { readonly kind: 'assign'; readonly nodeIds: readonly string[] }
  /** Give these nodes what the release leaves on the others. */
  | { readonly kind: 'restore'; readonly nodeIds: readonly string[] }
  | { readonly kind: 'unassign'; readonly nodeIds: readonly string[] }
  /** The version failed on this node. */
  | { readonly kind: 'fail'; readonly nodeId: string; readonly code: string; readonly message: string }
  | { readonly kind: 'finish' }
  /** `isReverting`: and take all of production back, as the application's policy asks. */
  | { readonly kind: 'stop'; readonly code: EndingCode; readonly message: string; readonly isReverting: boolean }

export function planRollout(view: RolloutView, nowMs: number): Decision[] {
  return view.environment === 'staging' ? planStaging(view, nowMs) : planProd(view, nowMs)
}

function planStaging(view: RolloutView, nowMs: number): Decision[] {
  const { target } = view
  const isPublishing = view.release.status !== 'published'
  const holders = view.assignments.map(({ nodeId }) => nodeId)
  const chosen = new Set(place({ environment: 'staging', key: target.key, nodes: view.nodes, holders, isPublishing }, nowMs))
  const leaving = holders.filter((nodeId) => !chosen.has(nodeId))
  const assigned = new Map(view.assignments.map((assignment) => [assignment.nodeId, assignment]))
  const isCurrent = (nodeId: string) =>
    assigned.get(nodeId)?.digest === target.digest && assigned.get(nodeId)?.restartToken === target.restartToken
  const joining = [...chosen].filter((nodeId) => !isCurrent(nodeId))
  const moves = view.release.paused || isHeld(view, nowMs) ? [] : listed('assign', joining)
  const decisions = [...listed('unassign', leaving), ...moves]
  if (decisions.length > 0 || view.release.status === 'published') return decisions
  const report = view.reports.find(
    ({ nodeId, version, digest }) => chosen.has(nodeId) && version === target.version && digest === target.digest,
  )
  if (joining.length === 0 && report?.phase === 'ready') return [{ kind: 'finish' }]
  return view.release.status === 'publishing' ? planStopOfStaging(view, report, nowMs) : []
}

function planStopOfStaging(view: RolloutView, report: RolloutReport | undefined, nowMs: number): Decision[] {
  const { release, target } = view
  // An attempt to bring it there that failed counts too, such as a pull; it is made again all the same.
  const isBroken = report !== undefined && (['failed', 'backoff'].includes(report.phase) || (report.failedAttempts ?? 0) > 0)
  const isLate = isOverdue(view, nowMs)
  if (release.paused !== undefined || (!isBroken && !isLate)) return []
  const why = isLate || report?.reason ? whyFailed({ ...(report && { report }) }, view).message : `its node says ${report?.phase}`
  const message = `Version ${target.version} does not run in staging: ${why}`.slice(0, 2000)
  return [{ kind: 'stop', code: 'NodesFailed', message, isReverting: false }]
}

function planProd(view: RolloutView, nowMs: number): Decision[] {
  const found = survey(view, nowMs)
  const failing = found.standings.filter(({ state }) => state === 'expired')
  const moves = planMoves(view, found, nowMs)
  const decisions: Decision[] = [
    ...listed('unassign', [...strangers(view), ...moves.unassign]),
    ...failing.map((standing): Decision => ({ kind: 'fail', nodeId: standing.node.id, ...whyFailed(standing, view) })),
    ...listed('restore', moves.restore),
    ...listed('assign', moves.assign),
  ]
  if (decisions.length > 0 || !['publishing', 'stopped'].includes(view.release.status)) return decisions
  if (isThrough(view, found)) return [{ kind: 'finish' }]
  return view.release.status === 'publishing' ? planStop(view, found, nowMs) : []
}

/** So long a release waits at most for the digests of its version's images, counted from its beginning. */
export const imageHoldMs = 10_000

/** The view to plan and to explain with: while digests are being found out, it says until when that is waited for. */
export function withHold(
  { view, hasOpenImages }: { readonly view: RolloutView; readonly hasOpenImages: boolean },
  { startedAtMs }: Pick<Release, 'startedAtMs'>,
  holdMs: number,
): RolloutView {
  return hasOpenImages && holdMs > 0 ? { ...view, heldUntilMs: startedAtMs + holdMs } : view
}

export function isHeld({ heldUntilMs }: RolloutView, nowMs: number): boolean {
  return heldUntilMs !== undefined && nowMs < heldUntilMs
}

function listed(kind: 'assign' | 'restore' | 'unassign', nodeIds: readonly string[]): Decision[] {
  return nodeIds.length > 0 ? [{ kind, nodeIds }] : []
}

/** Nodes that do not serve production any more. */
function strangers(view: RolloutView): string[] {
  const serving = new Set(view.nodes.map(({ id }) => id))
  return view.assignments.filter(({ nodeId }) => !serving.has(nodeId)).map(({ nodeId }) => nodeId)
}

interface Moves {
  readonly assign: string[]
  readonly restore: string[]
  readonly unassign: string[]
}

function planMoves(view: RolloutView, found: Survey, nowMs: number): Moves {
  const moves: Moves = { assign: [], restore: [], unassign: [] }
  let inDoubt = found.inDoubt
  // A node that fails in this pass has failed for the ones after it.
  let spent = found.failed + found.unproven
  for (const standing of found.standings) {
    const { node, assigned, isInDoubt } = standing
    const move = wantedMove(standing, view, nowMs)
    if (move === undefined || (move.kind === 'assign' && isHeld(view, nowMs))) continue
    if (move.isLimited) {
      const isFull = inDoubt - Number(isInDoubt) >= found.mayChange
      const isSpent = move.kind === 'assign' && found.isJudged && spent >= found.budget
      if (isFull || isSpent) continue
      inDoubt += Number(!isInDoubt)
      if (move.kind === 'assign') spent += 1
    }
    if (move.kind !== 'unassign' || assigned !== undefined) moves[move.kind].push(node.id)
  }
  return moves
}

interface Move {
  readonly kind: keyof Moves
  readonly isLimited: boolean
}

/** What should change on a node if there is room for it. */
function wantedMove(standing: Standing, view: RolloutView, nowMs: number): Move | undefined {
  const { node, assigned, state, report, isInDoubt } = standing
  const { target, rest, release } = view
  const isUnderTest = isJudged(view)
  const hasTarget = assigned?.digest === target.digest
  // A node that went back by itself may have been told to while it was away.
  if (state === 'expired' && assigned?.digest === rest?.digest) return undefined
  if (state === 'expired' || (state === 'failed' && hasTarget)) return { kind: 'restore', isLimited: false }
  if (isUnderTest && state === 'unreached' && hasTarget && isLost(node, nowMs)) return { kind: 'restore', isLimited: false }
  if (!node.isOnline || state === 'failed') return undefined
  if (state === 'outside') {
    if (rest === undefined) return assigned === undefined ? undefined : { kind: 'unassign', isLimited: false }
    if (assigned?.digest !== rest.digest) return { kind: 'restore', isLimited: assigned !== undefined }
    // What a partial rollback leaves out on nodes is left only where it runs.
    const isBroken = release.isFromBack && !isInDoubt && report?.phase !== 'ready'
    return isBroken ? { kind: 'assign', isLimited: true } : undefined
  }
  if (hasTarget) return undefined
  if (assigned === undefined && isUnderTest) return { kind: 'restore', isLimited: false }
  if (release.paused !== undefined || (isUnderTest && release.status === 'stopped')) return undefined
  return { kind: 'assign', isLimited: assigned !== undefined }
}

function isThrough(view: RolloutView, { standings, failed }: Survey): boolean {
  if (failed > 0 || (view.release.status === 'stopped' && view.failures.length > 0)) return false
  const members = standings.filter(({ state }) => state !== 'outside')
  const isSettled = standings.every(({ state, isInDoubt }) => (state === 'outside' ? !isInDoubt : ['proven', 'unreached'].includes(state)))
  return isSettled && members.some(({ state }) => state === 'proven')
}

function planStop(view: RolloutView, { standings, failed, budget, isJudged }: Survey, nowMs: number): Decision[] {
  const members = standings.filter(({ state }) => state !== 'outside')
  const troubled = members.filter(({ state }) => state === 'failed' || state === 'late')
  if (troubled.length === 0) return isJudged ? [] : planStopOfAbsent(view, members, nowMs)
  const isSpent = isJudged && failed >= budget
  const isOver = members.every(({ state }) => ['failed', 'late', 'proven', 'unreached'].includes(state))
  if (!isSpent && !isOver) return []
  const first = troubled[0]
  const example = first && `${first.node.id}: ${(first.failure ?? whyFailed(first, view)).message}`
  const message = `Version ${view.target.version} failed on ${troubled.length} of ${members.length} nodes; ${example}`
  const code = isSpent ? 'FailureBudgetUsedUp' : 'NodesFailed'
  return [{ kind: 'stop', code, message: message.slice(0, 2000), isReverting: isSpent && view.policy.isAutoRollback }]
}

/** Nobody is there to run it, perhaps for weeks. Stopped, it still goes to every node that comes, until another version does. */
function planStopOfAbsent(view: RolloutView, members: readonly Standing[], nowMs: number): Decision[] {
  const isThere = members.some(({ state }) => state !== 'unreached')
  if (isThere || view.release.paused !== undefined || !isOverdue(view, nowMs)) return []
  const who = members.length === 0 ? 'no node is covered' : `none of ${members.length} nodes was there`
  const message = `Version ${view.target.version} has nowhere to run: ${who} within ${view.policy.deadlineSeconds} s`
  return [{ kind: 'stop', code: 'NodesFailed', message, isReverting: false }]
}

function isOverdue({ triedSinceMs, watchingSinceMs, policy }: RolloutView, nowMs: number): boolean {
  return nowMs - Math.max(triedSinceMs ?? nowMs, watchingSinceMs) >= policy.deadlineSeconds * 1000
}

/** Why the version failed on a node, in the words of its report where it has some. */
export function whyFailed(
  { report, retreat }: Pick<Standing, 'report' | 'retreat'>,
  { policy }: Pick<RolloutView, 'policy'>,
): { code: string; message: string } {
  const { deadlineSeconds } = policy
  if (retreat !== undefined) return { code: retreat.code, message: retreat.message.slice(0, 1500) }
  if (report === undefined) return { code: 'NothingReported', message: `nothing was reported of it within ${deadlineSeconds} s` }
  if (report.reason !== undefined) return { code: report.reason.code, message: report.reason.message.slice(0, 1500) }
  return { code: 'NotReady', message: `it was still ${report.phase} after ${deadlineSeconds} s` }
}

export interface RemovalView {
  readonly assignments: readonly { readonly nodeId: string; readonly key: string }[]
  readonly reports: readonly { readonly nodeId: string; readonly phase: string }[]
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
