// Incidents of workloads on the memory runtime, from the failure to the file.
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Workload } from '@littoral/contract/node/desired-state'
import { type Caretaker, openCaretaker } from '../caretaker.ts'
import { Reconciler } from '../reconcile.ts'
import { MemoryRuntime } from '../runtime/memory.ts'
import { container, desiredState, group } from '../test-workloads.ts'
import { failed, nextSeen, quietMs } from './detect.ts'
import { IncidentFiles } from './files.ts'

let folder: string
let caretaker: Caretaker
let reconciler: Reconciler
let log: string[]
let generation = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-incidents-'))
  log = []
  await open()
})
afterEach(async () => {
  await close()
  await rm(folder, { recursive: true, force: true })
})

async function open(): Promise<void> {
  const runtimes = [new MemoryRuntime()]
  caretaker = await openCaretaker({ dataDir: folder, runtimes, log: (line) => log.push(line) })
  const common = { onStatus: () => {}, log: (line: string) => log.push(line), host: () => 'h', random: () => 0, periodMs: 100 }
  reconciler = new Reconciler({ runtimes, hooks: caretaker.hooks, ...common })
}

async function close(): Promise<void> {
  await reconciler.close(2000)
  await caretaker.close()
}

const want = (...workloads: Workload[]) => reconciler.accept(desiredState(++generation, ...workloads))
const image = (name: string, changes: Parameters<typeof group>[0] = {}) =>
  group({ containers: [container({ image: name, env })], ...changes })
const env = [{ name: 'DB_PASSWORD', value: 'hunter2' }]
const files = () => new IncidentFiles(join(folder, 'incidents')).all()
async function some(count: number): Promise<void> {
  await expect.poll(async () => (await files()).length, { timeout: 10_000 }).toBe(count)
}

describe('an incident', () => {
  it('is kept of a container that exits: once, with its exit, its last lines and what changed', async () => {
    reconciler.start(desiredState(++generation, image('demo/web:1')))
    await expect.poll(() => reconciler.isReady('app/app-1/prod')).toBe(true)
    want(image('demo/exit-3-after-10', { version: 'ver-2' }))
    await some(1)
    await expect.poll(() => reconciler.instanceOf('app/app-1/prod')?.restarts, { timeout: 10_000 }).toBeGreaterThan(0)
    const [incident, ...more] = await files()
    expect(more).toEqual([])
    expect(incident).toMatchObject({ version: 'ver-2', kind: 'failed', reason: { code: 'ExitedEarly' }, previousVersion: 'ver-1' })
    expect(incident?.containers).toMatchObject([{ name: 'web', exitCode: 3, lines: ['started web of ver-2', 'exited with code 3'] }])
    expect(incident?.changes).toEqual([{ path: 'containers.web.image', before: 'demo/web:1', after: 'demo/exit-3-after-10' }])
    expect((await stat(join(folder, 'incidents', `${incident?.id}.json`))).mode & 0o777).toBe(0o600)
  })

  it('is kept of a version that gives way to one that worked, before its instance is deleted', async () => {
    reconciler.start(desiredState(++generation, image('demo/web:1')))
    await expect.poll(() => reconciler.isReady('app/app-1/prod')).toBe(true)
    want(image('demo/never-ready', { version: 'ver-2' }))
    await expect.poll(() => reconciler.instanceOf('app/app-1/prod')?.version).toBe('ver-2')
    want(image('demo/web:1'))
    await some(1)
    const [incident] = await files()
    expect(incident).toMatchObject({ version: 'ver-2', kind: 'rolledBack', reason: { code: 'RolledBack' } })
    expect(incident?.containers[0]?.lines).toEqual(['started web of ver-2'])
  })

  it('is kept of what cannot be brought here, with what was tried', async () => {
    reconciler.start(desiredState(++generation, image('demo/missing-image')))
    await some(1)
    expect((await files())[0]).toMatchObject({
      ...{ kind: 'failed', reason: { code: 'ImageNotFound' }, containers: [] },
      attempts: [{ step: 'prepare', failures: 1, reason: { code: 'ImageNotFound' } }],
    })
  })

  it('is not told again by the next agent, and no value of a variable is in any file but the desired state', async () => {
    reconciler.start(desiredState(++generation, image('demo/missing-image')))
    await some(1)
    await close()
    await open()
    reconciler.start(desiredState(generation, image('demo/missing-image')))
    await expect.poll(() => log.filter((line) => line.includes('ImageNotFound')).length).toBeGreaterThan(1)
    await some(1)
    // All of it: what still runs writes files.
    await close()
    const names = await readdir(folder, { recursive: true, withFileTypes: true })
    const texts = await Promise.all(names.filter((name) => name.isFile()).map((name) => readFile(join(name.parentPath, name.name), 'utf8')))
    expect(texts.length).toBeGreaterThan(1)
    expect(texts.join()).not.toContain('hunter2')
  })

  it('is nothing that went well', async () => {
    reconciler.start(desiredState(++generation, image('demo/web:1')))
    await expect.poll(() => reconciler.isReady('app/app-1/prod')).toBe(true)
    want(image('demo/web:2', { version: 'ver-2' }))
    await expect.poll(() => reconciler.instanceOf('app/app-1/prod')?.version).toBe('ver-2')
    await expect.poll(() => reconciler.isReady('app/app-1/prod')).toBe(true)
    want()
    await expect.poll(() => reconciler.instanceOf('app/app-1/prod')).toBe(undefined)
    expect(await files()).toEqual([])
  })
})

describe('what counts', () => {
  const workload = group()
  const report = {
    ...{
      key: workload.key,
      version: workload.version,
      digest: workload.digest,
      restarts: 0,
      addresses: [],
      containers: [],
      observedAtMs: 0,
    },
    phase: 'starting' as const,
    reason: { code: 'ProbeFailed', message: 'no' },
  }

  it('a start that takes long is one after five minutes', () => {
    let seen = nextSeen(undefined, workload, report, 0)
    for (const atMs of [60_000, 299_000]) seen = nextSeen(seen, workload, report, atMs)
    expect(failed(seen, 299_000)).toBeUndefined()
    expect(failed(seen, 300_000)).toMatchObject({ kind: 'failed', reason: { code: 'ProbeFailed' } })
  })

  it('readiness that is lost is one, and the trouble of an engine is not', () => {
    const ready = nextSeen(undefined, workload, { ...report, phase: 'ready' }, 0)
    const unready = { ...report, phase: 'unready' as const }
    expect(failed(nextSeen(ready, workload, unready, 1), 1)).toBeDefined()
    const away = { ...unready, reason: { code: 'RuntimeUnavailable', message: 'down' } }
    expect(failed(nextSeen(ready, workload, away, 1), 1)).toBeUndefined()
  })

  it('the same is told again after an hour, two, four, and then every day', () => {
    expect([1, 2, 3, 4, 5, 6, 50].map((times) => quietMs(times) / 3600_000)).toEqual([1, 2, 4, 8, 16, 24, 24])
  })
})

it('files keep within their number and size, and what the server has goes first', async () => {
  const kept = new IncidentFiles(join(folder, 'bounded'), { files: 3, bytes: 100_000 })
  const make = (at: number, text = '') => {
    const fields = {
      key: 'k',
      version: 'v',
      digest: 'd',
      kind: 'failed' as const,
      reason: { code: 'X', message: text },
      atMs: at,
      restarts: 0,
    }
    return { id: `inc-000000000000000${at}`, ...fields, containers: [], attempts: [], changes: [], isCut: false }
  }
  for (const at of [1, 2, 3]) await kept.save(make(at))
  await kept.markSent('inc-0000000000000002')
  await kept.save(make(4))
  expect((await kept.all()).map(({ atMs }) => atMs).toSorted((a, b) => a - b)).toEqual([1, 3, 4])
  expect((await kept.unsent()).length).toBe(3)
  await kept.save(make(5, 'x'.repeat(99_800)))
  expect((await kept.all()).map(({ atMs }) => atMs)).toEqual([5])
  expect(await kept.read('inc-0000000000000004')).toBeUndefined()
  expect(await kept.read('../identity')).toBeUndefined()
})
