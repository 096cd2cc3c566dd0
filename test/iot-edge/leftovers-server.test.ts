// Leftovers in a whole server: the loop runs in it, what it has found outlives restarts, and the bytes go from the disk.
import { access, mkdtemp, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readConfig } from '../../packages/server/src/config.ts'
import { silentLog } from '../../packages/server/src/operations/test-context.ts'
import { openServer, type RunningServer } from '../../packages/server/src/server.ts'
import { createDriver, uploadPackage } from '../../tools/journey/driver.ts'
import { until } from '../../tools/journey/wait.ts'
import { popCall } from '../../tools/official-clients.ts'

const dayMs = 24 * 3600 * 1000

let folder: string
let server: RunningServer | undefined
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'littoral-leftovers-'))))
afterEach(async () => {
  await server?.stop()
  await rm(folder, { recursive: true })
})

async function open(days: number): Promise<RunningServer> {
  const env = { LITTORAL_LISTEN: '127.0.0.1:0', LITTORAL_DATA: folder, LITTORAL_LEFTOVER_DAYS: '10' }
  return (server = await openServer(readConfig(env), { log: silentLog, now: () => Date.now() + days * dayMs }))
}

/** Beside the server, which has the file open. */
function listed(): number {
  const Database = createRequire(import.meta.url)('better-sqlite3') as new (
    file: string,
    options: object,
  ) => { prepare(sql: string): { get(): { count: number } }; close(): void }
  const opened = new Database(join(folder, 'littoral.db'), { readonly: true })
  const { count } = opened.prepare('SELECT count(*) AS count FROM object_leftovers').get()
  opened.close()
  return count
}

it('are found at one start and removed at a later one', { timeout: 60_000 }, async () => {
  const first = await open(0)
  const call = popCall(first.url, first.rootKey, '2018-01-20')
  const zip = Buffer.from('nobody wants this')
  const driverId = await createDriver(call, { name: 'forgotten', runtime: 'nodejs8' })
  await uploadPackage(call, { driverId, version: '1.0.0', fileName: 'code.zip', zip })
  const sha256 = createHash('sha256').update(zip).digest('hex')
  const path = join(folder, 'objects', sha256.slice(0, 2), sha256)
  await access(path)
  await first.stop()

  const second = await open(1)
  // The address alone: its bytes are used as long as it is there.
  await until('the leftover', 20_000, async () => (listed() === 1 ? true : undefined))
  await second.stop()

  await open(11)
  const isGone = () =>
    access(path).then(
      () => undefined,
      () => true,
    )
  await until('the end of the bytes', 20_000, isGone)
  await until('the end of the list', 20_000, async () => (listed() === 0 ? true : undefined))
  expect(await isGone()).toBe(true)
})
