// Counters from trees of files as kernels with either hierarchy write them.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readCgroup } from './cgroup.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-cgroup-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function tree(files: Readonly<Record<string, string>>) {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return readCgroup(42, { proc: join(folder, 'proc'), cgroup: join(folder, 'sys') })
}

it('reads the old hierarchy, whatever its folders are called', async () => {
  const counters = await tree({
    'proc/42/cgroup': '9:name=systemd:/docker/abc\n7:blkio:/docker/abc\n4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n',
    'sys/cpuacct/docker/abc/cpuacct.usage': '1500000000\n',
    'sys/memory/docker/abc/memory.stat': 'cache 4096\nrss 111\ntotal_cache 8192\ntotal_rss 222\n',
    'sys/blkio/docker/abc/blkio.throttle.io_service_bytes':
      '8:0 Read 100\n8:0 Write 20\n8:0 Total 120\n8:16 Read 5\n8:16 Write 7\n8:16 Total 12\nTotal 132\n',
  })
  expect(counters).toEqual({ cpuMicroseconds: 1_500_000, memoryBytes: 222, readBytes: 105, writtenBytes: 27 })
})

it('reads the unified hierarchy, also where disks were never used', async () => {
  const base = 'sys/system.slice/docker-abc.scope'
  const files = {
    'proc/42/cgroup': '0::/system.slice/docker-abc.scope\n',
    [`${base}/cpu.stat`]: 'usage_usec 2500\nuser_usec 2000\nsystem_usec 500\n',
    [`${base}/memory.stat`]: 'anon 333\nfile 4096\n',
  }
  expect(await tree(files)).toEqual({ cpuMicroseconds: 2500, memoryBytes: 333, readBytes: 0, writtenBytes: 0 })
  const disk = { [`${base}/io.stat`]: '8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1 wios=2\n' }
  expect(await tree(disk)).toMatchObject({ readBytes: 11, writtenBytes: 22 })
})

it('says nothing of a process that is gone', async () => {
  expect(await tree({})).toBeUndefined()
  expect(await tree({ 'proc/42/cgroup': '0::/gone\n' })).toBeUndefined()
})
