// Stories of a release over a version that serves: limits, failures, absences, rollbacks. rollout.test.ts has the rest.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultPolicy, type ReleasePolicy } from './release-policy.ts'
import { releaseState } from './release-progress.ts'
import { type Decision, planRollout } from './rollout.ts'
import { inLine, wholeShare } from './share.ts'
import { changedMarks, type Mark, nextChangeAtMs, type RolloutReport, type RolloutView, survey } from './standing.ts'

const nowMs = 1_000_000_000
const target = { key: 'app/app-1/prod', version: 'ver-2', digest: 'd2' }
const rest = { key: 'app/app-1/prod', version: 'ver-1', digest: 'd1' }
const line = inLine(
  'app-1',
  Array.from({ length: 10 }, (_, at) => ({ id: `n${at}`, region: 'zhejiang' })),
).map(({ id }) => id)
const [a = '', b = '', c = '', d = ''] = line

type Told = 'd1' | 'd2'
interface Case {
  readonly id: string
  readonly told?: Told
  readonly phase?: RolloutReport['phase']
  readonly reachedMsAgo?: number
  readonly readyMsAgo?: number
  readonly awayMs?: number
}

type Change = Partial<Omit<RolloutView, 'release' | 'policy'>> & {
  release?: Partial<RolloutView['release']>
  policy?: Partial<ReleasePolicy>
}

function view(cases: readonly Case[], { release, policy, ...change }: Change = {}): RolloutView {
  const told = cases.flatMap(({ id, told: digest }) =>
    digest ? [{ nodeId: id, version: digest === 'd2' ? 'ver-2' : 'ver-1', digest }] : [],
  )
  return {
    environment: 'prod',
    release: { id: 'rel-1', appId: 'app-1', kind: 'publish', publishType: 'percentage', status: 'publishing', ...wholeShare, ...release },
    target,
    rest,
    policy: { ...defaultPolicy, ...policy },
    nodes: cases.map(({ id, awayMs }) => ({ id, region: 'zhejiang', isOnline: awayMs === undefined, lastSeenAtMs: nowMs - (awayMs ?? 0) })),
    assignments: told,
    reports: cases.flatMap(({ id, phase }) => {
      const of = told.find(({ nodeId }) => nodeId === id)
      return of && phase ? [{ ...of, phase }] : []
    }),
    marks: cases.flatMap(({ id, told: digest, reachedMsAgo, readyMsAgo }): Mark[] => {
      if (digest === undefined || (reachedMsAgo ?? readyMsAgo) === undefined) return []
      const readyAt = readyMsAgo === undefined ? {} : { readyAtMs: nowMs - readyMsAgo }
      return [{ nodeId: id, digest, reachedAtMs: nowMs - (reachedMsAgo ?? readyMsAgo ?? 0), ...readyAt }]
    }),
    failures: [],
    watchingSinceMs: 0,
    ...change,
  }
}

const old = (id: string): Case => ({ id, told: 'd1', phase: 'ready' })
const proven = (id: string): Case => ({ id, told: 'd2', phase: 'ready' })
const overdue = (id: string): Case => ({ id, told: 'd2', phase: 'starting', reachedMsAgo: 600_000 })
const failureOf = (nodeId: string) => ({ nodeId, code: 'NotReady', message: 'x', failedAtMs: nowMs })
const plan = (...input: Parameters<typeof view>) => planRollout(view(...input), nowMs)

describe('a new version over an old one', () => {
  it.each<[story: string, cases: Case[], change: Change, decisions: unknown[]]>([
    ['goes to a canary first', line.map(old), {}, [{ kind: 'assign', nodeIds: [a] }]],
    [
      'goes to as many as may change when there is no canary',
      line.map(old),
      { policy: { canaryNodes: 0 } },
      [{ kind: 'assign', nodeIds: [a, b] }],
    ],
    [
      'goes on with as many as may change once the canary has proven it',
      [proven(a), ...line.slice(1).map(old)],
      {},
      [{ kind: 'assign', nodeIds: [b, c] }],
    ],
    [
      'counts nodes in doubt as failed in advance',
      [proven(a), ...line.slice(1).map(old)],
      { policy: { maxUnavailable: { nodes: 9 }, failureBudget: { nodes: 1 } } },
      [{ kind: 'assign', nodeIds: [b] }],
    ],
    ['waits while a node is in doubt', [{ id: a, told: 'd2', phase: 'starting' }, old(b), old(c)], {}, []],
    ['covers its share only', [old(a), old(b), old(c)], { release: { percentage: 34, isFull: false } }, [{ kind: 'assign', nodeIds: [a] }]],
    ['is through with its share', [proven(a), old(b), old(c)], { release: { percentage: 34, isFull: false } }, [{ kind: 'finish' }]],
    ['is held while it is paused', line.map(old), { release: { paused: { atMs: 0, by: 'x' } } }, []],
    [
      'gives a fresh node the last good version first',
      [old(a), { id: b }],
      { release: { paused: { atMs: 0, by: 'x' } } },
      [{ kind: 'restore', nodeIds: [b] }],
    ],
    ['bakes before it goes on', [{ id: a, told: 'd2', phase: 'ready', readyMsAgo: 29_999 }, old(b)], { policy: { bakeSeconds: 30 } }, []],
    [
      'goes on when it has baked',
      [{ id: a, told: 'd2', phase: 'ready', readyMsAgo: 30_000 }, old(b)],
      { policy: { bakeSeconds: 30 } },
      [{ kind: 'assign', nodeIds: [b] }],
    ],
    [
      'takes nodes back that the version before it had and this one does not',
      [{ id: a, told: 'd2', phase: 'ready' }, { id: b, told: 'd2', phase: 'ready' }, old(c)],
      { release: { percentage: 34, isFull: false } },
      [{ kind: 'restore', nodeIds: [b] }],
    ],
  ])('%s', (_story, cases, change, decisions) => {
    expect(plan(cases, change)).toEqual(decisions)
  })
})

describe('a version that fails', () => {
  it('fails on a node that is not ready in time, which returns to the last good version', () => {
    const message = 'it was still starting after 600 s'
    expect(plan([overdue(a), old(b)])).toEqual([
      { kind: 'fail', nodeId: a, code: 'NotReady', message },
      { kind: 'restore', nodeIds: [a] },
    ])
  })

  it('fails at once where the node itself has given up, in the words of the node', () => {
    const failed = view([{ id: a, told: 'd2', phase: 'failed' }, old(b)])
    const reports = failed.reports.map((report) =>
      report.nodeId === a ? { ...report, reason: { code: 'ImageNotFound', message: 'no image' } } : report,
    )
    expect(planRollout({ ...failed, reports }, nowMs)[0]).toEqual({ kind: 'fail', nodeId: a, code: 'ImageNotFound', message: 'no image' })
  })

  it('is not judged by a silence in which the server itself did not listen', () => {
    expect(plan([overdue(a), old(b)], { watchingSinceMs: nowMs - 599_999 })).toEqual([])
  })

  it('stops when its budget is used up, and says why', () => {
    const [stop] = plan([old(a), old(b), old(c)], { failures: [failureOf(a)] })
    expect(stop).toMatchObject({ kind: 'stop', code: 'FailureBudgetUsedUp', isReverting: false })
    expect(stop).toMatchObject({ message: expect.stringContaining('ver-2 failed on 1 of 3 nodes') })
  })

  it('is rolled back when the policy asks for it', () => {
    const asked = { failures: [failureOf(a)], policy: { isAutoRollback: true } }
    expect(plan([old(a), old(b), old(c)], asked)).toMatchObject([{ kind: 'stop', isReverting: true }])
  })

  it('goes on within its budget, and is not through with a node that failed', () => {
    const generous = { failures: [failureOf(a)], policy: { canaryNodes: 0, failureBudget: { nodes: 3 } } }
    expect(plan([old(a), old(b), old(c)], generous)).toEqual([{ kind: 'assign', nodeIds: [b] }])
    expect(plan([old(a), proven(b), proven(c)], generous)).toMatchObject([{ kind: 'stop', code: 'NodesFailed' }])
  })

  it('goes nowhere after it stopped, and is through when a first version gets ready after all', () => {
    expect(plan([old(a), old(b), old(c)], { release: { status: 'stopped' }, failures: [failureOf(a)] })).toEqual([])
    const first = { rest: undefined, release: { status: 'stopped' } } as const
    expect(plan([overdue(a)], first)).toEqual([])
    expect(plan([proven(a)], first)).toEqual([{ kind: 'finish' }])
  })

  it('has nothing to return to as a first version: it stops, and its nodes go on trying', () => {
    expect(plan([overdue(a)], { rest: undefined })).toMatchObject([{ kind: 'stop', code: 'NodesFailed' }])
  })

  it('is not judged any more when the release is through', () => {
    expect(plan([overdue(a), proven(b)], { release: { status: 'published' } })).toEqual([])
  })
})

describe('a node that is away', () => {
  it('is unreached and not failed, and nobody waits for it', () => {
    expect(plan([proven(a), { ...old(b), awayMs: 60_000 }])).toEqual([{ kind: 'finish' }])
  })

  it('is told when it returns, a month later, and not before', () => {
    const month = 30 * 24 * 3600_000
    const through = { release: { status: 'published' } } as const
    expect(plan([proven(a), { ...old(b), awayMs: month }], through)).toEqual([])
    expect(plan([proven(a), old(b)], through)).toEqual([{ kind: 'assign', nodeIds: [b] }])
  })

  it('is taken back when it left before it had proven the version, so that it cannot fail beyond the budget', () => {
    expect(plan([{ ...overdue(a), awayMs: 660_000 }, old(b)])).toEqual([
      { kind: 'restore', nodeIds: [a] },
      { kind: 'assign', nodeIds: [b] },
    ])
  })

  it('holds the next one up for as long as it may take to go back by itself, while the version has proven nothing', () => {
    const silent = { ...overdue(a), awayMs: 60_000 }
    expect(plan([silent, old(b)])).toEqual([])
    expect(plan([{ ...silent, awayMs: 659_999 }, old(b)])).toEqual([])
    const takenBack = [
      { kind: 'restore', nodeIds: [a] },
      { kind: 'assign', nodeIds: [b] },
    ]
    expect(plan([silent, old(b)], { policy: { confirmSeconds: 0 } })).toEqual(takenBack)
    expect(plan([silent, proven(c), old(b)])).toEqual(takenBack)
    expect(nextChangeAtMs(view([{ ...silent, awayMs: 61_000 }]), nowMs)).toBe(nowMs + 599_000)
  })

  it('gets the whole time again when it returns', () => {
    const away = view([{ ...overdue(a), awayMs: 5000 }, old(b)])
    const marks = changedMarks(away, nowMs)
    expect(marks.find(({ nodeId }) => nodeId === a)).toEqual({ nodeId: a, digest: 'd2' })
    expect(planRollout({ ...view([overdue(a), old(b)]), marks }, nowMs)).toEqual([])
  })
})

describe('a rollback', () => {
  const back = { rest: undefined, release: { kind: 'rollback' } } as const

  it('knows no canary and no bake time, but keeps the limit', () => {
    const policy = { maxUnavailable: { nodes: 2 }, failureBudget: { nodes: 1 }, bakeSeconds: 600 }
    expect(plan(line.map(old), { ...back, policy })).toEqual([{ kind: 'assign', nodeIds: [a, b] }])
    const cases = [{ id: a, told: 'd2', phase: 'ready', readyMsAgo: 0 } as const, proven(b), old(c), old(d)]
    expect(plan(cases, { ...back, policy })).toEqual([{ kind: 'assign', nodeIds: [c, d] }])
  })

  it('goes on past a node that does not get ready, and never ends as a success', () => {
    expect(plan([overdue(a), old(b)], back)).toEqual([{ kind: 'assign', nodeIds: [b] }])
    // It gives way to another release then, and goes on itself until one comes.
    expect(plan([overdue(a), proven(b)], back)).toEqual([expect.objectContaining({ kind: 'stop', isReverting: false })])
    const stopped = { ...back, release: { kind: 'rollback', status: 'stopped' } } as const
    expect(plan([overdue(a), old(b)], stopped)).toEqual([{ kind: 'assign', nodeIds: [b] }])
    expect(plan([overdue(a), proven(b)], stopped)).toEqual([])
    expect(plan([proven(a), proven(b)], stopped)).toEqual([{ kind: 'finish' }])
    for (const kind of ['rollback', 'revert'] as const)
      expect(releaseState({ kind, status: 'published', hasBegun: true })).toBe('rolledBack')
  })

  it('to a share never gives a node the version that it takes back', () => {
    const partial = { release: { kind: 'rollback', percentage: 50, isFull: false, isFromBack: true } } as const
    // Here d2 is what the rollback brings: every node has it but one.
    expect(plan([proven(a), proven(b), proven(c), old(d)], partial)).toEqual([{ kind: 'assign', nodeIds: [d] }])
  })
})

describe('what time alone changes', () => {
  it('is known in advance: a deadline, a bake time, a silent node', () => {
    const in5s = view([{ id: a, told: 'd2', phase: 'starting', reachedMsAgo: 595_000 }])
    expect(nextChangeAtMs(in5s, nowMs)).toBe(nowMs + 5000)
    const baking = view([{ id: a, told: 'd2', phase: 'ready', readyMsAgo: 1000 }], { policy: { bakeSeconds: 3 } })
    expect(nextChangeAtMs(baking, nowMs)).toBe(nowMs + 2000)
    expect(nextChangeAtMs(view([{ ...old(a), awayMs: 59_000 }]), nowMs)).toBe(nowMs + 1000)
    expect(nextChangeAtMs(view([proven(a)]), nowMs)).toBeUndefined()
  })
})

const phases = ['pending', 'preparing', 'starting', 'ready', 'unready', 'backoff', 'failed'] as const
const anyCase = (id: string) =>
  fc.record(
    {
      id: fc.constant(id),
      told: fc.constantFrom<Told>('d1', 'd2'),
      phase: fc.constantFrom(...phases),
      reachedMsAgo: fc.integer({ min: 0, max: 1_200_000 }),
      awayMs: fc.integer({ min: 0, max: 200_000 }),
    },
    { requiredKeys: ['id'] },
  )

describe('any view', () => {
  const anyView = fc
    .tuple(
      fc.tuple(...line.map(anyCase)),
      fc.record({
        maxUnavailable: fc.integer({ min: 1, max: 10 }),
        failureBudget: fc.integer({ min: 1, max: 10 }),
        canaryNodes: fc.integer({ min: 0, max: 3 }),
      }),
      fc.constantFrom('publishing', 'stopped', 'published', 'superseded'),
      fc.integer({ min: 1, max: 100 }),
      fc.subarray(line, { maxLength: 3 }),
    )
    .map(([cases, policy, status, percentage, failed]) => {
      const limits = {
        maxUnavailable: { nodes: policy.maxUnavailable },
        failureBudget: { nodes: policy.failureBudget },
        canaryNodes: policy.canaryNodes,
      }
      return view(cases, { release: { status, percentage, isFull: percentage === 100 }, policy: limits, failures: failed.map(failureOf) })
    })

  const assignedBy = (decisions: readonly Decision[]) =>
    decisions.flatMap((decision) => (decision.kind === 'assign' ? decision.nodeIds : []))

  it('never plans more nodes in doubt, or more failures, than are allowed', () => {
    fc.assert(
      fc.property(anyView, (state) => {
        const found = survey(state, nowMs)
        const given = assignedBy(planRollout(state, nowMs))
        const wasNew = new Set(
          found.standings.filter(({ assigned, isInDoubt }) => assigned !== undefined && !isInDoubt).map(({ node }) => node.id),
        )
        const added = given.filter((id) => wasNew.has(id)).length
        expect(added === 0 || found.inDoubt + added <= found.mayChange).toBe(true)
        const spent = found.failed + found.unproven + given.length
        expect(!found.isJudged || given.length === 0 || spent <= found.budget).toBe(true)
      }),
    )
  })

  it('never tells a node something new that is away, or to which the version failed, and tells no node two things', () => {
    fc.assert(
      fc.property(anyView, (state) => {
        const decisions = planRollout(state, nowMs)
        const given = assignedBy(decisions)
        const { isJudged } = survey(state, nowMs)
        for (const id of given) {
          expect(state.nodes.find((node) => node.id === id)?.isOnline).toBe(true)
          if (isJudged) expect(state.failures.some(({ nodeId }) => nodeId === id)).toBe(false)
        }
        const moved = decisions.flatMap((decision) => ('nodeIds' in decision ? decision.nodeIds : []))
        expect(new Set(moved).size).toBe(moved.length)
      }),
    )
  })

  // A node that joins gets what the others rest on first and the release's version in a later pass, hence more than one.
  it('has nothing more to decide within three passes when its decisions are carried out and nothing else happens', () => {
    fc.assert(
      fc.property(anyView, (start) => {
        let state = start
        for (let pass = 0; pass < 3; pass += 1) state = carriedOut(state, planRollout(state, nowMs))
        expect(planRollout(state, nowMs).filter(({ kind }) => kind !== 'finish' && kind !== 'stop')).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  function carriedOut(state: RolloutView, decisions: readonly Decision[]): RolloutView {
    const given = new Map<string, { version: string; digest: string } | undefined>()
    for (const decision of decisions) {
      if (!('nodeIds' in decision)) continue
      const to = { assign: target, restore: rest, unassign: undefined }[decision.kind]
      for (const id of decision.nodeIds) given.set(id, to)
    }
    const kept = state.assignments.filter(({ nodeId }) => !given.has(nodeId))
    const added = [...given].flatMap(([nodeId, to]) => (to ? [{ nodeId, version: to.version, digest: to.digest }] : []))
    const failed = decisions.flatMap((decision) => (decision.kind === 'fail' ? [failureOf(decision.nodeId)] : []))
    return { ...state, assignments: [...kept, ...added], failures: [...state.failures, ...failed] }
  }
})
