// The loop that begins releases whose time has come, turns releases into assignments, ends them by what nodes report, and
// takes deleted applications down. It decides nothing itself: domain/rollout.ts plans, this applies. A lost race is dropped,
// because the next pass plans again; so several server processes may run it side by side.
import { newRollback } from '../domain/release-request.ts'
import type { Ending, Release } from '../domain/release.ts'
import { type Decision, planRemoval, planRollout, withHold } from '../domain/rollout.ts'
import { changedMarks, nextChangeAtMs } from '../domain/standing.ts'
import * as assignments from '../store/assignments.ts'
import * as apps from '../store/edge-container/apps.ts'
import * as releases from '../store/edge-container/releases.ts'
import * as views from '../store/edge-container/rollouts.ts'
import * as state from '../store/edge-container/rollout-state.ts'
import * as nodes from '../store/nodes.ts'
import type { NodeRecord } from '../store/nodes.ts'
import type { WriteTx } from '../store/store.ts'
import { type Loop, loop, type LoopServices, type Passed } from './loop.ts'

/** Assignments written in one transaction; more would hold up other writers. */
const writesAtOnce = 100

/** The loop of a server that has been listening since then. `holdMs`: see imageHoldMs in rollout.ts; 0 where nobody asks registries. */
export function rolloutsSince(watchingSinceMs: number, holdMs = 0): Loop {
  return loop({
    name: 'rollouts',
    wakeOn: ['releases', 'reports', 'nodes', 'apps', 'images'],
    everyMs: 10_000,
    async pass(services, signal) {
      const begun = await begin(services)
      const { effective, deleted, nodesOf } = await services.store.read(async (tx) => {
        const effective = await releases.listEffective(tx)
        const deleted = await apps.listDeleted(tx)
        const nodesOf = new Map<string, NodeRecord[]>()
        for (const { accountId } of [...effective, ...deleted]) {
          if (!nodesOf.has(accountId)) nodesOf.set(accountId, await nodes.list(tx, { accountId }))
        }
        return { effective, deleted, nodesOf }
      })
      const ofAccount = ({ accountId }: { accountId: string }) => nodesOf.get(accountId) ?? []
      const steps = [
        ...effective.map((release) => () => rollOut(services, { release, ofAccount: ofAccount(release), watchingSinceMs, holdMs })),
        ...deleted.map((app) => () => takeDown(services, app, ofAccount(app))),
      ]
      const outcomes = await runEach(steps, signal)
      const waiting = await services.store.read((tx) => releases.findNextStart(tx))
      const due = [waiting, ...outcomes.map(({ nextAtMs }) => nextAtMs)].filter((atMs) => atMs !== undefined)
      const decisions = outcomes.reduce((sum, outcome) => sum + outcome.decisions, begun)
      return due.length === 0 ? { decisions } : { decisions, nextAtMs: Math.min(...due) }
    },
  })
}

export const rollouts = rolloutsSince(0)

const completed: Ending = { code: 'Completed', message: 'every covered node that was there has proven the version' }

/** Begins what was to begin by now; what was missed while no server ran begins late, and once. */
async function begin({ store, now, log }: LoopServices): Promise<number> {
  const due = await store.read((tx) => releases.listDue(tx, now()))
  if (due.length === 0) return 0
  await store.write(async (tx) => {
    for (const id of due) releases.updateBegun(tx, id, now())
  })
  log.info({ releases: due }, 'scheduled releases begin')
  return due.length
}

/** Every step gets its turn even when one fails; the failures come together at the end. */
async function runEach(steps: readonly (() => Promise<Passed>)[], signal: AbortSignal): Promise<Passed[]> {
  const outcomes: Passed[] = []
  const failures: unknown[] = []
  for (const step of steps) {
    signal.throwIfAborted()
    try {
      outcomes.push(await step())
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} of ${steps.length} rollouts failed: ${String(failures[0])}`)
  return outcomes
}

interface Work {
  readonly release: Release
  readonly ofAccount: readonly NodeRecord[]
  readonly watchingSinceMs: number
  readonly holdMs: number
}

async function rollOut(services: LoopServices, { release, ofAccount, watchingSinceMs, holdMs }: Work): Promise<Passed> {
  const { store, now, log } = services
  const found = await store.read((tx) => views.find(tx, release, ofAccount, watchingSinceMs))
  if (found === undefined) return { decisions: 0 }
  const rollout = { ...found, view: withHold(found, release, holdMs) }
  const nowMs = now()
  const decisions = planRollout(rollout.view, nowMs)
  const marks = release.environment === 'prod' ? changedMarks(rollout.view, nowMs) : []
  // Marks first: a decision may end the release, after which nothing more is written for it.
  const writes = [
    ...marks.map((mark) => (tx: WriteTx) => state.updateMark(tx, release.appId, mark)),
    ...decisions.flatMap((decision) => toWrites(decision, { services, release, rollout, nowMs })),
  ]
  for (let from = 0, step = release.step; from < writes.length; from += writesAtOnce, step++) {
    const isApplied = await store.write(async (tx) => {
      const isPresent = await apps.isPresent(tx, release)
      const effective = await releases.findEffective(tx, release)
      if (!isPresent || !isSame(effective, { ...release, step })) return false
      for (const write of writes.slice(from, from + writesAtOnce)) write(tx)
      releases.updateStep(tx, release.id, step + 1)
      return true
    })
    if (!isApplied) return { decisions: 0 }
  }
  const { id, appId, environment, versionId } = release
  for (const decision of decisions) log.info({ release: id, appId, environment, versionId, ...decision }, 'rollout decision')
  return { decisions: decisions.length, nextAtMs: nextChangeAtMs(rollout.view, nowMs) }
}

/** Whether the plan still speaks of the release as it is: not paused, ended or stepped forward meanwhile. */
function isSame(stored: Release | undefined, planned: Release): boolean {
  return stored !== undefined && JSON.stringify(stored) === JSON.stringify(planned)
}

interface Applying {
  readonly services: LoopServices
  readonly release: Release
  readonly rollout: views.Rollout
  readonly nowMs: number
}

function toWrites(decision: Decision, { services, release, rollout, nowMs }: Applying): ((tx: WriteTx) => void)[] {
  const { workload, rest } = rollout
  switch (decision.kind) {
    case 'assign':
      return decision.nodeIds.map((nodeId) => (tx) => assignments.assign(tx, { nodeId, workload, nowMs }))
    case 'restore':
      return rest === undefined ? [] : decision.nodeIds.map((nodeId) => (tx) => assignments.assign(tx, { nodeId, workload: rest, nowMs }))
    case 'unassign':
      return decision.nodeIds.map((nodeId) => (tx) => assignments.unassign(tx, { nodeId, key: workload.key, nowMs }))
    case 'fail':
      return [(tx) => state.insertFailure(tx, release.id, { ...decision, failedAtMs: nowMs })]
    case 'finish':
      return [(tx) => releases.updateEnded(tx, release.id, { status: 'published', ending: completed, nowMs })]
    case 'stop':
      return [
        (tx) => {
          releases.updateEnded(tx, release.id, { status: 'stopped', ending: decision, nowMs })
          if (decision.isReverting) insertRevert(tx, { services, release, rollout, nowMs })
        },
      ]
  }
}

/** The rollback that the application's policy asks for; only what the plan was made from is needed, so it reads nothing. */
function insertRevert(tx: WriteTx, { services, release, nowMs }: Applying): void {
  const { accountId, appId, restVersionId } = release
  if (restVersionId === undefined) return
  const draft = {
    id: `rel-${services.ids.digits(18)}`,
    kind: 'revert' as const,
    remarks: `automatic rollback of release ${release.id}`,
    createdBy: 'littoral',
  }
  const before = { current: release, effective: release }
  releases.insert(tx, newRollback(draft, { id: restVersionId, accountId, appId }, { before }, nowMs))
}

async function takeDown(
  { store, now, log }: LoopServices,
  app: { id: string; accountId: string },
  ofAccount: readonly NodeRecord[],
): Promise<Passed> {
  const decisions = planRemoval(await store.read((tx) => views.findRemoval(tx, app.id, ofAccount)))
  for (let from = 0; from < decisions.length; from += writesAtOnce) {
    await store.write(async (tx) => {
      // Looked at again here: an assignment that came in between must not outlive its application.
      const left = await views.listAppAssignments(tx, app.id)
      for (const decision of decisions.slice(from, from + writesAtOnce)) {
        if (decision.kind === 'unassign') assignments.unassign(tx, { ...decision, nowMs: now() })
        else if (left.length === 0) apps.remove(tx, { accountId: app.accountId, appId: app.id })
      }
    })
  }
  if (decisions.length > 0) log.info({ appId: app.id, decisions: decisions.length }, 'taking a deleted application down')
  return { decisions: decisions.length }
}
