// A private Podman for tests: its API service on a socket of its own, with storage, network and settings apart from any
// Podman of the machine. Only where Podman is installed and may be used; the tests say by name why they are skipped else.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, closeSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes, randomInt } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answers, type EngineHandle } from '../../tools/engine.ts'

const program = '/usr/bin/podman'
const needed = [program, '/usr/bin/conmon', '/usr/lib/podman/netavark']

/** Why Podman cannot be tested on this machine; undefined where it can. */
export function whyNoPodman(): string | undefined {
  const absent = needed.find((path) => !existsSync(path))
  if (absent !== undefined) return `${absent} is not installed`
  return process.getuid?.() === 0 ? undefined : 'this user is not root, and a rootless engine is of no use to a node'
}

/** Throws with what Podman said when its service does not answer in time. */
export async function startPodman(): Promise<EngineHandle> {
  const folder = mkdtempSync(join(tmpdir(), 'littoral-podman-'))
  const socketPath = join(folder, 'podman.sock')
  const env = { ...process.env, CONTAINERS_CONF: writeSettings(folder) }
  const own = ['root', 'runroot', 'tmpdir', 'network-config-dir'].flatMap((name) => [`--${name}`, join(folder, name)])
  const log = openSync(join(folder, 'log'), 'w')
  const service = spawn(program, [...own, 'system', 'service', '--time=0', `unix://${socketPath}`], {
    cwd: folder,
    env,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const ended = new Promise<void>((resolve) => service.once('exit', () => resolve()))
  service.once('error', () => {})
  for (const end = Date.now() + 30_000; !(await answers(socketPath)); await sleep(20)) {
    if (service.exitCode === null && Date.now() < end) continue
    service.kill('SIGKILL')
    throw new Error(`podman did not start: ${readFileSync(join(folder, 'log'), 'utf8').trim().slice(-2000) || 'it said nothing'}`)
  }
  return {
    socketPath,
    startedByUs: true,
    async stop() {
      spawnSync(program, [...own, 'rm', '--all', '--force', '--time', '0'], { env, timeout: 60_000 })
      service.kill('SIGTERM')
      const timer = setTimeout(() => service.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(timer)
      endLeftBehind(folder)
      // Podman mounts this folder on itself; a mounted folder cannot be removed.
      spawnSync('umount', [join(folder, 'root', 'overlay')], { timeout: 10_000 })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Podman leaves a monitor behind for minutes after each command run in a container; it would make the folder anew. */
function endLeftBehind(folder: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'conmon') continue
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${folder}/`)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

function writeSettings(folder: string): string {
  // crun refuses machines with both versions of control groups; runc, which comes with Docker's packages, does not.
  const runtime = ['/usr/sbin/runc', '/usr/bin/runc'].some((path) => existsSync(path)) ? 'runc' : 'crun'
  const path = join(folder, 'containers.conf')
  const ulimits = `["nofile=${highest('open files')}", "nproc=${highest('processes')}"]`
  const containers = `[containers]\ndefault_ulimits = ${ulimits}\nlog_driver = "k8s-file"\n`
  const engine = `[engine]\nruntime = "${runtime}"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nexit_command_delay = 10\n`
  writeFileSync(path, `${containers}${engine}[network]\nnetwork_backend = "netavark"\n`)
  mkdirSync(join(folder, 'network-config-dir'))
  writeFileSync(join(folder, 'network-config-dir', 'podman.json'), JSON.stringify(network()))
  return path
}

/** Podman's default network with a bridge and addresses of its own: several of these engines may run side by side. */
function network(): object {
  const subnet = `10.89.${randomInt(256)}`
  return {
    name: 'podman',
    id: randomBytes(32).toString('hex'),
    driver: 'bridge',
    network_interface: `lit${randomBytes(4).toString('hex')}`,
    subnets: [{ subnet: `${subnet}.0/24`, gateway: `${subnet}.1` }],
    ipv6_enabled: false,
    internal: false,
    dns_enabled: false,
    ipam_options: { driver: 'host-local' },
  }
}

/** Without CAP_SYS_RESOURCE a container can have no more than we have; and Podman 4 confuses the soft with the hard limit. */
function highest(what: string): string {
  const hard = Number(new RegExp(`^Max ${what}\\s+\\S+\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 65_536)
  const most = Math.min(hard, Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')), 1_048_576)
  return `${most}:${most}`
}
