// What driver processes use: by the kernel's files laid out on the spot, and of real drivers on this machine.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverPackages } from '../../packages/driver-packages.ts'
import { pack, TestObjects } from '../../test-packages.ts'
import { driver } from '../../test-workloads.ts'
import { openProcessRuntime } from './index.ts'
import { DriverUsage } from './usage.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'littoral-usage-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

interface Written {
  readonly group: number
  readonly ticks: readonly [user: number, system: number, childUser: number, childSystem: number]
  readonly pages?: readonly [resident: number, shared: number]
  readonly bytes?: readonly [read: number, written: number]
}

/** A process as Linux shows it; its name is what a hostile one would choose. */
async function show(pid: number, { group, ticks, pages = [0, 0], bytes = [0, 0] }: Written): Promise<void> {
  const place = join(folder, String(pid))
  await mkdir(place, { recursive: true })
  await writeFile(join(place, 'stat'), `${pid} (a) 1 ) S 1 ${group} ${group} 0 -1 4194304 9 9 9 9 ${ticks.join(' ')} 20 0 1 0 5 6 7\n`)
  await writeFile(join(place, 'statm'), `9999 ${pages.join(' ')} 1 0 1 0\n`)
  await writeFile(join(place, 'io'), `rchar: 1\nwchar: 2\nread_bytes: ${bytes[0]}\nwrite_bytes: ${bytes[1]}\n`)
}

const one = { key: 'driver/i/1', instanceId: 'drv-1', pid: 10, group: undefined }

describe('what a driver uses', () => {
  it('is what its processes use together, where it has no control group', async () => {
    await show(10, { group: 10, ticks: [5, 1, 3, 1], pages: [300, 100], bytes: [4096, 100] })
    await show(11, { group: 10, ticks: [2, 0, 0, 0], pages: [50, 60], bytes: [0, 50] })
    await show(12, { group: 12, ticks: [700, 0, 0, 0] })
    const [counted] = new DriverUsage(folder).look([one], 1 << 20)
    expect(counted).toMatchObject({
      ...{ key: 'driver/i/1', instanceId: 'drv-1', container: 'driver', processes: 2, memoryLimitBytes: 1 << 20 },
      ...{ cpuMicroseconds: 120_000, memoryBytes: 200 * 4096, readBytes: 4096, writtenBytes: 150 },
    })
  })

  it('is what its control group says, and the rest from the processes in it', async () => {
    await show(10, { group: 10, ticks: [5, 0, 0, 0], pages: [300, 100], bytes: [1, 2] })
    await show(99, { group: 99, ticks: [7, 0, 0, 0], bytes: [10, 20] })
    const usage = new DriverUsage(folder)
    const group = { pids: [10, 99], memoryBytes: 777, processes: 31 }
    const [old] = usage.look([{ ...one, group }], 1)
    expect(old).toMatchObject({ cpuMicroseconds: 120_000, memoryBytes: 777, readBytes: 11, writtenBytes: 22, processes: 31 })
    const [unified] = usage.look([{ ...one, instanceId: 'drv-2', group: { ...group, cpuMicroseconds: 9 } }], 1)
    expect(unified).toMatchObject({ cpuMicroseconds: 9, memoryBytes: 777, readBytes: 11 })
  })

  it('never goes back while its process is the same one, and begins anew with the next', async () => {
    const usage = new DriverUsage(folder)
    const look = (pid: number) => usage.look([{ ...one, pid }], 1)[0]?.cpuMicroseconds
    await show(10, { group: 10, ticks: [5, 0, 0, 0] })
    await show(11, { group: 10, ticks: [9, 0, 0, 0] })
    expect(look(10)).toBe(140_000)
    await rm(join(folder, '11'), { recursive: true })
    expect(look(10)).toBe(140_000)
    await show(20, { group: 20, ticks: [1, 0, 0, 0] })
    expect(look(20)).toBe(10_000)
  })

  it('is nothing where the system shows no processes', () => {
    const [counted] = new DriverUsage(join(folder, 'nowhere')).look([one], 1)
    expect(counted).toMatchObject({ cpuMicroseconds: 0, memoryBytes: 0, processes: 0 })
  })
})

describe('the process runtime', () => {
  it('counts what its drivers use, and nothing of one that was stopped', async () => {
    const objects = new TestObjects()
    const runtime = await openProcessRuntime({ dataDir: folder, packages: new DriverPackages(join(folder, 'packages'), objects.open) })
    try {
      const source = 'globalThis.held = Buffer.alloc(64 << 20, 1); setInterval(() => { for (let i = 0; i < 1e6; i++); }, 5)'
      const workload = driver({ package: objects.add(pack({ 'index.js': source })) })
      const signal = new AbortController().signal
      await runtime.prepare(workload, signal, () => {})
      const instanceId = await runtime.start(workload, signal)
      const look = async () => (await runtime.usage(signal)).find((counted) => counted.instanceId === instanceId)
      await expect.poll(async () => (await look())?.memoryBytes, { timeout: 20_000 }).toBeGreaterThan(64 << 20)
      const first = (await look())?.cpuMicroseconds ?? 0
      await expect.poll(async () => (await look())?.cpuMicroseconds, { timeout: 20_000 }).toBeGreaterThan(first)
      expect(await look()).toMatchObject({ key: workload.key, container: 'driver', memoryLimitBytes: 1 << 30 })
      expect((await look())?.processes).toBeGreaterThan(0)
      await runtime.stop(instanceId, { reason: 'removed', graceSeconds: 0 }, signal)
      expect(await runtime.usage(signal)).toEqual([])
    } finally {
      await runtime.close()
    }
  })
})
