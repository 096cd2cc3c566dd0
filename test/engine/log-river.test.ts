// A log river whole: the setting through the official client, the server that tells the node, a real engine, and a receiver over
// HTTP. What containers write arrives once, whatever is restarted or away in between.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { createApp, createVersion, deleteApp, publish, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { freePort } from '../../tools/start/settings.ts'
import type { TestNode } from '../test-node.ts'
import { openTestServer, type TestServer } from '../test-server.ts'

interface Line {
  readonly app: string
  readonly stream: string
  readonly text: string
  readonly path?: string
  readonly container: string
}

let handle: EngineHandle
let server: TestServer
let node: TestNode
let receiver: Server
let esa: Call
let isDown = false
const batches = new Set<string>()
const lines: Line[] = []
const image = 'localhost/littoral-river:1'

beforeAll(async () => {
  handle = await ensureEngine()
  await makeSampleImage(handle.socketPath, { tag: image, body: 'river' })
  receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const id = String(request.headers['littoral-batch'])
    if (isDown) return void response.writeHead(503).end()
    // As docs/log-river.md tells receivers to: a batch that came before is not taken again.
    if (!batches.has(id)) lines.push(...toLines(gunzipSync(Buffer.concat(chunks)).toString()))
    batches.add(id)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const env = {
    LITTORAL_LOG_SINK: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/logs`,
    LITTORAL_LOG_SINK_HEADERS: 'X-Team=edge',
  }
  server = await openTestServer({ env })
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  node = await server.openNode({ runtimes: ['engine'], engineSocket: handle.socketPath })
}, 240_000)
afterAll(async () => {
  await server?.close()
  receiver?.closeAllConnections()
  receiver?.close()
  await handle?.stop()
})
beforeEach(() => {
  isDown = false
})

function toLines(text: string): Line[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

const textsOf = (appId: string, stream?: string) =>
  lines.filter((line) => line.app === appId && (stream === undefined || line.stream === stream)).map(({ text }) => text)
const hasAll = (appId: string, wanted: (texts: readonly string[]) => boolean) =>
  until(`the lines of ${appId}`, 30_000, () => (wanted(textsOf(appId)) ? true : undefined))

/** Serves on 8080 and counts aloud, a line each tenth of a second. */
const counting = (more: string) =>
  `trap "exit 0" TERM; httpd -p 8080 -h /www; ${more}; i=0; while true; do i=$((i+1)); echo "count $i"; echo "file $i" >> /app/logs/app.log; sleep 0.1; done`

async function startCounting(name: string, river: Record<string, unknown>, script = counting('mkdir -p /app/logs')): Promise<string> {
  const appId = await createApp(esa, { name, servicePort: await freePort('0.0.0.0'), targetPort: 8080 })
  await esa('UpdateEdgeContainerAppLogRiver', { AppId: appId, ...river })
  const more = { Command: '/bin/sh', Args: `-c '${script}'` }
  const versionId = await createVersion(esa, { appId, name: 'version-1', image, port: 8080, more })
  await publish(esa, { appId, versionId, environment: 'staging' })
  await waitStaging(esa, appId)
  return appId
}

const numbers = (texts: readonly string[], word: string) =>
  texts.filter((text) => text.startsWith(`${word} `)).map((text) => Number(text.slice(word.length + 1)))

/** 1, 2, 3 … without a gap and without a repetition. */
function expectCounted(texts: readonly string[], word: string): void {
  const found = numbers(texts, word)
  expect(found).toEqual(Array.from({ length: found.length }, (_, index) => index + 1))
  expect(found.length).toBeGreaterThan(5)
}

test('both outputs and the files of a pattern arrive, from their first line on', { timeout: 120_000 }, async () => {
  const script = counting('mkdir -p /app/logs; echo oops >&2')
  const appId = await startCounting('river-both', { Stdout: true, Path: '/app/logs/*.log' }, script)
  await hasAll(appId, (texts) => texts.includes('count 20') && texts.includes('file 20'))
  expectCounted(textsOf(appId, 'stdout'), 'count')
  expectCounted(textsOf(appId, 'file'), 'file')
  expect(textsOf(appId, 'stderr')).toEqual(['oops'])
  expect(lines.find(({ text, app }) => app === appId && text === 'file 1')).toMatchObject({ path: '/app/logs/app.log', container: 'web' })
  await deleteApp(esa, appId)
})

test('a sink that is away and an agent that is restarted leave no gap, and nothing twice', { timeout: 120_000 }, async () => {
  const appId = await startCounting('river-gap', { Stdout: true, Path: '/app/logs/*.log' })
  await hasAll(appId, (texts) => texts.includes('count 5'))
  isDown = true
  await until('the complaint', 20_000, () => node.log.find((line) => line.includes('takes nothing: HTTP status 503')))
  await node.disconnect()
  await node.reconnect()
  isDown = false
  await hasAll(appId, (texts) => numbers(texts, 'count').length > 60 && numbers(texts, 'file').length > 60)
  expectCounted(textsOf(appId, 'stdout'), 'count')
  expectCounted(textsOf(appId, 'file'), 'file')
  expect(new Set(textsOf(appId)).size).toBe(textsOf(appId).length)
  await deleteApp(esa, appId)
})

test('a change reaches a node that runs, without a restart: collected from then on, and no longer', { timeout: 120_000 }, async () => {
  const appId = await startCounting('river-late', {})
  const { CreationTimestamp } = await esa('GetEdgeContainerStagingDeployStatus', { AppId: appId })
  await esa('UpdateEdgeContainerAppLogRiver', { AppId: appId, Stdout: true })
  await hasAll(appId, (texts) => texts.length > 5)
  const first = numbers(textsOf(appId), 'count')[0] ?? 0
  expect(first).toBeGreaterThan(1)
  await esa('UpdateEdgeContainerAppLogRiver', { AppId: appId, Stdout: false, Path: '/app/logs/app.log' })
  await hasAll(appId, () => textsOf(appId, 'file').length > 3)
  const last = Math.max(...numbers(textsOf(appId, 'stdout'), 'count'))
  expect(Math.max(...numbers(textsOf(appId, 'file'), 'file'))).toBeGreaterThan(last)
  expect((await esa('GetEdgeContainerStagingDeployStatus', { AppId: appId }))['CreationTimestamp']).toBe(CreationTimestamp)
  await deleteApp(esa, appId)
})

test('the last words of a container that is removed arrive, from its output and from its files', { timeout: 120_000 }, async () => {
  const ending = 'echo last words; echo last line >> /app/logs/app.log; exit 0'
  const script = counting(`mkdir -p /app/logs; trap "${ending}" TERM`)
  const appId = await startCounting('river-last', { Stdout: true, Path: '/app/logs/app.log' }, script)
  await hasAll(appId, (texts) => texts.includes('count 6'))
  await deleteApp(esa, appId)
  await hasAll(appId, (texts) => texts.includes('last words') && texts.includes('last line'))
  expect(textsOf(appId, 'stdout').at(-1)).toBe('last words')
  expectCounted(textsOf(appId, 'stdout'), 'count')
})
