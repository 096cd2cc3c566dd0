// The old agent's hold on a new one: starts it beside itself, tells it to take over, and hears whether it confirms. What the
// two say to each other must stay the same for ever, because they are of different versions:
//
//   new → old   { kind: 'ready' }       loaded, has read its configuration, has touched nothing
//   old → new   { kind: 'takeOver' }    the folder is free
//   new → old   { kind: 'confirmed' }   connected, reported, and the connection has held
//   old → new   { kind: 'stay' }        the old one is only its parent from now on
//   old → new   { kind: 'leave' }       end, and leave what runs to the next agent
//
// A new agent that loses this channel before it has confirmed ends, too.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { statFields, writeAtomically } from '../files.ts'
import { startOf } from '../lock.ts'
import { upgradeFolder } from './kept.ts'
import { trialVariable } from './launch.ts'

export type TrialWord = 'ready' | 'takeOver' | 'confirmed' | 'stay' | 'leave'
export type TrialEnd = { readonly isConfirmed: true } | { readonly isConfirmed: false; readonly code: string; readonly message: string }

export interface TrialOptions {
  /** The new agent's file. */
  readonly path: string
  readonly dataDir: string
  readonly args: readonly string[]
  readonly holdSeconds: number
  /** Everything the new agent writes, line by line. */
  readonly log: (line: string) => void
  readonly readyTimeoutMs?: number
}

const readyTimeoutMs = 30_000
const leaveTimeoutMs = 20_000
const longestMessage = 1500

export class Trial {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #words = new Set<TrialWord>()
  readonly #options: TrialOptions
  #wake = () => {}
  #lastLines: string[] = []
  #exit: string | undefined

  constructor(options: TrialOptions) {
    this.#options = options
    const settings = JSON.stringify({ holdSeconds: options.holdSeconds })
    this.#child = spawn(
      process.execPath,
      [...process.execArgv.filter((flag) => flag.startsWith('--max-')), options.path, ...options.args],
      {
        env: { ...process.env, [trialVariable]: settings, LITTORAL_SUPERVISOR: 'agent' },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        // Its own group: what a terminal sends reaches us, and we pass on what it should know.
        detached: true,
      },
    )
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#said(chunk))
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#said(chunk))
    this.#child.on('message', (message: { kind?: TrialWord } | null) => {
      if (message?.kind) this.#words.add(message.kind)
      this.#wake()
    })
    this.#exited = new Promise((resolve) => {
      const over = (how: string) => {
        this.#exit ??= how
        this.#wake()
        resolve()
      }
      this.#child.once('error', (error) => over(error.message))
      this.#child.once('close', (code, signal) => over(signal ? `signal ${signal}` : `exit code ${code}`))
    })
  }

  /** Whether the new agent has loaded. Nothing of the old one is touched until then. */
  async ready(): Promise<TrialEnd> {
    await this.#note()
    const timeoutMs = this.#options.readyTimeoutMs ?? readyTimeoutMs
    if (await this.#until('ready', timeoutMs)) return { isConfirmed: true }
    return this.#failed('NotStarted', `the new agent did not start within ${timeoutMs / 1000} s`)
  }

  /** Hands over and waits for the new agent's word. When it does not come in time, the new agent is ended. */
  async takeOver(confirmMs: number, signal: AbortSignal): Promise<TrialEnd> {
    this.#tell('takeOver')
    const stopped = () => this.#wake()
    signal.addEventListener('abort', stopped)
    const isConfirmed = await this.#until('confirmed', confirmMs, signal)
    signal.removeEventListener('abort', stopped)
    if (isConfirmed) return { isConfirmed: true }
    if (signal.aborted) return this.#failed('Interrupted', 'the agent was stopped during the upgrade')
    return this.#failed('NotConfirmed', `the new agent did not connect and report within ${confirmMs / 1000} s`)
  }

  /** Ends it, gently first. */
  async end(): Promise<void> {
    this.#tell('leave')
    const timer = setTimeout(() => this.#kill('SIGKILL'), leaveTimeoutMs)
    await this.#exited
    clearTimeout(timer)
    await rm(notePath(this.#options.dataDir), { force: true })
  }

  /** Leaves it in charge for good. */
  stay(): void {
    this.#tell('stay')
  }

  /** How it ended; for an old agent that stays only as the new one's parent. */
  async exited(): Promise<number> {
    await this.#exited
    await rm(notePath(this.#options.dataDir), { force: true })
    return this.#child.exitCode ?? 1
  }

  kill(signal: NodeJS.Signals): void {
    this.#kill(signal)
  }

  async #failed(code: string, late: string): Promise<TrialEnd> {
    const exit = this.#exit
    // An agent that hangs does not hear a request either, so a late one gets the full time to leave only if it is loaded.
    if (exit === undefined && !this.#words.has('ready')) this.#kill('SIGKILL')
    await this.end()
    const words = this.#lastLines.join('\n').slice(-longestMessage)
    const what = exit === undefined ? late : `the new agent ended (${exit})`
    return {
      isConfirmed: false,
      code: exit === undefined ? code : 'Crashed',
      message: words === '' ? what : `${what}; it said: ${words}`,
    }
  }

  async #until(word: TrialWord, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + timeoutMs
    while (!this.#words.has(word)) {
      const leftMs = deadline - performance.now()
      if (this.#exit !== undefined || leftMs <= 0 || signal?.aborted) return false
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        timer = setTimeout(resolve, leftMs)
      })
      clearTimeout(timer)
    }
    return this.#exit === undefined
  }

  #tell(kind: TrialWord): void {
    if (this.#child.connected) this.#child.send({ kind }, () => {})
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    this.#child.kill(signal)
  }

  #said(chunk: Buffer): void {
    for (const line of chunk.toString('utf8').split('\n')) {
      if (line.trim() === '') continue
      this.#options.log(line)
      // What went wrong stands before the stack, and a stack would push it out.
      if (!/^\s+at /.test(line)) this.#lastLines = [...this.#lastLines, line.slice(0, 500)].slice(-8)
    }
  }

  /** So that the next agent can end this one, should we die and it hang. */
  async #note(): Promise<void> {
    const { pid } = this.#child
    if (pid === undefined) return
    const note = { pid, start: startOf(pid), parent: process.pid, parentStart: startOf(process.pid) }
    await writeAtomically(notePath(this.#options.dataDir), JSON.stringify(note))
  }
}

/** Ends an agent on trial whose parent is gone: it would keep the folder for ever if it hangs. */
export async function endStrayTrial(dataDir: string): Promise<boolean> {
  const note = await readNote(dataDir)
  if (note === undefined || isRunning(note.parent, note.parentStart)) return false
  const isStray = isRunning(note.pid, note.start)
  if (isStray) {
    process.kill(note.pid, 'SIGKILL')
    for (let tries = 0; isRunning(note.pid, note.start) && tries < 200; tries += 1) await sleep(10)
  }
  await rm(notePath(dataDir), { force: true })
  return isStray
}

interface Note {
  readonly pid: number
  readonly start: string
  readonly parent: number
  readonly parentStart: string
}

async function readNote(dataDir: string): Promise<Note | undefined> {
  try {
    const note = JSON.parse(await readFile(notePath(dataDir), 'utf8')) as Partial<Note> | null
    const isWhole =
      [note?.pid, note?.parent].every(Number.isInteger) && [note?.start, note?.parentStart].every((text) => typeof text === 'string')
    return isWhole ? (note as Note) : undefined
  } catch {
    return undefined
  }
}

function notePath(dataDir: string): string {
  return join(upgradeFolder(dataDir), 'trial.json')
}

/** Whether this very process is there and not just waited for. */
function isRunning(pid: number, start: string): boolean {
  const state = statFields(pid)?.[0]
  return state !== undefined && state !== 'Z' && startOf(pid) === start
}
