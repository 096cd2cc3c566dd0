// A failure on a node and what the API shows of it: the next attempt and the wish not to wait for it, and the incident, also
// when there was no link while it happened.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createApp, createVersion, publish } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { freePort } from '../../tools/start/settings.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

let dataFolder: string
let port: number
let server: TestServer
let call: Call
beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'littoral-incidents-'))
  port = await freePort('127.0.0.1')
  server = await openTestServer({ dataFolder, port })
  call = sdkCall('@alicloud/esa20240910', server.url, server.key)
})
afterEach(async () => {
  await server.close()
  await rm(dataFolder, { recursive: true, force: true })
})

async function release(name: string, image: string): Promise<{ appId: string; key: string }> {
  const appId = await createApp(call, { name, servicePort: 23_100, targetPort: 8080 })
  const versionId = await createVersion(call, {
    appId,
    name: 'version-1',
    image,
    port: 8080,
    more: { EnvVariables: 'DB_PASSWORD=hunter2hunter2' },
  })
  await publish(call, { appId, versionId, environment: 'prod' })
  return { appId, key: `app/${appId}/prod` }
}

interface Reported {
  readonly Phase: string
  readonly NextAttemptAt?: string
  readonly FailedAttempts?: number
}

async function reported(nodeId: string, key: string): Promise<Reported | undefined> {
  const { Workloads } = (await server.littoral('GetNode', { NodeId: nodeId })) as { Workloads: { Key: string; Reported?: Reported }[] }
  return Workloads.find(({ Key }) => Key === key)?.Reported
}

const failures = (nodeId: string, key: string, isIt: (count: number) => boolean) =>
  until('the failures', 20_000, async () => {
    const found = await reported(nodeId, key)
    return found?.NextAttemptAt !== undefined && isIt(found.FailedAttempts ?? 0) ? found : undefined
  })

it('what fails is tried again at a time that is shown, or at once', async () => {
  const { nodeId } = await server.openNode()
  const { appId, key } = await release('stubborn-app', 'registry.example/fail-pull:1')
  const { NextAttemptAt } = await failures(nodeId, key, (count) => count >= 4)
  expect(Date.parse(NextAttemptAt ?? '')).toBeGreaterThan(Date.now() - 2000)
  const { Causes } = (await server.littoral('ExplainNode', { NodeId: nodeId, AppId: appId })) as { Causes: { Message: string }[] }
  expect(Causes.map(({ Message }) => Message).join()).toMatch(/It tries again at 2\d{3}-.* after \d+ failures/)
  expect(await server.littoral('RetryWorkload', { NodeId: nodeId, Workload: key })).toMatchObject({ WasWaiting: true })
  await failures(nodeId, key, (count) => count === 1)
  await expect(server.littoral('RetryWorkload', { NodeId: nodeId, Workload: 'app/none/prod' })).rejects.toThrow(/not to run/)
  await expect(server.littoral('RetryWorkload', { NodeId: 'node-none', Workload: key })).rejects.toThrow(/does not exist/)
})

it('an incident that happened without a link is handed over when there is one, without the values of variables', async () => {
  const { nodeId } = await server.openNode()
  const { key } = await release('failing-app', 'registry.example/exit-3-after-3000:1')
  await until('it to run', 20_000, async () => ((await reported(nodeId, key))?.Phase === 'ready' ? true : undefined))
  await server.stopServer()
  const again = await openTestServer({ dataFolder, port })
  try {
    const [incident] = await until('the incident', 30_000, async () => {
      const { Incidents } = (await again.littoral('ListIncidents', { NodeId: nodeId })) as {
        Incidents: { IncidentId: string; Key: string }[]
      }
      return Incidents.length > 0 ? Incidents : undefined
    })
    expect(incident).toMatchObject({ Key: key, NodeId: nodeId, Kind: 'failed', Code: 'ExitedEarly' })
    const whole = await again.littoral('GetIncident', { IncidentId: incident?.IncidentId })
    expect(whole).toMatchObject({
      Containers: [
        { Name: 'web', ExitCode: 3, Lines: [/started web/, 'exited with code 3'].map((line) => expect.stringMatching(line) as string) },
      ],
    })
    expect(JSON.stringify(whole)).not.toContain('hunter2')
  } finally {
    await again.close()
  }
})
