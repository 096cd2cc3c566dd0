import { afterEach, describe, expect, it } from 'vitest'
import type { WorkloadReport } from '@littoral/contract/node/report'
import { Clock } from './clock.ts'
import { ExitTimes } from './exit-times.ts'
import { Reconciler } from './reconcile.ts'
import { MemoryMachine, MemoryRuntime } from './runtime/memory.ts'
import { container, desiredState, group, instanceOf } from './test-workloads.ts'

const year = 365 * 86_400_000
const beganMs = Date.UTC(2026, 0, 1)

/** A machine whose clock can be set. */
function machine() {
  const hands = { wall: beganMs, monotonic: 5_000 }
  const clock = new Clock({ wallMs: () => hands.wall, monotonicMs: () => hands.monotonic })
  const pass = (ms: number) => {
    hands.wall += ms
    hands.monotonic += ms
  }
  return { clock, pass, jump: (ms: number) => (hands.wall += ms) }
}

describe('the clock', () => {
  it.each([10 * year, -10 * year])('goes on at its own pace when the machine jumps by %i ms', (ms) => {
    const { clock, pass, jump } = machine()
    pass(1000)
    jump(ms)
    pass(1000)
    expect(clock.steadyMs()).toBe(beganMs + 2000)
    expect(clock.wallMs()).toBe(beganMs + 2000 + ms)
  })

  it('says that it is wrong, by how much, and no more when it is right again', () => {
    const { clock, jump } = machine()
    expect(clock.problem()).toBeUndefined()
    clock.noteServerTime(beganMs + 1000)
    expect(clock.problem()).toBeUndefined()
    jump(-10 * year)
    expect(clock.problem()).toBe("the clock of this machine is 10 years behind the server's")
    jump(20 * year)
    expect(clock.problem()).toBe("the clock of this machine is 10 years ahead of the server's")
    jump(-10 * year)
    expect(clock.problem()).toBeUndefined()
  })

  it('signs with the server’s time once it is known, in whole milliseconds', () => {
    const { clock, pass, jump } = machine()
    jump(-10 * year)
    expect(clock.bestMs()).toBe(beganMs - 10 * year)
    clock.noteServerTime(beganMs + 0.4)
    pass(500)
    expect(clock.bestMs()).toBe(beganMs + 500)
  })
})

describe('the time of an exit', () => {
  const exited = (exitedAtMs: number) =>
    instanceOf(group(), { containers: [{ name: 'web', state: 'exited', isReady: false, restarts: 0, failures: 3, exitedAtMs }] })

  it('stays where it was first seen, whatever the machine’s clock does', () => {
    const { clock, pass, jump } = machine()
    const times = new ExitTimes(clock)
    const seen = () => times.translate([exited(beganMs - 2000)])[0]?.containers[0]?.exitedAtMs
    const first = seen()
    expect(first).toBe(beganMs - 2000)
    jump(-10 * year)
    pass(1000)
    expect(seen()).toBe(first)
  })

  it('of the future counts as now: the clock was set back since', () => {
    const { clock } = machine()
    expect(new ExitTimes(clock).translate([exited(beganMs + year)])[0]?.containers[0]?.exitedAtMs).toBe(beganMs)
  })
})

describe('a node whose clock jumps by years', () => {
  const running: Reconciler[] = []
  afterEach(async () => {
    for (const reconciler of running.splice(0)) await reconciler.close(2000)
  })

  it.each([10 * year, -10 * year])('goes on trying what failed, and restarts what exits (%i ms)', async (ms) => {
    let jumpMs = 0
    const wallMs = () => Date.now() + jumpMs
    const clock = new Clock({ wallMs })
    const memory = new MemoryMachine()
    let reports: readonly WorkloadReport[] = []
    const reconciler = new Reconciler({
      runtimes: [new MemoryRuntime(memory, wallMs)],
      onStatus: (_generation, workloads) => (reports = workloads),
      log: () => {},
      host: () => '10.0.0.1',
      random: () => 0,
      clock,
    })
    running.push(reconciler)
    const failing = group({ containers: [container({ image: 'demo/fail-pull:1' })] })
    const exiting = group({ key: 'app/b/prod', ports: [], containers: [container({ image: 'demo/exit-3-after-10' })] })
    reconciler.start(desiredState(1, failing, exiting))
    const of = (key: string) => reports.find((report) => report.key === key)
    await expect
      .poll(() => [of(failing.key)?.reason?.code, of(exiting.key)?.phase], { timeout: 10_000 })
      .toEqual(['ImagePullFailed', 'backoff'])
    jumpMs = ms
    const before = of(exiting.key)?.restarts ?? 0
    memory.images.add('demo/fail-pull:1')
    await expect.poll(() => of(failing.key)?.phase, { timeout: 10_000 }).toBe('ready')
    await expect.poll(() => (of(exiting.key)?.restarts ?? 0) > before, { timeout: 10_000 }).toBe(true)
  })
})
