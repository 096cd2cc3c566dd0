// The loop that turns releases into assignments, finishes releases when nodes report them ready, and takes deleted
// applications down. It decides nothing itself: domain/rollout.ts plans, this applies. A lost race is dropped, because the
// next pass plans again; so several server processes may run it side by side.
import type { Release } from '../domain/release.ts'
import { type Decision, planRemoval, planRollout } from '../domain/rollout.ts'
import * as assignments from '../store/assignments.ts'
import * as apps from '../store/edge-container/apps.ts'
import * as releases from '../store/edge-container/releases.ts'
import * as views from '../store/edge-container/rollouts.ts'
import * as nodes from '../store/nodes.ts'
import type { NodeRecord } from '../store/nodes.ts'
import type { WriteTx } from '../store/store.ts'
import { loop, type LoopServices } from './loop.ts'

/** Assignments written in one transaction; more would hold up other writers. */
const writesAtOnce = 100

export const rollouts = loop({
  name: 'rollouts',
  wakeOn: ['releases', 'reports', 'nodes', 'apps'],
  everyMs: 10_000,
  async pass(services, signal) {
    const { current, deleted, nodesOf } = await services.store.read(async (tx) => {
      const current = await releases.listCurrent(tx)
      const deleted = await apps.listDeleted(tx)
      const nodesOf = new Map<string, NodeRecord[]>()
      for (const { accountId } of [...current, ...deleted]) {
        if (!nodesOf.has(accountId)) nodesOf.set(accountId, await nodes.list(tx, { accountId }))
      }
      return { current, deleted, nodesOf }
    })
    const steps = [
      ...current.map((release) => () => rollOut(services, release, nodesOf.get(release.accountId) ?? [])),
      ...deleted.map((app) => () => takeDown(services, app, nodesOf.get(app.accountId) ?? [])),
    ]
    return runEach(steps, signal)
  },
})

/** Every step gets its turn even when one fails; the failures come together at the end. */
async function runEach(steps: readonly (() => Promise<number>)[], signal: AbortSignal): Promise<number> {
  let applied = 0
  const failures: unknown[] = []
  for (const step of steps) {
    signal.throwIfAborted()
    try {
      applied += await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} of ${steps.length} rollouts failed: ${String(failures[0])}`)
  return applied
}

async function rollOut({ store, now, log }: LoopServices, release: Release, ofAccount: readonly NodeRecord[]): Promise<number> {
  const rollout = await store.read((tx) => views.find(tx, release, ofAccount))
  if (rollout === undefined) return 0
  const decisions = planRollout(rollout.view, now())
  const writes = decisions.flatMap((decision) => toWrites(decision, { release, rollout, nowMs: now() }))
  for (let from = 0; from < writes.length; from += writesAtOnce) {
    await store.write(async (tx) => {
      const isPresent = await apps.isPresent(tx, release)
      const newest = await releases.findCurrent(tx, release)
      if (!isPresent || newest?.id !== release.id) return
      for (const write of writes.slice(from, from + writesAtOnce)) write(tx)
    })
  }
  const { id, appId, environment, versionId } = release
  for (const decision of decisions) log.info({ release: id, appId, environment, versionId, ...decision }, 'rollout decision')
  return decisions.length
}

function toWrites(
  decision: Decision,
  { release, rollout, nowMs }: { release: Release; rollout: views.Rollout; nowMs: number },
): ((tx: WriteTx) => void)[] {
  const { workload } = rollout
  switch (decision.kind) {
    case 'assign':
      return decision.nodeIds.map((nodeId) => (tx) => assignments.assign(tx, { nodeId, workload, nowMs }))
    case 'unassign':
      return decision.nodeIds.map((nodeId) => (tx) => assignments.unassign(tx, { nodeId, key: workload.key, nowMs }))
    case 'finish':
      return [(tx) => releases.updateFinished(tx, release.id, 'published', nowMs)]
  }
}

async function takeDown({ store, now, log }: LoopServices, app: { id: string; accountId: string }, ofAccount: readonly NodeRecord[]) {
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
  return decisions.length
}
