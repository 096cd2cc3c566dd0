// Room on the disk: what goes, in which order, and what never does. The disk and the stock are the test's; the files are real.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DiskReport } from '@littoral/contract/node/disk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Stock } from '../runtime/runtime.ts'
import { container, group, instanceOf } from '../test-workloads.ts'
import { nodeStatus } from '../status.ts'
import { DiskBudget, type DiskBudgetOptions, needsOf } from './budget.ts'
import { GoodVersions } from './good-versions.ts'
import { parseSize } from './size.ts'

let folder: string
let clock: { nowMs: number }
let disk: { totalBytes: number; freeBytes: number }
let items: Map<string, { sizeBytes: number; isInUse: boolean; isStuck: boolean }>
let reports: DiskReport[]
let log: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-budget-'))
  clock = { nowMs: Date.parse('2026-12-01T00:00:00Z') }
  disk = { totalBytes: 1000, freeBytes: 500 }
  items = new Map()
  reports = []
  log = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const stock: Stock = {
  needs: (workload) => (workload.kind === 'group' ? workload.containers.map(({ image }) => image) : []),
  list: async () => [...items].map(([id, { sizeBytes, isInUse }]) => ({ id, name: id, sizeBytes, isInUse })),
  async discard(id) {
    if (items.get(id)?.isStuck) throw new Error('a container uses it')
    disk.freeBytes += items.get(id)?.sizeBytes ?? 0
    items.delete(id)
  },
  folders: async () => [folder],
}
const runtimes = [{ name: 'fake', stock }]
const never = new AbortController().signal
const put = (id: string, sizeBytes = 50, more: { isInUse?: boolean; isStuck?: boolean } = {}) =>
  items.set(id, { sizeBytes, isInUse: false, isStuck: false, ...more })
const running = (image: string, version = image) => group({ version, containers: [container({ image })] })
const left = () => [...items.keys()].toSorted()

function openGood(): Promise<GoodVersions> {
  return GoodVersions.open(join(folder, 'good.json'), { needsOf: (workload) => needsOf(runtimes, workload), log: (line) => log.push(line) })
}

async function openBudget(options: Partial<DiskBudgetOptions> = {}): Promise<DiskBudget> {
  return DiskBudget.open({
    ...{ runtimes, file: join(folder, 'stock.json'), good: { needs: () => new Set<string>() }, now: () => clock.nowMs },
    ...{ diskOf: async () => disk, onReport: (report: DiskReport) => reports.push(report), log: (line: string) => log.push(line) },
    ...options,
  })
}

/** Puts items in the order in which they were needed last, the oldest first. */
async function needOneAfterTheOther(budget: DiskBudget, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    put(id)
    clock.nowMs += 3600_000
    await budget.makeRoom([running(id)], never)
  }
}

describe('the disk budget', () => {
  it('leaves everything while there is room', async () => {
    const budget = await openBudget()
    await needOneAfterTheOther(budget, 'a', 'b')
    expect(left()).toEqual(['a', 'b'])
    expect(reports.at(-1)).toEqual({ totalBytes: 1000, freeBytes: 500, stockBytes: 100, isShort: false, removed: [] })
  })

  it('removes what was not needed for the longest time until a tenth is free, and says so', async () => {
    const budget = await openBudget()
    await needOneAfterTheOther(budget, 'a', 'b', 'c', 'd')
    disk.freeBytes = 20
    await budget.makeRoom([running('d')], never)
    expect(left()).toEqual(['c', 'd'])
    expect(reports.at(-1)).toMatchObject({ freeBytes: 120, isShort: false, removed: [{ name: 'b' }, { name: 'a', sizeBytes: 50 }] })
  })

  it('remembers over a restart what was needed when, and does without a file that was cut short', async () => {
    await needOneAfterTheOther(await openBudget(), 'z', 'y', 'x')
    disk.freeBytes = 60
    await (await openBudget()).makeRoom([running('x')], never)
    expect(left()).toEqual(['x', 'y'])
    await writeFile(join(folder, 'stock.json'), (await readFile(join(folder, 'stock.json'), 'utf8')).slice(0, 10))
    disk.freeBytes = 60
    await (await openBudget()).makeRoom([running('x')], never)
    expect(left()).toEqual(['x'])
  })

  it('never removes what is wanted, what an instance uses, or the last version that worked', async () => {
    const good = await openGood()
    const [v1, v2, v3] = [running('v1'), running('v2'), running('v3')]
    const seen = (workload: typeof v1) =>
      nodeStatus({
        placements: [{ workload, runtime: 'memory' }],
        instances: [instanceOf(workload)],
        ...{ unavailable: new Map(), attempts: [], running: [], host: 'h', nowMs: 1 },
      })
    for (const workload of [running('v0'), v1, v2]) good.note([workload], seen(workload))
    await good.saved()
    for (const id of ['v0', 'v1', 'v2', 'v3']) put(id)
    put('used', 50, { isInUse: true })
    disk.freeBytes = 0
    const again = await openGood()
    await (await openBudget({ good: again })).makeRoom([v3], never)
    expect(left()).toEqual(['used', 'v1', 'v2', 'v3'])
    expect(reports.at(-1)).toMatchObject({ isShort: true })
    expect([again.has(v1.key, v1.digest), again.has(v1.key, v3.digest)]).toEqual([true, false])
    again.note([], [])
    await (await openBudget({ good: again })).makeRoom([v3], never)
    expect(left()).toEqual(['used', 'v2', 'v3'])
  })

  it('keeps within a budget where it was given one, however much is free', async () => {
    const budget = await openBudget({ budgetBytes: 120 })
    await needOneAfterTheOther(budget, 'a', 'b', 'c')
    expect(left()).toEqual(['b', 'c'])
    expect(reports.at(-1)).toMatchObject({ budgetBytes: 120, stockBytes: 100, isShort: false })
    put('d', 100)
    await budget.makeRoom(
      [running('c'), running('d')].map((workload, at) => ({ ...workload, key: `app/${at}/prod` })),
      never,
    )
    expect(left()).toEqual(['c', 'd'])
    expect(reports.at(-1)).toMatchObject({ stockBytes: 150, isShort: true })
  })

  it('removes what nothing has needed for a month even where there is room', async () => {
    const budget = await openBudget()
    await needOneAfterTheOther(budget, 'a', 'b')
    clock.nowMs += 31 * 24 * 3600_000
    await budget.makeRoom([running('b')], never)
    expect(left()).toEqual(['b'])
  })

  it('goes on with the next when one cannot be removed', async () => {
    const budget = await openBudget()
    await needOneAfterTheOther(budget, 'a', 'b', 'c')
    put('a', 50, { isStuck: true })
    disk.freeBytes = 60
    await budget.makeRoom([running('c')], never)
    expect(left()).toEqual(['a', 'c'])
    expect(log.join()).toContain('a container uses it')
  })

  it('goes on without an engine that is away, and knows what was needed there when it is back', async () => {
    const engine = {
      ...stock,
      isAway: false,
      list: (signal: AbortSignal) => (engine.isAway ? Promise.reject(new Error('away')) : stock.list(signal)),
    }
    const budget = await openBudget({ runtimes: [{ name: 'fake', stock: engine }] })
    await needOneAfterTheOther(budget, 'b', 'a')
    engine.isAway = true
    clock.nowMs += 3600_000
    await budget.makeRoom([], never)
    expect(JSON.parse(await readFile(join(folder, 'stock.json'), 'utf8'))).toHaveProperty('fake b')
    engine.isAway = false
    disk.freeBytes = 60
    await budget.makeRoom([], never)
    expect(left()).toEqual(['a'])
  })

  it('does not look at the whole stock for every pull', async () => {
    let looks = 0
    const counting = { ...stock, list: (signal: AbortSignal) => ((looks += 1), stock.list(signal)) }
    const budget = await openBudget({ runtimes: [{ name: 'fake', stock: counting }] })
    for (let at = 0; at < 5; at++) await budget.makeRoom([], never)
    expect(looks).toBe(1)
    disk.freeBytes = 10
    await budget.makeRoom([], never)
    expect(looks).toBe(2)
  })
})

it.each([
  ['500', 500],
  ['20G', 20 * 1024 ** 3],
  ['1.5k', 1536],
  ['10 MiB', 10 * 1024 ** 2],
  ['2tb', 2 * 1024 ** 4],
  ['-1', undefined],
  ['ten', undefined],
  ['5X', undefined],
  ['', undefined],
  ['999999999999999T', undefined],
])('the size %s is %s bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes))
