// The simulated control plane: tables in memory, and server processes that plan from a view which may be old by the time they
// act on it, as the rollouts loop does. Planning is the real planRollout; only the applying is written again here.
import type { GroupWorkload } from '../../packages/contract/src/node/desired-state.ts'
import type { WorkloadReport } from '../../packages/contract/src/node/report.ts'
import type { ReleasePolicy } from '../../packages/server/src/domain/release-policy.ts'
import { newRollback } from '../../packages/server/src/domain/release-request.ts'
import type { EnvironmentReleases, Release } from '../../packages/server/src/domain/release.ts'
import { type Decision, planRollout } from '../../packages/server/src/domain/rollout.ts'
import { changedMarks, type Mark, type NodeFailure, type RolloutNode, type RolloutView } from '../../packages/server/src/domain/standing.ts'

export const appId = 'app-1'
const key = `app/${appId}/prod`

export interface Assigned {
  readonly workload: GroupWorkload
}

export function workloadOf(version: string, { bakeSeconds = 0, confirmSeconds = 0 } = {}): GroupWorkload {
  const container = { name: 'web', image: version, cpus: 1, memoryBytes: 1, storageBytes: 1, env: [] }
  return {
    kind: 'group',
    key,
    version,
    digest: `digest-${version}`,
    appId,
    environment: 'prod',
    containers: [container],
    ports: [{ servicePort: 80, targetPort: 80, fallback: false }],
    graceSeconds: 5,
    ...(bakeSeconds > 0 && { bakeSeconds }),
    ...(confirmSeconds > 0 && { confirmSeconds }),
  }
}

export class Control {
  readonly releases: Release[] = []
  readonly nodes = new Map<string, RolloutNode>()
  readonly assignments = new Map<string, Assigned>()
  readonly generations = new Map<string, number>()
  readonly reports = new Map<string, WorkloadReport & { retreatReceivedAtMs?: number }>()
  readonly failures = new Map<string, NodeFailure[]>()
  readonly policy: ReleasePolicy
  /** Counts what happened to the tables. */
  changes = 0
  #marks = new Map<string, Mark>()

  constructor(policy: ReleasePolicy) {
    this.policy = policy
  }

  get current(): Release | undefined {
    return this.releases.at(-1)
  }

  get history(): EnvironmentReleases {
    const newest = this.releases.toReversed()
    const current = newest[0]
    const published = newest.find(({ status }) => status === 'published')
    const baseline = newest.find(({ status, isFull }) => status === 'published' && isFull)
    return { ...(current && { current, effective: current }), ...(published && { published }), ...(baseline && { baseline }) }
  }

  see(nodeId: string, node: RolloutNode): void {
    this.nodes.set(nodeId, node)
    this.changes += 1
  }

  hear(nodeId: string, report: WorkloadReport, nowMs: number): void {
    const before = this.reports.get(nodeId)
    const isKnown = before?.retreat !== undefined && before.retreat.id === report.retreat?.id
    const heard = report.retreat === undefined ? {} : { retreatReceivedAtMs: (isKnown ? before.retreatReceivedAtMs : undefined) ?? nowMs }
    this.reports.set(nodeId, { ...report, ...heard })
    this.changes += 1
  }

  /** Whether a version that serves on a node is what it is to run: nothing makes the node go back from it then. */
  confirms(nodeId: string, digest: string): boolean {
    return this.assignments.get(nodeId)?.workload.digest === digest
  }

  insert(release: Release): void {
    this.changes += 1
    const { current } = this
    if (current?.status === 'publishing') this.#update({ ...current, status: 'superseded' })
    this.releases.push(release)
  }

  hold(nowMs: number): void {
    const { current } = this
    if (current?.status === 'publishing') this.#update({ ...current, paused: { atMs: nowMs, by: 'someone' } })
  }

  resume(): void {
    const { current } = this
    if (current?.paused === undefined) return
    const { paused: _paused, ...going } = current
    this.#update(going)
  }

  view(watchingSinceMs: number): RolloutView | undefined {
    const release = this.current
    if (release === undefined) return undefined
    return {
      environment: 'prod',
      release,
      target: workloadOf(release.versionId),
      rest: release.restVersionId === undefined ? undefined : workloadOf(release.restVersionId),
      policy: this.policy,
      nodes: [...this.nodes.values()],
      assignments: [...this.assignments].map(([nodeId, { workload }]) => ({ nodeId, version: workload.version, digest: workload.digest })),
      reports: [...this.reports].map(([nodeId, report]) => ({ ...report, nodeId })),
      marks: [...this.#marks.values()],
      failures: this.failures.get(release.id) ?? [],
      watchingSinceMs,
      triedSinceMs: release.resumedAtMs ?? release.startedAtMs,
    }
  }

  /** What a server process decides from a view, as a function that carries it out later; false: the view was too old. */
  plan(view: RolloutView, nowMs: number): (atMs: number) => Decision[] | undefined {
    const planned = this.current
    const decisions = planRollout(view, nowMs)
    const marks = changedMarks(view, nowMs)
    return (atMs) => {
      if (planned === undefined || this.current !== planned) return undefined
      if (decisions.length + marks.length === 0) return []
      const release = { ...planned, step: planned.step + 1 }
      this.#update(release)
      for (const mark of marks) this.#marks.set(mark.nodeId, mark)
      for (const decision of decisions) this.#apply(decision, release, atMs)
      return decisions
    }
  }

  #apply(decision: Decision, release: Release, nowMs: number): void {
    const { bakeSeconds, confirmSeconds } = this.policy
    const isJudged = release.kind === 'publish'
    const assign = (nodeIds: readonly string[], version: string) => {
      const workload = workloadOf(version, isJudged && version === release.versionId ? { bakeSeconds, confirmSeconds } : {})
      for (const nodeId of nodeIds) this.#assign(nodeId, workload)
    }
    switch (decision.kind) {
      case 'assign':
        return assign(decision.nodeIds, release.versionId)
      case 'restore':
        return release.restVersionId === undefined ? undefined : assign(decision.nodeIds, release.restVersionId)
      case 'unassign':
        return decision.nodeIds.forEach((nodeId) => this.#assign(nodeId, undefined))
      case 'fail':
        return void this.failures.set(release.id, [...(this.failures.get(release.id) ?? []), { ...decision, failedAtMs: nowMs }])
      case 'finish':
        return this.#update({ ...release, status: 'published', finishedAtMs: nowMs })
      case 'stop':
        this.#update({ ...release, status: 'stopped', finishedAtMs: nowMs })
        if (decision.isReverting) this.#revert(release, nowMs)
    }
  }

  #revert(release: Release, nowMs: number): void {
    if (release.restVersionId === undefined) return
    const draft = { id: `${release.id}-reverted`, kind: 'revert', remarks: '', createdBy: 'littoral' } as const
    const before = { current: release, effective: release }
    this.releases.push(newRollback(draft, { id: release.restVersionId, accountId: '1', appId }, { before }, nowMs))
  }

  #assign(nodeId: string, workload: GroupWorkload | undefined): void {
    this.generations.set(nodeId, (this.generations.get(nodeId) ?? 0) + 1)
    if (workload === undefined) this.assignments.delete(nodeId)
    else this.assignments.set(nodeId, { workload })
  }

  #update(release: Release): void {
    this.changes += 1
    this.releases[this.releases.findIndex(({ id }) => id === release.id)] = release
  }
}
