// A real shell in a real container: what a user of GetEdgeContainerTerminal sees, through the official client, the server, the
// node's socket and the engine.
import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureEngine, type EngineHandle } from '../../tools/engine.ts'
import { createApp, createVersion, deleteApp, publish, waitStaging } from '../../tools/journey/app.ts'
import { until } from '../../tools/journey/wait.ts'
import { sdkCall, type Call } from '../../tools/official-clients.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'
import { freePort } from '../../tools/start/settings.ts'
import { askTerminal, openTerminal } from '../streams/terminal-client.ts'
import { openTestServer, type TestServer } from '../test-server.ts'
import type { TestNode } from '../test-node.ts'

let engine: EngineHandle
let server: TestServer
let node: TestNode
let esa: Call
let appId: string

beforeAll(async () => {
  engine = await ensureEngine()
  const image = `littoral-terminal-${process.pid}:1`
  await makeSampleImage(engine.socketPath, { tag: image, body: 'shell' })
  server = await openTestServer()
  esa = sdkCall('@alicloud/esa20240910', server.url, server.key)
  node = await server.openNode({ runtimes: ['engine'], engineSocket: engine.socketPath })
  appId = await createApp(esa, { name: 'real-shell', servicePort: await freePort('0.0.0.0'), targetPort: 8080 })
  const more = { EnvVariables: 'GREETING=from-the-container' }
  const versionId = await createVersion(esa, { appId, name: 'version-1', image, port: 8080, more })
  await publish(esa, { appId, versionId, environment: 'staging' })
  await waitStaging(esa, appId)
}, 240_000)
afterAll(async () => {
  await deleteApp(esa, appId)
  await node?.close()
  await server?.close()
  await engine?.stop()
})

async function open() {
  const terminal = await openTerminal(server.url, await askTerminal(esa, appId))
  terminal.type('echo shell is $((40 + 2))\n')
  await terminal.see('shell is 42')
  return terminal
}

/** Processes whose environment or command line names this text. */
async function processesWith(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.replaceAll('\0', ' ').includes(text))
}

test('commands run in the container, with its environment and its files, until exit gives the code', async () => {
  const terminal = await open()
  terminal.type('echo $GREETING; cat /www/index.html; echo\n')
  await terminal.see(/from-the-container\r\nshell/)
  terminal.type('exit 5\n')
  expect(await terminal.ended).toEqual({ exit: { code: 5 }, closeCode: 1000 })
})

test('the shell has a terminal of the size the client says', async () => {
  const terminal = await open()
  terminal.type('busybox stty size\n')
  await terminal.see('24 80')
  terminal.resize(132, 43)
  terminal.type('busybox stty size\n')
  await terminal.see('43 132')
  terminal.type('\u0004')
  expect(await terminal.ended).toMatchObject({ exit: { code: 0 } })
})

test('a lot of output arrives whole, also to a reader that pauses', async () => {
  const terminal = await open()
  terminal.socket.pause()
  terminal.type('busybox seq 1 200000; echo "all" "there"\n')
  await new Promise((resolve) => setTimeout(resolve, 300))
  terminal.socket.resume()
  const text = await terminal.see('all there')
  expect(text).toContain('\r\n199999\r\n200000\r\nall there')
  terminal.socket.close()
  await terminal.ended
})

test('Ctrl-C interrupts, and what still runs when the client leaves is ended', async () => {
  const terminal = await open()
  terminal.type('sleep 98761\n')
  await until('the first command', 5000, async () => ((await processesWith('sleep 98761')).length > 0 ? true : undefined))
  terminal.type('\u0003')
  await until('the interrupt', 5000, async () => ((await processesWith('sleep 98761')).length === 0 ? true : undefined))
  terminal.type('sleep 98762\n')
  await until('the second command', 5000, async () => ((await processesWith('sleep 98762')).length > 0 ? true : undefined))
  terminal.socket.close()
  await expect.poll(() => processesWith('sleep 98762'), { timeout: 10_000 }).toEqual([])
})
