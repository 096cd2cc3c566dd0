// The agent as a process: what keeps it from starting is one sentence and an exit code.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeFolder } from './files.ts'

const main = join(import.meta.dirname, 'main.ts')
let folder: string
let stops: (() => void)[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-agent-main-'))
  stops = []
})
afterEach(async () => {
  for (const stop of stops) stop()
  await rm(folder, { recursive: true, force: true })
})

function run(...args: string[]): Promise<{ code: number | null; err: string }> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LITTORAL_')))
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=littoral:source', main, ...args], { env: clean })
  stops.push(() => child.kill('SIGKILL'))
  let err = ''
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, err })))
}

describe('an agent whose data folder cannot be made', () => {
  it.each([
    ['/proc/littoral', '(ENOENT): nothing can be made there; name another one with --data'],
    ['/proc/littoral/deeper/data', '(ENOENT): nothing can be made there; name another one with --data'],
    ['/sys/littoral', '; make it writable or name another one with --data'],
    ['/dev/null/littoral', '(ENOTDIR): something on the way to it is no folder; name another one with --data'],
    ['/etc/hostname', '(EEXIST): something that is no folder is in its place; name another one with --data'],
  ])('says so of %s and ends', async (data, words) => {
    const { code, err } = await run('--server', 'http://127.0.0.1:9', '--token', 'ljt_a', '--runtime', 'memory', '--data', data)
    expect(code).toBe(1)
    expect(err).toMatch(/^littoral agent: the folder .+\n$/)
    expect(err).toContain(`the folder ${data} cannot be used (`)
    expect(err).toContain(words)
  })
})

describe('a folder', () => {
  it('is made with all that is missing above it, also by several at once', async () => {
    const deep = join(folder, 'a', 'b', 'c')
    await Promise.all([makeFolder(deep, 0o750), makeFolder(deep, 0o750), makeFolder(join(folder, 'a'), 0o750)])
    expect((await stat(deep)).mode & 0o777).toBe(0o750)
    await mkdir(join(deep, 'd'))
    await makeFolder(join(deep, 'd'))
  })
})
