// What holds a driver process, tried on this machine's own kernel. Users and control groups need root, as on a gateway;
// elsewhere these tests fail and say so.
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { DriverPackages } from '../../packages/driver-packages.ts'
import { pack, TestObjects } from '../../test-packages.ts'
import { driver } from '../../test-workloads.ts'
import type { ObservedInstance, Runtime } from '../runtime.ts'
import { openControlGroups } from './control-groups.ts'
import { openProcessRuntime, type ProcessRuntimeOptions } from './index.ts'
import { memoryByGroup, watchMemory } from './memory-watch.ts'
import { handOver, openUsers, processesOf } from './users.ts'

const never = () => new AbortController().signal
const quietly = () => {}
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'littoral-confined-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function open(options: Partial<ProcessRuntimeOptions> = {}) {
  const home = await makeFolder()
  const dataDir = join(home, 'process')
  const objects = new TestObjects()
  const said: string[] = []
  const packages = new DriverPackages(join(dataDir, 'packages'), objects.open)
  const runtime = await openProcessRuntime({ dataDir, home, packages, log: (line) => said.push(line), ...options })
  closers.push(() => runtime.close())
  const start = async (key: string, source: string, overrides: Partial<DriverWorkload> = {}) => {
    const workload = driver({ key, package: objects.add(pack({ 'index.js': source })), ...overrides })
    await runtime.prepare(workload, never(), quietly)
    return { workload, id: await runtime.start(workload, never()) }
  }
  return { runtime, objects, home, dataDir, said, start }
}

async function until(runtime: Runtime, id: string, what: (instance: ObservedInstance) => boolean): Promise<ObservedInstance> {
  const find = async () => (await runtime.observe(never())).find(({ instanceId }) => instanceId === id)
  await expect.poll(async () => what((await find())!), { timeout: 25_000, interval: 25 }).toBe(true)
  return (await find())!
}

async function logOf(runtime: Runtime, id: string): Promise<string> {
  let text = ''
  for await (const chunk of runtime.logs(id, { tailLines: 1000, follow: false }, never())) text += chunk
  return text
}

async function answerOf<T>(runtime: Runtime, id: string): Promise<T> {
  await expect.poll(() => logOf(runtime, id), { timeout: 20_000 }).toMatch(/^\{.*\}\n/)
  return JSON.parse((await logOf(runtime, id)).split('\n')[0]!) as T
}

/** Tries to read each path, and says the error's code or `read`. */
const tries = (paths: Record<string, string>) => `
  const fs = require('fs'), answer = { uid: process.getuid(), gid: process.getgid() }
  for (const [name, path] of Object.entries(${JSON.stringify(paths)})) {
    try { fs.statSync(path).isDirectory() ? fs.readdirSync(path) : fs.readFileSync(path); answer[name] = 'read' } catch (error) { answer[name] = error.code }
  }
  try { fs.writeFileSync('own', 'x'); answer.write = 'written' } catch (error) { answer.write = error.code }
  try { process.setuid(0); answer.root = 'became root' } catch (error) { answer.root = error.code }
  console.log(JSON.stringify(answer))`

describe('a driver process of an agent that runs as root', () => {
  it('has a user of its own, who reads nothing of the agent or of another driver', async () => {
    const { runtime, home, dataDir, start } = await open()
    await writeFile(join(home, 'identity.json'), 'secret', { mode: 0o600 })
    const first = await start('driver/i/one', 'console.log("{}")')
    const others = join(dataDir, 'instances', first.id)
    const paths = {
      identity: join(home, 'identity.json'),
      home,
      record: join(others, 'instance.json'),
      keptConfig: join(others, 'config.json'),
      otherConfig: join(others, 'code', 'driver_config.json'),
      otherCode: join(others, 'code'),
      packages: join(dataDir, 'packages', 'unpacked'),
      users: join(dataDir, 'users.json'),
      instances: join(dataDir, 'instances'),
      ownConfig: 'driver_config.json',
    }
    // It comes to the disk after the rush of the start.
    await expect.poll(() => stat(paths.record).then(Boolean, () => false), { timeout: 10_000 }).toBe(true)
    const second = await start('driver/i/two', tries(paths))
    const answer = await answerOf<Record<string, unknown>>(runtime, second.id)
    const { uid, gid, ownConfig, write, root, ...closed } = answer
    expect({ ownConfig, write, root }).toEqual({ ownConfig: 'read', write: 'written', root: 'EPERM' })
    expect(Object.values(closed)).toEqual(Object.values(closed).map(() => 'EACCES'))
    const other = (await stat(join(others, 'code'))).uid
    expect([uid, other].every((id) => Number(id) >= 61_000 && Number(id) <= 61_183)).toBe(true)
    expect([gid, other === uid]).toEqual([uid, false])
  })

  it('keeps its user over versions and over restarts of the agent, until it is gone', async () => {
    const { runtime, home, dataDir, objects, start } = await open()
    const uidOf = async (id: string) => (await stat(join(dataDir, 'instances', id, 'code'))).uid
    const one = await start('driver/i/one', '')
    const two = await start('driver/i/two', '')
    const [uidOne, uidTwo] = [await uidOf(one.id), await uidOf(two.id)]
    expect(uidOne).not.toBe(uidTwo)
    for (const { id } of [one, two]) {
      await runtime.stop(id, { reason: 'removed', graceSeconds: 0 }, never())
      await runtime.remove(id, never())
    }
    await runtime.close()
    const next = await openProcessRuntime({ dataDir, home, packages: new DriverPackages(join(dataDir, 'packages'), objects.open) })
    closers.push(() => next.close())
    expect(await uidOf(await next.start(two.workload, never()))).toBe(uidTwo)
    await next.tidy([two.workload], never())
    expect(Object.keys(JSON.parse(await readFile(join(dataDir, 'users.json'), 'utf8')) as object)).toEqual(['driver/i/two'])
  })

  it('leaves nothing behind that has left its process group', async () => {
    const { runtime, start } = await open()
    const source = `const child = require('child_process').spawn('sleep', ['300'], { detached: true, stdio: 'ignore', env: {} })
      child.unref(); console.log(JSON.stringify({ uid: process.getuid(), pid: child.pid }))`
    const { id } = await start('driver/i/one', source)
    const { pid, uid } = await answerOf<{ pid: number; uid: number }>(runtime, id)
    expect(await processesOf(uid)).toContain(pid)
    await runtime.stop(id, { reason: 'removed', graceSeconds: 1 }, never())
    await expect.poll(() => processesOf(uid), { timeout: 15_000 }).toEqual([])
  })

  it('cannot make the agent read or write elsewhere by links in its folder', async () => {
    const { runtime, home, objects, start } = await open()
    const victim = join(home, 'identity.json')
    await writeFile(victim, 'secret', { mode: 0o600 })
    const source = `const fs = require('fs')
      for (const name of ['driver_config.json', '.points.json.littoral-new', 'points.json']) {
        try { fs.unlinkSync(name) } catch {}
        fs.symlinkSync(${JSON.stringify(victim)}, name)
      }
      console.log(JSON.stringify({ config: process.env.FC_DRIVER_CONFIG }))
      setTimeout(() => process.exit(1), 50)`
    const { workload, id } = await start('driver/i/one', source)
    await until(runtime, id, ({ phase }) => phase === 'backoff')
    await runtime.restart(id, 'driver', never())
    await until(runtime, id, ({ phase }) => phase === 'backoff')
    expect(await logOf(runtime, id)).not.toContain('secret')
    const changed = {
      ...workload,
      digest: 'changed',
      config: '{"changed":true}',
      files: [{ name: 'points.json', ...objects.add(Buffer.from('[1]')) }],
    }
    await runtime.prepare(changed, never(), quietly)
    await runtime.updateConfig(id, changed, never())
    expect(await readFile(victim, 'utf8')).toBe('secret')
  })

  it('that takes more memory than its limit is ended, and that is what is said', async () => {
    const { runtime, start } = await open({ memoryBytes: 96 * 1024 * 1024 })
    const { id } = await start('driver/i/one', 'const held = []; setInterval(() => held.push(Buffer.alloc(8 << 20, 1)), 5)')
    const instance = await until(runtime, id, ({ phase }) => phase === 'backoff')
    expect(instance.reason).toMatchObject({ code: 'OutOfMemory' })
    expect(instance.containers[0]).toMatchObject({ isOutOfMemory: true })
    await runtime.restart(id, 'driver', never())
    expect((await until(runtime, id, () => true)).lastRestartReason).toBe('OutOfMemory')
  })

  it('cannot start processes without end', async () => {
    const { runtime, start } = await open({ processes: 40 })
    const source = `const { spawn } = require('child_process'); let count = 0
      const more = () => { try { spawn('sleep', ['300'], { stdio: 'ignore' }).on('error', over).on('spawn', () => { count += 1; setImmediate(more) }) } catch (error) { over(error) } }
      const over = (error) => console.log(JSON.stringify({ count, code: error.code }))
      more()`
    const { id } = await start('driver/i/one', source)
    const { count, code } = await answerOf<{ count: number; code: string }>(runtime, id)
    expect(code).toBe('EAGAIN')
    expect(count).toBeLessThan(40)
    await runtime.stop(id, { reason: 'removed', graceSeconds: 0 }, never())
  })

  it('runs as the agent where that is asked for', async () => {
    const { runtime, start, said } = await open({ user: 'agent' })
    const { id } = await start('driver/i/one', 'console.log(JSON.stringify({ uid: process.getuid() }))')
    expect(await answerOf(runtime, id)).toEqual({ uid: 0 })
    expect(said).toEqual([])
  })

  it('is not started where it has to have a user and cannot, and else runs as the agent, which says so', async () => {
    const home = await makeFolder()
    const closed = join(home, 'closed')
    await mkdir(closed, { mode: 0o700 })
    const within = { home: join(closed, 'data'), dataDir: join(closed, 'data') }
    await mkdir(within.home)
    const strict = await open({ ...within, user: { first: 61_000, last: 61_010 } })
    expect(strict.runtime.supports(driver())).toMatchObject({
      code: 'UserMissing',
      message: expect.stringContaining('closed to others') as string,
    })
    await strict.runtime.close()
    const lenient = await open(within)
    expect((await lenient.runtime.capabilities()).reason).toContain('closed to others')
    expect(lenient.runtime.supports(driver())).toBe(true)
  })
})

describe('users of drivers', () => {
  const openIn = async (home: string, { claims = join(home, 'claims'), last = 61_001 } = {}) => {
    const users = await openUsers({
      file: join(home, 'users.json'),
      range: { first: 61_000, last },
      instancesFolder: home,
      home,
      claims,
      program: process.execPath,
    })
    if (!('of' in users)) throw new Error(users.impossible)
    return users
  }

  it('come to an end', async () => {
    const home = await makeFolder()
    const users = await openIn(home)
    expect([await users.of('a'), await users.of('b'), await users.of('a')]).toEqual([61_000, 61_001, 61_000])
    await expect(users.of('c')).rejects.toThrow('all users from 61000 to 61001 have a driver')
    await users.keepOnly(new Set(['b']))
    expect(await users.of('c')).toBe(61_000)
    await writeFile(join(home, 'users.json'), 'torn')
    expect('of' in (await openIn(home))).toBe(true)
  })

  it('are different ones for drivers that start together', async () => {
    const users = await openIn(await makeFolder(), { last: 61_020 })
    const given = await Promise.all(Array.from({ length: 20 }, (_, n) => users.of(`driver/i/${n}`)))
    expect(new Set(given).size).toBe(20)
  })

  it('of one agent are not given out by another, until the first one is gone', async () => {
    const homes = [await makeFolder(), await makeFolder()] as const
    const claims = join(homes[1], 'claims')
    const [first, second] = [await openIn(homes[0], { claims }), await openIn(homes[1], { claims })]
    expect([await first.of('a'), await second.of('a')]).toEqual([61_000, 61_001])
    await expect(second.of('b')).rejects.toMatchObject({ code: 'UserMissing', isStalled: true })
    await rm(homes[0], { recursive: true })
    expect(await second.of('b')).toBe(61_000)
  })

  it('are the same ones for an agent that starts again on a disk that can only be read', async () => {
    const [home, claims] = [await makeFolder(), await makeFolder()]
    const mount = (...options: string[]) => execFileSync('mount', [...options, home])
    mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')
    closers.push(() => execFileSync('umount', ['-l', home]))
    expect(await (await openIn(home, { claims })).of('a')).toBe(61_000)
    mount('-o', 'remount,ro')
    expect(await (await openIn(home, { claims })).of('a')).toBe(61_000)
  })

  it('are handed folders, links and not what they lead to', async () => {
    const home = await makeFolder()
    const [folder, outside] = [join(home, 'code'), join(home, 'outside')]
    await mkdir(join(folder, 'lib'), { recursive: true })
    await mkdir(outside)
    await writeFile(join(outside, 'file'), 'x')
    await writeFile(join(folder, 'lib', 'file'), 'x')
    await symlink(outside, join(folder, 'link'))
    execFileSync('ln', [join(outside, 'file'), join(folder, 'hard')])
    await handOver(folder, 61_000)
    const uidOf = async (path: string) => (await stat(join(home, path))).uid
    expect(await Promise.all(['code', 'code/lib', 'code/lib/file'].map(uidOf))).toEqual([61_000, 61_000, 61_000])
    expect(await Promise.all(['outside', 'outside/file', 'code/hard'].map(uidOf))).toEqual([0, 0, 0])
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })
})

describe('control groups', () => {
  /** A unified hierarchy as the kernel shows it, in plain files: the machine these tests were written on has the old ones. */
  async function unified(path: string, controllers = 'memory pids') {
    const home = await makeFolder()
    const folders = { proc: join(home, 'proc'), cgroup: join(home, 'cgroup') }
    await mkdir(join(folders.proc, 'self'), { recursive: true })
    await mkdir(join(folders.cgroup, path), { recursive: true })
    await writeFile(join(folders.proc, 'self', 'cgroup'), `0::${path}\n`)
    for (const folder of [folders.cgroup, join(folders.cgroup, path)]) {
      await writeFile(join(folder, 'cgroup.controllers'), controllers)
      await writeFile(join(folder, 'cgroup.subtree_control'), '')
    }
    return folders
  }

  it('hand memory and processes down in the unified hierarchy', async () => {
    const folders = await unified('/system.slice/agent')
    const groups = await openControlGroups('owner', { memoryBytes: 1 << 20, processes: 10 }, folders)
    // Below, the kernel would have made the file; here nobody does.
    expect('impossible' in groups && groups.impossible).toMatch(/cgroup.subtree_control/)
    const base = join(folders.cgroup, 'system.slice/agent')
    expect(await readFile(join(base, 'cgroup.subtree_control'), 'utf8')).toBe('+memory +pids')
    const [name = ''] = (await readdir(base)).filter((entry) => entry.startsWith('littoral-'))
    await writeFile(join(base, name, 'cgroup.subtree_control'), '')
    const again = await openControlGroups('owner', { memoryBytes: 1 << 20, processes: 10 }, folders)
    if (!('make' in again)) throw new Error(again.impossible)
    const instance = join(base, name, 'drv-1')
    await mkdir(instance)
    for (const file of ['memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max', 'cgroup.procs'])
      await writeFile(join(instance, file), '')
    const group = await again.make('drv-1')
    const read = (file: string) => readFile(join(instance, file), 'utf8')
    expect(await Promise.all(['memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max'].map(read))).toEqual([
      '1048576',
      '0',
      '1',
      '10',
    ])
    expect(group.joins).toEqual([join(instance, 'cgroup.procs')])
    await writeFile(join(instance, 'memory.events'), 'low 0\noom 2\noom_kill 2\noom_group_kill 0\n')
    expect(group.countKills()).toBe(2)
  })

  it('are none where there is no controller for memory', async () => {
    const home = await makeFolder()
    await mkdir(join(home, 'proc', 'self'), { recursive: true })
    await writeFile(join(home, 'proc', 'self', 'cgroup'), '1:name=systemd:/\n')
    const groups = await openControlGroups(
      'owner',
      { memoryBytes: 1, processes: 1 },
      { proc: join(home, 'proc'), cgroup: join(home, 'none') },
    )
    expect(groups).toEqual({ impossible: 'there is no control group that limits memory' })
  })

  it('of an agent that has ended are gone', async () => {
    const owner = await makeFolder()
    const groups = await openControlGroups(owner, { memoryBytes: 1 << 26, processes: 10 })
    if (!('make' in groups)) throw new Error(groups.impossible)
    const { joins } = await groups.make('drv-1')
    expect(await Promise.all(joins.map((path) => stat(path).then(() => true)))).toEqual(joins.map(() => true))
    await groups.close()
    for (const path of joins) await expect(stat(join(path, '..', '..'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('the watch of memory', () => {
  it('ends a process group that has more than it may, and no other', async () => {
    const ended: number[] = []
    const own = Number(execFileSync('ps', ['-o', 'pgid=', '-p', String(process.pid)], { encoding: 'utf8' }))
    expect((await memoryByGroup()).get(own)).toBeGreaterThan(1 << 20)
    const end = (pid: number) => (usedBytes: number) => void (usedBytes > 1 << 20 && ended.push(pid))
    const running = () => [own, 999_999_999].map((pid) => ({ pid, end: end(pid) }))
    const stop = watchMemory({ limitBytes: 1 << 20, running, everyMs: 10 })
    closers.push(stop)
    await expect.poll(() => ended.includes(own), { timeout: 10_000 }).toBe(true)
    expect(ended).not.toContain(999_999_999)
  })
})
