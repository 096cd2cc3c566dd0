// A container engine of this run's own, which can be killed and started again: nobody else's is touched. It lives in the
// network namespace that run.ts makes.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answers, installPackages, runtimeArguments } from '../../tools/engine.ts'
import { until } from '../../tools/journey/wait.ts'
import { makeSampleImage } from '../../tools/sample-image.ts'

export interface OwnEngine {
  readonly socketPath: string
  readonly isUp: boolean
  start(): Promise<void>
  /** KILL leaves the containers to the next one; TERM stops them first. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  close(): Promise<void>
}

export async function openOwnEngine(folder: string): Promise<OwnEngine> {
  installPackages((line) => console.log(line))
  mkdirSync(join(folder, 'run'), { recursive: true })
  const socketPath = join(folder, 'docker.sock')
  const containerdSocket = join(folder, 'containerd.sock')
  writeFileSync(
    join(folder, 'containerd.toml'),
    `version = 2\nroot = "${folder}/containerd"\nstate = "${folder}/run/containerd"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${containerdSocket}"\n`,
  )
  const containerd = begin(folder, 'containerd', ['--config', join(folder, 'containerd.toml'), '--log-level', 'warn'])
  await until('containerd', 30_000, () => existsSync(containerdSocket) || undefined)
  let daemon: ChildProcess | undefined
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    const dying = daemon
    if (dying === undefined) return
    const gone = new Promise((resolve) => dying.once('exit', resolve))
    dying.kill(signal)
    await gone
    daemon = undefined
  }
  const start = async () => {
    if (daemon !== undefined) return
    for (const name of ['docker.pid', 'docker.sock']) rmSync(join(folder, name), { force: true })
    daemon = begin(folder, 'dockerd', [
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'run/exec'), '--pidfile', join(folder, 'docker.pid')],
      ...['--containerd', containerdSocket, '-H', `unix://${socketPath}`, '--log-level', 'warn', ...runtimeArguments(folder)],
    ])
    await until('dockerd', 60_000, async () => {
      if (daemon?.exitCode !== null) throw new Error(`dockerd ended: ${readFileSync(join(folder, 'dockerd.log'), 'utf8').slice(-2000)}`)
      return (await answers(socketPath)) || undefined
    })
  }
  await start()
  for (const body of ['one', 'two']) await makeSampleImage(socketPath, { tag: sampleImage(body), body })
  return {
    socketPath,
    get isUp() {
      return daemon !== undefined
    },
    start,
    end,
    async close() {
      await end('SIGTERM')
      containerd.kill('SIGTERM')
    },
  }
}

/** An image whose web server answers with this word. */
export function sampleImage(body: string): string {
  return `littoral-faults/${body}:1`
}

function begin(folder: string, program: string, args: readonly string[]): ChildProcess {
  const log = openSync(join(folder, `${program}.log`), 'a')
  const child = spawn(program, args, { stdio: ['ignore', log, log] })
  closeSync(log)
  child.once('error', () => {})
  return child
}
