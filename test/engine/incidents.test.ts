// The evidence of a real failure, from the kernel's kill to the API: server, agent and engine, all real.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openCaretaker } from '../../packages/agent/src/caretaker.ts'
import { IncidentFiles } from '../../packages/agent/src/incidents/files.ts'
import { Reconciler } from '../../packages/agent/src/reconcile.ts'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { createApp, createVersion, deleteApp, publish } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { freePort } from '../../tools/start/settings.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import { group, openBench, script } from './harness.ts'

let engine: EngineHandle
let server: TestServer
let esa: Call
let nodeId: string
const image = `littoral-incident-${process.pid}:1`

beforeAll(async () => {
  engine = await ensureEngine()
  await makeSampleImage(engine.socketPath, { tag: image, body: 'fine' })
  server = await openTestServer({ env: { LITTORAL_STATS_SECONDS: '1' } })
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  nodeId = (await server.openNode({ runtimes: ['engine'], engineSocket: engine.socketPath })).nodeId
}, 240_000)
afterAll(async () => {
  await server?.close()
  await engine?.stop()
})

type Incident = Record<string, unknown> & { Code: string; IncidentId: string }

async function incidentOf(appId: string, code: string): Promise<Record<string, unknown>> {
  const head = await until(`an incident ${code}`, 60_000, async () => {
    const { Incidents } = await server.littoral('ListIncidents', { Key: `app/${appId}/staging` })
    return (Incidents as Incident[]).find(({ Code }) => Code === code)
  })
  return server.littoral('GetIncident', { IncidentId: head.IncidentId })
}

test('a container that ran, was probed and exited leaves its lines, probe results, peaks and exit code', { timeout: 120_000 }, async () => {
  const appId = await createApp(esa, { name: 'dying-app', servicePort: await freePort('0.0.0.0'), targetPort: 8080 })
  const script = `trap 'exit 0' TERM; echo the password is $PASSWORD; httpd -p 8080 -h /www; sleep 6; echo last words; exit 7`
  const more = { Command: '/bin/sh', Args: `-c "${script}"`, EnvVariables: 'PASSWORD=hunter2hunter2' }
  const versionId = await createVersion(esa, { appId, name: 'version-1', image, port: 8080, more })
  await publish(esa, { appId, versionId, environment: 'staging' })
  const incident = await incidentOf(appId, 'ExitedEarly')
  expect(incident).toMatchObject({
    Incident: { NodeId: nodeId, Version: versionId, Kind: 'failed' },
    Containers: [{ Name: 'web', State: 'exited', ExitCode: 7, Lines: ['the password is [PASSWORD]', 'last words'] }],
  })
  const [web] = incident['Containers'] as [
    { Peaks: { MemoryBytes: number; Processes: number }; Probes: { IsSuccess: boolean; Output: string }[] },
  ]
  expect(web.Probes.some(({ IsSuccess, Output }) => IsSuccess && Output.startsWith('connected to '))).toBe(true)
  expect(web.Peaks.MemoryBytes).toBeGreaterThan(10_000)
  expect(web.Peaks.Processes).toBeGreaterThan(0)
  const next = await createVersion(esa, {
    appId,
    name: 'version-2',
    image: '127.0.0.1:1/no/image:1',
    port: 8080,
    more: { ...more, EnvVariables: 'PASSWORD=another-one' },
  })
  await publish(esa, { appId, versionId: next, environment: 'staging' })
  const failing = await until('failures of the pull', 60_000, async () => {
    const { Workloads } = await server.littoral('GetNode', { NodeId: nodeId })
    const [workload] = Workloads as { Reported?: { Version: string; Reason?: { Code: string }; NextAttemptAt?: string } }[]
    return workload?.Reported?.Version === next && workload.Reported.NextAttemptAt !== undefined ? workload.Reported : undefined
  })
  expect(failing.Reason?.Code).toBe('RegistryUnreachable')
  await deleteApp(esa, appId)
})

test('a container that outgrows its memory is told as that, with its limit as its peak', async () => {
  const bench = await openBench()
  const runtimes = [bench.open()]
  const caretaker = await openCaretaker({ dataDir: bench.folder, runtimes, log: () => {} })
  const reconciler = new Reconciler({ runtimes, hooks: caretaker.hooks, onStatus: () => {}, log: () => {}, host: () => 'here' })
  const memoryBytes = 16 * 1024 * 1024
  reconciler.start({ generation: 1, workloads: [group({ containers: [script('x=x; while true; do x=$x$x; done', { memoryBytes })] })] })
  const files = new IncidentFiles(join(bench.folder, 'incidents'))
  const incident = await until('the incident', 30_000, async () => (await files.all())[0])
  expect(incident).toMatchObject({ kind: 'failed', reason: { code: 'OutOfMemory' } })
  expect(incident.containers).toMatchObject([
    { exitCode: 137, isOutOfMemory: true, peaks: { memoryBytes, memoryLimitBytes: memoryBytes }, restarts: 0 },
  ])
  await reconciler.close()
  await caretaker.close()
  await bench.dispose()
})

test('the node says of its disk how full it is and who keeps containers within their storage', async () => {
  const disk = await until(
    'the disk',
    20_000,
    async () => (await server.littoral('GetNode', { NodeId: nodeId }))['Disk'] as Record<string, number> | undefined,
  )
  expect(disk['TotalBytes']).toBeGreaterThan(disk['FreeBytes']!)
  const { Node } = (await server.littoral('GetNode', { NodeId: nodeId })) as {
    Node: { Runtimes: { Name: string; StorageLimit?: string }[] }
  }
  expect(Node.Runtimes).toMatchObject([{ Name: 'engine', StorageLimit: expect.stringMatching(/^(engine|agent)$/) as string }])
})
