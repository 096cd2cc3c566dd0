// Groups on a real engine: what starts, what is limited, when it is ready, what becomes of it when things die.
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  addressOf,
  getContainer,
  killContainer,
  listContainers,
  removeContainer,
} from '../../packages/agent/src/runtime/engine/client/containers.ts'
import { execCommand } from '../../packages/agent/src/runtime/engine/client/exec.ts'
import { restartDelayMs, type Runtime } from '../../packages/agent/src/runtime/runtime.ts'
import {
  bringUp,
  container,
  eventually,
  find,
  forever,
  group,
  imageTwo,
  isReady,
  openBench,
  probe,
  script,
  until,
  type Bench,
} from './harness.ts'

let bench: Bench
let runtime: Runtime

beforeAll(async () => {
  bench = await openBench()
  runtime = bench.open()
})
afterEach(() => bench.clear())
afterAll(() => bench.dispose())

const detailsOf = async (instanceId: string, name: string) => {
  const [found] = await listContainers(bench.engine, [`littoral.instance=${instanceId}`, `littoral.container=${name}`])
  return getContainer(bench.engine, found?.Id ?? '')
}

test('the containers of a group share one network, and each is labelled, limited and given its environment', async () => {
  const workload = group({
    containers: [
      container({ env: [{ name: 'GREETING', value: 'a=b, c' }], cpus: 0.5 }),
      script('while true; do wget -q -O /tmp/seen http://127.0.0.1:8080/ && sleep 60; sleep 0.1; done', { name: 'side', image: imageTwo }),
    ],
  })
  const { instanceId } = await bringUp(runtime, workload)
  const web = await detailsOf(instanceId, 'web')
  expect(web.Config.Labels).toMatchObject({
    'littoral.node': bench.owner,
    'littoral.key': workload.key,
    'littoral.version': 'v1',
    'littoral.digest': 'digest-of-v1',
  })
  expect(web.HostConfig).toMatchObject({ NanoCpus: 5e8, Memory: 64 * 1024 * 1024, PidsLimit: 1024, RestartPolicy: { Name: 'no' } })
  expect(web.Config.Env).toContain('GREETING=a=b, c')
  const side = await detailsOf(instanceId, 'side')
  await eventually(
    async () => (await execCommand(bench.engine, side.Id, { command: ['cat', '/tmp/seen'], timeoutMs: 5000 })).output === 'one',
  )
})

test('command replaces the entry point and args its arguments, without a shell', async () => {
  const workload = group({ containers: [container({ command: ['/bin/echo', '$HOME'], args: ['a b', '*'] })] })
  const instanceId = await runtime.start(workload, forever())
  await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
  let text = ''
  for await (const part of runtime.logs(instanceId, { tailLines: 10, follow: false }, forever())) text += part
  expect(text).toBe('$HOME a b *\n')
})

test.each([
  ['tcpSocket', { ...probe.tcpSocket }],
  ['httpGet', { ...probe.tcpSocket, type: 'httpGet' as const, path: '/index.html' }],
  ['exec', { ...probe.tcpSocket, type: 'exec' as const, command: ['test', '-e', '/tmp/up'] }],
])('a group is ready when its %s probe passes, and not before', async (_type, check) => {
  const text = 'until [ -e /tmp/go ]; do sleep 0.05; done; touch /tmp/up; exec httpd -f -p 8080 -h /www'
  const workload = group({ containers: [script(text, { probe: check })] })
  const instanceId = await runtime.start(workload, forever())
  const waiting = await until(runtime, instanceId, ({ reason }) => reason?.code === 'ProbeFailed')
  expect(waiting.phase).toBe('starting')
  const { Id } = await detailsOf(instanceId, 'web')
  await execCommand(bench.engine, Id, { command: ['touch', '/tmp/go'], timeoutMs: 5000 })
  await until(runtime, instanceId, isReady)
})

test('a group whose probe fails later is unready, and ready again when it passes', async () => {
  const check = { ...probe.tcpSocket, type: 'exec' as const, command: ['test', '!', '-e', '/tmp/ill'] }
  const { instanceId } = await bringUp(runtime, group({ containers: [container({ probe: check })] }))
  const { Id } = await detailsOf(instanceId, 'web')
  await execCommand(bench.engine, Id, { command: ['touch', '/tmp/ill'], timeoutMs: 5000 })
  const ill = await until(runtime, instanceId, ({ phase }) => phase === 'unready')
  expect(ill.reason).toMatchObject({ code: 'ProbeFailed', message: expect.stringContaining('web: ') })
  await execCommand(bench.engine, Id, { command: ['rm', '/tmp/ill'], timeoutMs: 5000 })
  await until(runtime, instanceId, isReady)
})

test('postStart runs before the group is ready, once per start', async () => {
  const workload = group({ containers: [container({ postStart: ['sh', '-c', 'sleep 0.3; echo x >> /tmp/hook'], probe: probe.tcpSocket })] })
  const { instanceId } = await bringUp(runtime, workload)
  const { Id } = await detailsOf(instanceId, 'web')
  expect((await execCommand(bench.engine, Id, { command: ['cat', '/tmp/hook'], timeoutMs: 5000 })).output).toBe('x\n')
})

test('a container whose postStart fails is ended with that reason and starts again', async () => {
  const instanceId = await runtime.start(group({ containers: [container({ postStart: ['sh', '-c', 'echo no disk; exit 4'] })] }), forever())
  const failed = await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
  expect(failed.reason).toMatchObject({ code: 'PostStartFailed', message: expect.stringContaining('exit code 4: no disk') })
  await runtime.restart(instanceId, 'web', forever())
  expect(await find(runtime, instanceId)).toMatchObject({ restarts: 1, lastRestartReason: 'PostStartFailed' })
})

test('a container that exits waits for its restart, with its exit code, last words and failures counted once', async () => {
  const instanceId = await runtime.start(group({ containers: [script('echo cannot open /dev/ttyS0; exit 3')] }), forever())
  await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
  const seen = await find(runtime, instanceId)
  expect(seen).toMatchObject({ phase: 'backoff', reason: { code: 'ExitedEarly', message: 'web: exit code 3: cannot open /dev/ttyS0' } })
  expect(seen?.containers).toMatchObject([{ state: 'exited', exitCode: 3, failures: 1, restarts: 0 }])
  await runtime.restart(instanceId, 'web', forever())
  const again = await until(runtime, instanceId, ({ containers }) => containers[0]?.failures === 2)
  expect(again).toMatchObject({ restarts: 1, lastRestartReason: 'ExitedEarly', containers: [{ restarts: 1 }] })
})

test('a command that does not exist is a failed start of its container, not of the group', async () => {
  const workload = group({ containers: [container(), container({ name: 'bad', command: ['/no/such/program'] })] })
  const instanceId = await runtime.start(workload, forever())
  const seen = await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
  expect(seen.reason).toMatchObject({ code: 'StartFailed', message: expect.stringContaining('bad: ') })
  expect(seen.containers).toMatchObject([
    { name: 'web', state: 'running' },
    { name: 'bad', state: 'exited', failures: 1 },
  ])
})

test('a container over its memory limit is reported as out of memory', async () => {
  const hungry = script('x=x; while true; do x=$x$x; done', { memoryBytes: 16 * 1024 * 1024 })
  const instanceId = await runtime.start(group({ containers: [hungry] }), forever())
  const seen = await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
  expect(seen).toMatchObject({ reason: { code: 'OutOfMemory' }, containers: [{ exitCode: 137, isOutOfMemory: true }] })
})

test('a container that somebody kills through the engine is not reported as out of memory, under a memory limit too', async () => {
  const instanceId = await runtime.start(group({ containers: [script('exec sleep 1000', { memoryBytes: 16 * 1024 * 1024 })] }), forever())
  await until(runtime, instanceId, isReady)
  const { Id } = await detailsOf(instanceId, 'web')
  await killContainer(bench.engine, Id)
  const seen = await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
  expect(seen).toMatchObject({ reason: { code: 'ExitedEarly' }, containers: [{ exitCode: 137 }] })
  expect(seen.containers[0]).not.toHaveProperty('isOutOfMemory')
})

test('the kernel keeps a container to a number of processes that grows with its processors', async () => {
  const { instanceId } = await bringUp(runtime, group({ containers: [container({ cpus: 1.5 })] }))
  const { Id } = await detailsOf(instanceId, 'web')
  const places = 'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null; true'
  const { output } = await execCommand(bench.engine, Id, { command: ['sh', '-c', places], timeoutMs: 5000 })
  expect(output.trim()).toBe('2048')
})

test('the last results of a probe are kept with what they said, also when the container has ended', async () => {
  const check = { ...probe.tcpSocket, type: 'exec' as const, command: ['sh', '-c', 'echo checked; test -e /tmp/up'] }
  const workload = group({ containers: [script('until [ -e /tmp/end ]; do sleep 0.05; done; exit 5', { probe: check })] })
  const instanceId = await runtime.start(workload, forever())
  const hasResult = (wanted: boolean) =>
    runtime.probes!(instanceId)
      .get('web')
      ?.some(({ isSuccess }) => isSuccess === wanted) === true
  const { Id } = await detailsOf(instanceId, 'web')
  for (const [file, isFirst] of Object.entries({ '/tmp/up': false, '/tmp/end': true })) {
    await eventually(() => hasResult(isFirst))
    await execCommand(bench.engine, Id, { command: ['touch', file], timeoutMs: 5000 })
  }
  await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
  const results = runtime.probes!(instanceId).get('web') ?? []
  expect(results.some(({ isSuccess }) => isSuccess)).toBe(true)
  expect(results.some(({ isSuccess }) => !isSuccess)).toBe(true)
  expect(results.length).toBeLessThanOrEqual(20)
  expect(results.every(({ tookMs, atMs }) => tookMs >= 0 && atMs > 0)).toBe(true)
  // The last one may have been cut off by the end of its container.
  expect(results.slice(0, -1).every(({ output }) => output.includes('checked'))).toBe(true)
})

test('a container over its storage limit is ended and gets a fresh disk', async () => {
  const owner = `test-${randomBytes(6).toString('hex')}`
  const watching = bench.open({ owner, dataDir: `${bench.folder}/storage`, storageCheckMs: 200, keepsSpareHolder: false })
  const workload = group({
    containers: [container({ storageBytes: 1024 * 1024, postStart: ['sh', '-c', 'dd if=/dev/zero of=/big bs=1M count=4'] })],
  })
  const instanceId = await watching.start(workload, forever())
  const seen = await until(watching, instanceId, ({ phase }) => phase === 'backoff')
  expect(seen.reason).toMatchObject({ code: 'StorageExceeded' })
  const before = await detailsOf(instanceId, 'web')
  await watching.restart(instanceId, 'web', forever())
  const after = await detailsOf(instanceId, 'web')
  expect(after.Id).not.toBe(before.Id)
  // It fills its disk again, and may be ended again by now.
  expect(Date.parse(after.State.StartedAt)).toBeGreaterThan(Date.parse(before.State.FinishedAt))
  await watching.remove(instanceId, forever())
})

test('stop runs preStop before TERM and kills what ignores it when the grace is over', async () => {
  const stubborn = script('trap "" TERM; echo up; while true; do sleep 0.1; done', { preStop: ['sh', '-c', 'echo preStop > /proc/1/fd/1'] })
  const instanceId = await runtime.start(group({ containers: [stubborn] }), forever())
  const output = async () => {
    let text = ''
    for await (const part of runtime.logs(instanceId, { tailLines: 10, follow: false }, forever())) text += part
    return text
  }
  // Until then it would heed TERM.
  await eventually(async () => (await output()) === 'up\n')
  const startedAt = performance.now()
  await runtime.stop(instanceId, { reason: 'removed', graceSeconds: 2 }, forever())
  expect(performance.now() - startedAt).toBeGreaterThan(1500)
  expect(performance.now() - startedAt).toBeLessThan(6000)
  expect(await output()).toBe('up\npreStop\n')
  expect(await find(runtime, instanceId)).toMatchObject({ phase: 'stopped', containers: [{ state: 'exited', exitCode: 137 }] })
  await runtime.remove(instanceId, forever())
  expect(await find(runtime, instanceId)).toBeUndefined()
  await runtime.stop(instanceId, { reason: 'removed', graceSeconds: 2 }, forever())
  await runtime.remove(instanceId, forever())
})

test('when the holder is killed from outside the instance counts as stopped, because its network is gone', async () => {
  const { instanceId } = await bringUp(runtime, group())
  const web = await detailsOf(instanceId, 'web')
  const holderId = web.HostConfig.NetworkMode?.slice('container:'.length) ?? ''
  await killContainer(bench.engine, holderId)
  const seen = await until(runtime, instanceId, ({ phase }) => phase === 'stopped')
  expect(seen.reason?.code).toBe('NetworkLost')
  await runtime.remove(instanceId, forever())
  expect(await listContainers(bench.engine, [`littoral.instance=${instanceId}`])).toEqual([])
})

test('a group that went down as a whole comes up as it was, at once, with what it had written', async () => {
  const check = { ...probe.tcpSocket, initialDelaySeconds: 0, periodSeconds: 1 }
  const side = script('exec sleep 1000', { name: 'side', image: imageTwo })
  const before = bench.open()
  const { instanceId } = await bringUp(before, group({ containers: [container({ probe: check }), side] }))
  const web = await detailsOf(instanceId, 'web')
  await execCommand(bench.engine, web.Id, { command: ['touch', '/tmp/kept'], timeoutMs: 5000 })
  await before.close()
  const holderId = web.HostConfig.NetworkMode?.slice('container:'.length) ?? ''
  for (const id of [web.Id, (await detailsOf(instanceId, 'side')).Id, holderId]) await killContainer(bench.engine, id)
  const after = bench.open()
  const down = await until(after, instanceId, ({ phase }) => phase === 'backoff')
  expect(down).toMatchObject({ reason: { code: 'Interrupted' } })
  expect(down.containers.map(({ failures }) => restartDelayMs(failures))).toEqual([0, 0])
  for (const name of ['web', 'side']) await after.restart(instanceId, name, forever())
  expect(await until(after, instanceId, isReady)).toMatchObject({ instanceId, lastRestartReason: 'Interrupted' })
  const again = await detailsOf(instanceId, 'web')
  expect(again.Id).toBe(web.Id)
  expect((await execCommand(bench.engine, again.Id, { command: ['ls', '/tmp/kept'], timeoutMs: 5000 })).exitCode).toBe(0)
  // What goes down again while this agent looks on waits its time.
  for (const id of [again.Id, (await detailsOf(instanceId, 'side')).Id, holderId]) await killContainer(bench.engine, id)
  const twice = await until(after, instanceId, ({ containers }) => containers.every(({ state }) => state === 'exited'))
  expect(twice.containers.every(({ failures }) => restartDelayMs(failures) >= 1000)).toBe(true)
})

test('a group whose network cannot be set up again is made anew', async () => {
  const before = bench.open()
  const { instanceId } = await bringUp(before, group())
  const web = await detailsOf(instanceId, 'web')
  await before.close()
  const holderId = web.HostConfig.NetworkMode?.slice('container:'.length) ?? ''
  for (const id of [web.Id, holderId]) await killContainer(bench.engine, id)
  const after = bench.open()
  await until(after, instanceId, ({ phase }) => phase === 'backoff')
  await removeContainer(bench.engine, holderId)
  await expect(after.restart(instanceId, 'web', forever())).rejects.toMatchObject({ code: 'NetworkLost' })
  expect((await until(after, instanceId, ({ phase }) => phase === 'stopped')).reason?.code).toBe('NetworkLost')
})

test('the next agent adopts what runs: same instance, same counters, ready at its first look', async () => {
  const workload = group({
    containers: [container({ probe: { ...probe.tcpSocket, initialDelaySeconds: 5, periodSeconds: 10 } })],
    restartToken: 't1',
  })
  const first = bench.open()
  const instanceId = await first.start(workload, forever())
  await until(first, instanceId, isReady)
  const { Id } = await detailsOf(instanceId, 'web')
  await killContainer(bench.engine, Id)
  await until(first, instanceId, ({ phase }) => phase === 'backoff')
  await first.restart(instanceId, 'web', forever())
  await until(first, instanceId, isReady)
  await first.close()
  const second = bench.open()
  expect(await find(second, instanceId)).toMatchObject({
    phase: 'ready',
    restartToken: 't1',
    digest: workload.digest,
    restarts: 1,
    lastRestartReason: 'ExitedEarly',
  })
})

test('a group that lacks a container is incomplete', async () => {
  const workload = group({ containers: [container(), container({ name: 'side', command: ['sleep', '1000'] })] })
  const { instanceId } = await bringUp(runtime, workload)
  const side = await detailsOf(instanceId, 'side')
  await removeContainer(bench.engine, side.Id)
  expect((await until(runtime, instanceId, ({ phase }) => phase === 'incomplete')).key).toBe(workload.key)
  const web = await detailsOf(instanceId, 'web')
  await removeContainer(bench.engine, web.Id)
  await eventually(async () => (await find(runtime, instanceId)) === undefined)
  expect(await listContainers(bench.engine, [`littoral.instance=${instanceId}`])).toEqual([])
})

test('an agent sees nothing of another agent on the same engine', async () => {
  const { instanceId } = await bringUp(runtime, group())
  const other = bench.open({ owner: `test-${randomBytes(6).toString('hex')}`, dataDir: `${bench.folder}/other` })
  expect(await other.observe(forever())).toEqual([])
  expect(await find(runtime, instanceId)).toMatchObject({ phase: 'ready' })
})

test('one spare holder is kept, and taken by the next start', async () => {
  const owner = `test-${randomBytes(6).toString('hex')}`
  const own = bench.open({ owner, dataDir: `${bench.folder}/spare` })
  const holders = () => listContainers(bench.engine, [`littoral.node=${owner}`, 'littoral.role=holder'])
  const first = await own.start(group(), forever())
  await eventually(async () => (await holders()).filter(({ State }) => State === 'running').length === 2, 25_000)
  const spares = await holders()
  const second = await own.start(group(), forever())
  const used = (await detailsOf(second, 'web')).HostConfig.NetworkMode ?? ''
  expect(spares.map(({ Id }) => `container:${Id}`)).toContain(used)
  const address = addressOf(await getContainer(bench.engine, used.slice('container:'.length)))
  await eventually(async () => (await fetch(`http://${address}:8080/`).then((answer) => answer.text(), String)) === 'one')
  for (const instanceId of [first, second]) await own.remove(instanceId, forever())
  await eventually(async () => (await own.observe(forever())).length === 0 && (await holders()).length <= 1)
  await own.close()
  for (const { Id } of await holders()) await removeContainer(bench.engine, Id)
})
