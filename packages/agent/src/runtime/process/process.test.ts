import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { DriverWorkload } from '@littoral/contract/node/desired-state'
import { DriverPackages } from '../../packages/driver-packages.ts'
import { pack, TestObjects } from '../../test-packages.ts'
import { driver } from '../../test-workloads.ts'
import { runtimeContract } from '../runtime.contract.ts'
import type { ObservedInstance, Runtime } from '../runtime.ts'
import { openProcessRuntime } from './index.ts'

const never = () => new AbortController().signal
const quietly = () => {}
const opened: { runtime: Runtime; folder: string }[] = []

async function open(objects = new TestObjects(), folder?: string) {
  const dataDir = folder ?? (await mkdtemp(join(tmpdir(), 'littoral-process-')))
  const runtime = await openProcessRuntime({ dataDir, packages: new DriverPackages(join(dataDir, 'packages'), objects.open) })
  opened.push({ runtime, folder: dataDir })
  return { runtime, objects, dataDir }
}

afterEach(async () => {
  for (const { runtime, folder } of opened.splice(0)) {
    await runtime.close()
    await rm(folder, { recursive: true, force: true })
  }
})

const sources: Record<string, string> = {
  runs: 'console.log("hello from", process.env.SAYS ?? require("./version.json"))',
  exits: 'console.error("cannot open the port"); process.exit(3)',
}

runtimeContract('the process runtime', async () => {
  const objects = new TestObjects()
  const first = await open(objects)
  const packed: Record<string, Buffer> = {}
  for (const version of ['v1', 'v2', 'v7', 'v8']) {
    for (const behaviour of ['runs', 'exits']) {
      packed[`${behaviour} ${version}`] = pack({ 'index.js': sources[behaviour]!, 'version.json': `"${version}"` })
    }
  }
  const wrong = pack({ 'readme.txt': 'no code here' })
  const workload = (behaviour: string, version: string) =>
    driver({ version, package: objects.add(behaviour === 'missing' ? wrong : packed[`${behaviour} ${version}`]!) })
  return {
    runtime: first.runtime,
    reopen: async () => {
      await first.runtime.close()
      return (await open(objects, first.dataDir)).runtime
    },
    workload,
    withConfig: (before, config) => driver({ ...(before as DriverWorkload), digest: undefined as never, config }),
    cleanUp: async () => {},
  }
})

async function started(overrides: Partial<DriverWorkload>, files: Parameters<typeof pack>[0]) {
  const { runtime, objects, dataDir } = await open()
  const workload = driver({ package: objects.add(pack(files)), ...overrides })
  await runtime.prepare(workload, never(), quietly)
  const id = await runtime.start(workload, never())
  return { runtime, objects, dataDir, workload, id }
}

async function until(runtime: Runtime, id: string, what: (instance: ObservedInstance) => boolean): Promise<ObservedInstance> {
  const find = async () => (await runtime.observe(never())).find(({ instanceId }) => instanceId === id)
  await expect.poll(async () => what((await find())!), { timeout: 20_000, interval: 25 }).toBe(true)
  return (await find())!
}

async function logOf(runtime: Runtime, id: string): Promise<string> {
  let text = ''
  for await (const chunk of runtime.logs(id, { tailLines: 1000, follow: false }, never())) text += chunk
  return text
}

describe('a driver process', () => {
  it('is given its id, its name and its config', async () => {
    const config = '{"config":{"json":{"ip":"127.0.0.1"}},"deviceList":[{"productKey":"pk","deviceName":"dn"}]}'
    const { runtime, id } = await started(
      { config },
      {
        'index.js': `const { readFileSync } = require('fs')
          const e = process.env
          console.log(JSON.stringify([e.FUNCTION_ID, e.FUNCTION_NAME, e.FC_DRIVER_CONFIG, readFileSync(e.LITTORAL_DRIVER_CONFIG, 'utf8'), e.LITTORAL_TOKEN ?? null]))`,
      },
    )
    await expect.poll(() => logOf(runtime, id)).toContain('drv-1')
    expect(JSON.parse((await logOf(runtime, id)).trim())).toEqual(['drv-1', 'meter', config, config, null])
  })

  it('runs Python, whose handler is never called', async () => {
    const source = 'import os\nprint("python", os.environ["FUNCTION_ID"])\ndef handler(event, context):\n    print("called")\n'
    const { runtime, id } = await started({ runtime: 'python3' }, { 'index.py': source })
    const instance = await until(runtime, id, ({ phase }) => phase === 'ready')
    expect(instance.restarts).toBe(0)
    await expect.poll(() => logOf(runtime, id), { timeout: 20_000 }).toBe('python drv-1\n')
  })

  it('runs a compiled program with its own libraries', async () => {
    const main = { content: '#!/bin/sh\necho "libraries in $LD_LIBRARY_PATH"\nexec sleep 60\n', mode: 0o100755 }
    const { runtime, id, dataDir } = await started({ runtime: 'c' }, { main })
    await until(runtime, id, ({ phase }) => phase === 'ready')
    expect(await logOf(runtime, id)).toBe(`libraries in ${join(dataDir, 'instances', id, 'code', 'lib')}\n`)
  })

  it('refuses a compiled program without execute permission before anything is stopped for it', async () => {
    const { runtime, objects } = await open()
    const workload = driver({ runtime: 'c', package: objects.add(pack({ main: 'x' })) })
    await expect(runtime.prepare(workload, never(), quietly)).rejects.toMatchObject({ code: 'EntryNotExecutable', isStalled: true })
  })

  it('tells the exit code and the last line when it exits at once', async () => {
    const { runtime, id } = await started({}, { 'index.js': sources.exits! })
    const instance = await until(runtime, id, ({ phase }) => phase === 'backoff')
    expect(instance.reason).toEqual({ code: 'ExitedEarly', message: 'exit code 3; its last line was: cannot open the port' })
  })

  it('finds its config files in its folder, also after a change, without a restart', async () => {
    const { runtime, objects, workload, id, dataDir } = await started({}, { 'index.js': '' })
    const file = objects.add(Buffer.from('{"a":1}'))
    const changed = driver({
      ...workload,
      digest: undefined as never,
      config: '{"changed":true}',
      files: [{ name: 'device_config.json', ...file }],
    })
    await runtime.prepare(changed, never(), quietly)
    await runtime.updateConfig(id, changed, never())
    const code = join(dataDir, 'instances', id, 'code')
    expect(await readFile(join(code, 'device_config.json'), 'utf8')).toBe('{"a":1}')
    expect(await readFile(join(code, 'driver_config.json'), 'utf8')).toBe('{"changed":true}')
    expect(await until(runtime, id, ({ digest }) => digest === changed.digest)).toMatchObject({ restarts: 0 })
  })

  it('refuses a config file whose name leads elsewhere', async () => {
    const { runtime, objects, workload } = await started({}, { 'index.js': '' })
    const bad = driver({ ...workload, digest: undefined as never, files: [{ name: '../escape', ...objects.add(Buffer.from('x')) }] })
    await expect(runtime.prepare(bad, never(), quietly)).rejects.toMatchObject({ code: 'NameRejected', isStalled: true })
  })

  it('is killed with everything it started when it does not end in time', async () => {
    const source = `process.on('SIGTERM', () => {})
      const child = require('child_process').spawn('sleep', ['300'])
      console.log(process.pid, child.pid)`
    const { runtime, id } = await started({}, { 'index.js': source })
    await expect.poll(() => logOf(runtime, id)).toMatch(/^\d+ \d+\n/)
    const pids = (await logOf(runtime, id)).trim().split(' ').map(Number)
    await until(runtime, id, ({ phase }) => phase === 'ready')
    await runtime.stop(id, { reason: 'removed', graceSeconds: 0.1 }, never())
    await expect.poll(() => pids.filter(isAlive)).toEqual([])
  })

  it('does not outlive a crash of the agent beyond the start of the next one', async () => {
    const first = await started({}, { 'index.js': 'console.log(process.pid)' })
    await expect.poll(() => logOf(first.runtime, first.id)).toMatch(/^\d+\n/)
    const pid = Number(await logOf(first.runtime, first.id))
    const record = join(first.dataDir, 'instances', first.id, 'instance.json')
    await expect.poll(() => existsSync(record), { timeout: 10_000 }).toBe(true)
    // The first runtime is not closed: as far as the second can see, its agent has crashed.
    const second = await open(first.objects, first.dataDir)
    await expect.poll(() => isAlive(pid)).toBe(false)
    const [instance] = await second.runtime.observe(never())
    expect(instance).toMatchObject({ instanceId: first.id, phase: 'backoff' })
    expect(await logOf(second.runtime, first.id)).toContain(String(pid))
  })

  it('that was started just before a crash counts as half-made, and is made anew', async () => {
    const { runtime, id, objects, dataDir } = await started({}, { 'index.js': 'console.log(process.pid)' })
    await expect.poll(() => logOf(runtime, id)).toMatch(/^\d+\n/)
    const pid = Number(await logOf(runtime, id))
    const second = await open(objects, dataDir)
    await expect.poll(() => isAlive(pid)).toBe(false)
    expect(await second.runtime.observe(never())).toEqual([])
    expect(existsSync(join(dataDir, 'instances', id))).toBe(false)
  })

  it('is never started a second time while its first start is under way', async () => {
    const { runtime, id } = await started({}, { 'index.js': 'console.log("run")' })
    await Promise.all([runtime.restart(id, 'driver', never()), runtime.restart(id, 'driver', never())])
    const { restarts } = await until(runtime, id, ({ phase }) => phase === 'ready')
    expect(restarts).toBe(0)
    expect(await logOf(runtime, id)).toBe('run\n')
  })

  it('that needs what this machine does not have is refused with a reason', async () => {
    const path = process.env.PATH
    process.env.PATH = '/nowhere'
    try {
      const { runtime } = await open()
      expect(runtime.supports(driver({ runtime: 'java8' }))).toEqual({
        code: 'RuntimeMissing',
        message: 'java8: there is no java in the PATH of the agent',
      })
      expect((await runtime.capabilities()).driverRuntimes).toEqual(['nodejs8', 'c'])
    } finally {
      process.env.PATH = path
    }
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
