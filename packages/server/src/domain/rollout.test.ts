import { describe, expect, it } from 'vitest'
import { defaultPolicy } from './release-policy.ts'
import { reachedPercentage } from './release-progress.ts'
import { planRemoval, planRollout, type RolloutReport, type RolloutView } from './rollout.ts'
import { wholeShare } from './share.ts'

const nowMs = 1_000_000_000
const target = { key: 'app/app-1/prod', version: 'ver-2', digest: 'd2' }

const online = (id: string) => ({ id, isOnline: true, lastSeenAtMs: nowMs, region: 'zhejiang' })
const offline = (id: string, forMs: number) => ({ id, isOnline: false, lastSeenAtMs: nowMs - forMs, region: 'zhejiang' })
const on = (nodeId: string, digest = 'd2') => ({ nodeId, version: digest === 'd2' ? 'ver-2' : 'ver-1', digest })
const says = (nodeId: string, phase: RolloutReport['phase'], digest = 'd2') => ({ ...on(nodeId, digest), phase })

function view(change: Partial<RolloutView> & { status?: 'publishing' | 'published' } = {}): RolloutView {
  const { status = 'publishing', ...rest } = change
  const release = { id: 'rel-1', appId: 'app-1', kind: 'publish', publishType: 'percentage', status, ...wholeShare } as const
  const nothing = { nodes: [], assignments: [], reports: [], marks: [], failures: [], watchingSinceMs: 0 }
  return { environment: 'prod', release, target, policy: defaultPolicy, ...nothing, ...rest }
}

describe('a release whose images are being looked up', () => {
  const held = { nodes: [online('a')], heldUntilMs: nowMs + 5000 }

  it.each(['prod', 'staging'] as const)('tells no node of %s to run it before the wait is over', (environment) => {
    expect(planRollout(view({ ...held, environment }), nowMs)).toEqual([])
    expect(planRollout(view({ ...held, environment }), nowMs + 5000)).toEqual([{ kind: 'assign', nodeIds: ['a'] }])
  })

  it('still gives a node without anything the version before it', () => {
    const rest = { ...target, version: 'ver-1', digest: 'd1' }
    expect(planRollout(view({ ...held, rest }), nowMs)).toEqual([{ kind: 'restore', nodeIds: ['a'] }])
  })
})

describe('a release to production', () => {
  it.each<[story: string, view: RolloutView, decisions: unknown[], reached: number]>([
    ['waits for a node to appear', view(), [], 0],
    [
      'goes to every node at once where there was nothing before',
      view({ nodes: [online('a'), online('b')] }),
      [{ kind: 'assign', nodeIds: ['b', 'a'] }],
      0,
    ],
    [
      'replaces the version before it',
      view({ nodes: [online('a')], assignments: [on('a', 'd1')], reports: [says('a', 'ready', 'd1')] }),
      [{ kind: 'assign', nodeIds: ['a'] }],
      0,
    ],
    ['waits for reports', view({ nodes: [online('a')], assignments: [on('a')] }), [], 0],
    [
      'does not take the report of the old version for its own',
      view({ nodes: [online('a')], assignments: [on('a')], reports: [says('a', 'ready', 'd1')] }),
      [],
      0,
    ],
    [
      'does not take the same version with another content for its own',
      view({ nodes: [online('a')], assignments: [on('a')], reports: [{ nodeId: 'a', version: 'ver-2', digest: 'other', phase: 'ready' }] }),
      [],
      0,
    ],
    [
      'counts the nodes that are ready',
      view({
        nodes: [online('a'), online('b'), online('c')],
        assignments: [on('a'), on('b'), on('c')],
        reports: [says('a', 'ready'), says('b', 'starting')],
      }),
      [],
      33,
    ],
    [
      'is through when every node is ready',
      view({ nodes: [online('a'), online('b')], assignments: [on('a'), on('b')], reports: [says('a', 'ready'), says('b', 'ready')] }),
      [{ kind: 'finish' }],
      99,
    ],
    [
      'stays under way while a node fails',
      view({ nodes: [online('a'), online('b')], assignments: [on('a'), on('b')], reports: [says('a', 'ready'), says('b', 'failed')] }),
      [],
      50,
    ],
    [
      'waits for a node that has only just gone offline',
      view({ nodes: [online('a'), offline('b', 5_000)], assignments: [on('a'), on('b')], reports: [says('a', 'ready')] }),
      [],
      50,
    ],
    [
      'does not wait for a lost node, which has its assignment',
      view({ nodes: [online('a'), offline('b', 60_000)], assignments: [on('a'), on('b')], reports: [says('a', 'ready')] }),
      [{ kind: 'finish' }],
      50,
    ],
    [
      'is not through when all nodes are lost',
      view({ nodes: [offline('a', 600_000)], assignments: [on('a')], reports: [says('a', 'ready', 'd1')] }),
      [],
      0,
    ],
  ])('%s', (_story, state, decisions, reached) => {
    expect(planRollout(state, nowMs)).toEqual(decisions)
    expect(reachedPercentage(state, nowMs)).toBe(reached)
  })
})

describe('a release that is through', () => {
  it.each<[story: string, view: RolloutView, decisions: unknown[]]>([
    [
      'goes to a node that joined later',
      view({ status: 'published', nodes: [online('a'), online('b')], assignments: [on('a')], reports: [says('a', 'ready')] }),
      [{ kind: 'assign', nodeIds: ['b'] }],
    ],
    [
      'leaves a node that left the environment',
      view({ status: 'published', nodes: [online('a')], assignments: [on('a'), on('b')] }),
      [{ kind: 'unassign', nodeIds: ['b'] }],
    ],
    [
      'keeps its version on a node that is offline or fails',
      view({
        status: 'published',
        nodes: [offline('a', 9e8), online('b')],
        assignments: [on('a'), on('b')],
        reports: [says('b', 'failed')],
      }),
      [],
    ],
  ])('%s', (_story, state, decisions) => {
    expect(planRollout(state, nowMs)).toEqual(decisions)
    expect(reachedPercentage(state, nowMs)).toBe(100)
  })
})

describe('a release to staging', () => {
  const staging = (change: Parameters<typeof view>[0]) => view({ environment: 'staging', ...change })

  it('goes to exactly one node, always the same one', () => {
    const nodes = [online('a'), online('b'), online('c')]
    const [first] = planRollout(staging({ nodes }), nowMs)
    expect(first).toEqual({ kind: 'assign', nodeIds: [expect.any(String)] })
    expect(planRollout(staging({ nodes: nodes.toReversed() }), nowMs)).toEqual([first])
  })

  it('goes to a node that is online', () => {
    const nodes = ['a', 'b', 'c', 'd'].map((id) => (id === 'c' ? online(id) : offline(id, 1)))
    expect(planRollout(staging({ nodes }), nowMs)).toEqual([{ kind: 'assign', nodeIds: ['c'] }])
  })

  it('stays where the version before it runs, whoever joins', () => {
    for (const holder of ['a', 'b', 'c']) {
      const state = staging({ nodes: [online('a'), online('b'), online('c')], assignments: [on(holder, 'd1')] })
      expect(planRollout(state, nowMs)).toEqual([{ kind: 'assign', nodeIds: [holder] }])
    }
  })

  it('moves when its node no longer serves staging', () => {
    const state = staging({ status: 'published', nodes: [online('b')], assignments: [on('a')] })
    expect(planRollout(state, nowMs)).toEqual([
      { kind: 'unassign', nodeIds: ['a'] },
      { kind: 'assign', nodeIds: ['b'] },
    ])
  })

  it('leaves a lost node when a new version is to run, and not before', () => {
    const nodes = [offline('a', 60_000), online('b')]
    expect(planRollout(staging({ nodes, assignments: [on('a', 'd1')] }), nowMs)).toEqual([
      { kind: 'unassign', nodeIds: ['a'] },
      { kind: 'assign', nodeIds: ['b'] },
    ])
    expect(planRollout(staging({ nodes, status: 'published', assignments: [on('a')] }), nowMs)).toEqual([])
    const away = [offline('a', 59_999), online('b')]
    expect(planRollout(staging({ nodes: away, assignments: [on('a', 'd1')] }), nowMs)).toEqual([{ kind: 'assign', nodeIds: ['a'] }])
  })

  it('is through when its one node is ready', () => {
    const state = staging({ nodes: [online('a'), online('b')], assignments: [on('b')], reports: [says('b', 'ready')] })
    expect(planRollout(state, nowMs)).toEqual([{ kind: 'finish' }])
  })
})

describe('a deleted application', () => {
  const assignments = [
    { nodeId: 'a', key: 'app/app-1/prod' },
    { nodeId: 'b', key: 'app/app-1/staging' },
  ]

  it('is first taken off every node, online or not', () => {
    expect(planRemoval({ assignments, reports: [], onlineNodeIds: [] })).toEqual([
      { kind: 'unassign', nodeId: 'a', key: 'app/app-1/prod' },
      { kind: 'unassign', nodeId: 'b', key: 'app/app-1/staging' },
    ])
  })

  it('stays until no online node reports an instance', () => {
    const reports = [
      { nodeId: 'a', phase: 'stopping' },
      { nodeId: 'b', phase: 'gone' },
    ] as const
    expect(planRemoval({ assignments: [], reports, onlineNodeIds: ['a', 'b'] })).toEqual([])
    expect(planRemoval({ assignments: [], reports, onlineNodeIds: ['b'] })).toEqual([{ kind: 'removeApp' }])
    expect(planRemoval({ assignments: [], reports: [], onlineNodeIds: ['a'] })).toEqual([{ kind: 'removeApp' }])
  })
})
