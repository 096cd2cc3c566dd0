// The two long-running parts as child processes: `littoral serve` and `littoral agent`. Their output goes to files under
// the data folder; when one ends by itself, its last words become the error.
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Part {
  readonly name: string
  readonly logPath: string
  /** The last words of the part when it has ended by itself. */
  ended(): string | undefined
  onEnd(listener: (lastWords: string) => void): void
  stop(): Promise<void>
}

const stopTimeoutMs = 15_000

export interface PartOptions {
  readonly name: string
  readonly root: string
  readonly folder: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

export function startPart(options: PartOptions): Part {
  const folder = join(options.folder, 'logs')
  mkdirSync(folder, { recursive: true })
  const logPath = join(folder, `${options.name}.log`)
  const log = openSync(logPath, 'w', 0o600)
  const child = spawn(process.execPath, [join(options.root, 'bin', 'littoral'), ...options.args], {
    cwd: options.root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', log, log],
    // Its own group: a Ctrl-C in the terminal reaches us only, and we stop the parts in order.
    detached: true,
  })
  closeSync(log)
  return watch(options.name, child, logPath)
}

function watch(name: string, child: ChildProcess, logPath: string): Part {
  const listeners: ((lastWords: string) => void)[] = []
  let words: string | undefined
  let isStopping = false
  const isOver = new Promise<void>((resolve) => {
    const over = (text: string) => {
      words = text
      resolve()
      if (!isStopping) for (const listener of listeners) listener(text)
    }
    child.once('error', (error) => over(`${name} could not be started: ${error.message}`))
    child.once('exit', (code, signal) => over(lastWords(logPath) ?? `${name} ended with ${signal ?? `code ${code}`}`))
  })
  // Whatever happens to us, the parts must not stay behind.
  const onExit = () => child.kill('SIGTERM')
  process.once('exit', onExit)
  return {
    name,
    logPath,
    ended: () => words,
    onEnd: (listener) => void listeners.push(listener),
    stop: async () => {
      isStopping = true
      process.removeListener('exit', onExit)
      if (words !== undefined) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
      await isOver
      clearTimeout(timer)
    },
  }
}

/** The last line a part wrote, without the JSON that logs are made of. */
function lastWords(logPath: string): string | undefined {
  const line = readFileSync(logPath, 'utf8').trim().split('\n').at(-1)
  if (!line) return undefined
  try {
    const entry = JSON.parse(line) as { msg?: string; message?: string }
    return entry.msg ?? entry.message ?? line
  } catch {
    return line
  }
}
