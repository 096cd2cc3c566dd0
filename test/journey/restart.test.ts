// The server goes away and comes back: nothing acknowledged is lost, nodes return by themselves, and what was under way
// is finished.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, createVersion, publish, waitPublished, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall } from '../../tools/official-clients.ts'
import { signV1 } from '../signing.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import type { TestNode } from '../test-node.ts'

let dataFolder: string
let server: TestServer
let node: TestNode
beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'littoral-restart-'))
  server = await openTestServer({ dataFolder })
  node = await server.openNode()
})
afterAll(async () => {
  await node.close()
  await server.close()
  await rm(dataFolder, { recursive: true, force: true })
})

/** Ends the server while its nodes go on, and opens it again at the same address. */
async function restart(): Promise<void> {
  const port = Number(new URL(server.url).port)
  await server.stopServer()
  server = await openTestServer({ dataFolder, port })
}

const esa = () => sdkCall('@alicloud/esa20240910', server.url, server.key)

describe('a server that is started again', () => {
  it('knows its key, its apps and their state, and its nodes return', async () => {
    const appId = await createApp(esa(), { name: 'kept-app', servicePort: 22_001, targetPort: 8080 })
    const versionId = await createVersion(esa(), { appId, name: 'version-1', image: 'registry.example/kept:1', port: 8080 })
    await publish(esa(), { appId, versionId, environment: 'prod' })
    await waitPublished(esa(), { appId, versionId, environment: 'prod' })
    const { accessKeyId } = server.key

    await restart()
    expect(server.key.accessKeyId).toBe(accessKeyId)
    await waitPublished(esa(), { appId, versionId, environment: 'prod' })
    await until('the node', 15_000, async () => {
      const { Nodes } = (await server.littoral('ListNodes', {})) as { Nodes: { NodeId: string; IsOnline: boolean }[] }
      return Nodes.some(({ NodeId, IsOnline }) => NodeId === node.nodeId && IsOnline) ? true : undefined
    })
  })

  it('finishes a release that was under way', async () => {
    const appId = await createApp(esa(), { name: 'under-way', servicePort: 22_002, targetPort: 8080 })
    const versionId = await createVersion(esa(), { appId, name: 'version-1', image: 'registry.example/under-way:1', port: 8080 })
    await publish(esa(), { appId, versionId, environment: 'staging' })
    await publish(esa(), { appId, versionId, environment: 'prod' })
    await restart()
    await waitPublished(esa(), { appId, versionId, environment: 'prod' })
    expect(await waitStaging(esa(), appId)).toMatchObject({ Phase: 'Running' })
  })

  it('refuses a request that it has already answered', async () => {
    const url = `${server.url}/?${signV1(server.key, { Action: 'ListNodes', Version: '2026-12-01', Format: 'JSON' })}`
    const first = await fetch(url)
    expect(first.status).toBe(200)
    const port = new URL(server.url).port
    await restart()
    expect(new URL(server.url).port).toBe(port)
    const again = await fetch(url)
    expect(await again.json()).toMatchObject({ Code: 'SignatureNonceUsed' })
  })
})
