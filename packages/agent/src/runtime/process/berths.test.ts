// Processes that wait to become drivers: used by a start, and gone where no start comes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { DriverPackages } from '../../packages/driver-packages.ts'
import { languages } from '../../packages/languages.ts'
import { pack, TestObjects } from '../../test-packages.ts'
import { driver } from '../../test-workloads.ts'
import type { Runtime } from '../runtime.ts'
import { Berths } from './berths.ts'
import type { DriverInstance } from './instance.ts'
import { openProcessRuntime } from './index.ts'
import { findOrphans } from './orphans.ts'

const never = () => new AbortController().signal
let folder: string
let runtime: Runtime
let objects: TestObjects
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-berths-'))
  objects = new TestObjects()
  runtime = await openProcessRuntime({ dataDir: folder, packages: new DriverPackages(join(folder, 'packages'), objects.open) })
})
afterEach(async () => {
  await runtime.close()
  await rm(folder, { recursive: true, force: true })
})

const instances = () => join(folder, 'instances')
/** Processes of this agent's drivers, waiting or not. */
const processes = () => findOrphans(instances())

/** Their programs, once it is the driver's own and not one on the way. */
async function commands(): Promise<string[]> {
  const texts = await Promise.all((await processes()).map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return texts.map((text) => text.split('\0')[0] ?? '')
}

async function logOf(id: string): Promise<string> {
  let text = ''
  for await (const chunk of runtime.logs(id, { tailLines: 100, follow: false }, never())) text += chunk
  return text
}

it('the process that waited while the package came becomes the driver, with nothing to read from', async () => {
  const source = 'console.log(process.pid, require("fs").readFileSync(0).length, process.cwd())'
  const workload = driver({ package: objects.add(pack({ 'index.js': source })) })
  await runtime.prepare(workload, never(), () => {})
  await expect.poll(processes).toHaveLength(1)
  expect(await runtime.observe(never())).toEqual([])
  const waiting = await processes()
  const id = await runtime.start(workload, never())
  await expect.poll(() => logOf(id), { timeout: 20_000 }).toBe(`${waiting[0]} 0 ${join(instances(), id, 'code')}\n`)
})

it('a package of ES modules is taken for what it is, though Node was up before the package came', async () => {
  const files = {
    'package.json': '{"type":"module"}',
    'index.js': 'import { name } from "./name.js"\nconsole.log(name)',
    'name.js': 'export const name = "module"',
  }
  const workload = driver({ package: objects.add(pack(files)) })
  await runtime.prepare(workload, never(), () => {})
  await expect.poll(commands).toEqual([expect.stringContaining(process.execPath)])
  const id = await runtime.start(workload, never())
  await expect.poll(() => logOf(id), { timeout: 20_000 }).toBe('module\n')
})

it('the process begins to wait as soon as its driver is expected, and only one does', async () => {
  const workload = driver({ package: objects.add(pack({ 'index.js': 'console.log(process.pid)' })) })
  runtime.expect?.(workload)
  await expect.poll(commands).toEqual([expect.stringContaining(process.execPath)])
  const [expected] = await processes()
  await runtime.prepare(workload, never(), () => {})
  const id = await runtime.start(workload, never())
  await expect.poll(() => logOf(id), { timeout: 20_000 }).toBe(`${expected}\n`)
  expect(await processes()).toEqual([expected])
})

it('a process that waits ends by itself when its agent is gone', async () => {
  const { waitingArgs = [] } = languages.nodejs8.command({ program: '', options: [], folder })
  const child = spawn(process.execPath, waitingArgs, { cwd: folder, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  ;(child.stdio[3] as Writable).end()
  expect(await exited).toEqual([125, null])
})

it('a start with another config than was prepared for begins anew, and the process before is gone', async () => {
  const workload = driver({ package: objects.add(pack({ 'index.js': 'console.log(process.env.FC_DRIVER_CONFIG)' })) })
  await runtime.prepare(workload, never(), () => {})
  await expect.poll(processes).toHaveLength(1)
  const [before] = await processes()
  const id = await runtime.start({ ...workload, digest: 'other', config: '{"config":2}' }, never())
  await expect.poll(() => logOf(id), { timeout: 20_000 }).toBe('{"config":2}\n')
  await expect.poll(processes).not.toContain(before)
  await expect.poll(() => readdir(instances())).toEqual([id])
})

it('a package that is refused leaves no process and no folder', async () => {
  const workload = driver({ package: objects.add(pack({ 'readme.txt': 'no code here' })) })
  await expect(runtime.prepare(workload, never(), () => {})).rejects.toMatchObject({ code: 'EntryMissing' })
  await expect.poll(processes, { timeout: 10_000 }).toEqual([])
  await expect.poll(() => readdir(instances()), { timeout: 10_000 }).toEqual([])
})

it('the end of the agent ends what waits', async () => {
  const workload = driver({ package: objects.add(pack({ 'index.js': '' })) })
  await runtime.prepare(workload, never(), () => {})
  await expect.poll(processes).toHaveLength(1)
  await runtime.close()
  expect(await processes()).toEqual([])
  expect(existsSync(instances()) ? await readdir(instances()) : []).toEqual([])
})

it('one that no start comes for is dropped, and so is one made for what is not wanted any more', async () => {
  const dropped: string[] = []
  const make = async ({ digest }: DriverWorkload) => ({ isWaiting: true, record: { instanceId: digest } }) as unknown as DriverInstance
  const drop = async ({ record }: DriverInstance) => void dropped.push(record.instanceId)
  const berths = new Berths({ make, drop, patienceMs: 20 })
  await berths.prepare(driver({ digest: 'one' }))
  await expect.poll(() => dropped).toEqual(['one'])
  await berths.prepare(driver({ digest: 'two' }))
  await berths.prepare(driver({ digest: 'three' }))
  expect(dropped).toEqual(['one', 'two'])
  expect(berths.take(driver({ digest: 'three' }))?.record.instanceId).toBe('three')
  await berths.close()
  await berths.prepare(driver({ digest: 'four' }))
  expect(dropped).toEqual(['one', 'two', 'four'])
})
