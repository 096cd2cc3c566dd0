import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { pack, TestObjects } from '../test-packages.ts'
import { driver } from '../test-workloads.ts'
import { DriverPackages } from './driver-packages.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-packages-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const never = () => new AbortController().signal

it('brings a package that several drivers share here once, however many are prepared at the same time', async () => {
  const objects = new TestObjects()
  const shared = objects.add(pack({ 'index.js': '', 'lib/a.js': 'x'.repeat(10_000) }))
  const file = { name: 'points.json', ...objects.add(Buffer.from('[1]')) }
  const packages = new DriverPackages(folder, objects.open)
  const workloads = Array.from({ length: 8 }, (_, place) => driver({ key: `driver/i/${place}`, package: shared, files: [file] }))
  await Promise.all(workloads.map((workload) => packages.prepare(workload, never(), () => {})))
  expect(objects.opened.map(({ path }) => path).sort()).toEqual([shared.path, file.path].sort())
  expect(await readdir(join(folder, 'unpacked'))).toEqual([shared.sha256])
})

it('tries again for the second driver what failed for the first', async () => {
  const objects = new TestObjects()
  const shared = objects.add(pack({ 'index.js': '' }))
  objects.cuts.push(10)
  const packages = new DriverPackages(folder, objects.open)
  const prepare = () => packages.prepare(driver({ package: shared }), never(), () => {})
  const [first, second] = await Promise.allSettled([prepare(), prepare()])
  expect([first.status, second.status]).toEqual(['rejected', 'fulfilled'])
})
