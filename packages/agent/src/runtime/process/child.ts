// One run of a driver's process, in a process group of its own, so that what it starts ends with it.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { goDescriptor } from '../../packages/local-door.ts'

export interface Exit {
  readonly exitCode?: number
  /** The signal that ended it, or why it could not be started. */
  readonly cause?: string
  readonly isOutOfMemory?: boolean
}

export interface RunOptions {
  /** Program and arguments. */
  readonly line: readonly string[]
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** It reads a line before it does what it is for; see launch.ts. */
  readonly isWaiting?: boolean
  readonly onOutput: (chunk: Buffer) => void
  readonly onExit: (exit: Exit) => void
}

export class Child {
  readonly #process: ChildProcess
  readonly #goAhead: Writable | undefined
  readonly #exited: Promise<void>
  #isOver = false

  constructor({ line: [program = '', ...args], folder, environment, isWaiting = false, onOutput, onExit }: RunOptions) {
    this.#process = spawn(program, args, {
      cwd: folder,
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'pipe', ...(isWaiting ? (['pipe'] as const) : [])],
      detached: true,
    })
    // One that has ended before it was told to go is noticed by its exit.
    this.#goAhead = isWaiting ? (this.#process.stdio[goDescriptor] as Writable) : undefined
    this.#goAhead?.on('error', () => {})
    this.#process.stdout?.on('data', onOutput)
    this.#process.stderr?.on('data', onOutput)
    this.#exited = new Promise((resolve) => {
      const over = (exit: Exit) => {
        if (this.#isOver) return
        this.#isOver = true
        signalGroup(this.#process.pid, 'SIGKILL')
        onExit(exit)
        resolve()
      }
      this.#process.once('error', (error) => over({ cause: error.message }))
      // 'close' would wait for whoever inherited the pipes; give the last words a turn of the loop instead.
      this.#process.once('exit', (code, signal) =>
        setImmediate(() => over(code === null ? { cause: `signal ${signal}` } : { exitCode: code })),
      )
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Ends the wait. */
  go(): void {
    this.#goAhead?.end('go\n')
  }

  /** Asks the whole group to end, and kills it after the grace. Resolves when the process is gone. */
  async stop(graceMs: number): Promise<void> {
    if (this.#isOver) return
    signalGroup(this.#process.pid, 'SIGTERM')
    const timer = setTimeout(() => signalGroup(this.#process.pid, 'SIGKILL'), graceMs)
    await this.#exited
    clearTimeout(timer)
  }

  /** For a stop that ran into its time limit. */
  kill(): void {
    signalGroup(this.#process.pid, 'SIGKILL')
  }
}

/** Signals every process of the group that `pid` leads; a group that is gone is fine. */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: nobody is left; EPERM: only strangers are.
  }
}
