// A command inside a running container with its input and output attached: terminals. The API cannot kill a command, so
// one that outlives its connection is ended through its process id, after a look that the process is of that container.
import { readFile } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecOptions, ExecSession } from '../../runtime.ts'
import type { Engine } from './connection.ts'
import { exitCodeOf } from './exec.ts'
import { demultiplex } from './log-frames.ts'

const startTimeoutMs = 10_000
const exitTimeoutMs = 5000
const hangupGraceMs = 1000

export interface AttachExec extends Omit<ExecOptions, 'container'> {
  readonly containerId: string
  readonly signal: AbortSignal
}

/** Starts it. Where the command cannot be run the engine says so in the output, and it ends with 126 or 127. */
export async function attachExec(engine: Engine, options: AttachExec): Promise<ExecSession> {
  const { containerId, command, tty, signal } = options
  const body = { Cmd: [...command], AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: tty, Env: ['TERM=xterm-256color'] }
  const call = { method: 'POST' as const, timeoutMs: startTimeoutMs, signal }
  const { Id } = await engine.json<{ Id: string }>({ ...call, path: `/containers/${containerId}/exec`, body })
  const socket = await engine.upgrade({ ...call, path: `/exec/${Id}/start`, body: { Detach: false, Tty: tty } })
  const session = new AttachedExec(engine, socket, { execId: Id, containerId, tty })
  if (tty && options.columns !== undefined && options.rows !== undefined) await session.resize(options.columns, options.rows)
  return session
}

interface Identity {
  readonly execId: string
  readonly containerId: string
  readonly tty: boolean
}

class AttachedExec implements ExecSession {
  readonly #engine: Engine
  readonly #socket: Duplex
  readonly #identity: Identity
  #isClosed = false
  readonly output: AsyncIterable<Uint8Array>

  constructor(engine: Engine, socket: Duplex, identity: Identity) {
    this.#engine = engine
    this.#socket = socket
    this.#identity = identity
    socket.on('error', () => socket.destroy())
    this.output = this.#read()
  }

  async exitCode(): Promise<number> {
    return exitCodeOf(this.#engine, this.#identity.execId, AbortSignal.timeout(exitTimeoutMs))
  }

  write(bytes: Uint8Array): Promise<void> {
    if (!this.#socket.writable) return Promise.resolve()
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve())
    })
  }

  /** Docker answers 200, Podman 201. A command that has just ended has no terminal any more, which is nobody's fault. */
  async resize(columns: number, rows: number): Promise<void> {
    const path = `/exec/${this.#identity.execId}/resize`
    await this.#engine.json({ method: 'POST', path, query: { h: rows, w: columns }, timeoutMs: 5000 }).catch(() => {})
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#socket.destroy()
    endCommand(this.#engine, this.#identity).catch(() => {})
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    const pending: Buffer[] = []
    const split = demultiplex((_stream, payload) => pending.push(payload))
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        if (this.#identity.tty) yield chunk
        else {
          split(chunk)
          yield* pending.splice(0)
        }
      }
    } catch (error) {
      // A connection the engine drops ends the output as well; what became of the command says its exit code.
      if (!this.#isClosed && !isCut(error)) throw error
    }
  }
}

function isCut(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE'
}

/** Hangs up, as a terminal that is closed does, and kills what does not care. */
async function endCommand(engine: Engine, { execId, containerId }: Identity): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGHUP', hangupGraceMs],
    ['SIGKILL', 0],
  ] as const) {
    const state = await engine.json<{ Running: boolean; Pid?: number }>({ path: `/exec/${execId}/json`, timeoutMs: 5000 })
    const pid = state.Pid ?? 0
    if (!state.Running || pid <= 1 || !(await isOf(containerId, pid))) return
    process.kill(pid, signal)
    await sleep(waitMs, undefined, { ref: false })
  }
}

async function isOf(containerId: string, pid: number): Promise<boolean> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
  return groups.includes(containerId)
}
