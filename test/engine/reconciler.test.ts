// The whole agent side on a real engine: desired states in, reports out. What the plan and the engine runtime make of each
// other: replacement without a gap, crash loops with growing pauses, a lost holder, images that are not there.
import { randomBytes } from 'node:crypto'
import net from 'node:net'
import type { Workload } from '@littoral/contract/node/desired-state'
import type { WorkloadReport } from '@littoral/contract/node/report'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { Reconciler } from '../../packages/agent/src/reconcile.ts'
import { killContainer, listContainers } from '../../packages/agent/src/runtime/engine/client/containers.ts'
import type { Runtime } from '../../packages/agent/src/runtime/runtime.ts'
import { container, eventually, group, imageTwo, openBench, probe, script, type Bench } from './harness.ts'

let bench: Bench
let runtime: Runtime
let reconciler: Reconciler
let reports: readonly WorkloadReport[] = []
let generation = 0

beforeAll(async () => {
  bench = await openBench()
})
beforeEach(() => {
  runtime = bench.open()
  reconciler = new Reconciler({
    runtimes: [runtime],
    onStatus: (_generation, workloads) => (reports = workloads),
    log: () => {},
    host: () => '127.0.0.1',
  })
  reconciler.start(undefined)
})
afterEach(async () => {
  want()
  await eventually(
    async () => (await listContainers(bench.engine, [`littoral.node=${bench.owner}`, 'littoral.role=member'])).length === 0,
    30_000,
  )
  await reconciler.close()
  await runtime.close()
})
afterAll(() => bench.dispose())

function want(...workloads: Workload[]): void {
  generation += 1
  reconciler.accept({ generation, workloads })
}

async function reported(isWanted: (report: WorkloadReport) => boolean, withinMs = 20_000): Promise<WorkloadReport> {
  await eventually(() => reports[0] !== undefined && isWanted(reports[0]), withinMs).catch((error: unknown) => {
    throw new Error(`last report: ${JSON.stringify(reports[0])}`, { cause: error })
  })
  return reports[0] as WorkloadReport
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const newKey = () => `app/${randomBytes(4).toString('hex')}/prod`

test('a published version answers on its port, the next one replaces it without a failed request, and withdrawal removes all', async () => {
  const key = newKey()
  const port = await freePort()
  const ports = [{ servicePort: port, targetPort: 8080, fallback: false }]
  want(group({ key, version: 'v1', ports, containers: [container({ probe: probe.tcpSocket })] }))
  const first = await reported(({ phase }) => phase === 'ready')
  expect(first.addresses).toEqual([{ host: '127.0.0.1', port, servicePort: port }])
  const answers: string[] = []
  let isDone = false
  const client = (async () => {
    while (!isDone)
      answers.push(await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then((answer) => answer.text(), String))
  })()
  want(group({ key, version: 'v2', ports, containers: [container({ image: imageTwo, probe: probe.tcpSocket })] }))
  await reported(({ phase, version }) => phase === 'ready' && version === 'v2')
  await eventually(async () => (await listContainers(bench.engine, [`littoral.node=${bench.owner}`, 'littoral.version=v1'])).length === 0)
  isDone = true
  await client
  expect(new Set(answers)).toEqual(new Set(['one', 'two']))
  want()
  await eventually(async () => (await listContainers(bench.engine, [`littoral.node=${bench.owner}`, 'littoral.role=member'])).length === 0)
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed')
})

test('while the new version does not get ready the old one goes on serving, and the report says which', async () => {
  const key = newKey()
  want(group({ key, version: 'v1' }))
  await reported(({ phase }) => phase === 'ready')
  want(group({ key, version: 'v2', containers: [container({ probe: { ...probe.tcpSocket, port: 1 } })] }))
  const report = await reported(({ version, reason }) => version === 'v2' && reason?.code === 'ProbeFailed')
  expect(report).toMatchObject({ phase: 'starting', version: 'v2', serving: { version: 'v1' } })
})

test('a container in a crash loop is started again with growing pauses and its count is told', async () => {
  want(group({ containers: [script('echo out of paper; exit 5')] }))
  const startedAt = Date.now()
  const report = await reported(({ restarts, phase }) => restarts === 2 && phase === 'backoff')
  // 1 s after the first exit, 2 s after the second.
  expect(Date.now() - startedAt).toBeGreaterThan(3000)
  expect(report).toMatchObject({
    reason: { code: 'ExitedEarly', message: 'web: exit code 5: out of paper' },
    lastRestartReason: 'ExitedEarly',
  })
})

test('a group whose holder dies is made anew', async () => {
  want(group())
  const before = await reported(({ phase }) => phase === 'ready')
  const [member] = await listContainers(bench.engine, [`littoral.instance=${before.instanceId}`])
  const holders = await listContainers(bench.engine, [`littoral.node=${bench.owner}`, 'littoral.role=holder'])
  expect(member).toBeDefined()
  await Promise.all(holders.map(({ Id }) => killContainer(bench.engine, Id)))
  const after = await reported(({ phase, instanceId }) => phase === 'ready' && instanceId !== before.instanceId)
  expect(after.version).toBe(before.version)
})

test('an image that no registry has is named in the report', async () => {
  want(group({ containers: [container({ image: '127.0.0.1:1/shop/web:1' })] }))
  const report = await reported(({ reason }) => reason?.code === 'RegistryUnreachable')
  expect(report.phase).toBe('preparing')
  expect(report.reason?.message).toContain('127.0.0.1:1/shop/web:1')
})

test('a restart token makes the group anew though nothing else changed', async () => {
  const workload = group()
  want(workload)
  const before = await reported(({ phase }) => phase === 'ready')
  want({ ...workload, restartToken: 'again' })
  const after = await reported(({ phase, instanceId }) => phase === 'ready' && instanceId !== before.instanceId)
  expect(after.version).toBe(before.version)
})
