// Releases on three nodes of production: a share, a version that fails and stops, a rollback, a time to begin that passes
// while the server is down, and a node that is unplugged meanwhile.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, createVersion } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall } from '../../tools/official-clients.ts'
import type { TestNode } from '../test-node.ts'
import { codeOf, openTestServer, type TestServer } from '../test-server.ts'

let dataFolder: string
let server: TestServer
let appId: string
const nodes: TestNode[] = []
const waitMs = 25_000

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'littoral-releases-'))
  server = await openTestServer({ dataFolder })
  for (const _ of [1, 2, 3]) nodes.push(await server.openNode({ environment: 'prod' }))
  appId = await createApp(esa(), { name: 'three-nodes', servicePort: 24_001, targetPort: 8080 })
})
afterAll(async () => {
  for (const node of nodes) await node.close()
  await server.close()
  await rm(dataFolder, { recursive: true, force: true })
})

const esa = () => sdkCall('@alicloud/esa20240910', server.url, server.key)
const version = (name: string, tag: string) => createVersion(esa(), { appId, name, image: `registry.example/three:${tag}`, port: 8080 })
const publish = (VersionId: string, more: Record<string, unknown> = {}) =>
  esa()('PublishEdgeContainerAppVersion', { AppId: appId, VersionId, PublishEnv: 'prod', ...more })

interface AppStatus {
  readonly PublishStatus: string
  readonly PublishPercentage: number
  readonly [field: string]: unknown
}
const status = async () => (await esa()('GetEdgeContainerAppStatus', { AppId: appId }))['AppStatus'] as AppStatus
const waitStatus = (wanted: string, percentage = 100) =>
  until(`status ${wanted} ${percentage}`, waitMs, async () => {
    const now = await status()
    return now.PublishStatus === wanted && now.PublishPercentage === percentage ? now : undefined
  })

/** What serves on each machine, seen on the machine itself. */
function serving(): (string | undefined)[] {
  const key = `app/${appId}/prod`
  return nodes.map(({ machine }) => machine.instances.get(machine.ports.get(key)?.instanceId ?? '')?.workload.version)
}
const holders = (versionId: string) => nodes.filter((_, at) => serving()[at] === versionId)
const history = async () =>
  (await server.littoral('ListReleases', { AppId: appId, PublishEnv: 'prod' }))['Releases'] as Record<string, string>[]

describe('on three nodes', () => {
  let v1: string
  let v2: string
  let v3: string

  it('the first version goes everywhere', async () => {
    v1 = await version('version-1', '1')
    await publish(v1)
    await waitStatus('published')
    expect(serving()).toEqual([v1, v1, v1])
  })

  it('a third of the nodes gets the next one, the others keep the baseline', async () => {
    v2 = await version('version-2', '2')
    const { Nodes: planned } = await server.littoral('PlanRelease', { AppId: appId, VersionId: v2, Percentage: '34' })
    await publish(v2, { Percentage: 34 })
    expect(await waitStatus('published', 34)).toMatchObject({
      BaseLineVersion: v1,
      DeployedVersion: v2,
      PublishingVersion: v2,
      ExpectPercentage: 34,
    })
    expect(serving().filter((id) => id === v2)).toHaveLength(1)
    const [first] = holders(v2)
    expect((planned as { NodeId: string; Change: string }[]).filter(({ Change }) => Change === 'update')).toMatchObject([
      { NodeId: first?.nodeId },
    ])
    const outside = nodes.find((node) => node !== first)
    expect(await server.littoral('ExplainNode', { NodeId: outside?.nodeId, AppId: appId, VersionId: v2 })).toMatchObject({
      IsReady: false,
      AssignedVersionId: v1,
      Causes: [{ Code: 'Released' }, { Code: 'OutsideShare' }],
    })
  })

  it('a bad version stops at one node, which returns to the last good one while nothing stops serving', async () => {
    await server.littoral('SetReleasePolicy', { AppId: appId, DeadlineSeconds: '2' })
    v3 = await version('version-3', 'never-ready')
    await publish(v3)
    const stopped = await until('the stop', waitMs, async () => {
      const [newest] = await history()
      return newest?.['State'] === 'stopped' ? newest : undefined
    })
    expect(stopped).toMatchObject({ VersionId: v3, EndingCode: 'FailureBudgetUsedUp' })
    await until('the return', waitMs, () => (serving().every((id) => id === v1 || id === v2) ? true : undefined))
    const { Failures } = (await server.littoral('GetRelease', { ReleaseId: stopped['ReleaseId'] })) as { Failures: { NodeId: string }[] }
    expect(Failures).toHaveLength(1)
    const causes = (await server.littoral('ExplainNode', { NodeId: Failures[0]?.NodeId, AppId: appId }))['Causes']
    expect((causes as { Code: string }[]).map(({ Code }) => Code)).toEqual(['Released', 'Stopped', 'Failed'])
    expect(await status()).toMatchObject({ PublishStatus: 'publishing', DeployedVersion: v2, BaseLineVersion: v1 })
  })

  it('a rollback ends on the version it names', async () => {
    await esa()('RollbackEdgeContainerAppVersion', { AppId: appId, VersionId: v1 })
    expect(await waitStatus('rollbacked')).toMatchObject({ BaseLineVersion: v1, DeployedVersion: v1, RollbackTime: expect.any(String) })
    expect(serving()).toEqual([v1, v1, v1])
    expect((await history())[0]).toMatchObject({ Kind: 'rollback', State: 'rolledBack', EndingCode: 'Completed' })
  })

  it('a bad version is rolled back by itself where the application asks for it, and that is no success', async () => {
    await server.littoral('SetReleasePolicy', { AppId: appId, AutoRollback: 'true' })
    await publish(v3)
    await waitStatus('rollbacked')
    expect((await history()).slice(0, 2)).toMatchObject([
      { Kind: 'revert', State: 'rolledBack', VersionId: v1, CreatedBy: 'littoral' },
      { Kind: 'publish', State: 'stopped', VersionId: v3 },
    ])
    expect(serving()).toEqual([v1, v1, v1])
  })

  it('a node that is unplugged meanwhile is not waited for for ever, is not failed, and takes the right version when it returns', async () => {
    await server.littoral('SetReleasePolicy', { AppId: appId, AutoRollback: 'false', DeadlineSeconds: '600' })
    const [unplugged] = nodes
    await unplugged?.disconnect()
    await until('the loss', waitMs, async () => {
      const { Nodes } = (await server.littoral('ListNodes', {})) as { Nodes: { NodeId: string; IsOnline: boolean }[] }
      return Nodes.some(({ NodeId, IsOnline }) => NodeId === unplugged?.nodeId && !IsOnline) ? true : undefined
    })
    await publish(v2)
    await until('the others', waitMs, () => (serving().filter((id) => id === v2).length === 2 ? true : undefined))
    expect(serving()[0]).toBe(v1)
    const { Causes } = (await server.littoral('ExplainNode', { NodeId: unplugged?.nodeId, AppId: appId })) as { Causes: { Code: string }[] }
    expect(Causes.at(-1)).toMatchObject({ Code: 'Away' })
    await unplugged?.reconnect()
    await waitStatus('published')
    expect(serving()).toEqual([v2, v2, v2])
  })

  it('a release waits for its time, also when that passes while the server is down, and begins once', async () => {
    const v4 = await version('version-4', '4')
    const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000)
    await publish(v4, { StartTime: at.toISOString().replace('.000', '') })
    expect(await status()).toMatchObject({ PublishStatus: 'publishing', PublishingVersion: v4, PublishPercentage: 0, DeployedVersion: v2 })
    expect(await status()).not.toHaveProperty('PublishTime')
    const other = await publish(v1).catch((error: unknown) => codeOf(error))
    expect(other).toBe('InternalException')
    expect((await history())[0]).toMatchObject({ State: 'scheduled' })

    const port = Number(new URL(server.url).port)
    await server.stopServer()
    await until('the time', waitMs, () => (Date.now() > at.getTime() ? true : undefined))
    expect(serving()).toEqual([v2, v2, v2])
    server = await openTestServer({ dataFolder, port })
    await waitStatus('published')
    expect(serving()).toEqual([v4, v4, v4])
    expect((await history()).filter(({ VersionId }) => VersionId === v4)).toHaveLength(1)
  })
  it('a replaced instance is kept through the bake time of the new one', async () => {
    await server.littoral('SetReleasePolicy', { AppId: appId, BakeSeconds: '1' })
    const v5 = await version('version-5', '5')
    const before = serving()[0]
    await publish(v5)
    const kept = await until('the first node', waitMs, () => {
      const [first] = holders(v5)
      return first && [...first.machine.instances.values()].map(({ workload, phase }) => `${workload.version} ${phase}`)
    })
    expect(kept).toEqual(expect.arrayContaining([`${before} live`, `${v5} live`]))
    await waitStatus('published')
    await until('the end of the old ones', waitMs, () => (nodes.every(({ machine }) => machine.instances.size === 1) ? true : undefined))
    expect(serving()).toEqual([v5, v5, v5])
  })
})
