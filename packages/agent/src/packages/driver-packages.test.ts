// What the agent keeps of packages: nothing of refused ones, and nothing that others of the machine may read.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packEntries, TestObjects } from '../test-packages.ts'
import { driver } from '../test-workloads.ts'
import { DriverPackages } from './driver-packages.ts'

const never = new AbortController().signal
const quietly = () => {}
let folder: string
let objects: TestObjects
let packages: DriverPackages
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-packages-'))
  objects = new TestObjects()
  packages = new DriverPackages(join(folder, 'packages'), objects.open)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const filesIn = async () =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name)
const hostile = packEntries([{ name: 'index.js' }, { name: '../evil', content: 'x' }])

describe('a refused package', () => {
  it('leaves nothing behind, and is not fetched again for the same answer', async () => {
    const workload = driver({ package: objects.add(hostile) })
    const refusal = { code: 'PackageRejected', isStalled: true, message: expect.stringContaining('../evil') as string }
    await expect(packages.prepare(workload, never, quietly)).rejects.toMatchObject(refusal)
    expect(await filesIn()).toEqual([])
    await expect(packages.prepare(workload, never, quietly)).rejects.toMatchObject(refusal)
    expect(objects.opened).toHaveLength(1)
    await packages.tidy([])
    await expect(packages.prepare(workload, never, quietly)).rejects.toMatchObject(refusal)
    expect(objects.opened).toHaveLength(2)
  })

  it('of other bytes than announced leaves nothing behind either', async () => {
    const announced = { ...objects.add(hostile), sha256: 'a'.repeat(64) }
    await expect(packages.prepare(driver({ package: announced }), never, quietly)).rejects.toMatchObject({ code: 'DownloadCorrupt' })
    expect(await filesIn()).toEqual([])
  })

  it('does not keep another one out', async () => {
    await expect(packages.prepare(driver({ package: objects.add(hostile) }), never, quietly)).rejects.toThrow('../evil')
    await packages.prepare(driver({ package: objects.add(packEntries([{ name: 'index.js', content: 'fine' }])) }), never, quietly)
    expect(await filesIn()).toEqual(['index.js'])
    expect((await stat(join(folder, 'packages'))).mode & 0o777).toBe(0o700)
  })
})

describe('the program of a compiled driver', () => {
  const arm = Buffer.alloc(64)
  arm.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  arm.writeUInt16LE(183, 18)

  it.each([
    ['another processor', arm, 'x86-64', 'is compiled for aarch64, 64 bit, the driver is for x86-64'],
    ['nothing that runs', 'hello', 'aarch64', 'is neither a compiled program nor a script'],
  ])('is refused when it is for %s, before anything is stopped for it', async (_, content, cpuArch, says) => {
    const workload = driver({ runtime: 'c', cpuArch, package: objects.add(packEntries([{ name: 'main', content, mode: 0o100755 }])) })
    const refusal = { code: 'EntryNotExecutable', isStalled: true, message: expect.stringContaining(says) as string }
    await expect(packages.prepare(workload, never, quietly)).rejects.toMatchObject(refusal)
  })

  it('is taken when it is for the one it says', async () => {
    const content = packEntries([{ name: 'main', content: arm, mode: 0o100755 }])
    const prepared = packages.prepare(driver({ runtime: 'c', cpuArch: 'AArch64', package: objects.add(content) }), never, quietly)
    await expect(prepared).resolves.toBeUndefined()
  })
})

it('brings a package that several drivers share here once, however many are prepared at the same time', async () => {
  const shared = objects.add(packEntries([{ name: 'index.js' }, { name: 'lib/a.js', content: 'x'.repeat(10_000) }]))
  const file = { name: 'points.json', ...objects.add(Buffer.from('[1]')) }
  const sharing = new DriverPackages(join(folder, 'shared'), objects.open)
  const workloads = Array.from({ length: 8 }, (_, place) => driver({ key: `driver/i/${place}`, package: shared, files: [file] }))
  await Promise.all(workloads.map((workload) => sharing.prepare(workload, never, () => {})))
  expect(objects.opened.map(({ path }) => path).sort()).toEqual([shared.path, file.path].sort())
  expect(await readdir(join(folder, 'shared', 'unpacked'))).toEqual([shared.sha256])
})

it('tries again for the second driver what failed for the first', async () => {
  const shared = objects.add(packEntries([{ name: 'index.js' }]))
  objects.cuts.push(10)
  const sharing = new DriverPackages(join(folder, 'shared'), objects.open)
  const prepare = () => sharing.prepare(driver({ package: shared }), never, () => {})
  const [first, second] = await Promise.allSettled([prepare(), prepare()])
  expect([first.status, second.status]).toEqual(['rejected', 'fulfilled'])
})
