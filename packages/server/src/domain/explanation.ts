// Why a node does or does not run a version: the chain of causes from the intent to the instance. Pure; ExplainNode shows it.
// It reads the same survey the planner acts on, so it cannot tell another story.
import { nextAttemptAtMs } from './next-attempt.ts'
import type { Release } from './release.ts'
import { releaseState } from './release-progress.ts'
import { isHeld, whyFailed } from './rollout.ts'
import { type RolloutView, type Standing, type Survey, survey } from './standing.ts'

export interface Cause {
  readonly code: string
  readonly message: string
}

export interface ExplanationView {
  /** The newest release; another one than the view's while it waits for its time. */
  readonly current?: Release | undefined
  readonly rollout?: RolloutView | undefined
  readonly node: {
    readonly id: string
    readonly isOnline: boolean
    readonly environments: readonly string[]
    readonly lastSeenAtMs?: number
  }
  readonly versionId: string | undefined
  readonly environment: string
}

const time = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`

export function explainNode(view: ExplanationView, nowMs: number): Cause[] {
  const { current, rollout, node, versionId, environment } = view
  if (!node.environments.includes(environment)) {
    return [{ code: 'NotServing', message: `The node serves ${node.environments.join(' and ')}, not ${environment}.` }]
  }
  if (current === undefined || versionId === undefined) {
    return [{ code: 'NothingReleased', message: `Nothing was released to ${environment} yet.` }]
  }
  const causes: Cause[] = []
  if (!current.hasBegun && current.versionId === versionId) {
    const code = 'Scheduled'
    causes.push({ code, message: `Release ${current.id} of version ${versionId} begins at ${time(current.startedAtMs)}.` })
    if (rollout?.target.version !== versionId) return causes
  }
  if (rollout === undefined)
    return [...causes, { code: 'NothingReleased', message: `Nothing has been told to a node of ${environment} yet.` }]
  const found = survey(rollout, nowMs)
  const standing = found.standings.find((entry) => entry.node.id === node.id)
  return standing === undefined ? causes : [...causes, ...inRelease({ view, rollout, found, standing, nowMs })]
}

interface Case {
  readonly view: ExplanationView
  readonly rollout: RolloutView
  readonly found: Survey
  readonly standing: Standing
  readonly nowMs: number
}

function inRelease(found: Case): Cause[] {
  const { view, rollout } = found
  const { release, target, rest } = rollout
  const { versionId, current } = view
  const status = { ...release, hasBegun: true }
  const word = releaseState(status)
  const told: Cause = { code: 'Released', message: `Release ${release.id} of version ${target.version} is ${word}.` }
  const isTarget = versionId === target.version
  if (!isTarget && versionId !== rest?.version) {
    const message = `Version ${versionId} is not what the release in effect brings or leaves; publish it, or roll back to it.`
    return [told, { code: 'NotReleased', message }]
  }
  const held: Cause[] = release.paused
    ? [{ code: 'Paused', message: `It is held since ${time(release.paused.atMs)} by ${release.paused.by}.` }]
    : []
  const stopped: Cause[] =
    release.status === 'stopped' ? [{ code: 'Stopped', message: current?.ending?.message ?? 'It stopped because nodes failed.' }] : []
  return [told, ...held, ...stopped, ...(isTarget ? onTarget(found) : onRest(found)), ...onNode(found)]
}

function onTarget({ view, rollout, found, standing, nowMs }: Case): Cause[] {
  const place = found.standings.indexOf(standing) + 1
  const covered = found.standings.filter(({ isMember }) => isMember).length
  const total = found.standings.length
  const { node } = view
  switch (standing.state) {
    case 'outside':
      return [outside(rollout, { place, covered, total })]
    case 'failed':
      return [{ code: 'Failed', message: `It failed here at ${time(standing.failure?.failedAtMs ?? 0)}: ${failureText(standing)}` }]
    case 'expired':
      return [
        { code: 'Failed', message: `It fails here: ${whyFailed(standing, rollout).message}. The node returns to the version before.` },
      ]
    case 'unreached':
      return [away(node)]
    case 'waiting':
      if (!node.isOnline) return [away(node)]
      return [isHeld(rollout, nowMs) ? held(rollout) : waiting(found, { place, total })]
    default:
      return []
  }
}

function outside({ release }: RolloutView, { place, covered, total }: { place: number; covered: number; total: number }): Cause {
  if (release.publishType === 'region') {
    return { code: 'OutsideRegions', message: `It covers the regions ${release.regions.join(', ')}, and this node stands elsewhere.` }
  }
  return { code: 'OutsideShare', message: `It covers ${covered} of ${total} nodes, and this one is number ${place} in line.` }
}

function waiting(
  { inDoubt, mayChange, failed, unproven, budget, isJudged }: Survey,
  { place, total }: { place: number; total: number },
): Cause {
  const budgetText = isJudged ? `; ${failed} failed and ${unproven} unproven of a failure budget of ${budget}` : ''
  const message = `It waits for its turn as number ${place} of ${total}: ${inDoubt} of at most ${mayChange} nodes are changing${budgetText}.`
  return { code: 'WaitsForTurn', message }
}

function held({ target, heldUntilMs = 0 }: RolloutView): Cause {
  const message = `The digests of the images of version ${target.version} are being looked up; it begins at ${time(heldUntilMs)} without them.`
  return { code: 'WaitsForDigests', message }
}

function onRest({ standing, rollout }: Case): Cause[] {
  const { state } = standing
  if (state === 'outside')
    return [{ code: 'OutsideShare', message: `The release does not cover it, so it keeps version ${rollout.rest?.version}.` }]
  if (state === 'failed' || state === 'waiting') return []
  return [{ code: 'Covered', message: `The release covers it, so it is to run version ${rollout.target.version}.` }]
}

function away({ lastSeenAtMs }: ExplanationView['node']): Cause {
  const since = lastSeenAtMs === undefined ? '' : ` since ${time(lastSeenAtMs)}`
  return { code: 'Away', message: `The node is away${since}; it follows when it returns.` }
}

function failureText({ failure }: Standing): string {
  return failure === undefined ? 'it was not ready in time' : `${failure.code}: ${failure.message}`
}

/** What the node says of what it is told, where that is the version in question. */
function onNode({ view, standing, rollout }: Case): Cause[] {
  const { assigned, report, state } = standing
  const isTold = assigned !== undefined && assigned.version === view.versionId
  if (!isTold) return []
  if (!view.node.isOnline && state !== 'unreached') return [away(view.node)]
  if (standing.retreat && standing.state === 'late')
    return [{ code: 'WentBack', message: `The node went back by itself: ${standing.retreat.message}.` }]
  if (report === undefined) return [{ code: 'Told', message: 'The node is told to run it and has not said anything of it yet.' }]
  if (report.phase !== 'ready') {
    const { reason } = report
    const late = state === 'late' ? ` It is past its deadline of ${rollout.policy.deadlineSeconds} s and goes on trying.` : ''
    const why = reason === undefined ? '' : `: ${reason.code}: ${reason.message}`
    return [{ code: 'NotReady', message: `The node says ${report.phase}${why}.${late}${underWay(report)}` }]
  }
  if (state === 'baking') return [{ code: 'Baking', message: `It is ready, for less than ${rollout.policy.bakeSeconds} s so far.` }]
  return [{ code: 'Ready', message: 'The node says that it runs exactly this version, ready.' }]
}

/** How far it is, and when it is tried again. */
function underWay(report: NonNullable<Standing['report']>): string {
  const { progress, failedAttempts = 0 } = report
  const nextMs = nextAttemptAtMs(report)
  const tries = failedAttempts > 0 ? ` after ${failedAttempts} ${failedAttempts === 1 ? 'failure' : 'failures'}` : ''
  const next = nextMs === undefined ? '' : ` It tries again at ${time(nextMs)}${tries}; RetryWorkload does not wait for it.`
  if (progress === undefined) return next
  const { subject, layersDone, layersTotal, doneBytes, totalBytes } = progress
  const layers = layersTotal === undefined ? '' : `${layersDone ?? 0} of ${layersTotal} layers, `
  const size = totalBytes === undefined ? `${megabytes(doneBytes)} MB so far` : `${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB`
  return ` It brings ${subject} here: ${layers}${size}.${next}`
}

const megabytes = (bytes: number) => (bytes < 10_000_000 ? (bytes / 1e6).toFixed(1) : String(Math.round(bytes / 1e6)))
