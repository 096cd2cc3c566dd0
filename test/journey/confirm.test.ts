// A version that cuts its node off: the node goes back by itself, and when it is back the release knows why, the node is told
// what it runs, and nothing that was confirmed is ever gone back from.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, createVersion, publish, waitPublished } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { type Link, openLink } from '../faults/parts.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import type { TestNode } from '../test-node.ts'

let server: TestServer
let link: Link
let node: TestNode
let esa: Call
let appId: string
beforeAll(async () => {
  server = await openTestServer()
  link = await openLink(Number(new URL(server.url).port))
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  node = await server.openNode({ environment: 'prod', url: `http://127.0.0.1:${link.port}` })
  appId = await createApp(esa, { name: 'cut-off', servicePort: 24_301, targetPort: 8080 })
  await server.littoral('SetReleasePolicy', { AppId: appId, ConfirmSeconds: '1', MaxUnavailable: '1' })
})
afterAll(async () => {
  await node.close()
  link.close()
  await server.close()
})

const version = (name: string) => createVersion(esa, { appId, name, image: `registry.example/cut:${name}`, port: 8080 })
const serving = () => {
  const { machine } = node
  return machine.instances.get(machine.ports.get(`app/${appId}/prod`)?.instanceId ?? '')?.workload.version
}
const newest = async () => ((await server.littoral('ListReleases', { AppId: appId })) as { Releases: Record<string, string>[] }).Releases[0]

describe('a version that cuts its node off', () => {
  it('is gone back from, and has failed there for that reason', async () => {
    const good = await version('version-1')
    await publish(esa, { appId, versionId: good, environment: 'prod' })
    await waitPublished(esa, { appId, versionId: good, environment: 'prod' })

    const bad = await version('version-2')
    await publish(esa, { appId, versionId: bad, environment: 'prod' })
    // Cut as soon as it begins: before it can be confirmed.
    await until(
      'the version to begin',
      20_000,
      () => {
        const hasBegun = [...node.machine.instances.values()].some(({ workload }) => workload.version === bad)
        if (hasBegun) link.cut()
        return hasBegun || undefined
      },
      1,
    )
    await until('the return', 20_000, () => (serving() === good && node.machine.instances.size === 1) || undefined)
    link.mend()

    const stopped = await until('the stop', 30_000, async () => {
      const release = await newest()
      return release?.['State'] === 'stopped' ? release : undefined
    })
    expect(stopped).toMatchObject({ VersionId: bad, EndingCode: 'FailureBudgetUsedUp' })
    const { Failures } = (await server.littoral('GetRelease', { ReleaseId: stopped['ReleaseId'] })) as { Failures: object[] }
    expect(Failures).toMatchObject([{ NodeId: node.nodeId, Code: 'ContactLost' }])
    const { Causes } = (await server.littoral('ExplainNode', { NodeId: node.nodeId, AppId: appId })) as {
      Causes: { Code: string; Message: string }[]
    }
    expect(Causes.at(-1)).toMatchObject({ Code: 'Failed', Message: expect.stringContaining('ContactLost') as string })
    const { Workloads } = (await server.littoral('GetNode', { NodeId: node.nodeId })) as { Workloads: object[] }
    expect(Workloads).toMatchObject([
      { IsCurrent: true, Desired: { Version: good }, Reported: { Version: good, Phase: 'ready', Retreat: { Version: bad } } },
    ])
  })

  it('gets another try when the release is resumed, and is kept once it is confirmed, however long the link is gone then', async () => {
    const release = await newest()
    await server.littoral('ResumeRelease', { ReleaseId: release?.['ReleaseId'] })
    const versionId = String(release?.['VersionId'])
    await waitPublished(esa, { appId, versionId, environment: 'prod' })
    await until('the confirmation', 20_000, () => node.log.some((line) => line.endsWith(`version ${versionId} is confirmed`)) || undefined)
    link.cut()
    const endMs = performance.now() + 2500
    await until('more than a second alone', 10_000, () => performance.now() > endMs || undefined)
    expect(serving()).toBe(versionId)
    link.mend()
  })
})
