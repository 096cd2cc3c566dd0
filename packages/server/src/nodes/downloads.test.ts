// What a node may download: only what its own desired state names, whole or in part.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Workload } from '@littoral/contract/node/desired-state'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashSecret } from '../domain/secret.ts'
import { type TestContext, testContext, testPrincipal } from '../operations/test-context.ts'
import * as assignments from '../store/assignments.ts'
import * as nodes from '../store/nodes.ts'
import { parseRange, mountDownloads } from './downloads.ts'
import { testFacts } from './test-node.ts'

const bytes = Buffer.from('0123456789')
const sha256 = createHash('sha256').update(bytes).digest('hex')
const missing = 'b'.repeat(64)
let folder: string
let context: TestContext
let app: FastifyInstance
let opened: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-downloads-'))
  const path = join(folder, 'package')
  await writeFile(path, bytes)
  context = await testContext()
  app = Fastify()
  opened = []
  const findByDigest = async (digest: string) => {
    opened.push(digest)
    return digest === sha256 ? { sizeBytes: bytes.length } : undefined
  }
  const openByDigest = async (_: string, range?: { start: number; end: number }) => createReadStream(path, range)
  mountDownloads(app, { ...context, gateways: { find: async () => undefined, require() {} }, files: { findByDigest, openByDigest } })
  await addNode('node-a')
  await addNode('node-b')
  await context.store.write(async (tx) => assignments.assign(tx, { nodeId: 'node-a', workload: driver(), nowMs: 0 }))
})

afterEach(async () => {
  await app.close()
  await context.close()
  await rm(folder, { recursive: true })
})

async function addNode(id: string): Promise<void> {
  await context.store.write(async (tx) =>
    nodes.insert(tx, {
      id,
      accountId: testPrincipal.accountId,
      ...testFacts,
      facts: testFacts,
      pinned: {},
      isOnline: true,
      generation: 0,
      acceptedGeneration: 0,
      createdAtMs: 0,
      secretHash: hashSecret('lns_secret'),
    }),
  )
}

function driver(): Workload {
  return {
    kind: 'driver',
    key: 'driver/i/d',
    version: '1',
    digest: 'digest',
    driverId: 'd',
    driverName: 'drv',
    runtime: 'nodejs8',
    edgeVersion: '2.0.0',
    package: { path: `/node/v1/objects/${sha256}`, sha256, sizeBytes: bytes.length },
    arguments: [],
    config: '{}',
    files: [{ name: 'gone.json', path: `/node/v1/objects/${missing}`, sha256: missing, sizeBytes: 1 }],
  }
}

const get = (digest: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
  app.inject({ method, url: `/node/v1/objects/${digest}`, headers: { authorization: 'LittoralNode node-a:lns_secret', ...headers } })

describe('a download', () => {
  it('is the whole file, with its digest as entity tag', async () => {
    const answer = await get(sha256)
    expect([answer.statusCode, answer.body, answer.headers.etag, answer.headers['content-length']]).toEqual([
      200,
      '0123456789',
      `"${sha256}"`,
      '10',
    ])
    expect((await get(sha256, {}, 'HEAD')).body).toBe('')
  })

  it('goes on where it was interrupted', async () => {
    const answer = await get(sha256, { range: 'bytes=7-', 'if-range': `"${sha256}"` })
    expect([answer.statusCode, answer.body, answer.headers['content-range']]).toEqual([206, '789', 'bytes 7-9/10'])
    expect((await get(sha256, { range: 'bytes=7-', 'if-range': '"other"' })).body).toBe('0123456789')
    const beyond = await get(sha256, { range: 'bytes=10-' })
    expect([beyond.statusCode, beyond.headers['content-range']]).toEqual([416, 'bytes */10'])
  })

  it('is refused to strangers, and to nodes whose desired state does not name it', async () => {
    const refused = async (headers: Record<string, string>) => (await get(sha256, headers)).statusCode
    expect(await refused({ authorization: '' })).toBe(401)
    expect(await refused({ authorization: 'LittoralNode node-a:lns_guess' })).toBe(401)
    expect(await refused({ authorization: 'LittoralNode node-b:lns_secret' })).toBe(403)
    expect((await get('a'.repeat(64))).json()).toMatchObject({ code: 'Node.DownloadForbidden' })
    expect((await get('..%2Fetc')).statusCode).toBe(403)
    expect(opened).toEqual([])
  })

  it('says so when the object is not stored any more', async () => {
    const answer = await get(missing)
    expect([answer.statusCode, answer.json()]).toMatchObject([404, { code: 'Node.DownloadNotFound' }])
  })
})

it.each([
  [undefined, undefined],
  ['bytes=0-0', { start: 0, end: 0 }],
  ['bytes=5-99', { start: 5, end: 9 }],
  ['bytes=-3', { start: 7, end: 9 }],
  ['bytes=-99', { start: 0, end: 9 }],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=6-5', 'unsatisfiable'],
  ['bytes=-', undefined],
  ['bytes=0-1,3-4', undefined],
  ['lines=0-1', undefined],
])('reads the range %s', (header, range) => {
  expect(parseRange(header, 10)).toEqual(range)
})
