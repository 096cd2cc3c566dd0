// The measured server, in a process of its own, in one of four variants: `real`; `one-by-one`, which commits every request
// by itself on the thread that serves, as a server without a writer's thread does; `one-by-one-apart`, which does so on the
// writer's thread; `no-store`, the same pipeline with a store that does nothing. Questions: open, memory, cpu, versions.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { family } from '@littoral/contract/edge-container/index'
import { auditedStore } from '../packages/server/src/audited.ts'
import { readConfig } from '../packages/server/src/config.ts'
import { keepRequestsYoung } from '../packages/server/src/heap.ts'
import { createApp } from '../packages/server/src/http/app.ts'
import { createMemoryNonces } from '../packages/server/src/http/nonces.ts'
import { createRegistry } from '../packages/server/src/http/registry.ts'
import { randomIds } from '../packages/server/src/ids.ts'
import { jsonLog } from '../packages/server/src/log.ts'
import type { Services } from '../packages/server/src/operations/context.ts'
import { handlers } from '../packages/server/src/operations/edge-container/index.ts'
import { openCredentials, upsert } from '../packages/server/src/store/credentials.ts'
import { db } from '../packages/server/src/store/db.ts'
import { openNonces } from '../packages/server/src/store/nonces.ts'
import { loadSecretBox } from '../packages/server/src/store/secret-box.ts'
import { migrations } from '../packages/server/src/store/migrations/index.ts'
import { loadDriver } from '../packages/server/src/store/sqlite/driver.ts'
import { InlineWriter } from '../packages/server/src/store/sqlite/inline-writer.ts'
import { MemoryReaders } from '../packages/server/src/store/sqlite/memory-readers.ts'
import { openDurable } from '../packages/server/src/store/sqlite/open-durable.ts'
import { openSqliteStore } from '../packages/server/src/store/sqlite/open.ts'
import { SqliteStore } from '../packages/server/src/store/sqlite/sqlite-store.ts'
import type { Store, WriteTx } from '../packages/server/src/store/store.ts'
import { answerQuestions } from './processes.ts'
import type { Target } from './requests.ts'

export type Variant = 'real' | 'one-by-one' | 'one-by-one-apart' | 'no-store'

export interface Opened {
  readonly target: Target
  readonly appIds: readonly string[]
}

// As the server's entry point does.
keepRequestsYoung()

const accountId = '1000000000000001'
const key = { accessKeyId: 'LTAIbench', secret: 'bench secret' }
const appCount = 4000
const now = Date.now
const folder = mkdtempSync(join(tmpdir(), 'littoral-bench-'))
const closers: (() => Promise<unknown>)[] = []

const appOf = (index: number) => ({
  id: `app-${100_000_000_000_000_000n + BigInt(index)}`,
  account_id: accountId,
  name: `app ${index}`,
  status: 'created' as const,
  service_port: 1024 + index,
  target_port: 8080,
  created_at_ms: now(),
  updated_at_ms: now(),
  remarks: '',
  health_check: '{}',
})
const apps = Array.from({ length: appCount }, (_, index) => appOf(index))

/** Answers every read with an application and forgets every statement. */
function emptyStore(): Store {
  const first = async () => apps[0] as never
  const tx: WriteTx = {
    first,
    all: async () => [],
    peek: first,
    peekAll: async () => [],
    run() {},
    append() {},
    require() {},
    announce() {},
  }
  return { read: (fn) => fn(tx), write: (fn) => fn(tx), changes: () => () => {}, ride: () => () => {}, close: async () => {} }
}

async function openVariant(variant: Exclude<Variant, 'no-store'>): Promise<Store> {
  const file = join(folder, 'littoral.db')
  if (variant !== 'one-by-one') return openSqliteStore({ file, ...(variant === 'one-by-one-apart' ? { groupLimit: 1 } : {}) })
  const durable = openDurable({ file, driver: loadDriver().name, migrations, nowMs: now() })
  const readers = new MemoryReaders(durable.connection)
  return new SqliteStore({ writer: new InlineWriter(durable, readers), readers, log: jsonLog(() => {}), groupLimit: 1 })
}

async function openParts(variant: Variant) {
  const credential = { id: key.accessKeyId, accountId, secret: key.secret, kind: 'root', isActive: true, createdAtMs: now() } as const
  if (variant === 'no-store') {
    return { store: emptyStore(), nonces: createMemoryNonces(now), credentials: { find: async () => credential } }
  }
  const store = await openVariant(variant)
  const box = await loadSecretBox(folder)
  await store.write(async (tx) => {
    upsert(tx, box, credential)
    for (const app of apps) tx.run(db.insertInto('apps').values(app))
  })
  const nonces = await openNonces(store, now)
  closers.push(
    () => nonces.close(),
    () => store.close(),
  )
  return { store, nonces, credentials: openCredentials(store, box) }
}

async function open({ variant }: { variant: Variant }): Promise<Opened> {
  const { store, nonces, credentials } = await openParts(variant)
  served = store
  const { settings } = readConfig({ LITTORAL_THROTTLE: 'off', LITTORAL_LIMIT_VERSIONS_PER_APP: '1000000' })
  // A log line is written per call in production too; where it goes is not what is measured.
  const log = jsonLog(() => {})
  const services = { store, now, ids: randomIds, log, settings } as Services
  const registry = createRegistry([{ family, handlers }])
  const app = createApp({
    registry,
    services,
    credentials,
    nonces,
    storeFor: (principal, call) => auditedStore(services, principal, call),
  })
  closers.unshift(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  return { target: { port, key }, appIds: apps.map(({ id }) => id) }
}

let served: Store | undefined

async function versions(): Promise<(readonly [string, string])[]> {
  const query = db.selectFrom('app_versions').select(['app_id', 'id']).limit(1000)
  const rows = (await served?.read((tx) => tx.all(query))) ?? []
  return rows.map((row) => [row.app_id, row.id] as const)
}

answerQuestions(
  {
    open,
    async memory() {
      globalThis.gc?.()
      return process.memoryUsage()
    },
    /** Some of the versions that are there, with their applications. */
    versions,
    async cpu() {
      const { user, system } = process.cpuUsage()
      return user + system
    },
  },
  async () => {
    for (const close of closers) await close()
    rmSync(folder, { recursive: true, force: true })
  },
)
