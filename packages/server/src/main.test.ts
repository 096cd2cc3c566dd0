// The server as a process: the line scripts wait for, a clean stop, and one sentence for whatever keeps it from starting.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const main = new URL('./main.ts', import.meta.url).pathname
let folder: string
let running: ChildProcess[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-main-'))
  running = []
})

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], env: Record<string, string> = {}, before: readonly string[] = []) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LITTORAL_')))
  const [program = '', ...rest] = [...before, process.execPath, '--import', 'tsx', '--conditions=littoral:source', main, ...args]
  const child = spawn(program, rest, { env: { ...clean, ...env } })
  running.push(child)
  let out = ''
  let err = ''
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  const ended = new Promise<Outcome>((resolve) => child.once('close', (code) => resolve({ code, out, err })))
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      out += String(chunk)
      if (out.includes('\n')) resolve(out)
    })
    void ended.then(() => reject(new Error(`it ended: ${err}`)))
  })
  ready.catch(() => {})
  return { child, ready, ended, said: () => err }
}

const ownPort = ['--listen', '127.0.0.1:0']
const stopping = 'stopping; once more to stop at once'

function messagesIn(log: string): string[] {
  const lines = log.trim().split('\n')
  return lines.map((text) => (JSON.parse(text) as { message: string }).message)
}

describe('a server process', () => {
  it('prints exactly one line when it is ready, answers at that address, and stops cleanly on SIGTERM', async () => {
    const server = start([...ownPort, '--data', folder])
    const line = await server.ready
    expect(line).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+\n$/)
    const url = line.trim().replace('listening on ', '')
    expect(JSON.parse(await readFile(join(folder, 'server.json'), 'utf8'))).toMatchObject({ endpoint: url })
    expect(await (await fetch(url)).json()).toMatchObject({ Code: 'MissingAction' })
    server.child.kill('SIGTERM')
    const { code, out, err } = await server.ended
    expect([code, out]).toEqual([0, line])
    expect(messagesIn(err)).toContain(stopping)
    await expect(stat(join(folder, 'server.json'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('keeps its key where only its user can read it, and the secret out of its log', async () => {
    const server = start([...ownPort, '--data', folder])
    await server.ready
    const path = join(folder, 'root-key.json')
    const { accessKeySecret } = JSON.parse(await readFile(path, 'utf8')) as { accessKeySecret: string }
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'littoral.db'))).mode & 0o077).toBe(0)
    server.child.kill('SIGINT')
    expect((await server.ended).err).not.toContain(accessKeySecret)
  })
})

it('opens one address where localhost has two, and says which', async () => {
  const hosts = join(folder, 'hosts')
  await writeFile(hosts, '127.0.0.1 localhost\n::1 localhost\n')
  const withHosts = ['unshare', '--map-root-user', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts; exec "$@"', hosts]
  const { ready } = start(['--listen', 'localhost:0', '--data', folder], {}, withHosts)
  const url = (await ready).replace('listening on ', '').trim()
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect((await fetch(url)).status).toBe(400)
  await expect(fetch(url.replace('127.0.0.1', '[::1]'))).rejects.toThrow('fetch failed')
})

it('goes on when nobody reads its line and its log any more', async () => {
  const { child, ready } = start([...ownPort, '--data', folder])
  const url = (await ready).replace('listening on ', '').trim()
  child.stdout.destroy()
  child.stderr.destroy()
  // Each call is a line of the log: one that fails to be written is noticed only by the next.
  for (let call = 0; call < 3; call++) expect((await fetch(url)).status).toBe(400)
})

describe('a server that takes its time to stop', () => {
  /** A connection that asks nothing is waited for. */
  async function startHeldUp() {
    const server = start([...ownPort, '--data', folder])
    const url = new URL((await server.ready).replace('listening on ', '').trim())
    const idle = createConnection(Number(url.port), url.hostname)
    await once(idle, 'connect')
    return { ...server, idle }
  }

  it('says so once, whatever other signal follows, and ends cleanly', async () => {
    const { child, ended, idle, said } = await startHeldUp()
    child.kill('SIGTERM')
    child.kill('SIGINT')
    await vi.waitFor(() => expect(said()).toContain(stopping))
    idle.destroy()
    const { code, err } = await ended
    expect(code).toBe(0)
    expect(messagesIn(err).filter((message) => message.startsWith('stopping'))).toEqual([stopping])
  })

  it('ends at once when the same signal comes again', async () => {
    const { child, ended, idle, said } = await startHeldUp()
    child.kill('SIGTERM')
    await vi.waitFor(() => expect(said()).toContain(stopping))
    child.kill('SIGTERM')
    expect((await ended).code).toBe(null)
    expect(child.signalCode).toBe('SIGTERM')
    idle.destroy()
  })
})

/** Runs what follows in a namespace of its own, in which the folder is a small disk. */
function onSmallDisk(data: string, size: string, fill = 'true'): string[] {
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', `mount -t tmpfs -o size=${size} none "$0" && { ${fill}; exec "$@"; }`, data]
}

describe('what keeps a server from starting', () => {
  const sentenceOf = async (args: readonly string[], env: Record<string, string> = {}, before: readonly string[] = []) => {
    const { code, out, err } = await start(args, env, before).ended
    expect([code, out]).toEqual([1, ''])
    const words = err.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
    expect(words).toHaveLength(1)
    return words[0]
  }

  it('is a port in use', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const sentence = await sentenceOf(['--listen', `127.0.0.1:${port}`, '--data', folder])
    expect(sentence).toBe(`Port ${port} on 127.0.0.1 is in use by another program; stop it or set LITTORAL_LISTEN to another port.`)
    await new Promise((resolve) => other.close(resolve))
  })

  it.each([
    ['/proc/littoral', '(ENOENT): nothing can be made there; set --data or LITTORAL_DATA to another one.'],
    ['/proc/littoral/deeper/data', '(ENOENT): nothing can be made there; set --data or LITTORAL_DATA to another one.'],
    ['/sys/littoral', '; make it readable and writable or set LITTORAL_DATA to another one.'],
    ['/dev/null/littoral', '(ENOTDIR): something on the way to it is no folder; set --data or LITTORAL_DATA to another one.'],
    ['/etc/hostname', '(EEXIST): something that is no folder is in its place; set --data or LITTORAL_DATA to another one.'],
  ])('is a data folder such as %s', async (data, words) => {
    const sentence = await sentenceOf([...ownPort, '--data', data])
    expect(sentence).toContain(`The data folder ${data} cannot be used (`)
    expect(sentence).toContain(words)
  })

  it('is a disk that is full, or nearly so', async () => {
    const data = join(folder, 'data')
    await mkdir(data)
    const full = await sentenceOf([...ownPort, '--data', data], {}, onSmallDisk(data, '64k', 'head -c 65536 /dev/zero > "$0/filler"'))
    expect(full).toBe(`The disk under ${data} is full; make room or set LITTORAL_DATA to a folder elsewhere.`)
    const nearlyFull = await sentenceOf([...ownPort, '--data', data], {}, onSmallDisk(data, '2m'))
    expect(nearlyFull).toBe(`The disk that holds the data folder ${data} is full.`)
  })

  it('is a database that is none', async () => {
    await writeFile(join(folder, 'littoral.db'), 'not a database, but long enough to be read as one '.repeat(20))
    expect(await sentenceOf([...ownPort, '--data', folder])).toMatch(/littoral\.db/)
  })

  it('is another server on the same folder', async () => {
    await start([...ownPort, '--data', folder]).ready
    expect(await sentenceOf([...ownPort, '--data', folder])).toMatch(/in use by another Littoral process/)
  })

  it('is a damaged key file', async () => {
    await writeFile(join(folder, 'root-key.json'), '{"accessKeyId":')
    expect(await sentenceOf([...ownPort, '--data', folder])).toMatch(/root-key\.json is damaged; restore it, or remove it/)
  })

  it('is a setting that cannot be used, or an argument nobody knows', async () => {
    expect(await sentenceOf(['--listen', 'nowhere', '--data', folder])).toBe(
      'LITTORAL_LISTEN must be host:port such as 127.0.0.1:8080, not nowhere.',
    )
    expect(await sentenceOf(['--data', folder, '--port', '80'])).toContain('--listen <host:port>')
  })
})
