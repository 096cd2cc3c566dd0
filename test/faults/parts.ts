// The pieces of a fault run that can be killed and started again: server and agent as processes of their own, and the link
// between them, which can be cut.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../tools/journey/wait.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Part {
  readonly isUp: boolean
  readonly pid: number | undefined
  start(): Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** The last of what it said. */
  said(): string
}

interface PartOptions {
  readonly program: 'server' | 'agent'
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly log: string
  /** What it says when it can be used; without it, it counts as up at once. */
  readonly readyLine?: string
}

export function openPart({ program, args, env, log, readyLine }: PartOptions): Part {
  let child: ChildProcess | undefined
  const said = () => readFileSync(log, 'utf8')
  return {
    get isUp() {
      return child !== undefined
    },
    get pid() {
      return child?.pid
    },
    async start() {
      if (child !== undefined) return
      const file = openSync(log, 'a', 0o600)
      const from = said().length
      const path = join(root, 'packages', program, 'dist', 'main.js')
      const started = spawn(process.execPath, [path, ...args], {
        stdio: ['ignore', file, file],
        env: { PATH: process.env['PATH'], ...env },
      })
      closeSync(file)
      child = started
      started.once('exit', () => {
        if (child === started) child = undefined
      })
      if (readyLine === undefined) return
      await until(`${program} to start`, 60_000, () => {
        if (child !== started) throw new Error(`the ${program} ended: ${said().slice(-2000)}`)
        return said().slice(from).includes(readyLine) ? true : undefined
      })
    },
    async kill() {
      const dying = child
      if (dying === undefined) return
      const gone = new Promise((resolve) => dying.once('exit', resolve))
      dying.kill('SIGKILL')
      await gone
    },
    said: () => said().slice(-6000),
  }
}

export interface Link {
  readonly port: number
  readonly isCut: boolean
  cut(): void
  mend(): void
  close(): void
}

/** Passes bytes on to a port of this machine. Cut, it ends what is open and takes nothing new. */
export async function openLink(target: number): Promise<Link> {
  const sockets = new Set<net.Socket>()
  let isCut = false
  const server = net.createServer((from) => {
    if (isCut) return void from.destroy()
    const to = net.connect(target, '127.0.0.1')
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    get isCut() {
      return isCut
    },
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    mend() {
      isCut = false
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A port that nothing uses at this moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
