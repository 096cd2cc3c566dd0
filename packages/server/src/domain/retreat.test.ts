// Nodes that went back from a version by themselves, because they lost contact: what the rollout makes of it.
import { describe, expect, it } from 'vitest'
import { explainNode } from './explanation.ts'
import { defaultPolicy } from './release-policy.ts'
import { planRollout } from './rollout.ts'
import { wholeShare } from './share.ts'
import { type RolloutReport, type RolloutView, survey } from './standing.ts'

const nowMs = 1_000_000_000
const target = { key: 'app/app-1/prod', version: 'ver-2', digest: 'd2' }
const rest = { key: 'app/app-1/prod', version: 'ver-1', digest: 'd1' }
const reason = { code: 'ContactLost', message: 'contact with the server was lost for 600 s' }
const node = { id: 'a', region: 'zhejiang', isOnline: true, lastSeenAtMs: nowMs }
const told = (digest: 'd1' | 'd2') => ({ nodeId: 'a', version: digest === 'd2' ? 'ver-2' : 'ver-1', digest })

/** Runs the old version again, and says what it went back from. */
const wentBack = (digest = 'd2', retreatReceivedAtMs = nowMs): RolloutReport => ({
  ...told('d1'),
  phase: 'ready',
  retreat: { id: 'r1', version: 'ver-2', digest, reason, atMs: 0 },
  retreatReceivedAtMs,
})

function view(change: Partial<RolloutView> = {}, status: 'publishing' | 'published' = 'publishing'): RolloutView {
  const release = { id: 'rel-1', appId: 'app-1', kind: 'publish', publishType: 'percentage', status, ...wholeShare } as const
  const nothing = { marks: [], failures: [], watchingSinceMs: 0, triedSinceMs: nowMs - 1000 }
  return {
    environment: 'prod',
    release,
    target,
    rest,
    policy: defaultPolicy,
    nodes: [node],
    assignments: [told('d2')],
    reports: [wentBack()],
    ...nothing,
    ...change,
  }
}

const fails = { kind: 'fail', nodeId: 'a', ...reason }

describe('a node that went back by itself', () => {
  it('has failed, in its own words, and is told the version it runs', () => {
    expect(planRollout(view(), nowMs)).toEqual([fails, { kind: 'restore', nodeIds: ['a'] }])
  })

  it('has failed too when it was taken back while it was away', () => {
    expect(planRollout(view({ assignments: [told('d1')] }), nowMs)).toEqual([fails])
  })

  it('is not told to run the version again once that is noted', () => {
    const failures = [{ nodeId: 'a', ...reason, failedAtMs: nowMs }]
    expect(planRollout(view({ assignments: [told('d1')], failures }), nowMs)).toMatchObject([{ kind: 'stop', code: 'FailureBudgetUsedUp' }])
  })

  it.each([
    ['from another version', view({ assignments: [told('d1')], reports: [wentBack('d0')] })],
    ['in an earlier try of this one', view({ assignments: [told('d1')], reports: [wentBack('d2', nowMs - 2000)] })],
  ])('%s gets this one like any other', (_when, state) => {
    expect(planRollout(state, nowMs)).toEqual([{ kind: 'assign', nodeIds: ['a'] }])
  })

  it('after the release was through is late, is not waited for, and is explained', () => {
    const state = view({}, 'published')
    expect(survey(state, nowMs).standings).toMatchObject([{ state: 'late', isInDoubt: false }])
    expect(planRollout(state, nowMs)).toEqual([])
    const causes = explainNode(
      { rollout: state, node: { ...node, environments: ['prod'] }, versionId: 'ver-2', environment: 'prod', current: currentOf(state) },
      nowMs,
    )
    expect(causes.at(-1)).toEqual({ code: 'WentBack', message: `The node went back by itself: ${reason.message}.` })
  })
})

function currentOf({ release }: RolloutView) {
  const made = { accountId: '1', environment: 'prod' as const, revision: 1, versionId: 'ver-2', remarks: '', createdBy: 'someone' }
  return { ...release, ...made, createdAtMs: 0, startedAtMs: 0, hasBegun: true, step: 0 }
}
