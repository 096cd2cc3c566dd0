// Logs through our own family: read and followed, over HTTP and as a WebSocket, with the memory runtime behind them.
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createApp, createVersion, publish, waitPublished, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { codeOf, openTestServer, type TestServer } from '../test-server.ts'
import type { TestNode } from '../test-node.ts'

let server: TestServer
let node: TestNode
let esa: Call
let appId: string
const line = 'started web of ver-'

beforeAll(async () => {
  server = await openTestServer()
  node = await server.openNode()
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  appId = await createApp(esa, { name: 'talkative', servicePort: 21_600, targetPort: 8080 })
  const versionId = await createVersion(esa, { appId, name: 'version-1', image: 'registry.example/talk:1', port: 8080 })
  for (const environment of ['staging', 'prod'] as const) await publish(esa, { appId, versionId, environment })
  await waitStaging(esa, appId)
  await waitPublished(esa, { appId, versionId, environment: 'prod' })
})
afterAll(() => server.close())

async function open(input: object): Promise<{ url: string; Path: string }> {
  const { Path } = await server.littoral('OpenLogStream', { AppId: appId, Environment: 'prod', ...input })
  return { url: `${server.url}${String(Path)}`, Path: String(Path) }
}

/** What the instance would write next. */
function write(text: string): void {
  for (const { workload, lines } of node.machine.instances.values()) {
    if (workload.key === `app/${appId}/prod`) lines.push({ container: 'web', text, atMs: Date.now() })
  }
}

test('the last lines are read by app and environment, by key, and by node and container', async () => {
  const key = `app/${appId}/prod`
  for (const where of [{ AppId: appId, Environment: 'prod' }, { AppId: appId }, { Key: key }, { Key: key, NodeId: node.nodeId }]) {
    const answer = await server.littoral('ReadLogs', { ...where, Container: 'web', TailLines: 1 })
    expect(answer).toMatchObject({ NodeId: node.nodeId, Key: key, Lines: [expect.stringContaining(line) as string] })
  }
  const { Lines } = await server.littoral('ReadLogs', { AppId: appId, Environment: 'staging' })
  expect((Lines as string[])[0]).toContain(`web | ${line}`)
  expect(await server.littoral('ReadLogs', { AppId: appId, SinceTime: '2100-01-01T00:00:00Z' })).toMatchObject({ Lines: [] })
})

test('what cannot be read says why', async () => {
  const codes = async (input: object) => codeOf(await server.littoral('ReadLogs', { ...input }).catch((error: unknown) => error))
  expect(await codes({})).toBe('Node.InvalidParameter')
  expect(await codes({ AppId: appId, Key: 'x' })).toBe('Node.InvalidParameter')
  expect(await codes({ AppId: appId, TailLines: 5001 })).toBe('Node.InvalidParameter')
  expect(await codes({ AppId: appId, SinceTime: 'yesterday' })).toBe('Node.InvalidParameter')
  expect(await codes({ AppId: 'app-000000000000000000' })).toBe('Stream.WorkloadNotFound')
  expect(await codes({ AppId: appId, Container: 'none' })).toBe('Stream.WorkloadNotFound')
  expect(await codes({ AppId: appId, NodeId: 'node-none' })).toBe('Node.NotFound')
})

test('with the workload on two nodes one of them has to be named', async () => {
  const second = await server.openNode({ environment: 'prod' })
  const versionId = await createVersion(esa, { appId, name: 'version-2', image: 'registry.example/talk:2', port: 8080 })
  await publish(esa, { appId, versionId, environment: 'prod' })
  await waitPublished(esa, { appId, versionId, environment: 'prod' })
  expect(codeOf(await server.littoral('ReadLogs', { AppId: appId }).catch((error: unknown) => error))).toBe('Stream.NodeRequired')
  const { Lines } = await server.littoral('ReadLogs', { AppId: appId, NodeId: second.nodeId })
  expect((Lines as string[]).join()).toContain(line)
})

test('many follow at once over HTTP, each line by line, and a ticket works once', async () => {
  const tickets = await Promise.all(Array.from({ length: 20 }, () => open({ NodeId: node.nodeId, TailLines: 0 })))
  const abort = new AbortController()
  const answers = await Promise.all(tickets.map(({ url }) => fetch(url, { signal: abort.signal })))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect((await fetch(tickets[0]!.url)).status).toBe(403)
  const texts = answers.map(async (answer) => {
    let text = ''
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.includes('second line')) return text
    }
    return text
  })
  write('first line')
  write('second line')
  for (const text of await Promise.all(texts)) expect(text).toMatch(/^(web \| )?first line\n(web \| )?second line\n$/)
  abort.abort()
  const free = async () => (await fetch((await open({ NodeId: node.nodeId })).url, { signal: AbortSignal.timeout(3000) })).status
  expect(await free()).toBe(200)
})

test('a WebSocket gets the same lines as text frames, and is told when the node goes', async () => {
  const other = await server.openNode({ environment: 'prod' })
  const versionId = await createVersion(esa, { appId, name: 'version-3', image: 'registry.example/talk:3', port: 8080 })
  await publish(esa, { appId, versionId, environment: 'prod' })
  await waitPublished(esa, { appId, versionId, environment: 'prod' })
  const { url } = await open({ NodeId: other.nodeId, TailLines: 5 })
  const socket = new WebSocket(url.replace('http', 'ws'))
  let text = ''
  socket.on('message', (frame) => (text += (frame as Buffer).toString('utf8')))
  const closed = once(socket, 'close')
  await until('the first line', 5000, async () => (text.includes(line) ? true : undefined))
  await other.disconnect()
  const [code, reason] = (await closed) as [number, Buffer]
  expect([code, reason.toString()]).toEqual([1011, 'NodeUnreachable: the node disconnected'])
})

test('a node that is away is said to be', async () => {
  const { url } = await open({ NodeId: node.nodeId })
  await node.disconnect()
  await until('the server to notice', 5000, async () => {
    const error = await server.littoral('ReadLogs', { AppId: appId, NodeId: node.nodeId }).catch((thrown: unknown) => thrown)
    return codeOf(error) === 'Stream.NodeUnreachable' ? true : undefined
  })
  const answer = await fetch(url)
  expect([answer.status, await answer.json()]).toMatchObject([502, { code: 'NodeUnreachable' }])
  await node.reconnect()
})
