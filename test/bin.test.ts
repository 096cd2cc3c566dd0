// The one program, as a stranger starts it: from the compiled packages, which npm test has made.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const program = join(root, 'bin', 'littoral')
let folder: string
let child: ChildProcess | undefined

beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'littoral-bin-'))))
afterEach(async () => {
  child?.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LITTORAL_')))

function run(path: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(path, args, { env, cwd: folder }, (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }))
  })
}

it('says its version and what it can do', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(await run(program, '--version')).toEqual({ code: 0, out: `${version}\n`, err: '' })
  const help = await run(program, '--help')
  for (const verb of ['serve', 'agent', 'up', 'call', 'nodes', 'token']) expect(help.out).toMatch(new RegExp(`^  ${verb}\\b`, 'm'))
  expect((await run(program, 'serve', '--help')).out).toContain('LITTORAL_LISTEN')
})

it('says what to do when nothing is compiled', async () => {
  await mkdir(join(folder, 'bin'))
  await cp(program, join(folder, 'bin', 'littoral'))
  await writeFile(join(folder, 'package.json'), '{"type":"module","version":"0.0.0"}')
  for (const verb of ['serve', 'agent', 'up', 'nodes']) {
    const { code, err } = await run(join(folder, 'bin', 'littoral'), verb)
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^Littoral is not compiled yet \(.+main\.js is missing\); run npm run build\.\n$/),
    ])
  }
})

/** A server and its node, what they say on stderr, and their end. */
function startUp(data: string) {
  const up = spawn(program, ['up', '--data', data, '--listen', '127.0.0.1:0', '--runtime', 'memory'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child = up
  let words = ''
  up.stderr.on('data', (chunk) => (words += String(chunk)))
  return { up, said: () => words, ended: new Promise<number | null>((resolve) => up.once('close', resolve)) }
}

it('runs a server and its first node together, and ends both', async () => {
  const data = join(folder, 'data')
  const { up, said, ended } = startUp(data)
  const isOnline = async () => {
    const { out, err } = await run(program, 'nodes', '--data', data)
    expect(out, `${err}${said()}`).toMatch(/\bonline\b/)
  }
  await vi.waitFor(isOnline, { timeout: 25_000, interval: 250 })
  up.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect((await run(program, 'nodes', '--data', data)).err).toContain('No server answers')
})

it('tells its server only once to stop, so that it stops cleanly also when the node is gone first', async () => {
  const data = join(folder, 'data')
  const { up, said, ended } = startUp(data)
  const line = await new Promise<string>((resolve) => up.stdout.once('data', (chunk) => resolve(String(chunk))))
  await vi.waitFor(() => expect(said()).toContain('a node connected'), { timeout: 25_000, interval: 100 })
  const { hostname, port } = new URL(line.trim().replace('listening on ', ''))
  // A connection that asks nothing is waited for.
  const idle = createConnection(Number(port), hostname)
  await once(idle, 'connect')
  up.kill('SIGTERM')
  const lock = join(data, 'agent', 'agent.pid')
  await vi.waitFor(() => expect(existsSync(lock)).toBe(false), { timeout: 10_000, interval: 50 })
  idle.destroy()
  expect(await ended).toBe(0)
  expect(said().match(/"stopping[^"]*"/g)).toEqual(['"stopping; once more to stop at once"'])
  // Closing the database puts its log away; a killed server leaves it.
  expect((await readdir(data)).filter((name) => name.endsWith('-wal'))).toEqual([])
})

/** What a program wrote to stderr when nobody reads what it writes to stdout, and how it ended. */
function runUnread(...args: string[]): Promise<{ code: number | null; err: string }> {
  const unread = spawn(program, args, { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  unread.stdout.destroy()
  let err = ''
  unread.stderr.on('data', (chunk) => (err += String(chunk)))
  return new Promise((resolve) => unread.once('close', (code) => resolve({ code, err })))
}

it('ends without a word when whoever reads its answer has gone', async () => {
  expect(await runUnread('operations')).toEqual({ code: 0, err: '' })
})

it('shows how each of its verbs is written, asked either way', async () => {
  for (const flag of ['-h', '--help'])
    for (const verb of ['serve', 'agent', 'up', 'call', 'nodes']) {
      const { code, out, err } = await run(program, verb, flag)
      expect([verb, flag, code, err]).toEqual([verb, flag, 0, ''])
      expect(out).toContain(`littoral `)
    }
})

it('ends well when it is stopped before both of its parts run', async () => {
  const { up, said, ended } = startUp(join(folder, 'data'))
  await new Promise((resolve) => up.stdout.once('data', resolve))
  up.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(
    said()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{')),
  ).toEqual([])
})
