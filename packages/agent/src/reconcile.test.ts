import { afterEach, describe, expect, it } from 'vitest'
import type { Workload } from '@littoral/contract/node/desired-state'
import type { WorkloadReport } from '@littoral/contract/node/report'
import { Reconciler, type ReconcilerOptions } from './reconcile.ts'
import { MemoryMachine, MemoryRuntime } from './runtime/memory.ts'
import { StepError } from './runtime/runtime.ts'
import { container, desiredState, driver, group } from './test-workloads.ts'

const running: Reconciler[] = []
afterEach(async () => {
  for (const reconciler of running.splice(0)) await reconciler.close(2000)
})

function node(overrides: Partial<ReconcilerOptions> = {}, machine = new MemoryMachine()) {
  let reports: readonly WorkloadReport[] = []
  const log: string[] = []
  const reconciler = new Reconciler({
    runtimes: [new MemoryRuntime(machine)],
    onStatus: (_generation, workloads) => (reports = workloads),
    log: (line) => log.push(line),
    host: () => '10.0.0.1',
    random: () => 0,
    ...overrides,
  })
  running.push(reconciler)
  let generation = 0
  return {
    machine,
    reconciler,
    log,
    want: (...workloads: Workload[]) => reconciler.accept(desiredState(++generation, ...workloads)),
    start: (...workloads: Workload[]) => reconciler.start(desiredState(++generation, ...workloads)),
    of: (key: string) => reports.find((report) => report.key === key),
    reports: () => reports,
  }
}

const key = 'app/app-1/prod'

function image(name: string, overrides: Parameters<typeof group>[0] = {}) {
  return group({ containers: [container({ image: name })], ...overrides })
}

async function until(check: () => boolean, timeout = 10_000): Promise<void> {
  await expect.poll(check, { timeout, interval: 10 }).toBe(true)
}

describe('the reconciler', () => {
  it('brings a group from nothing to ready, and then away again', async () => {
    const { want, start, of, machine } = node()
    start(image('demo/web:1'))
    await until(() => of(key)?.phase === 'ready')
    expect(of(key)).toMatchObject({ version: 'ver-1', addresses: [{ host: '10.0.0.1', port: 8080, servicePort: 8080 }], restarts: 0 })
    want()
    await until(() => machine.instances.size === 0)
    await until(() => of(key) === undefined)
  })

  it('looks for what has to come from outside in a steady rhythm, says it once, and prepares nothing again', async () => {
    const machine = new MemoryMachine()
    const runtime = new MemoryRuntime(machine)
    const [start, prepare] = [runtime.start.bind(runtime), runtime.prepare.bind(runtime)]
    const tried: string[] = []
    let isThere = false
    runtime.prepare = async (...given) => {
      tried.push('prepare')
      await prepare(...given)
    }
    runtime.start = async (...given) => {
      tried.push('start')
      if (!isThere) throw new StepError('DeviceMissing', 'waiting for /dev/ttyS9', { waitsMs: 20 })
      return start(...given)
    }
    const { start: begin, of, log } = node({ runtimes: [runtime] }, machine)
    begin(driver())
    await until(() => tried.length > 6)
    expect(of('driver/inst-1/drv-1')).toMatchObject({
      phase: 'starting',
      reason: { code: 'DeviceMissing', message: 'waiting for /dev/ttyS9' },
    })
    isThere = true
    await until(() => of('driver/inst-1/drv-1')?.phase === 'ready')
    expect(tried.filter((step) => step === 'prepare')).toHaveLength(1)
    expect(log.filter((line) => line.includes('DeviceMissing'))).toHaveLength(1)
  })

  it('replaces a version only when the new one is ready', async () => {
    const { want, start, of, machine } = node()
    start(image('demo/web:1'))
    await until(() => of(key)?.phase === 'ready')
    const old = of(key)!.instanceId!
    const gaps: string[] = []
    want(image('demo/web:ready-after-150', { version: 'ver-2' }))
    await until(() => {
      const active = machine.ports.get(key)?.instanceId
      if (active === undefined) gaps.push('nobody served')
      return of(key)?.version === 'ver-2' && of(key)?.phase === 'ready' && machine.instances.size === 1
    })
    expect(gaps).toEqual([])
    expect(of(key)?.instanceId).not.toBe(old)
  })

  it('tells which version serves while the new one is on its way', async () => {
    const { want, start, of } = node()
    const v1 = image('demo/web:1')
    start(v1)
    await until(() => of(key)?.phase === 'ready')
    const instanceId = of(key)!.instanceId
    want(image('demo/web:never-ready', { version: 'ver-2' }))
    await until(() => of(key)?.phase === 'starting')
    expect(of(key)).toMatchObject({ version: 'ver-2', serving: { version: 'ver-1', digest: v1.digest, instanceId } })
  })

  it('keeps trying what fails, says why, and succeeds once the cause is gone', async () => {
    const machine = new MemoryMachine()
    const { start, of } = node({}, machine)
    start(image('demo/fail-pull:1'))
    await until(() => of(key)?.reason?.code === 'ImagePullFailed')
    expect(of(key)?.phase).toBe('preparing')
    machine.images.add('demo/fail-pull:1')
    await until(() => of(key)?.phase === 'ready')
    expect(of(key)?.reason).toBeUndefined()
  })

  it('calls failed what cannot work as specified', async () => {
    const { start, of } = node()
    start(image('demo/missing-image:1'))
    await until(() => of(key)?.phase === 'failed')
    expect(of(key)?.reason?.code).toBe('ImageNotFound')
  })

  it('does not let a slow pull delay another workload', async () => {
    const { start, of } = node()
    start(image('demo/slow-pull-60000'), image('demo/web:1', { key: 'app/b/prod', ports: [] }))
    await until(() => of('app/b/prod')?.phase === 'ready')
    expect(of(key)?.phase).toBe('preparing')
  })

  it('drops a pull that a newer desired state no longer wants, without calling it a failure', async () => {
    const { start, want, of, log } = node()
    start(image('demo/slow-pull-60000'))
    await until(() => of(key)?.phase === 'preparing')
    want(image('demo/web:2', { version: 'ver-2' }))
    await until(() => of(key)?.version === 'ver-2' && of(key)?.phase === 'ready')
    expect(log.filter((line) => line.includes('next attempt'))).toEqual([])
  })

  it('fetches what a coming state needs while that is written, starts nothing of it, and need not fetch it again', async () => {
    const { reconciler, want, start, of, machine, log } = node()
    start()
    await until(() => reconciler.lastPass !== undefined)
    const coming = image('demo/web:1')
    await until(() => {
      reconciler.foresee(desiredState(2, coming))
      return log.length > 0
    })
    expect(log).toEqual([`prepare ${key}: done`])
    expect(machine.instances.size).toBe(0)
    want(coming)
    await until(() => of(key)?.phase === 'ready')
    expect(log.filter((line) => line.startsWith('prepare'))).toHaveLength(1)
  })

  it('finishes a start that became unwanted half-way, and then removes it', async () => {
    const { start, want, machine } = node()
    start(image('demo/slow-start-200'))
    await until(() => [...machine.instances.values()].some(({ phase }) => phase === 'incomplete'))
    want()
    await until(() => machine.instances.size === 0)
    expect(machine.count).toBe(1)
  })

  it('restarts what exits, with pauses, and counts', async () => {
    const { start, of } = node()
    start(image('demo/exit-3-after-10'))
    await until(() => of(key)?.phase === 'backoff')
    expect(of(key)?.reason?.message).toContain('exit code 3')
    await until(() => (of(key)?.restarts ?? 0) >= 1)
    expect(of(key)?.lastRestartReason).toBe('exit code 3')
  })

  it('starts an instance once, however often it is woken', async () => {
    const { start, reconciler, of, machine } = node()
    start(image('demo/slow-start-50'))
    const timer = setInterval(() => reconciler.wake(), 1)
    await until(() => of(key)?.phase === 'ready')
    clearInterval(timer)
    expect(machine.count).toBe(1)
  })

  it('touches nothing and claims nothing while the platform does not answer', async () => {
    const { start, want, of, machine } = node({ periodMs: 50 })
    start(image('demo/web:1'))
    await until(() => of(key)?.phase === 'ready')
    machine.failure = 'the engine is down'
    want(image('demo/web:1'))
    await until(() => of(key)?.phase === 'unready')
    expect(of(key)?.reason).toEqual({ code: 'RuntimeUnavailable', message: 'the engine is down' })
    machine.failure = undefined
    await until(() => of(key)?.phase === 'ready')
    expect(machine.count).toBe(1)
  })

  it('takes over what an earlier agent left, without starting it again', async () => {
    const machine = new MemoryMachine()
    const first = node({}, machine)
    first.start(image('demo/web:1'))
    await until(() => first.of(key)?.phase === 'ready')
    await first.reconciler.close()
    const second = node({}, machine)
    second.start(image('demo/web:1'))
    await until(() => second.of(key)?.phase === 'ready')
    expect(machine.count).toBe(1)
  })

  it('reports what it may not run, with the reason', async () => {
    const { start, of } = node({ unmet: () => ({ code: 'EdgeVersionTooOld', message: 'needs 3.0' }) })
    start(driver())
    await until(() => of('driver/inst-1/drv-1') !== undefined)
    expect(of('driver/inst-1/drv-1')).toMatchObject({ phase: 'failed', reason: { code: 'EdgeVersionTooOld', message: 'needs 3.0' } })
  })

  it('reports a port that another workload holds', async () => {
    const { start, of } = node()
    start(image('demo/web:1'), image('demo/web:2', { key: 'app/b/prod' }))
    await until(
      () => [of(key)?.phase, of('app/b/prod')?.phase].includes('starting') && [of(key)?.phase, of('app/b/prod')?.phase].includes('ready'),
    )
    const [stuck] = [of(key), of('app/b/prod')].filter((report) => report?.phase === 'starting')
    await expect.poll(() => of(stuck!.key)?.reason?.code).toBe('PortInUse')
  })

  it('gives up a lost instance with pauses instead of spinning', async () => {
    const { start, machine, of } = node({ periodMs: 20 })
    start(image('demo/web:1', { ports: [] }))
    const killer = setInterval(() => {
      for (const instance of machine.instances.values()) instance.phase = 'stopped'
    }, 5)
    await until(() => of(key)?.reason?.code === 'InstanceLost')
    clearInterval(killer)
    expect(machine.count).toBeLessThan(6)
  })
})
