// What a node gets to know of image secrets: those its own workloads need, and no others.
import type { GroupWorkload } from '@littoral/contract/node/desired-state'
import { newSealKey, openSealed, registryCredentialPurpose } from '@littoral/contract/wire/sealed'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newImageSecret, sealPurpose } from '../domain/image-secret.ts'
import { hashSecret } from '../domain/secret.ts'
import type { Log } from '../operations/context.ts'
import { type TestContext, testContext, testPrincipal } from '../operations/test-context.ts'
import * as assignments from '../store/assignments.ts'
import { db } from '../store/db.ts'
import * as secrets from '../store/edge-container/image-secrets.ts'
import * as nodes from '../store/nodes.ts'
import { mountRegistryCredentials } from './registry-credentials.ts'
import { testFacts } from './test-node.ts'

const { accountId } = testPrincipal
const key = 'app/app-1/prod'
const sealKey = newSealKey()
let context: TestContext
let app: FastifyInstance
let lines: string[]

beforeEach(async () => {
  context = await testContext()
  app = Fastify()
  lines = []
  const write = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = { info: write, warn: write, error: write }
  mountRegistryCredentials(app, { ...context, log, gateways: { find: async () => undefined, require() {} } })
  for (const id of ['node-a', 'node-b']) await addNode(id)
  for (const id of ['app-1', 'app-2']) await addApp(id)
  await context.store.write(async (tx) => assignments.assign(tx, { nodeId: 'node-a', workload: workload(), nowMs: 0 }))
})
afterEach(async () => {
  await app.close()
  await context.close()
})

function addNode(id: string): Promise<void> {
  const facts = { ...testFacts, sealKey: sealKey.publicKey }
  const node = { id, accountId, ...testFacts, facts, pinned: {}, isOnline: true, generation: 0, acceptedGeneration: 0 }
  return context.store.write(async (tx) => nodes.insert(tx, { ...node, createdAtMs: 0, secretHash: hashSecret('lns_secret') }))
}

function addApp(id: string): Promise<void> {
  const ports = { service_port: 80, target_port: 80 }
  const times = { created_at_ms: 0, updated_at_ms: 0 }
  const row = { id, account_id: accountId, name: id, status: 'created' as const, ...ports, ...times, remarks: '', health_check: '{}' }
  return context.store.write(async (tx) => tx.run(db.insertInto('apps').values(row)))
}

function addSecret(appId: string, username: string, registry = 'images.example.com:5000'): Promise<void> {
  return context.store.write(async (tx) => {
    const newest = await secrets.findNewest(tx, appId)
    const secret = newImageSecret({ appId, accountId, name: `reg-${username}`, registry, username }, 0, newest?.createdAtMs)
    secrets.insert(tx, { ...secret, sealed: context.box.seal(`word of ${username}`, sealPurpose(secret)) }, 20)
  })
}

function workload(): GroupWorkload {
  const container = { name: 'web', cpus: 1, memoryBytes: 1, storageBytes: 1, env: [] }
  return {
    kind: 'group',
    key,
    version: 'ver-1',
    digest: 'digest',
    appId: 'app-1',
    environment: 'prod',
    containers: [
      { ...container, image: 'Images.example.com:5000/team/web:1' },
      { ...container, name: 'side', image: 'nginx' },
    ],
    ports: [],
    graceSeconds: 1,
  }
}

async function ask(query: Record<string, string>, authorization = 'LittoralNode node-a:lns_secret') {
  const asked = { key, registry: 'images.example.com:5000', ...query }
  const path = `/node/v1/registry-credentials?${new URLSearchParams(asked)}`
  const answer = await app.inject({ method: 'GET', url: path, headers: { authorization } })
  const { sealed, ...rest } = answer.json<Record<string, string>>()
  expect(answer.body).not.toContain('word of')
  const open = (text: string) => JSON.parse(openSealed(sealKey, text, registryCredentialPurpose(asked.key, asked.registry))) as object
  return { status: answer.statusCode, body: sealed === undefined ? rest : open(sealed), caching: answer.headers['cache-control'] }
}

describe('a node that pulls', () => {
  it('gets the newest secret for the registry, which is noted without the password', async () => {
    for (const name of ['old', 'new']) await addSecret('app-1', name)
    await addSecret('app-1', 'elsewhere', 'other.example.com')
    expect(await ask({})).toEqual({ status: 200, body: { username: 'new', password: 'word of new' }, caching: 'no-store' })
    expect(await ask({ registry: 'IMAGES.example.com:5000' })).toMatchObject({ body: { username: 'new' } })
    expect(lines[0]).toContain('reg-new')
    expect(lines.join()).not.toContain('word of')
  })

  it('gets an empty answer where there is none', async () => {
    await addSecret('app-2', 'other')
    expect(await ask({})).toMatchObject({ status: 200, body: {} })
    expect(await ask({ registry: 'docker.io' })).toMatchObject({ status: 200, body: {} })
    await addSecret('app-1', 'hub', 'docker.io')
    expect(await ask({ registry: 'docker.io' })).toMatchObject({ body: { username: 'hub', password: 'word of hub' } })
  })

  it('gets nothing of registries and applications that it has nothing to do with', async () => {
    await addSecret('app-1', 'elsewhere', 'other.example.com')
    await addSecret('app-2', 'foreign')
    for (const query of [{ registry: 'other.example.com' }, { key: 'app/app-2/prod' }, { key: 'app/app-1/staging' }, { key: '' }]) {
      expect(await ask(query)).toMatchObject({ status: 403, body: { code: 'Node.CredentialForbidden' } })
    }
    const bare = await app.inject({ url: '/node/v1/registry-credentials', headers: { authorization: 'LittoralNode node-a:lns_secret' } })
    expect(bare.statusCode).toBe(403)
  })

  it('has to be who it says, and to run the workload', async () => {
    await addSecret('app-1', 'puller')
    expect(await ask({}, 'LittoralNode node-b:lns_secret')).toMatchObject({ status: 403 })
    expect(await ask({}, 'LittoralNode node-a:lns_guess')).toMatchObject({ status: 401, body: { code: 'Node.Unauthenticated' } })
    expect(await ask({}, 'Bearer ljt_unknown')).toMatchObject({ status: 403, body: { code: 'Node.TokenRefused' } })
  })

  it('gets none before it has told the key that secrets are sealed to', async () => {
    await addSecret('app-1', 'puller')
    await context.store.write(async (tx) =>
      tx.run(
        db
          .updateTable('nodes')
          .set({ facts: JSON.stringify(testFacts) })
          .where('id', '=', 'node-a'),
      ),
    )
    expect(await ask({})).toMatchObject({ status: 403, body: { code: 'Node.SealKeyMissing' } })
  })

  it('is told of a secret that cannot be opened, which the log explains', async () => {
    await addSecret('app-1', 'puller')
    await context.store.write(async (tx) => tx.run(db.updateTable('app_image_secrets').set({ name: 'reg-moved' })))
    expect(await ask({})).toMatchObject({ status: 500, body: { code: 'InternalError' } })
    expect(lines.join()).toContain('could not be handed out')
  })
})
