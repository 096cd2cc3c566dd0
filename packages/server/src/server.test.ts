// The composition in one process: what survives a restart, whose key counts, and that nothing stays open.
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { connect as connectTo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createClient } from '../../cli/src/client.ts'
import { operations } from '@littoral/contract/littoral/index'
import { type Config, readConfig } from './config.ts'
import { connect } from './nodes/test-node.ts'
import { silentLog } from './operations/test-context.ts'
import { openServer, type RunningServer } from './server.ts'

let folder: string
let server: RunningServer | undefined

beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'littoral-server-'))))
afterEach(async () => {
  await server?.stop()
  server = undefined
  await rm(folder, { recursive: true })
})

async function open(env: Record<string, string> = {}): Promise<RunningServer> {
  const config: Config = readConfig({ LITTORAL_LISTEN: '127.0.0.1:0', LITTORAL_DATA: folder, ...env })
  return (server = await openServer(config, { log: silentLog }))
}

const clientOf = ({ url, rootKey }: RunningServer) => createClient({ endpoint: url, ...rootKey })

it('lets a node join with a token made over the API, and knows it after a restart', async () => {
  const first = await open()
  const { Token } = await clientOf(first).call(operations.CreateNodeToken, {})
  const node = await connect(first.url, `Bearer ${Token}`)
  node.hello()
  const { nodeId, nodeSecret } = await node.next('welcome')
  expect(await clientOf(first).call(operations.ListNodes, {})).toMatchObject({ TotalCount: 1, Nodes: [{ NodeId: nodeId, IsOnline: true }] })
  await first.stop()
  expect((await node.ended).code).toBe(1001)
  const second = await open()
  expect(second.rootKey).toEqual(first.rootKey)
  const again = await connect(second.url, `LittoralNode ${nodeId}:${nodeSecret}`)
  again.hello()
  expect((await again.next('welcome')).nodeId).toBe(nodeId)
})

it('takes the key of the environment instead of its own, for the same account', async () => {
  const own = await open()
  await clientOf(own).call(operations.CreateNodeToken, {})
  await own.stop()
  const given = await open({ LITTORAL_ACCESS_KEY_ID: 'LTAIgivenkey', LITTORAL_ACCESS_KEY_SECRET: 'given-secret' })
  expect(await clientOf(given).call(operations.ListNodes, {})).toMatchObject({ TotalCount: 0 })
  const withOld = createClient({ endpoint: given.url, ...own.rootKey })
  await expect(withOld.call(operations.ListNodes, {})).rejects.toMatchObject({ code: 'InvalidAccessKeyId.NotFound' })
})

it('writes an audit row with every change, and none for a question', async () => {
  const { url, rootKey } = await open()
  const client = createClient({ endpoint: url, ...rootKey })
  const { RequestId } = await client.call(operations.CreateNodeToken, {})
  await client.call(operations.ListNodes, {})
  await server?.stop()
  const { openStore } = await import('./store/open.ts')
  const { db } = await import('./store/db.ts')
  const store = await openStore({ file: join(folder, 'littoral.db') })
  const rows = await store.read((tx) => tx.all(db.selectFrom('audit').selectAll()))
  expect(rows).toMatchObject([{ id: RequestId, actor: rootKey.accessKeyId, action: 'CreateNodeToken', outcome: 'ok' }])
  expect(JSON.stringify(rows)).not.toContain('ljt_')
  await store.close()
})

it('is stopped for whoever asks once everything is closed, also for the second', async () => {
  const running = await open()
  const first = running.stop()
  await running.stop()
  await expect(readFile(join(folder, 'server.json'))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await readdir(folder)).not.toContain('littoral.db-wal')
  await first
})

/** A call whose last two bytes are still to come. */
function halfACall(url: string) {
  const socket = connectTo(Number(new URL(url).port), '127.0.0.1')
  const closed = once(socket, 'close')
  let answer = ''
  socket.on('data', (chunk) => (answer += String(chunk)))
  socket.write('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\na')
  const finish = async () => {
    socket.write('=b')
    await closed
    return answer
  }
  return { finish }
}

it('answers calls that are under way when it stops', async () => {
  const running = await open()
  const calls = [halfACall(running.url), halfACall(running.url)]
  // Whoever connected after them is answered once they have arrived.
  expect((await fetch(running.url, { headers: { connection: 'close' } })).status).toBe(400)
  const stopped = running.stop()
  for (const { finish } of calls) expect(await finish()).toMatch(/^HTTP\/1\.1 400 [\s\S]*"Code":"MissingAction"/)
  await stopped
})

it('leaves nothing open when it cannot listen, so that the folder can be used at once', async () => {
  const first = await open()
  const other = await mkdtemp(join(tmpdir(), 'littoral-server-'))
  const busy = readConfig({ LITTORAL_LISTEN: new URL(first.url).host, LITTORAL_DATA: other })
  await expect(openServer(busy, { log: silentLog })).rejects.toThrow(/is in use by another program/)
  const free = await openServer({ ...busy, listen: { host: '127.0.0.1', port: 0 } }, { log: silentLog })
  expect(JSON.parse(await readFile(join(other, 'server.json'), 'utf8'))).toMatchObject({ endpoint: free.url })
  await free.stop()
  await rm(other, { recursive: true })
})
