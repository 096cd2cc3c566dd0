// A real agent as a process of its own, from its bundle, for tests that exchange or kill it. With a supervisor, which starts it
// again whenever it ends, as systemd does.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../tools/journey/wait.ts'

export interface AgentProcessOptions {
  readonly bundle: string
  readonly url: string
  /** What it joins with, as arguments. */
  readonly joinWith: readonly string[]
  readonly isSupervised: boolean
  readonly runtime?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface AgentProcess {
  readonly name: string
  readonly dataDir: string
  /** Everything it ever wrote. */
  log(): string
  /** The process in charge of the folder, as the folder itself says. */
  pidInCharge(): number
  /** The process that was started, which may be only the parent of the one in charge. */
  readonly pid: number
  /** How often it was started. */
  readonly starts: number
  /** Kills it as a power cut would, with everything that it has started; the supervisor does not start it again. */
  cutPower(): void
  /** Starts it again after a power cut. */
  start(): void
  /** Ends it as an operator would. Resolves with its exit code. */
  stop(): Promise<number | null>
  dispose(): Promise<void>
}

let count = 0

export async function openAgentProcess(options: AgentProcessOptions): Promise<AgentProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), 'littoral-upgrade-'))
  const name = `upgrade-${process.pid}-${(count += 1)}`
  const agent = new Started(options, { dataDir, name })
  agent.start()
  return agent
}

class Started implements AgentProcess {
  readonly name: string
  readonly dataDir: string
  readonly #options: AgentProcessOptions
  #child: ChildProcess | undefined
  #text = ''
  #isWanted = false
  starts = 0

  constructor(options: AgentProcessOptions, { dataDir, name }: { dataDir: string; name: string }) {
    this.#options = options
    this.dataDir = dataDir
    this.name = name
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  log = () => this.#text

  pidInCharge(): number {
    try {
      return Number(readFileSync(join(this.dataDir, 'agent.pid'), 'utf8').split(' ')[0])
    } catch {
      return 0
    }
  }

  start(): void {
    const { bundle, url, joinWith, runtime = 'memory', isSupervised, env } = this.#options
    const args = ['--server', url, '--data', this.dataDir, '--name', this.name, '--runtime', runtime, ...joinWith]
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('LITTORAL_')))
    const child = spawn(process.execPath, [bundle, ...args], {
      env: { ...inherited, ...(isSupervised ? { LITTORAL_SUPERVISOR: 'test' } : {}), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.starts += 1
    this.#isWanted = true
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (this.#text += chunk.toString()))
    child.once('exit', () => {
      if (this.#isWanted && this.#child === child && isSupervised) this.start()
    })
  }

  cutPower(): void {
    this.#isWanted = false
    const victims = new Set([this.pid, this.pidInCharge(), trialPid(this.dataDir)])
    for (const pid of victims) if (pid > 0) kill(pid)
  }

  async stop(): Promise<number | null> {
    this.#isWanted = false
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    return ended
  }

  async dispose(): Promise<void> {
    const late = setTimeout(() => this.cutPower(), 20_000)
    await this.stop()
    clearTimeout(late)
    this.cutPower()
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 5 })
  }
}

function trialPid(dataDir: string): number {
  try {
    return (JSON.parse(readFileSync(join(dataDir, 'upgrade', 'trial.json'), 'utf8')) as { pid: number }).pid
  } catch {
    return 0
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

/** Another bundle from a whole one: its first line says another version, its text is changed by `change`. */
export async function makeBundle(from: string, to: string, version: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(from, 'utf8')
  await writeFile(to, change(text.replace(/^\/\/ littoral-agent .*/, `// littoral-agent ${version}`)))
}

export { until }
