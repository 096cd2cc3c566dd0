import { describe, expect, it } from 'vitest'
import type { Attempt } from './attempts.ts'
import { nodeStatus, type StatusInput } from './status.ts'
import { driver, group, instanceOf } from './test-workloads.ts'

const v1 = group()
const v2 = group({ version: 'ver-2' })

function status(overrides: Partial<StatusInput>) {
  const input = { placements: [], instances: [], unavailable: new Map(), attempts: [], running: [], host: '10.0.0.1', nowMs: 5000 }
  return nodeStatus({ ...input, ...overrides })
}

function placed(workload: typeof v1) {
  return [{ workload, runtime: 'memory' }]
}

function attempt(overrides: Partial<Attempt> = {}): Attempt {
  const reason = { code: 'ImagePullFailed', message: 'no answer' }
  return { key: v1.key, kind: 'prepare', failures: 1, reason, isStalled: false, failedAtMs: 1, untilMs: 2, ...overrides }
}

describe('the status of a workload', () => {
  it('is pending before anything was done', () => {
    expect(status({ placements: placed(v1) })).toEqual([
      {
        key: v1.key,
        version: 'ver-1',
        digest: v1.digest,
        phase: 'pending',
        restarts: 0,
        addresses: [],
        containers: [],
        observedAtMs: 5000,
      },
    ])
  })

  it('is preparing with the progress of it', () => {
    const running = [{ step: { kind: 'prepare' as const, runtime: 'memory', workload: v1 }, progress: 'pulling' }]
    expect(status({ placements: placed(v1), running })[0]).toMatchObject({
      phase: 'preparing',
      reason: { code: 'Preparing', message: 'pulling' },
    })
  })

  it('keeps the reason of a failure that is tried again', () => {
    expect(status({ placements: placed(v1), attempts: [attempt()] })[0]).toMatchObject({
      phase: 'preparing',
      reason: { code: 'ImagePullFailed' },
    })
    const start = attempt({ kind: 'start', reason: { code: 'StartFailed', message: '' } })
    expect(status({ placements: placed(v1), attempts: [start] })[0]).toMatchObject({ phase: 'starting', reason: { code: 'StartFailed' } })
  })

  it('is failed when trying again is pointless, also while it is tried again', () => {
    const running = [{ step: { kind: 'prepare' as const, runtime: 'memory', workload: v1 } }]
    expect(status({ placements: placed(v1), attempts: [attempt({ isStalled: true })], running })[0]).toMatchObject({ phase: 'failed' })
  })

  it('is never ready for another version than the one observed', () => {
    const [report] = status({ placements: placed(v2), instances: [instanceOf(v1, { instanceId: 'old' })] })
    expect(report).toMatchObject({
      version: 'ver-2',
      phase: 'pending',
      serving: { version: 'ver-1', digest: v1.digest, instanceId: 'old' },
    })
    expect(report?.instanceId).toBeUndefined()
  })

  it('is never ready for another restart token than the one observed', () => {
    const again = group({ restartToken: 't2' })
    expect(status({ placements: placed(again), instances: [instanceOf(v1)] })[0]?.phase).toBe('pending')
  })

  it('is not ready before the ports lead to it', () => {
    const waiting = instanceOf(v1, { isActive: false })
    expect(status({ placements: placed(v1), instances: [waiting] })[0]).toMatchObject({
      phase: 'starting',
      reason: { code: 'SwitchingTraffic' },
    })
    const stuck = attempt({ kind: 'activate', isStalled: true, reason: { code: 'PortInUse', message: '8080' } })
    expect(status({ placements: placed(v1), instances: [waiting], attempts: [stuck] })[0]).toMatchObject({
      phase: 'failed',
      reason: { code: 'PortInUse' },
    })
  })

  it('forgets an old failure once it is ready', () => {
    expect(status({ placements: placed(v1), instances: [instanceOf(v1)], attempts: [attempt()] })[0]?.reason).toBeUndefined()
  })

  it('is not ready with a config that was not handed over yet', () => {
    const before = driver()
    const after = driver({ config: '{"new":true}' })
    const [report] = status({ placements: [{ workload: after, runtime: 'memory' }], instances: [instanceOf(before)] })
    expect(report).toMatchObject({ digest: after.digest, phase: 'pending', serving: { digest: before.digest } })
  })

  it('is stopping while the node gets rid of it', () => {
    expect(status({ instances: [instanceOf(v1)] })[0]).toMatchObject({ key: v1.key, phase: 'stopping' })
  })

  it('says that the platform does not answer rather than what it saw last', () => {
    const unavailable = new Map([['memory', 'engine down']])
    const [report] = status({ placements: placed(v1), instances: [instanceOf(v1)], unavailable })
    expect(report).toMatchObject({ phase: 'unready', reason: { code: 'RuntimeUnavailable', message: 'engine down' } })
  })

  it('keeps what only the planner needs to itself', () => {
    const exited = { name: 'web', state: 'exited' as const, isReady: false, restarts: 1, failures: 4, exitedAtMs: 77, exitCode: 3 }
    const [report] = status({ placements: placed(v1), instances: [instanceOf(v1, { phase: 'backoff', containers: [exited] })] })
    expect(report?.containers).toEqual([{ name: 'web', state: 'exited', isReady: false, restarts: 1, exitCode: 3 }])
  })
})
