// Podman runs groups as Docker does: the contract of runtimes, and what an operator sees of a group's life. On a private
// Podman where it is installed; skipped by name elsewhere, because Docker is the engine that every developer must have.
import { randomBytes } from 'node:crypto'
import http from 'node:http'
import net from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { getContainer, killContainer, listContainers } from '../../packages/agent/src/runtime/engine/client/containers.ts'
import { execCommand } from '../../packages/agent/src/runtime/engine/client/exec.ts'
import { runtimeContract, type Behaviour } from '../../packages/agent/src/runtime/runtime.contract.ts'
import type { Runtime } from '../../packages/agent/src/runtime/runtime.ts'
import type { EngineHandle } from '../../tools/engine.ts'
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
import { startPodman, whyNoPodman } from './podman-engine.ts'

const missing = whyNoPodman()

describe.skipIf(missing !== undefined)(`Podman${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let podman: EngineHandle
  let bench: Bench
  let runtime: Runtime
  // One engine for the whole file; a bench must not stop it.
  const shared = () => Promise.resolve({ ...podman, stop: () => Promise.resolve() })

  beforeAll(async () => {
    podman = await startPodman()
    bench = await openBench(shared)
    runtime = bench.open()
  })
  afterEach(() => bench.clear())
  afterAll(async () => {
    await bench?.dispose()
    await podman?.stop()
  })

  const detailsOf = async (instanceId: string, name: string) => {
    const [found] = await listContainers(bench.engine, [`littoral.instance=${instanceId}`, `littoral.container=${name}`])
    return getContainer(bench.engine, found?.Id ?? '')
  }

  test('is known for what it is', async () => {
    expect(await runtime.capabilities()).toMatchObject({ isAvailable: true, version: expect.stringMatching(/^Podman \d/) })
  })

  test('the limits of a container are set, and its processes feel them', async () => {
    const { instanceId } = await bringUp(runtime, group({ containers: [container({ cpus: 0.5 })] }))
    const { Id, HostConfig } = await detailsOf(instanceId, 'web')
    expect(HostConfig).toMatchObject({
      NanoCpus: 5e8,
      Memory: 64 * 1024 * 1024,
      PidsLimit: 1024,
      RestartPolicy: { Name: expect.stringMatching(/^(no)?$/) },
    })
    const hungry = { command: ['sh', '-c', 'x=x; while true; do x=$x$x; done'], timeoutMs: 20_000 }
    expect((await execCommand(bench.engine, Id, hungry)).exitCode).toBe(137)
  })

  test('a container that outgrows its memory is told as that, and one that somebody kills is not', async () => {
    const limit = { memoryBytes: 16 * 1024 * 1024 }
    const hungry = await runtime.start(group({ containers: [script('x=x; while true; do x=$x$x; done', limit)] }), forever())
    const isDown = ({ phase }: { phase: string }) => phase === 'backoff'
    expect(await until(runtime, hungry, isDown)).toMatchObject({ reason: { code: 'OutOfMemory' }, containers: [{ isOutOfMemory: true }] })
    const victim = await runtime.start(group({ containers: [script('exec sleep 1000', limit)] }), forever())
    await until(runtime, victim, isReady)
    await killContainer(bench.engine, (await detailsOf(victim, 'web')).Id)
    expect(await until(runtime, victim, isDown)).toMatchObject({ reason: { code: 'ExitedEarly' }, containers: [{ exitCode: 137 }] })
  })

  test('the containers of a group reach each other, and their logs come in whole lines with their names', async () => {
    const side = script('until wget -q -O - http://127.0.0.1:8080/ 2>/dev/null; do sleep 0.1; done; echo " was here"; sleep 1000', {
      name: 'side',
    })
    const { instanceId } = await bringUp(runtime, group({ containers: [container(), side] }))
    const logs = async () => {
      let text = ''
      for await (const part of runtime.logs(instanceId, { tailLines: 10, follow: false }, forever())) text += part
      return text
        .split('\n')
        .filter((line) => line !== '')
        .toSorted()
    }
    await eventually(async () => (await logs()).length === 2)
    expect(await logs()).toEqual(['side | one was here', 'web | serving on 8080'])
  })

  test('a followed log goes on with the next run, with nothing lost and nothing twice', async () => {
    const instanceId = await runtime.start(group({ containers: [script('echo first; echo second; exit 3')] }), forever())
    await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
    const ending = new AbortController()
    let text = ''
    const reading = (async () => {
      for await (const part of runtime.logs(instanceId, { tailLines: 10, follow: true }, ending.signal)) text += part
    })()
    await eventually(() => text === 'first\nsecond\n')
    await runtime.restart(instanceId, 'web', forever())
    await eventually(() => text.length >= 'first\nsecond\n'.length * 2)
    expect(text).toBe('first\nsecond\nfirst\nsecond\n')
    ending.abort()
    await reading
  })

  test('a log since a time holds what was written from then on, whatever came before', async () => {
    const text = 'echo early; until test -e /tmp/go; do sleep 0.1; done; echo late; sleep 1000'
    const instanceId = await runtime.start(group({ containers: [script(text)] }), forever())
    const read = async (sinceMs?: number) => {
      let lines = ''
      const since = sinceMs === undefined ? {} : { sinceMs }
      for await (const part of runtime.logs(instanceId, { tailLines: 10, follow: false, ...since }, forever())) lines += part
      return lines
    }
    await eventually(async () => (await read()) === 'early\n')
    // Podman's times are whole seconds, so the second must be another one.
    const sinceMs = (Math.floor(Date.now() / 1000) + 1) * 1000
    await eventually(() => Date.now() >= sinceMs)
    const { Id } = await detailsOf(instanceId, 'web')
    await execCommand(bench.engine, Id, { command: ['touch', '/tmp/go'], timeoutMs: 5000 })
    await eventually(async () => (await read()) === 'early\nlate\n')
    expect(await read(sinceMs)).toBe('late\n')
    expect(await read(Date.now() + 60_000)).toBe('')
  })

  test('a command has a terminal of its size, takes what is typed, and tells its exit code', async () => {
    const { instanceId } = await bringUp(runtime, group({ containers: [container({ env: [{ name: 'GREETING', value: 'hello' }] })] }))
    const command = ['sh', '-c', 'read word; busybox stty size; echo $GREETING $word; read word; busybox stty size; exit 7']
    const session = await runtime.exec(instanceId, { command, tty: true, columns: 100, rows: 30 }, forever())
    let text = ''
    const reading = (async () => {
      for await (const part of session.output) text += Buffer.from(part).toString('utf8')
    })()
    await session.write(Buffer.from('once\n'))
    await eventually(() => text.endsWith('30 100\r\nhello once\r\n'))
    await session.resize(132, 43)
    await session.write(Buffer.from('again\n'))
    await reading
    expect(text).toMatch(/\r\n43 132\r\n$/)
    expect(await session.exitCode()).toBe(7)
  })

  test('a command that is left ends, and one in a container that does not run is refused by name', async () => {
    const { instanceId } = await bringUp(runtime, group())
    const command = ['sh', '-c', 'trap "touch /tmp/left; exit" HUP; echo up; while true; do sleep 0.1; done']
    const session = await runtime.exec(instanceId, { command, tty: true }, forever())
    const output = session.output[Symbol.asyncIterator]()
    expect(Buffer.from((await output.next()).value as Uint8Array).toString()).toContain('up')
    session.close()
    const { Id } = await detailsOf(instanceId, 'web')
    const isLeft = async () =>
      (await execCommand(bench.engine, Id, { command: ['test', '-e', '/tmp/left'], timeoutMs: 5000 })).exitCode === 0
    await eventually(isLeft)
    await killContainer(bench.engine, Id)
    await until(runtime, instanceId, ({ phase }) => phase === 'backoff')
    await expect(runtime.exec(instanceId, { command: ['true'], tty: false }, forever())).rejects.toMatchObject({ code: 'NotRunning' })
  })

  test('an exec probe decides when a group is ready, and when it is no longer', async () => {
    const check = { ...probe.tcpSocket, type: 'exec' as const, command: ['test', '-e', '/tmp/up'] }
    const instanceId = await runtime.start(group({ containers: [container({ probe: check })] }), forever())
    await until(runtime, instanceId, ({ reason }) => reason?.code === 'ProbeFailed')
    const { Id } = await detailsOf(instanceId, 'web')
    await execCommand(bench.engine, Id, { command: ['touch', '/tmp/up'], timeoutMs: 5000 })
    await until(runtime, instanceId, isReady)
    await execCommand(bench.engine, Id, { command: ['rm', '/tmp/up'], timeoutMs: 5000 })
    const { reason } = await until(runtime, instanceId, ({ phase }) => phase === 'unready')
    expect(reason).toMatchObject({ code: 'ProbeFailed', message: expect.stringContaining('ended with 1') })
  })

  test('no request fails while the port moves to the next version and the old one is stopped and removed', async () => {
    const key = `app/${randomBytes(4).toString('hex')}/prod`
    const port = await freePort()
    const ports = [{ servicePort: port, targetPort: 8080, fallback: false }]
    const before = await bringUp(runtime, group({ key, ports, containers: [container({ probe: probe.tcpSocket })] }))
    const seen: string[] = []
    let isDone = false
    const client = (async () => {
      while (!isDone) seen.push(await get(port).catch((error: Error) => error.message))
    })()
    const next = group({ key, ports, version: 'v2', containers: [container({ image: imageTwo, probe: probe.tcpSocket })] })
    const after = await bringUp(runtime, next)
    await runtime.stop(before.instanceId, { reason: 'replaced', graceSeconds: 10 }, forever())
    await runtime.remove(before.instanceId, forever())
    isDone = true
    await client
    expect(new Set(seen)).toEqual(new Set(['one', 'two']))
    expect(await get(port)).toBe('two')
    expect(await listContainers(bench.engine, [`littoral.instance=${before.instanceId}`])).toEqual([])
    await runtime.remove(after.instanceId, forever())
    await expect(get(port)).rejects.toThrow('ECONNREFUSED')
  })

  test('the next agent adopts what runs, and a group whose holder dies is stopped', async () => {
    const first = bench.open()
    const { instanceId } = await bringUp(first, group({ restartToken: 't1' }))
    await first.close()
    const second = bench.open()
    expect(await find(second, instanceId)).toMatchObject({ phase: 'ready', restartToken: 't1', restarts: 0 })
    const { HostConfig } = await detailsOf(instanceId, 'web')
    await killContainer(bench.engine, HostConfig.NetworkMode?.replace('container:', '') ?? '')
    expect((await until(second, instanceId, ({ phase }) => phase === 'stopped')).reason?.code).toBe('NetworkLost')
  })

  runtimeContract('Podman with groups', async () => {
    const own = await openBench(shared)
    const opened = own.open()
    const ports = [{ servicePort: await freePort(), targetPort: 8080, fallback: false }]
    const say = (version: string) => `echo this is ${version}; exec httpd -f -p 8080 -h /www`
    const scripts: Record<Behaviour, (version: string) => string> = { runs: say, exits: () => 'sleep 0.2; exit 3', missing: say }
    return {
      runtime: opened,
      async reopen() {
        await opened.close()
        return own.open()
      },
      workload(behaviour, version) {
        const image = behaviour === 'missing' ? { image: '127.0.0.1:1/no/image:1' } : {}
        const command = ['/bin/sh', '-c', scripts[behaviour](version)]
        return group({ key: `app/${own.owner}/prod`, version, ports, containers: [container({ command, ...image })] })
      },
      cleanUp: () => own.dispose(),
    }
  })
})

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function get(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, agent: false, timeout: 10_000 }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.once('end', () => resolve(text))
      answer.once('error', reject)
    })
    request.once('timeout', () => request.destroy(new Error('no answer')))
    request.once('error', reject)
  })
}
