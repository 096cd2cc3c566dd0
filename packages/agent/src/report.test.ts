import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Report, WorkloadReport } from '@littoral/contract/node/report'
import { Reporter } from './report.ts'

function workload(key: string, overrides: Partial<WorkloadReport> = {}): WorkloadReport {
  return { key, version: 'v1', digest: 'd1', phase: 'ready', restarts: 0, addresses: [], containers: [], observedAtMs: 1, ...overrides }
}

describe('the reporter', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  function connected() {
    vi.useFakeTimers()
    const sent: Report[] = []
    const reporter = new Reporter()
    reporter.connected((report) => sent.push(report))
    return { reporter, sent, later: (ms: number) => vi.advanceTimersByTime(ms) }
  }

  it('says nothing before the machine was looked at', () => {
    const { sent, later } = connected()
    later(5000)
    expect(sent).toEqual([])
  })

  it('tells at once what a release waits for, and the rest a few times per second', () => {
    const { reporter, sent, later } = connected()
    reporter.update(1, [workload('a', { phase: 'preparing' })])
    later(250)
    expect(sent).toHaveLength(1)
    reporter.update(1, [workload('a', { phase: 'starting' })])
    later(0)
    expect(sent).toHaveLength(1)
    reporter.update(1, [workload('a', { phase: 'ready' })])
    expect(sent.map(({ workloads }) => workloads[0]?.phase)).toEqual(['preparing', 'ready'])
    later(1000)
    expect(sent).toHaveLength(2)
  })

  it('does not hurry for ever with a workload that flaps', () => {
    const { reporter, sent, later } = connected()
    for (let at = 0; at < 1000; at += 10) {
      reporter.update(1, [workload('a', { phase: at % 20 === 0 ? 'ready' : 'unready' })])
      later(10)
    }
    expect(sent.length).toBeLessThanOrEqual(8 + 4 + 4)
    expect(sent.length).toBeGreaterThanOrEqual(8)
  })

  it('says everything first, then only what changed', () => {
    const { reporter, sent, later } = connected()
    reporter.update(1, [workload('a'), workload('b')])
    later(300)
    reporter.update(1, [workload('a', { observedAtMs: 2 }), workload('b', { phase: 'unready' })])
    later(300)
    expect(sent.map(({ isComplete, workloads }) => ({ isComplete, keys: workloads.map(({ key }) => key) }))).toEqual([
      { isComplete: true, keys: ['a', 'b'] },
      { isComplete: false, keys: ['b'] },
    ])
  })

  it('is silent while nothing changes', () => {
    const { reporter, sent, later } = connected()
    for (let i = 0; i < 10; i++) {
      reporter.update(1, [workload('a', { observedAtMs: i })])
      later(1000)
    }
    expect(sent).toHaveLength(1)
  })

  it('tells of a new generation even when no workload changed', () => {
    const { reporter, sent, later } = connected()
    reporter.update(1, [])
    later(300)
    reporter.update(2, [])
    later(300)
    expect(sent.map(({ generation }) => generation)).toEqual([1, 2])
  })

  it('tells once that a workload is gone', () => {
    const { reporter, sent, later } = connected()
    reporter.update(1, [workload('a')])
    later(300)
    reporter.update(2, [])
    later(300)
    reporter.update(3, [])
    later(300)
    expect(sent.map(({ workloads }) => workloads.map(({ phase }) => phase))).toEqual([['ready'], ['gone'], []])
  })

  it('sends four times a second at most, and the newest then', () => {
    const { reporter, sent, later } = connected()
    for (let i = 0; i < 1000; i++) {
      reporter.update(1, [workload('a', { restarts: i })])
      later(1)
    }
    later(300)
    expect(sent.length).toBeLessThanOrEqual(6)
    expect(sent.at(-1)?.workloads[0]?.restarts).toBe(999)
  })

  it('says everything again after every connect', () => {
    const { reporter, sent, later } = connected()
    reporter.update(1, [workload('a')])
    later(300)
    reporter.disconnected()
    reporter.update(1, [workload('a'), workload('b')])
    later(300)
    expect(sent).toHaveLength(1)
    reporter.connected((report) => sent.push(report))
    later(300)
    expect(sent[1]).toMatchObject({ isComplete: true, workloads: [{ key: 'a' }, { key: 'b' }] })
  })
})
