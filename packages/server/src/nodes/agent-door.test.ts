// What the server hands out as an agent: its own, an operator's, by version and by digest.
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../operations/test-context.ts'
import type { AgentBundles } from '../operations/context.ts'
import { mountAgentDoor } from './agent-door.ts'
import { openAgentBundles } from './agent-bundles.ts'

const ownText = '// littoral-agent 0.2.0\nown'
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
let root: string
let own: string
let folder: string
let bundles: AgentBundles
let app: FastifyInstance

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'littoral-bundles-'))
  own = join(root, 'littoral-agent.mjs')
  folder = join(root, 'agents')
  await mkdir(folder)
  await writeFile(own, ownText)
  bundles = openAgentBundles({ own, folder })
  app = Fastify()
  mountAgentDoor(app, { bundles, log: silentLog })
})
afterEach(async () => {
  await app.close()
  await rm(root, { recursive: true })
})

describe('the agents of a server', () => {
  it('are its own and those in the folder, newest first; a file without a version is none', async () => {
    await writeFile(join(folder, 'older.mjs'), '// littoral-agent 0.1.9\n')
    await writeFile(join(folder, 'newer.mjs'), '// littoral-agent 0.10.0\n')
    await writeFile(join(folder, 'strange.mjs'), 'console.log(1)\n')
    await writeFile(join(folder, 'empty.mjs'), '')
    await writeFile(join(folder, 'notes.txt'), '// littoral-agent 9.9.9\n')
    const all = await bundles.list()
    expect(all.map(({ version, isOwn }) => [version, isOwn])).toEqual([
      ['0.10.0', false],
      ['0.2.0', true],
      ['0.1.9', false],
    ])
    expect(all[1]).toMatchObject({ sha256: sha256(ownText), sizeBytes: ownText.length })
  })

  it('are looked at again when a file has changed, come or gone', async () => {
    const before = (await bundles.list())[0]?.sha256
    await writeFile(own, '// littoral-agent 0.2.0\nother')
    expect((await bundles.list())[0]?.sha256).not.toBe(before)
    await rm(own)
    expect(await bundles.list()).toEqual([])
  })

  it('of the own version come from the folder where there is one', async () => {
    await writeFile(join(folder, 'mended.mjs'), '// littoral-agent 0.2.0\nmended')
    expect(await bundles.list()).toMatchObject([{ version: '0.2.0', isOwn: true, sha256: sha256('// littoral-agent 0.2.0\nmended') }])
  })
})

describe('the door', () => {
  it('gives the own agent to anybody, with its version and digest', async () => {
    const answer = await app.inject('/node/v1/agent')
    expect([answer.statusCode, answer.body]).toEqual([200, ownText])
    expect(answer.headers).toMatchObject({
      'x-littoral-agent-version': '0.2.0',
      'x-littoral-agent-sha256': sha256(ownText),
      etag: `"${sha256(ownText)}"`,
    })
  })

  it('gives a certain version or digest, also from where it was cut off', async () => {
    const text = '// littoral-agent 0.3.0\nthree'
    await writeFile(join(folder, 'three.mjs'), text)
    expect((await app.inject('/node/v1/agent?version=0.3.0')).body).toBe(text)
    const part = await app.inject({ url: `/node/v1/agent/${sha256(text)}`, headers: { range: 'bytes=24-' } })
    expect([part.statusCode, part.body, part.headers['content-range']]).toEqual([206, 'three', `bytes 24-28/${text.length}`])
  })

  it('says so when there is none', async () => {
    for (const url of ['/node/v1/agent?version=7', `/node/v1/agent/${'0'.repeat(64)}`, '/node/v1/agent/..%2F..%2Fetc%2Fpasswd']) {
      const answer = await app.inject(url)
      expect([answer.statusCode, answer.json()]).toMatchObject([404, { code: 'Node.BundleNotFound' }])
    }
    await rm(own)
    expect((await app.inject('/node/v1/agent')).statusCode).toBe(404)
  })
})
