// The node's ports on a real engine: a new version takes over without a failed request, open connections are drained, and a
// port that is taken says so.
import { randomBytes } from 'node:crypto'
import http from 'node:http'
import net from 'node:net'
import type { GroupPort, GroupWorkload } from '@littoral/contract/node/desired-state'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openForwarder } from '../../packages/agent/src/forwarder/client.ts'
import type { Runtime } from '../../packages/agent/src/runtime/runtime.ts'
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
afterEach(async () => {
  for (const { instanceId } of await runtime.observe(forever())) await runtime.remove(instanceId, forever())
})
afterAll(() => bench.dispose())

async function freePort(): Promise<GroupPort> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return { servicePort: port, targetPort: 8080, fallback: false }
}

function get(port: number, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path, agent: false, timeout: 10_000 }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.once('end', () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(`status ${answer.statusCode}`))))
      answer.once('error', reject)
    })
    request.once('timeout', () => request.destroy(new Error('no answer')))
    request.once('error', reject)
  })
}

const version = (name: string, key: string, changes: Partial<GroupWorkload> = {}) =>
  group({
    key,
    version: name,
    containers: [container({ probe: probe.tcpSocket, ...(name === 'v1' ? {} : { image: imageTwo }) })],
    ...changes,
  })

const newKey = () => `app/${randomBytes(4).toString('hex')}/prod`

test('no request fails while the ports move from one version to the next and back', async () => {
  const port = await freePort()
  const key = newKey()
  let current = await bringUp(runtime, version('v1', key, { ports: [port] }))
  expect(current.addresses).toEqual([{ servicePort: port.servicePort, port: port.servicePort }])
  const seen = { one: 0, two: 0, failed: [] as string[] }
  let isDone = false
  const clients = Array.from({ length: 4 }, async () => {
    while (!isDone) {
      const answer = await get(port.servicePort).catch((error: Error) => error.message)
      if (answer === 'one' || answer === 'two') seen[answer] += 1
      else seen.failed.push(answer)
    }
  })
  for (const name of ['v2', 'v1', 'v2']) {
    const next = await bringUp(runtime, version(name, key, { ports: [port] }))
    await runtime.stop(current.instanceId, { reason: 'replaced', graceSeconds: 5 }, forever())
    await runtime.remove(current.instanceId, forever())
    current = next
  }
  isDone = true
  await Promise.all(clients)
  expect(seen.failed).toEqual([])
  expect(seen.one).toBeGreaterThan(50)
  expect(seen.two).toBeGreaterThan(50)
}, 60_000)

test('a request under way is answered by the old version, which is stopped only then', async () => {
  const port = await freePort()
  const key = newKey()
  const old = await bringUp(runtime, version('v1', key, { ports: [port] }))
  const slow = get(port.servicePort, '/cgi-bin/slow?2')
  await eventually(async () => (await forwarded('drain', old.instanceId)) === 1)
  await bringUp(runtime, version('v2', key, { ports: [port] }))
  const stopped = runtime.stop(old.instanceId, { reason: 'replaced', graceSeconds: 15 }, forever())
  expect(await get(port.servicePort)).toBe('two')
  expect(await slow).toBe('one')
  await stopped
})

async function forwarded(kind: 'drain', owner: string): Promise<number> {
  const forwarder = openForwarder({ folder: `${bench.folder}/forwarder`, onLost: () => {} })
  try {
    return (await forwarder.ask(kind, { owner, waitMs: 0 })).connections
  } finally {
    forwarder.close()
  }
}

test('connections that outlive the grace are cut', async () => {
  const port = await freePort()
  const old = await bringUp(runtime, version('v1', newKey(), { ports: [port] }))
  const cut = get(port.servicePort, '/cgi-bin/slow?60').catch((error: Error) => error.message)
  await eventually(async () => (await forwarded('drain', old.instanceId)) === 1)
  const startedAt = performance.now()
  await runtime.stop(old.instanceId, { reason: 'removed', graceSeconds: 3 }, forever())
  expect(performance.now() - startedAt).toBeLessThan(6000)
  // How an ended connection looks depends on who was first: the container that was told to end, or the cut.
  expect(await cut).toMatch(/^$|hang up|ECONNRESET|aborted/)
  await expect(get(port.servicePort)).rejects.toThrow('ECONNREFUSED')
})

test('a taken port of the node is named; a group that may fall back gets another one, and keeps it', async () => {
  const blocker = net.createServer()
  await new Promise<void>((resolve) => blocker.listen(0, resolve))
  const { port } = blocker.address() as net.AddressInfo
  const strict = group({ ports: [{ servicePort: port, targetPort: 8080, fallback: false }] })
  const strictId = await runtime.start(strict, forever())
  await until(runtime, strictId, isReady)
  await expect(runtime.activate(strictId, forever())).rejects.toMatchObject({ code: 'PortInUse', isStalled: false })
  expect(await find(runtime, strictId)).toMatchObject({ isActive: false, addresses: [] })
  const loose = group({ key: newKey(), environment: 'staging', ports: [{ servicePort: port, targetPort: 8080, fallback: true }] })
  const first = await bringUp(runtime, loose)
  const [address] = first.addresses
  expect(address).toMatchObject({ servicePort: port })
  expect(address?.port).not.toBe(port)
  expect(await get(address?.port ?? 0)).toBe('one')
  await runtime.stop(first.instanceId, { reason: 'removed', graceSeconds: 0 }, forever())
  await runtime.remove(first.instanceId, forever())
  expect((await bringUp(runtime, loose)).addresses).toEqual([address])
  await new Promise((resolve) => blocker.close(resolve))
  await runtime.activate(strictId, forever())
  expect(await get(port)).toBe('one')
})

test('a port answers on while the agent is away, and the next agent finds it where it leads', async () => {
  const port = await freePort()
  const { instanceId } = await bringUp(runtime, version('v1', newKey(), { ports: [port] }))
  await runtime.close()
  expect(await get(port.servicePort)).toBe('one')
  runtime = bench.open()
  expect(await find(runtime, instanceId)).toMatchObject({ phase: 'ready', isActive: true, addresses: [{ port: port.servicePort }] })
})

test('when the forwarder is killed the instance says that its ports are gone, and activating brings them back', async () => {
  const port = await freePort()
  const { instanceId } = await bringUp(runtime, version('v1', newKey(), { ports: [port] }))
  let changes = 0
  const unsubscribe = runtime.events(() => (changes += 1))
  const forwarder = openForwarder({ folder: `${bench.folder}/forwarder`, onLost: () => {} })
  const { pid } = await forwarder.ask('hello', {})
  forwarder.close()
  const before = changes
  process.kill(pid, 'SIGKILL')
  await eventually(() => changes > before)
  expect(await until(runtime, instanceId, ({ isActive }) => !isActive)).toMatchObject({ phase: 'ready', addresses: [] })
  await runtime.activate(instanceId, forever())
  expect(await get(port.servicePort)).toBe('one')
  unsubscribe()
})

test('logs come in whole lines, named by container when there are several, and follow through a restart', async () => {
  const talk = (word: string) => script(`echo ${word} 1; echo ${word} 2; sleep 0.3; echo ${word} 3`, { name: word })
  const instanceId = await runtime.start(group({ containers: [talk('left'), talk('right')] }), forever())
  await until(runtime, instanceId, ({ containers }) => containers.every(({ state }) => state === 'exited'))
  const read = async (container: string | undefined, tailLines: number) => {
    let text = ''
    for await (const part of runtime.logs(
      instanceId,
      { tailLines, follow: false, ...(container === undefined ? {} : { container }) },
      forever(),
    ))
      text += part
    return text
  }
  expect(await read('left', 2)).toBe('left 2\nleft 3\n')
  expect((await read(undefined, 1)).split('\n').toSorted()).toEqual(['', 'left | left 3', 'right | right 3'])
  await expect(read('nobody', 1)).rejects.toMatchObject({ code: 'NotFound' })
  const ending = new AbortController()
  let followed = ''
  const reading = (async () => {
    for await (const part of runtime.logs(instanceId, { container: 'left', tailLines: 1, follow: true }, ending.signal)) followed += part
  })()
  await eventually(() => followed === 'left 3\n')
  await runtime.restart(instanceId, 'left', forever())
  await eventually(() => followed === 'left 3\nleft 1\nleft 2\nleft 3\n')
  ending.abort()
  await reading
})
