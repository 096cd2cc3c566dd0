// A machine with a real systemd, for tests: this machine's own files under a writable layer that vanishes, with process ids, mounts,
// control groups and names of its own, and systemd as process 1. The network is this machine's, so that a server of the test is
// reached. Needs root, systemd's package and control groups that may be mounted; `whyNoSystemd` says what is missing.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../tools/journey/wait.ts'

const systemd = '/lib/systemd/systemd'
const groups = '/sys/fs/cgroup'

export interface SystemdMachine {
  /** Runs a shell script in it; throws with what it said when it fails. */
  run(script: string, timeoutMs?: number): string
  close(): Promise<void>
}

export function whyNoSystemd(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'this user is not root'
  const absent = [systemd, '/usr/bin/dbus-daemon', '/usr/bin/unshare', '/usr/bin/nsenter'].find((path) => !existsSync(path))
  if (absent !== undefined) return `${absent} is not installed`
  const { status, stderr } = spawnSync('unshare', ['--mount', '--pid', '--cgroup', '--fork', '/bin/true'], { encoding: 'utf8' })
  return status === 0 ? undefined : `no namespaces can be made: ${stderr.trim()}`
}

/** Mounts what a booting system expects, turns into its root and hands over to systemd. */
function bootScript(folder: string): string {
  return `set -e
mount --make-rprivate /
W=${folder}; R=$W/root
mkdir -p $W/layers $R
mount -t tmpfs -o size=1g tmpfs $W/layers
mkdir $W/layers/upper $W/layers/work
mount -t overlay overlay -o lowerdir=/,upperdir=$W/layers/upper,workdir=$W/layers/work $R
mount -t proc proc $R/proc
mount -t sysfs -o ro sysfs $R/sys
if [ -e ${groups}/cgroup.controllers ]; then mount -t cgroup2 cgroup2 $R/sys/fs/cgroup; else
  mount -t tmpfs -o mode=755 tmpfs $R/sys/fs/cgroup
  for C in ${hierarchies().join(' ')}; do
    mkdir $R/sys/fs/cgroup/$C
    case $C in
      unified) mount -t cgroup2 cgroup2 $R/sys/fs/cgroup/$C;;
      systemd) mount -t cgroup -o none,name=systemd cgroup $R/sys/fs/cgroup/$C;;
      *) mount -t cgroup -o $C cgroup $R/sys/fs/cgroup/$C;;
    esac
  done
fi
mount -t tmpfs -o mode=755 tmpfs $R/dev
for D in null zero full random urandom tty; do touch $R/dev/$D; mount --bind /dev/$D $R/dev/$D; done
mkdir $R/dev/pts $R/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts $R/dev/pts
mount -t tmpfs tmpfs $R/dev/shm
mount -t tmpfs -o mode=755 tmpfs $R/run
mount -t tmpfs tmpfs $R/tmp
rm -rf $R/etc/systemd/system/*.wants $R/etc/machine-id
echo 0123456789abcdef0123456789abcdef > $R/etc/machine-id
mkdir -p $R/shared
mount --bind $W $R/shared
hostname littoral-test
cd $R
pivot_root . mnt
umount -l /mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin ${systemd} --unit=multi-user.target --show-status=no
`
}

/** Folders of the hierarchies of control groups of this machine. */
function hierarchies(): string[] {
  return readdirSync(groups).filter((name) => existsSync(join(groups, name, 'cgroup.procs')))
}

/** In a group of its own in every hierarchy, so that nothing of this machine's is in reach. */
function enclosed(name: string, script: string): string {
  return `set -e
for H in ${groups} ${groups}/*; do
  [ -f $H/cgroup.procs ] || continue
  mkdir $H/${name}
  if [ -f $H/${name}/cpuset.cpus ] && [ -f $H/cpuset.cpus ]; then cat $H/cpuset.cpus > $H/${name}/cpuset.cpus; cat $H/cpuset.mems > $H/${name}/cpuset.mems; fi
  echo $$ > $H/${name}/cgroup.procs
done
exec unshare --mount --pid --uts --ipc --cgroup --fork --kill-child /bin/sh ${script}
`
}

/** What lies in `folder` when the machine begins is found under /shared in it. Throws with its words when it does not come up. */
export async function startSystemd(): Promise<SystemdMachine & { readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'littoral-systemd-'))
  const name = folder.slice(folder.lastIndexOf('/') + 1)
  writeFileSync(join(folder, 'boot.sh'), bootScript(folder))
  writeFileSync(join(folder, 'enclose.sh'), enclosed(name, join(folder, 'boot.sh')))
  const outer = spawn('/bin/sh', [join(folder, 'enclose.sh')], { stdio: ['ignore', 'pipe', 'pipe'] })
  let words = ''
  for (const stream of [outer.stdout, outer.stderr]) stream.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-4000)))
  const machine = {
    folder,
    run: (script: string, timeoutMs?: number) => runIn(outer, script, timeoutMs),
    close: () => end(outer, folder, name),
  }
  try {
    await until('systemd to be up', 30_000, () => {
      if (outer.exitCode !== null) throw new Error(`the machine ended: ${words}`)
      return isUp(outer) || undefined
    })
  } catch (error) {
    await machine.close()
    throw new Error(`systemd did not come up: ${words}`, { cause: error })
  }
  return machine
}

function isUp(outer: ChildProcess): boolean {
  const pid = innerPid(outer)
  if (pid === undefined) return false
  const { stdout } = spawnSync('nsenter', ['-t', pid, '-a', '/bin/systemctl', 'is-system-running'], { encoding: 'utf8', timeout: 10_000 })
  return ['running', 'degraded'].includes(stdout?.trim())
}

/** Process 1 of the machine, as this one sees it. */
function innerPid({ pid }: ChildProcess): string | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    return child === '' ? undefined : child
  } catch {
    return undefined
  }
}

function runIn(outer: ChildProcess, script: string, timeoutMs = 60_000): string {
  const args = ['-t', innerPid(outer) ?? '', '-a', '/bin/sh', '-c', `cd /\n${script}`]
  const { status, stdout, stderr, error } = spawnSync('nsenter', args, { encoding: 'utf8', timeout: timeoutMs })
  if (status !== 0) throw new Error(`${script} ended with ${status ?? error?.message}: ${stdout}${stderr}`)
  return stdout
}

async function end(outer: ChildProcess, folder: string, name: string): Promise<void> {
  const ended = new Promise<void>((resolve) => outer.once('exit', () => resolve()))
  if (outer.exitCode === null && outer.signalCode === null) {
    // Process 1 takes everything in its namespace with it.
    const pid = innerPid(outer)
    if (pid !== undefined) process.kill(Number(pid), 'SIGKILL')
    else outer.kill('SIGKILL')
    await ended
  }
  for (const hierarchy of [groups, ...hierarchies().map((one) => join(groups, one))]) {
    const group = join(hierarchy, name)
    if (existsSync(group)) await until(`${group} to be empty`, 10_000, () => removeGroups(group) || undefined)
  }
  rmSync(folder, { recursive: true, force: true })
}

function removeGroups(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeGroups(join(folder, entry.name))
    rmdirSync(folder)
    return true
  } catch {
    return false
  }
}
