import { describe, expect, it } from 'vitest'
import type { Workload } from '@littoral/contract/node/desired-state'
import { type Observed, type PlacedInstance, type Placement, planNode, preparedId } from './plan.ts'
import type { Step } from './steps.ts'
import { lane } from './steps.ts'
import { driver, group, instanceOf } from './test-workloads.ts'

const nowMs = 1_000_000

interface Story {
  readonly instances?: readonly PlacedInstance[]
  readonly prepared?: readonly Workload[]
  readonly busy?: readonly string[]
  readonly held?: Readonly<Record<string, number>>
  readonly unavailable?: readonly string[]
  readonly readySince?: Readonly<Record<string, number>>
}

function observed({ instances = [], prepared = [], busy = [], held = {}, unavailable = [], readySince = {} }: Story): Observed {
  return {
    instances,
    unavailable: new Set(unavailable),
    prepared: new Set(prepared.map(preparedId)),
    busy: new Set(busy),
    heldUntilMs: new Map(Object.entries(held)),
    readySinceMs: new Map(Object.entries(readySince)),
  }
}

function place(workload: Workload): Placement {
  return { workload, runtime: 'memory' }
}

function plan(desired: readonly Workload[] | undefined, story: Story = {}) {
  const { steps, nextAtMs } = planNode(
    desired?.map((workload) => place(workload)),
    observed(story),
    nowMs,
  )
  return { steps: steps.map(say), nextAtMs }
}

function say(step: Step): string {
  if (step.kind === 'prepare' || step.kind === 'start') return `${step.kind} ${step.workload.version}`
  if (step.kind === 'updateConfig') return `updateConfig ${step.instanceId}`
  return step.kind === 'stop' ? `stop ${step.instanceId} ${step.reason}` : `${step.kind} ${step.instanceId}`
}

const v1 = group()
const v2 = group({ version: 'ver-2' })
const old = instanceOf(v1, { instanceId: 'old' })

describe('a group', () => {
  it('is prepared before it is started', () => {
    expect(plan([v1]).steps).toEqual(['prepare ver-1'])
    expect(plan([v1], { prepared: [v1] }).steps).toEqual(['start ver-1'])
  })

  it('gets the ports when it is ready, and then nothing more happens', () => {
    const starting = instanceOf(v1, { instanceId: 'a', phase: 'starting', isActive: false })
    expect(plan([v1], { instances: [starting] }).steps).toEqual([])
    expect(plan([v1], { instances: [{ ...starting, phase: 'ready' }] }).steps).toEqual(['activate a'])
    expect(plan([v1], { instances: [{ ...starting, phase: 'ready', isActive: true }] }).steps).toEqual([])
  })

  it('keeps the old version until the new one is ready and has the ports (1)', () => {
    const fresh = instanceOf(v2, { instanceId: 'new', phase: 'starting', isActive: false, createdAtMs: 2000 })
    expect(plan([v2], { instances: [old] }).steps).toEqual(['prepare ver-2'])
    expect(plan([v2], { instances: [old], prepared: [v2] }).steps).toEqual(['start ver-2'])
    expect(plan([v2], { instances: [old, fresh] }).steps).toEqual([])
    expect(plan([v2], { instances: [old, { ...fresh, phase: 'ready' }] }).steps).toEqual(['activate new'])
    const switched = [
      { ...old, isActive: false },
      { ...fresh, phase: 'ready' as const, isActive: true },
    ]
    expect(plan([v2], { instances: switched }).steps).toEqual(['stop old replaced'])
    expect(plan([v2], { instances: [{ ...old, isActive: false, phase: 'stopped' }, switched[1]!] }).steps).toEqual(['remove old'])
    expect(plan([v2], { instances: [switched[1]!] }).steps).toEqual([])
  })

  it('keeps the old version through the bake time of the new one (1)', () => {
    const baking = group({ version: 'ver-2', bakeSeconds: 60 })
    const fresh = instanceOf(baking, { instanceId: 'new', phase: 'ready', isActive: true, createdAtMs: 2000 })
    const instances = [{ ...old, isActive: false }, fresh]
    expect(plan([baking], { instances })).toEqual({ steps: [] })
    expect(plan([baking], { instances, readySince: { new: nowMs - 59_999 } })).toEqual({ steps: [], nextAtMs: nowMs + 1 })
    expect(plan([baking], { instances, readySince: { new: nowMs - 60_000 } }).steps).toEqual(['stop old replaced'])
  })

  it('lets the old version serve again when the new one fails within its bake time (1)', () => {
    const baking = group({ version: 'ver-2', bakeSeconds: 60 })
    const failing = instanceOf(baking, { instanceId: 'new', phase: 'unready', isActive: true, createdAtMs: 2000 })
    expect(plan([baking], { instances: [{ ...old, isActive: false }, failing] }).steps).toEqual(['activate old'])
    expect(plan([baking], { instances: [old, { ...failing, isActive: false }] }).steps).toEqual([])
    expect(plan([baking], { instances: [old, { ...failing, isActive: false, phase: 'ready' }] }).steps).toEqual(['activate new'])
  })

  it('restarts the version that serves while the new one does not get ready', () => {
    const exited = { name: 'web', state: 'exited' as const, isReady: false, restarts: 0, failures: 1, exitedAtMs: nowMs - 5000 }
    const crashed = { ...old, phase: 'backoff' as const, containers: [exited] }
    const fresh = instanceOf(v2, { instanceId: 'new', phase: 'starting', isActive: false })
    expect(plan([v2], { instances: [crashed, fresh] }).steps).toEqual(['restart old'])
  })

  it('goes back to the version that still runs without starting it again', () => {
    const fresh = instanceOf(v2, { instanceId: 'new', phase: 'backoff', isActive: false, createdAtMs: 2000 })
    expect(plan([v1], { instances: [old, fresh] }).steps).toEqual(['stop new replaced'])
  })

  it('drops a version that never served when a third one is wanted, and keeps the one that serves', () => {
    const v3 = group({ version: 'ver-3' })
    const stuck = instanceOf(v2, { instanceId: 'stuck', phase: 'starting', isActive: false, createdAtMs: 2000 })
    expect(plan([v3], { instances: [old, stuck] }).steps).toEqual(['stop stuck replaced', 'prepare ver-3'])
  })

  it('gives the ports back to the old version after a restart of the agent, until the new one is ready', () => {
    const idle = { ...old, isActive: false }
    const fresh = instanceOf(v2, { instanceId: 'new', phase: 'starting', isActive: false, createdAtMs: 2000 })
    expect(plan([v2], { instances: [idle, fresh] }).steps).toEqual(['activate old'])
    expect(plan([v2], { instances: [idle, { ...fresh, phase: 'ready' }] }).steps).toEqual(['activate new'])
  })

  it('is made anew for another restart token, as a replacement', () => {
    const again = group({ restartToken: 'token-2' })
    expect(again.digest).toBe(v1.digest)
    expect(plan([again], { instances: [old], prepared: [again] }).steps).toEqual(['start ver-1'])
    const fresh = instanceOf(again, { instanceId: 'new', createdAtMs: 2000 })
    expect(plan([again], { instances: [{ ...old, isActive: false }, fresh] }).steps).toEqual(['stop old replaced'])
  })

  it('is started anew when its instance is beyond repair', () => {
    const dead = { ...old, phase: 'stopped' as const, isActive: false }
    expect(plan([v1], { instances: [dead], prepared: [v1] }).steps).toEqual(['remove old', 'start ver-1'])
  })

  it('loses its doubles', () => {
    const double = instanceOf(v1, { instanceId: 'double', isActive: false, createdAtMs: 2000 })
    expect(plan([v1], { instances: [double, old] }).steps).toEqual(['stop double replaced'])
  })
})

describe('a driver', () => {
  const d1 = driver()
  const d2 = driver({ version: '2.0.0' })
  const running = instanceOf(d1, { instanceId: 'd-old' })

  it('never runs twice: the old version stops when the package of the new one is here (1)', () => {
    expect(plan([d2], { instances: [running] }).steps).toEqual(['prepare 2.0.0'])
    expect(plan([d2], { instances: [running], prepared: [d2] }).steps).toEqual(['stop d-old replaced'])
    expect(plan([d2], { instances: [{ ...running, phase: 'stopping' }], prepared: [d2], busy: ['instance d-old'] }).steps).toEqual([])
    expect(plan([d2], { instances: [{ ...running, phase: 'stopped' }], prepared: [d2] }).steps).toEqual(['remove d-old'])
    expect(plan([d2], { prepared: [d2] }).steps).toEqual(['start 2.0.0'])
  })

  it('gets a new config without a restart', () => {
    const changed = driver({ config: '{"config":{"json":{"a":1}},"deviceList":[]}' })
    expect(plan([changed], { instances: [running] }).steps).toEqual(['prepare 1.0.0'])
    expect(plan([changed], { instances: [running], prepared: [changed] }).steps).toEqual(['updateConfig d-old'])
    expect(plan([changed], { instances: [{ ...running, digest: changed.digest }] }).steps).toEqual([])
  })

  it('is replaced when its package changes', () => {
    const changed = driver({ package: { path: '/p', sha256: 'f'.repeat(64), sizeBytes: 9 } })
    expect(plan([changed], { instances: [running], prepared: [changed] }).steps).toEqual(['stop d-old replaced'])
  })

  it('is restarted with growing pauses, and the plan says when', () => {
    const exited = { name: 'driver', state: 'exited' as const, isReady: false, restarts: 2, failures: 3, exitedAtMs: nowMs - 1000 }
    const crashed = instanceOf(d1, { instanceId: 'd', phase: 'backoff', containers: [exited] })
    expect(plan([d1], { instances: [crashed] })).toEqual({ steps: [], nextAtMs: nowMs + 3000 })
    const due = { ...crashed, containers: [{ ...exited, exitedAtMs: nowMs - 4000 }] }
    expect(plan([d1], { instances: [due] }).steps).toEqual(['restart d'])
  })
})

describe('the node', () => {
  it('touches nothing while it was never told anything (3)', () => {
    expect(plan(undefined, { instances: [old, instanceOf(v2, { phase: 'incomplete' })] }).steps).toEqual([])
  })

  it('stops and removes what is not wanted any more (3)', () => {
    expect(plan([], { instances: [old] }).steps).toEqual(['stop old removed'])
    expect(plan([], { instances: [{ ...old, phase: 'stopped' }] }).steps).toEqual(['remove old'])
  })

  it('removes a half-made instance, but not while its start is under way', () => {
    const half = instanceOf(v1, { instanceId: 'half', phase: 'incomplete', isActive: false })
    expect(plan([v1], { instances: [half], prepared: [v1] }).steps).toEqual(['remove half', 'start ver-1'])
    expect(plan([v1], { instances: [half], prepared: [v1], busy: [`key ${v1.key}`] }).steps).toEqual([])
  })

  it('goes on with a stop that the agent before had begun', () => {
    expect(plan([], { instances: [{ ...old, phase: 'stopping' }] }).steps).toEqual(['stop old removed'])
  })

  it('leaves a failed step alone until its time', () => {
    const id = `prepare ${v1.key} ${v1.digest} `
    expect(plan([v1], { held: { [id]: nowMs + 700 } })).toEqual({ steps: [], nextAtMs: nowMs + 700 })
    expect(plan([v1], { held: { [id]: nowMs - 1 } }).steps).toEqual(['prepare ver-1'])
  })

  it('plans nothing for a runtime that cannot be asked (4)', () => {
    expect(plan([v2], { instances: [old], prepared: [v2], unavailable: ['memory'] }).steps).toEqual([])
  })

  it('keeps the older version of what it cannot run (4)', () => {
    expect(planNode([{ workload: v2, runtime: undefined }], observed({ instances: [old] }), nowMs).steps).toEqual([])
  })

  it('never plans two steps in one lane (5)', () => {
    const exited = (name: string) => ({ name, state: 'exited' as const, isReady: false, restarts: 0, failures: 1, exitedAtMs: 0 })
    const crashed = { ...old, phase: 'backoff' as const, containers: [exited('a'), exited('b')] }
    const { steps } = planNode([place(v1)], observed({ instances: [crashed] }), nowMs)
    expect(steps.map(lane)).toEqual(['instance old'])
  })
})
