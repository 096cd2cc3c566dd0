// `npm start -- --once` as a stranger runs it: the whole walk with exit code 0, and one clear sentence for each thing that can
// be wrong with the machine.
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureEngine, type EngineHandle } from '../tools/engine.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, before: readonly string[] = []): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const [program = '', ...rest] = [...before, process.execPath, join(root, 'tools', 'start.mjs'), ...args]
    const child = spawn(program, rest, {
      env: { ...process.env, NODE_OPTIONS: '', ...env },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, out, err }))
  })
}

describe('npm start -- --once', { timeout: 240_000 }, () => {
  let engine: EngineHandle
  let folder: string
  beforeAll(async () => {
    engine = await ensureEngine()
    folder = await mkdtemp(join(tmpdir(), 'littoral-start-'))
  }, 240_000)
  afterAll(async () => {
    await engine?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('walks the whole way, says where everything is, cleans up and succeeds', async () => {
    const data = join(folder, 'whole')
    const { code, out, err } = await start(['--once'], { LITTORAL_DATA: data, LITTORAL_ENGINE_SOCKET: engine.socketPath })
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/app +http:\/\/127\.0\.0\.1:\d+\/ answers "Hello from the edge\."/)
    expect(out).toContain('reading 1: temperature')
    expect(out).toMatch(/PublishEdgeContainerAppVersion to prod +\d+\.\d s/)
    expect(await readdir(folder)).not.toContain('whole')
  })

  it('goes on with drivers when there is no engine, and says so in one sentence', async () => {
    const { code, out } = await start(['--once'], { LITTORAL_ENGINE_SOCKET: join(folder, 'no-engine.sock') })
    expect(out).toContain('no container engine answers')
    expect(out).toContain('Going on with drivers as processes')
    expect(out).toContain('reading 1: temperature')
    expect(code).toBe(0)
  })
})

describe('what is wrong with the machine is one sentence', { timeout: 60_000 }, () => {
  it('when the port is busy', async () => {
    const busy = createServer()
    const port = await new Promise<number>((resolve) =>
      busy.listen(0, '127.0.0.1', () => resolve((busy.address() as { port: number }).port)),
    )
    const { code, err } = await start(['--once'], { LITTORAL_LISTEN: `127.0.0.1:${port}` })
    busy.close()
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(new RegExp(`^Port ${port} on 127.0.0.1 is busy; .*\\n$`)) as string,
    })
  })

  it('when the data folder cannot be used', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'littoral-start-'))
    await writeFile(join(folder, 'file'), '')
    const { code, err } = await start([], { LITTORAL_DATA: join(folder, 'file', 'data') })
    await rm(folder, { recursive: true, force: true })
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/^The data folder .* cannot be used \(ENOTDIR\); .*\n$/) as string,
    })
  })

  it('when the disk is full', async () => {
    const data = await mkdtemp(join(tmpdir(), 'littoral-start-'))
    const onSmallDisk = ['unshare', '--map-root-user', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=64k none "$0" && exec "$@"', data]
    const { code, err } = await start(['--once'], { LITTORAL_DATA: data }, onSmallDisk)
    await rm(data, { recursive: true, force: true })
    expect({ code, err }).toEqual({
      code: 1,
      err: `Only 0 MB are free under ${data}, and 300 MB are needed; make room or set LITTORAL_DATA to a folder elsewhere.\n`,
    })
  })

  it('when an argument is not known', async () => {
    expect(await start(['--twice'])).toMatchObject({ code: 1, err: 'npm start knows no --twice; it takes --once.\n' })
  })
})
