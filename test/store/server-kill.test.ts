// Kills the server itself in the middle of a storm of signed requests, again and again on one data folder: it must always
// start again, and every version whose creation it had answered must be there. LITTORAL_KILL_ROUNDS sets how often.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { popCall, type Call } from '../../tools/official-clients.ts'

const rounds = Number(process.env['LITTORAL_KILL_ROUNDS'] ?? 5)
const main = fileURLToPath(new URL('../../packages/server/src/main.ts', import.meta.url))
const key = { accessKeyId: 'LTAIkilled', accessKeySecret: 'secret-of-the-storm' }
const writersAtOnce = 16
const pageSize = 100

const container = {
  Name: 'web',
  Image: 'registry.example.com/team/web:1',
  IsACRImage: false,
  Spec: '1C2G',
  Storage: '0.5G',
  ProbeType: 'tcpSocket',
  ProbeContent: { Port: 80 },
}

let folder: string
let server: ChildProcess | undefined
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'littoral-server-kill-'))
})
afterAll(async () => {
  await kill()
  rmSync(folder, { recursive: true, force: true })
})

/** Starts the server on the folder; resolves with its way in, throws with its last words. */
async function start(): Promise<Call> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=littoral:source', main], {
    env: {
      ...process.env,
      LITTORAL_DATA: folder,
      LITTORAL_LISTEN: '127.0.0.1:0',
      LITTORAL_THROTTLE: 'off',
      LITTORAL_LIMIT_APPS: '100000',
      LITTORAL_LIMIT_VERSIONS_PER_APP: '100000',
      LITTORAL_ACCESS_KEY_ID: key.accessKeyId,
      LITTORAL_ACCESS_KEY_SECRET: key.accessKeySecret,
    },
  })
  server = child
  let words = ''
  child.stderr.on('data', (chunk) => (words = `${words}${String(chunk)}`.slice(-2000)))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line) => resolve(String(line).trim().replace('listening on ', '')))
    child.once('close', () => reject(new Error(`the server did not start: ${words}`)))
  })
  return popCall(url, key, '2024-09-10')
}

async function kill(): Promise<void> {
  const child = server
  server = undefined
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** Creates versions of an application until the server is gone; returns those it said it had. */
async function storm(call: Call, appId: string): Promise<string[]> {
  const acknowledged: string[] = []
  let count = 0
  const write = async (): Promise<void> => {
    for (;;) {
      const name = `version-${(count += 1)}`
      try {
        const { VersionId } = await call('CreateEdgeContainerAppVersion', {
          AppId: appId,
          Name: name,
          Containers: JSON.stringify([container]),
        })
        acknowledged.push(String(VersionId))
      } catch (error) {
        if (server !== undefined) throw error
        return
      }
      if (acknowledged.length === writersAtOnce) setTimeout(() => void kill(), Math.random() * 300)
    }
  }
  await Promise.all(Array.from({ length: writersAtOnce }, write))
  return acknowledged
}

async function storedVersions(call: Call, appId: string): Promise<Set<string>> {
  const ids = new Set<string>()
  for (let page = 1; ; page += 1) {
    const answer = await call('ListEdgeContainerAppVersions', { AppId: appId, PageNumber: page, PageSize: pageSize })
    for (const { VersionId } of answer['Versions'] as { VersionId: string }[]) ids.add(VersionId)
    if (page * pageSize >= Number(answer['TotalCount'])) return ids
  }
}

test(
  `the server starts again after each of ${rounds} kills, and no version that it acknowledged is missing`,
  async () => {
    const acknowledged = new Map<string, readonly string[]>()
    const check = async (call: Call, appId: string): Promise<void> => {
      const stored = await storedVersions(call, appId)
      expect((acknowledged.get(appId) ?? []).filter((id) => !stored.has(id))).toEqual([])
    }
    let call = await start()
    for (let round = 1; round <= rounds; round += 1) {
      const { AppId } = await call('CreateEdgeContainerApp', { Name: `round-${round}`, ServicePort: 80, TargetPort: 80 })
      const appId = String(AppId)
      acknowledged.set(appId, await storm(call, appId))
      expect(acknowledged.get(appId)?.length).toBeGreaterThan(0)
      call = await start()
      await check(call, appId)
    }
    for (const appId of acknowledged.keys()) await check(call, appId)
  },
  rounds * 30_000,
)
