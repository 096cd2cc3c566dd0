// Makes sure that a container engine answers, for `npm start` and for the tests: one that is there is used, else a private
// one is started from Debian's packages. Several processes share it; the last one to let go stops it.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, openSync, closeSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Fixed, so that every clone and every process on the machine finds the same engine. */
const folder = '/var/lib/littoral-test-engine'
const ownSocket = join(folder, 'docker.sock')
const packages = ['docker.io', 'docker-registry', 'iptables', 'jq', 'busybox-static']

export interface EngineHandle {
  socketPath: string
  /** False when an engine was there already; then `stop` leaves it alone. */
  startedByUs: boolean
  /** Lets go of the engine; it ends when nobody else of this machine holds it. Containers in it end too. */
  stop(): Promise<void>
}

/**
 * The engine at LITTORAL_ENGINE_SOCKET, else Docker's or Podman's usual socket, else a private one. Throws with the
 * reason when none can be had; callers must not go on without.
 */
export async function ensureEngine(say: (line: string) => void = () => {}): Promise<EngineHandle> {
  const named = process.env.LITTORAL_ENGINE_SOCKET
  if (named !== undefined && named !== '' && named !== ownSocket) {
    if (await answers(named)) return theirs(named)
    throw new Error(`no container engine answers at LITTORAL_ENGINE_SOCKET=${named}`)
  }
  for (const path of ['/var/run/docker.sock', '/run/podman/podman.sock']) if (await answers(path)) return theirs(path)
  const cannot = whyNotPrivate()
  if (cannot !== undefined) throw new Error(`no container engine answers, and a private one cannot be started: ${cannot}`)
  return ownEngine(say)
}

const theirs = (socketPath: string): EngineHandle => ({ socketPath, startedByUs: false, stop: () => Promise.resolve() })

function whyNotPrivate(): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`
  if (process.getuid?.() !== 0) return 'this user is not root'
  if (!hasPrograms() && !existsSync('/usr/bin/apt-get')) return 'docker is not installed and there is no apt-get'
  return undefined
}

async function ownEngine(say: (line: string) => void): Promise<EngineHandle> {
  mkdirSync(join(folder, 'leases'), { recursive: true })
  const lease = join(folder, 'leases', `${process.pid}-${Date.now()}-${Math.random().toString(36).slice(2)}`)
  await locked(async () => {
    writeFileSync(lease, '')
    if (await answersInTime()) return
    try {
      installPackages(say)
      await startDaemons(say)
    } catch (error) {
      rmSync(lease, { force: true })
      throw error
    }
  })
  if (ownLeases.size === 0) process.once('exit', dropLeases)
  ownLeases.add(lease)
  return {
    socketPath: ownSocket,
    startedByUs: true,
    stop: () =>
      locked(async () => {
        rmSync(lease, { force: true })
        if (liveLeases() === 0) await stopDaemons()
      }),
  }
}

/** On a busy machine an engine can be slow to answer; starting another in its place would end what others run in it. */
async function answersInTime(): Promise<boolean> {
  const isRunning = () => isAlive(pidOf('dockerd')) && isAlive(pidOf('containerd'))
  for (const end = Date.now() + 60_000; ; await sleep(100)) {
    if (await answers(ownSocket)) return true
    if (!isRunning() || Date.now() > end) return false
  }
}

/** The leases of this process; a process that forgets to let go must not keep the engine for ever. */
const ownLeases = new Set<string>()
function dropLeases(): void {
  for (const lease of ownLeases) rmSync(lease, { force: true })
}

const hasPrograms = () =>
  ['/usr/sbin/dockerd', '/usr/bin/containerd', '/usr/sbin/iptables', '/usr/bin/docker-registry'].every((path) => existsSync(path))

/** Also for an engine that a test starts for itself alone. */
export function installPackages(say: (line: string) => void): void {
  if (hasPrograms() && existsSync('/bin/busybox') && existsSync('/usr/bin/jq')) return
  say(`Installing ${packages.join(', ')} with apt-get (about ten seconds) …`)
  // Where no init runs, the packages' own services must not be started.
  const policy = '/usr/sbin/policy-rc.d'
  const hadPolicy = existsSync(policy)
  if (!hadPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    for (const args of [
      ['update', '-q'],
      ['install', '-y', '-q', '--no-install-recommends', ...packages],
    ]) {
      const result = spawnSync('apt-get', args, { env, encoding: 'utf8', timeout: 300_000 })
      if (result.status !== 0)
        throw new Error(`apt-get ${args[0]} failed: ${(result.stderr || result.stdout || String(result.error)).trim().slice(-2000)}`)
    }
  } finally {
    if (!hadPolicy) rmSync(policy, { force: true })
  }
}

async function startDaemons(say: (line: string) => void): Promise<void> {
  say('Starting a private container engine …')
  // One of the two may have died alone; what is left of the other would be in the way.
  await stopDaemons()
  const run = join(folder, 'run')
  for (const name of ['docker.pid', 'containerd.sock', 'docker.sock']) rmSync(join(folder, name), { force: true })
  mkdirSync(run, { recursive: true })
  const containerdSocket = join(folder, 'containerd.sock')
  // A separate containerd: one started by dockerd dies with it and leaves a pid file that blocks the next start.
  writeFileSync(
    join(folder, 'containerd.toml'),
    `version = 2\nroot = "${folder}/containerd"\nstate = "${run}/containerd"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${containerdSocket}"\n`,
  )
  detach('containerd', ['--config', join(folder, 'containerd.toml'), '--log-level', 'warn'])
  await until('containerd', () => existsSync(containerdSocket))
  detach('dockerd', [
    ...['--data-root', join(folder, 'data'), '--exec-root', join(run, 'exec'), '--pidfile', join(folder, 'docker.pid')],
    ...['--containerd', containerdSocket, '-H', `unix://${ownSocket}`, '--log-level', 'warn', ...runtimeArguments()],
  ])
  await until('dockerd', () => answers(ownSocket))
}

function detach(program: string, args: readonly string[]): void {
  const log = openSync(join(folder, `${program}.log`), 'w')
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log] })
  child.once('error', () => {})
  closeSync(log)
  writeFileSync(join(folder, `${program}.pid`), String(child.pid ?? ''))
  child.unref()
}

async function until(program: string, isUp: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(20)) {
    if (await isUp()) return
    if (!isAlive(pidOf(program))) break
  }
  const log = readFileSync(join(folder, `${program}.log`), 'utf8')
  await stopDaemons()
  throw new Error(`${program} did not start: ${log.trim().slice(-2000) || 'it said nothing'}`)
}

async function stopDaemons(): Promise<void> {
  for (const program of ['dockerd', 'containerd']) {
    const pid = pidOf(program)
    if (pid === undefined || !isAlive(pid)) continue
    process.kill(pid, 'SIGTERM')
    for (const end = Date.now() + 20_000; isAlive(pid) && Date.now() < end;) await sleep(20)
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  }
}

function pidOf(program: string): number | undefined {
  const path = join(folder, `${program}.pid`)
  const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0
  // A number from before a reboot may belong to a stranger by now.
  const name = pid > 0 && existsSync(`/proc/${pid}/comm`) ? readFileSync(`/proc/${pid}/comm`, 'utf8').trim() : ''
  return name === program ? pid : undefined
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined || !existsSync(`/proc/${pid}/stat`)) return false
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z'
}

function liveLeases(): number {
  const names = readdirSync(join(folder, 'leases'))
  const dead = names.filter((name) => !existsSync(`/proc/${name.split('-')[0]}`))
  for (const name of dead) rmSync(join(folder, 'leases', name), { force: true })
  return names.length - dead.length
}

/**
 * Machines without CAP_SYS_RESOURCE (some CI sandboxes) cannot grant it to privileged containers; there an OCI runtime
 * wrapper takes it out of the request.
 */
export function runtimeArguments(wrapperFolder = folder): string[] {
  const bounding = /CapBnd:\s*([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  if ((BigInt(`0x${bounding}`) >> 24n) & 1n) return []
  const path = join(wrapperFolder, 'runc-without-sys-resource')
  writeFileSync(path, wrapper, { mode: 0o755 })
  return ['--add-runtime', `clamped=${path}`, '--default-runtime', 'clamped']
}

const wrapper = `#!/bin/bash
bundle=; process=; previous=
for word in "$@"; do
  case $previous in --bundle|-b) bundle=$word;; --process|-p) process=$word;; esac
  previous=$word
done
if [ -n "$process" ]; then
  sed -i 's/"CAP_SYS_RESOURCE",//g; s/,"CAP_SYS_RESOURCE"//g; s/"CAP_SYS_RESOURCE"//g' "$process"
fi
if [ -n "$bundle" ] && grep -qE 'CAP_SYS_RESOURCE|oomScoreAdj' "$bundle/config.json"; then
  jq -c '(.process.capabilities // {}) |= map_values(map(select(. != "CAP_SYS_RESOURCE")))
    | if (.process.oomScoreAdj // 0) < 0 then .process.oomScoreAdj = 0 else . end' "$bundle/config.json" > "$bundle/config.new" &&
    mv "$bundle/config.new" "$bundle/config.json"
fi
exec runc "$@"
`

/** One process at a time; the lock of a process that died is taken over. */
async function locked<T>(work: () => Promise<T>): Promise<T> {
  const lock = join(folder, 'lock')
  for (const end = Date.now() + 360_000; ; await sleep(50)) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch {
      const holder = existsSync(lock) ? readFileSync(lock, 'utf8') : ''
      if (holder !== '' && !existsSync(`/proc/${holder}`)) rmSync(lock, { force: true })
      if (Date.now() > end) throw new Error(`${lock} is held by process ${holder} for too long`)
    }
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** True when an engine answers its ping at this socket. */
export function answers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return Promise.resolve(false)
  return new Promise((resolve) => {
    const request = http.get({ socketPath, path: '/_ping', headers: { Host: 'engine' }, timeout: 3000 }, (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode === 200))
      answer.once('error', () => resolve(false))
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}
