// From a signed request to a running app, through each client that users of the vendor have.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, createVersion, deleteApp, publish, waitPublished, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { asJsonText, popCall, sdkCall, type Call } from '../../tools/official-clients.ts'
import { codeOf, openTestServer, type TestServer } from '../test-server.ts'

const version = '2024-09-10'
const clients: Record<string, (server: TestServer) => Call> = {
  '@alicloud/esa20240910': (server) => sdkCall('@alicloud/esa20240910', server.url, server.key),
  '@alicloud/pop-core by POST': (server) => flat(popCall(server.url, server.key, version, 'POST')),
  '@alicloud/pop-core by GET': (server) => flat(popCall(server.url, server.key, version, 'GET')),
}

function flat(call: Call): Call {
  return (action, input) => call(action, asJsonText(input))
}

let server: TestServer
let port = 21_000
beforeAll(async () => {
  server = await openTestServer({ withNode: true })
})
afterAll(() => server.close())

describe.each(Object.keys(clients))('through %s', (name) => {
  const call: Call = (action, input) => clients[name]!(server)(action, input)

  it('an app is created, published to staging and prod, replaced by a new version, and deleted', async () => {
    const appId = await createApp(call, { name: `shop-${(port += 1)}`, servicePort: port, targetPort: 8080 })
    const first = await createVersion(call, { appId, name: 'version-1', image: 'registry.example/shop:1', port: 8080 })
    await publish(call, { appId, versionId: first, environment: 'staging' })
    const staging = await waitStaging(call, appId)
    expect(staging).toMatchObject({ Phase: 'Running', Ready: 'ok', ContainersReady: 'ok', Scheduled: 'ok' })
    await publish(call, { appId, versionId: first, environment: 'prod' })
    await waitPublished(call, { appId, versionId: first, environment: 'prod' })

    const second = await createVersion(call, { appId, name: 'version-2', image: 'registry.example/shop:2', port: 8080 })
    await publish(call, { appId, versionId: second, environment: 'prod' })
    await waitPublished(call, { appId, versionId: second, environment: 'prod' })
    const { Versions, TotalCount } = await call('ListEdgeContainerAppVersions', { AppId: appId })
    expect(TotalCount).toBe(2)
    expect((Versions as { VersionId: string }[]).map((entry) => entry.VersionId)).toEqual([second, first])

    await deleteApp(call, appId)
  })

  it('a version survives its way through the wire letter by letter', async () => {
    const appId = await createApp(call, { name: `texts-${(port += 1)}`, servicePort: port, targetPort: 8080 })
    const more = { EnvVariables: 'TITLE=驱动 & é+~*!,MODE=a=b', Args: `-c "x  y" 'z'`, Command: 'serve --all', PreStop: 'sh -c "exit 0"' }
    const versionId = await createVersion(call, { appId, name: 'version-ü', image: 'registry.example/texts:1', port: 8080, more })
    const { Version } = await call('GetEdgeContainerAppVersion', { AppId: appId, VersionId: versionId })
    expect(Version).toMatchObject({ Name: 'version-ü', Containers: [more] })
  })

  it('a refusal carries its code and names the field', async () => {
    const error: unknown = await call('CreateEdgeContainerApp', { Name: 'x', ServicePort: 80, TargetPort: 70_000 }).catch(
      (thrown: unknown) => thrown,
    )
    expect(codeOf(error)).toMatch(/^InvalidParameter/)
    const missing: unknown = await call('GetEdgeContainerApp', { AppId: 'app-123456789012345678' }).catch((thrown: unknown) => thrown)
    expect(codeOf(missing)).toBe('InvalidApp.NotFound')
  })
})

describe('two apps with one ServicePort', () => {
  it('do not fight over it: one keeps it, and the other waits until it is free and says for whom', async () => {
    const call = clients['@alicloud/esa20240910']!(server)
    const servicePort = (port += 1)
    const [first = '', second = ''] = await Promise.all(
      ['port-first', 'port-second'].map((name) => createApp(call, { name, servicePort, targetPort: 8080 })),
    )
    const released = async (appId: string) => {
      const versionId = await createVersion(call, { appId, name: 'version-1', image: 'registry.example/shop:1', port: 8080 })
      await publish(call, { appId, versionId, environment: 'prod' })
      return { appId, versionId, environment: 'prod' as const }
    }
    await waitPublished(call, await released(first))
    const waiting = await released(second)
    const { Nodes } = (await server.littoral('ListNodes', {})) as { Nodes: { NodeId: string }[] }
    const explain = (AppId: string) => server.littoral('ExplainNode', { AppId, NodeId: Nodes[0]?.NodeId ?? '' })
    const causes = await until('the reason', 30_000, async () => {
      const { Causes } = (await explain(second)) as { Causes: { Code: string; Message: string }[] }
      return Causes.some(({ Message }) => Message.includes('PortInUse')) ? Causes : undefined
    })
    expect(causes).toMatchObject([
      { Code: 'Released' },
      { Code: 'NotReady', Message: expect.stringContaining(`port ${servicePort} of the node is taken`) },
      { Code: 'PortTaken', Message: expect.stringContaining(`app/${first}/prod has port ${servicePort}`) },
    ])
    expect(await explain(first)).toMatchObject({ IsReady: true })
    await deleteApp(call, first)
    await waitPublished(call, waiting)
    await deleteApp(call, second)
  })
})
