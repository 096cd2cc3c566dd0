import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { environmentText, places, readEnvironment, unitText } from './unit.ts'

const main = join(import.meta.dirname, '..', 'main.ts')
let root: string
let bundle: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'littoral-install-'))
  bundle = join(root, 'littoral-agent.mjs')
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** From the sources; the bundle is looked for beside the file that was started, which is a stand-in here. */
function run(...args: string[]): { status: number | null; out: string; err: string } {
  const script = `const { runAgent } = await import(${JSON.stringify(main)}); process.exit(await runAgent(${JSON.stringify(args)}, ${JSON.stringify(bundle)}))`
  const flags = ['--import', 'tsx', '--conditions=littoral:source', '--input-type=module', '-e', script]
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, {
    encoding: 'utf8',
    cwd: join(import.meta.dirname, '../../../..'),
    timeout: 60_000,
  })
  return { status, out: stdout, err: stderr.replace(/^npm warn.*\n/gm, '') }
}

const settings = ['--server', 'http://10.0.0.1:8080', '--token', 'ljt_secret', '--runtime', 'process']
const at = (path: string) => join(root, 'machine', path)

describe('littoral agent install', () => {
  it('writes unit, bundle, environment and data folder below the root, and uninstall takes them away', async () => {
    await writeFile(bundle, '// littoral-agent 0.1.0\n')
    const { status, out, err } = run('install', '--root', join(root, 'machine'), ...settings, '--name', 'harbour-1')
    expect([status, err]).toEqual([0, ''])
    expect(out).not.toContain('ljt_secret')
    expect(await readFile(at(places.bundle), 'utf8')).toBe('// littoral-agent 0.1.0\n')
    expect(statSync(at(places.environment)).mode & 0o777).toBe(0o600)
    expect(statSync(at(places.data)).mode & 0o777).toBe(0o700)
    const environment = await readFile(at(places.environment), 'utf8')
    expect(readEnvironment(environment, 'LITTORAL_TOKEN')).toBe('ljt_secret')
    expect(readEnvironment(environment, 'LITTORAL_NODE_NAME')).toBe('harbour-1')
    expect(readEnvironment(environment, 'LITTORAL_AGENT_DATA')).toBe(places.data)
    expect(await readFile(at(places.unit), 'utf8')).toContain(`ExecStart=${process.execPath} ${places.bundle}`)

    await writeFile(at(`${places.data}/identity.json`), '{}')
    expect(run('uninstall', '--root', join(root, 'machine')).out).toContain('stays')
    expect([places.unit, places.environment, places.bundle].filter((path) => existsSync(at(path)))).toEqual([])
    expect(existsSync(at(`${places.data}/identity.json`))).toBe(true)
    expect(run('uninstall', '--root', join(root, 'machine'), '--purge').status).toBe(0)
    expect(existsSync(at(places.data))).toBe(false)
  })

  it('says what it would do, without secrets, and does nothing, with --dry-run', async () => {
    await writeFile(bundle, '// littoral-agent 0.1.0\n')
    const { status, out } = run('install', `--root=${join(root, 'machine')}`, '--dry-run', ...settings)
    expect(status).toBe(0)
    expect(out).toContain('KillMode=process')
    expect(out).not.toContain('ljt_secret')
    expect(existsSync(join(root, 'machine'))).toBe(false)
  })

  it('replaces an installation, which then runs whatever was confirmed before', async () => {
    await writeFile(bundle, '// littoral-agent 0.1.0\n')
    await mkdir(at('/srv/node/upgrade'), { recursive: true })
    await writeFile(at('/srv/node/identity.json'), '{}')
    await writeFile(at('/srv/node/upgrade/state.json'), '{}')
    const { status, err } = run('install', '--root', join(root, 'machine'), '--server', 'http://10.0.0.1', '--data', '/srv/node')
    expect([status, err]).toEqual([0, ''])
    expect(existsSync(at('/srv/node/upgrade/state.json'))).toBe(false)
    expect(readFileSync(at('/srv/node/identity.json'), 'utf8')).toBe('{}')
  })

  it.each([
    [['install', '--server', 'http://10.0.0.1'], 2, 'this node has no identity yet'],
    [['install', ...settings, '--engine-socket', 'docker.sock'], 2, '--engine-socket must be an absolute path'],
    [['install', ...settings, '--data', 'here'], 2, '--data must be an absolute path'],
    [['install', ...settings, '--colour', 'blue'], 2, "Unknown option '--colour'"],
    [['install', ...settings, '--dry-run=no'], 2, '--dry-run takes no value'],
    [['install', '--server', 'harbour'], 2, '--server must be an http or https address'],
    [['uninstall', '--server', 'x'], 2, 'uninstall knows no --server'],
    [['install', ...settings], 1, 'the bundled agent is missing'],
  ])('refuses %j', (args, status, words) => {
    const refused = run(...args, '--root', join(root, 'machine'))
    expect([refused.status, refused.err]).toEqual([status, expect.stringContaining(words)])
  })

  it('ends with a sentence where its folders cannot be made', async () => {
    await writeFile(bundle, '// littoral-agent 0.1.0\n')
    const { status, err } = run('install', ...settings, '--root', '/proc/littoral/machine')
    expect([status, err]).toEqual([1, 'littoral agent: the folder /proc/littoral cannot be made (ENOENT); name another one\n'])
  })

  it('removes no folder that is not an agent’s', async () => {
    await mkdir(at(places.data), { recursive: true })
    await writeFile(at(`${places.data}/photos.tar`), '')
    const { status, err } = run('uninstall', '--root', join(root, 'machine'), '--purge')
    expect([status, err]).toEqual([1, expect.stringContaining('does not look like the data folder of an agent')])
    expect(existsSync(at(`${places.data}/photos.tar`))).toBe(true)
  })
})

describe('the environment file', () => {
  it('says the same to systemd’s rules and to a shell', async () => {
    const value = 'a "b" $HOME `id` \\ é #x'
    const file = join(root, 'agent.env')
    await writeFile(file, environmentText({ LITTORAL_GATEWAY_SECRET: value }))
    const shell = spawnSync('sh', ['-c', `. ${file}; printf %s "$LITTORAL_GATEWAY_SECRET"`], { encoding: 'utf8' })
    expect(shell.stdout).toBe(value)
    expect(readEnvironment(await readFile(file, 'utf8'), 'LITTORAL_GATEWAY_SECRET')).toBe(value)
  })
})

// systemd comes with Debian; without it the unit is of no use either.
it.runIf(existsSync('/usr/bin/systemd-analyze'))('writes a unit that systemd finds no fault with', async () => {
  const file = join(root, 'littoral-agent.service')
  await writeFile(file, unitText({ node: process.execPath }))
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
  const about = stderr.split('\n').filter((line) => line.includes('littoral-agent'))
  expect([about, status]).toEqual([[], 0])
})
