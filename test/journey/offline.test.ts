// Nodes that are not there: work waits for them, what they run is not claimed, and they catch up when they return.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, createVersion, publish, waitPublished, waitStaging, type StagingStatus } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

let server: TestServer
let call: Call
beforeAll(async () => {
  server = await openTestServer()
  call = sdkCall('@alicloud/esa20240910', server.url, server.key)
})
afterAll(() => server.close())

async function newApp(name: string, servicePort: number): Promise<{ appId: string; versionId: string }> {
  const appId = await createApp(call, { name, servicePort, targetPort: 8080 })
  return { appId, versionId: await createVersion(call, { appId, name: 'version-1', image: `registry.example/${name}:1`, port: 8080 }) }
}

const staging = async (appId: string) => (await call('GetEdgeContainerStagingDeployStatus', { AppId: appId })) as unknown as StagingStatus

describe('a node that is not there', () => {
  it('is waited for: what was published before it joined runs as soon as it does', async () => {
    const app = await newApp('early-app', 23_001)
    await publish(call, { ...app, environment: 'staging' })
    expect((await staging(app.appId)).Ready).toBe('unready')
    const node = await server.openNode()
    await waitStaging(call, app.appId)
    await node.close()
    // The server takes a while to miss it, and until then it would be a candidate for what is published next.
    await until('the node to be missed', 15_000, async () => {
      const { Nodes } = (await server.littoral('ListNodes', {})) as { Nodes: { IsOnline: boolean }[] }
      return Nodes.every(({ IsOnline }) => !IsOnline) ? true : undefined
    })
  })

  it('is said to be away, its instance is not called running, and it catches up', async () => {
    const node = await server.openNode({ environment: 'prod' })
    const stagingNode = await server.openNode({ environment: 'staging' })
    const app = await newApp('away-app', 23_002)
    await publish(call, { ...app, environment: 'staging' })
    await waitStaging(call, app.appId)

    await stagingNode.disconnect()
    await until('the loss to be noticed', 15_000, async () => ((await staging(app.appId)).Phase === 'Unknown' ? true : undefined))
    expect((await staging(app.appId)).Ready).toBe('unready')

    const versionId = await createVersion(call, { appId: app.appId, name: 'version-2', image: 'registry.example/away:2', port: 8080 })
    await publish(call, { appId: app.appId, versionId, environment: 'staging' })
    await stagingNode.reconnect()
    await waitPublished(call, { appId: app.appId, versionId, environment: 'staging' })
    await waitStaging(call, app.appId)
    await Promise.all([node.close(), stagingNode.close()])
  })
})
