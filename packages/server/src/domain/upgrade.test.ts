import { describe, expect, it } from 'vitest'
import { type NodeUpgrade, type NodeUpgradeState, planUpgrade, type Upgrade } from './upgrade.ts'

const nowMs = 10_000_000
const upgrade: Upgrade = {
  id: 'upgrade-1',
  accountId: '1',
  version: '0.2.0',
  sha256: 'a'.repeat(64),
  sizeBytes: 1,
  maxAtOnce: 2,
  maxFailures: 1,
  confirmSeconds: 60,
  holdSeconds: 5,
  state: 'running',
  createdAtMs: 0,
}

const nodes = (...states: (NodeUpgradeState | [NodeUpgradeState, number])[]): NodeUpgrade[] =>
  states.map((entry, index) => {
    const [state, toldAtMs] = Array.isArray(entry) ? entry : [entry, nowMs]
    return { nodeId: `n${index + 1}`, state, updatedAtMs: 0, ...(state === 'waiting' ? {} : { toldAtMs }) }
  })
const all = new Set(['n1', 'n2', 'n3', 'n4', 'n5'])
const plan = (list: NodeUpgrade[], online = all) => planUpgrade({ upgrade, nodes: list, online }, nowMs)

describe('an upgrade', () => {
  it('tells as many nodes as may change at once, and the next ones when those are through', () => {
    expect(plan(nodes('waiting', 'waiting', 'waiting')).tell).toEqual(['n1', 'n2'])
    expect(plan(nodes('trying', 'waiting', 'waiting')).tell).toEqual(['n2'])
    expect(plan(nodes('done', 'downloading', 'starting', 'waiting')).tell).toEqual([])
    expect(plan(nodes('done', 'done', 'waiting')).tell).toEqual(['n3'])
  })

  it('waits for nodes that are not there, and goes on with the others', () => {
    expect(plan(nodes('waiting', 'waiting', 'waiting'), new Set(['n3']))).toMatchObject({ tell: ['n3'] })
    expect(plan(nodes('done', 'waiting'), new Set())).toEqual({ tell: [], silent: [] })
  })

  it('goes on after as many failures as it may have, and stops after one more', () => {
    expect(plan(nodes('failed', 'waiting'))).toMatchObject({ tell: ['n2'] })
    expect(plan(nodes('failed', 'failed', 'waiting'))).toEqual({
      tell: [],
      silent: [],
      end: { state: 'stopped', reason: 'it failed on 2 nodes, and may fail on 1' },
    })
  })

  it('is finished when every node has its outcome, whatever that is', () => {
    expect(plan(nodes('done', 'failed', 'left')).end).toEqual({ state: 'finished' })
    expect(plan(nodes('failed', 'failed', 'failed')).end).toEqual({ state: 'finished' })
    expect(plan([]).end).toEqual({ state: 'finished' })
  })

  it('counts a node that was told long ago and said nothing as failed', () => {
    const longAgo = nowMs - 31 * 60_000
    expect(plan(nodes(['told', longAgo], 'waiting', 'waiting'))).toMatchObject({ silent: ['n1'], tell: ['n2', 'n3'] })
    expect(plan(nodes(['told', longAgo], ['trying', longAgo], 'waiting'))).toMatchObject({
      silent: ['n1', 'n2'],
      end: { state: 'stopped' },
    })
    expect(plan(nodes('told')).nextAtMs).toBe(nowMs + 31 * 60_000)
  })
})
