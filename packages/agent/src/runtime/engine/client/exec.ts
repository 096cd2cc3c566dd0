// Runs a command inside a running container, attached, and returns its exit code: hooks and exec probes. Detached exec
// is not used because Podman 4 never says that one has ended.
import type { Engine } from './connection.ts'
import { EngineError } from './engine-error.ts'
import { demultiplex } from './log-frames.ts'

export interface ExecResult {
  exitCode: number
  /** The first 64 KiB of both streams. */
  output: string
}

export interface ExecOptions {
  command: readonly string[]
  timeoutMs: number
  signal?: AbortSignal | undefined
}

const maxOutputBytes = 64 * 1024

/**
 * A command that cannot be run at all ends with 126 (Docker) or 127 (Podman). Throws EngineError `timedOut` when it takes
 * too long; the command itself cannot be killed through the API and may go on.
 */
export async function execCommand(engine: Engine, containerId: string, options: ExecOptions): Promise<ExecResult> {
  const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(options.timeoutMs)))
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline])
  try {
    const body = { Cmd: [...options.command], AttachStdout: true, AttachStderr: true, AttachStdin: false, Tty: false }
    const { Id } = await engine.json<{ Id: string }>({ method: 'POST', path: `/containers/${containerId}/exec`, body, signal })
    const output = await attach(engine, Id, signal)
    const exitCode = await exitCodeOf(engine, Id, signal)
    return { exitCode, output }
  } catch (error) {
    if (deadline.aborted && !options.signal?.aborted)
      throw new EngineError(0, `the command did not end within ${Math.round(options.timeoutMs)} ms`, 'timedOut')
    throw error
  }
}

async function attach(engine: Engine, execId: string, signal: AbortSignal): Promise<string> {
  const socket = await engine.upgrade({ method: 'POST', path: `/exec/${execId}/start`, body: { Detach: false, Tty: false }, signal })
  const chunks: Buffer[] = []
  let size = 0
  const split = demultiplex((_stream, chunk) => {
    if (size < maxOutputBytes) chunks.push(chunk.subarray(0, maxOutputBytes - size))
    size += chunk.length
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('data', split)
    socket.once('end', resolve)
    socket.once('close', () => (signal.aborted ? reject(signal.reason) : resolve()))
    socket.once('error', reject)
  })
  socket.destroy()
  return Buffer.concat(chunks).toString('utf8')
}

/** The stream can end a moment before the engine has noted the exit. */
export async function exitCodeOf(engine: Engine, execId: string, signal: AbortSignal): Promise<number> {
  for (let delayMs = 2; ; delayMs = Math.min(delayMs * 2, 100)) {
    const state = await engine.json<{ Running: boolean; ExitCode: number | null }>({ path: `/exec/${execId}/json`, signal })
    if (!state.Running && state.ExitCode !== null) return state.ExitCode
    await new Promise((resolve) => setTimeout(resolve, delayMs))
    signal.throwIfAborted()
  }
}
