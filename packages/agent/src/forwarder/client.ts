// The agent's end of the forwarder: connects to the one that runs, or starts one. A forwarder outlives the agent, so that
// a restart of the agent cuts no connection (docs/decisions/0003-node-ports.md).
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { ForwarderError } from './ports.ts'
import { forwarderProtocol, readLines, type Answer, type AnswerFrame, type Ask, type ForwardedPort, type RequestKind } from './protocol.ts'

export interface Forwarder {
  ask<K extends RequestKind>(kind: K, ask: Ask<K>, timeoutMs?: number): Promise<Answer<K>>
  /** The open ports; empty, and nothing is started, when no forwarder runs. */
  list(): Promise<ForwardedPort[]>
  /** True when one runs already, perhaps started by an earlier agent. */
  isRunning(): Promise<boolean>
  /** Lets go of the control connection; the forwarder goes on. */
  close(): void
}

export interface OpenForwarder {
  /** The agent's own folder (mode 0700): socket and log live here. */
  folder: string
  /** The forwarder ended without being asked; its ports are gone until they are opened again. */
  onLost: () => void
}

/** Connects on first use and after a loss. */
export function openForwarder(options: OpenForwarder): Forwarder {
  makeFolder(options.folder)
  let link: Promise<Link> | undefined
  let isClosed = false
  const connected = () => {
    link ??= reachForwarder(options.folder, () => {
      link = undefined
      if (!isClosed) options.onLost()
    }).catch((error: unknown) => {
      link = undefined
      throw error
    })
    return link
  }
  const isRunning = async () => {
    if (link !== undefined) return true
    const probe = await connectToAny(options.folder)
    probe?.destroy()
    return probe !== undefined
  }
  return {
    async ask(kind, ask, timeoutMs = 10_000) {
      if (isClosed) throw new ForwarderError({ code: 'ForwarderFailed', message: 'the agent is closing' })
      return (await connected()).ask(kind, ask, timeoutMs)
    },
    async list() {
      if (isClosed || !(await isRunning())) return []
      return (await (await connected()).ask('list', {}, 10_000)).ports
    },
    isRunning,
    close() {
      isClosed = true
      link?.then(
        (open) => open.close(),
        () => {},
      )
    },
  }
}

interface Link {
  ask<K extends RequestKind>(kind: K, ask: Ask<K>, timeoutMs: number): Promise<Answer<K>>
  close(): void
}

async function reachForwarder(folder: string, onLost: () => void): Promise<Link> {
  const running = await findRunning(folder, onLost)
  if (running !== undefined) return running
  const socketPath = isWritable(folder) ? controlSocketPath(folder) : standInPath(folder)
  startProcess(folder, socketPath)
  for (const end = performance.now() + 15_000; performance.now() < end; await sleep(10)) {
    const socket = await connectTo(socketPath)
    if (socket !== undefined) return openLink(socket, onLost)
  }
  throw new ForwarderError({ code: 'ForwarderFailed', message: `the forwarder did not start; see ${join(folder, 'forwarder.log')}` })
}

/** The one that runs and can be used; an ending one may still take a connection, and counts as none. */
async function findRunning(folder: string, onLost: () => void): Promise<Link | undefined> {
  const socket = await connectToAny(folder)
  if (socket === undefined) return undefined
  let isUsed = false
  const link = openLink(socket, () => {
    if (isUsed) onLost()
  })
  try {
    isUsed = (await link.ask('hello', {}, 5000)).protocol === forwarderProtocol
    if (isUsed) return link
    // Left by an agent of another version: it stops listening now and lives on until its connections have ended.
    await link.ask('retire', {}, 5000)
  } catch (error) {
    if (!socket.destroyed) throw error
  }
  link.close()
  return undefined
}

function connectTo(path: string): Promise<net.Socket | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(path)
    socket.once('error', () => resolve(undefined))
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

/** A forwarder that was started while the disk took nothing listens in another place. */
async function connectToAny(folder: string): Promise<net.Socket | undefined> {
  return (await connectTo(controlSocketPath(folder))) ?? (existsSync(standInPath(folder)) ? connectTo(standInPath(folder)) : undefined)
}

/** On a disk that takes nothing this fails; the forwarder then does without its folder. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EROFS') throw error
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** The path of a unix socket may have 107 bytes only; a deep folder gets a short stand-in. */
function controlSocketPath(folder: string): string {
  const path = join(folder, `forwarder-${forwarderProtocol}.sock`)
  if (Buffer.byteLength(path) <= 100) return path
  mkdirSync(dirname(standInPath(folder)), { recursive: true, mode: 0o700 })
  return standInPath(folder)
}

function standInPath(folder: string): string {
  const path = join(folder, `forwarder-${forwarderProtocol}.sock`)
  const short = `littoral-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`
  return join(tmpdir(), short, 'forwarder.sock')
}

function startProcess(folder: string, socketPath: string): void {
  const own = fileURLToPath(import.meta.url)
  const isSource = own.endsWith('.ts')
  // In the bundle everything is one file, which is told by its first argument what to be.
  const isBundled = !/[\\/]client\.[jt]s$/.test(own)
  const loader = isSource ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] : []
  const main = isBundled ? [own, 'forwarder'] : [join(own, '..', isSource ? 'main.ts' : 'main.js')]
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 })
  const log = openLog(join(folder, 'forwarder.log'))
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' }
  const child = spawn(process.execPath, [...loader, ...main, socketPath], {
    detached: true,
    stdio: ['ignore', log ?? 'ignore', log ?? 'ignore'],
    cwd: '/',
    env,
  })
  child.once('error', () => {})
  if (log !== undefined) closeSync(log)
  child.unref()
}

function openLog(path: string): number | undefined {
  try {
    return openSync(path, 'a', 0o600)
  } catch {
    return undefined
  }
}

interface Waiter {
  resolve: (answer: never) => void
  reject: (error: unknown) => void
  timer: NodeJS.Timeout
}

function openLink(socket: net.Socket, onLost: () => void): Link {
  const waiting = new Map<number, Waiter>()
  let next = 1
  const failAll = (message: string) => {
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer)
      reject(new ForwarderError({ code: 'ForwarderFailed', message }))
    }
    waiting.clear()
  }
  socket.on('error', () => socket.destroy())
  socket.once('close', () => {
    failAll('the forwarder has ended')
    onLost()
  })
  socket.on(
    'data',
    readLines(
      (frame) => settle(waiting, frame as AnswerFrame),
      () => socket.destroy(),
    ),
  )
  return {
    ask(kind, ask, timeoutMs) {
      return new Promise((resolve, reject) => {
        const number = next
        next += 1
        const timer = setTimeout(() => {
          waiting.delete(number)
          reject(new ForwarderError({ code: 'ForwarderFailed', message: `the forwarder did not answer ${kind} within ${timeoutMs} ms` }))
        }, timeoutMs)
        waiting.set(number, { resolve: resolve as (answer: never) => void, reject, timer })
        socket.write(`${JSON.stringify({ number, kind, ask })}\n`)
      })
    },
    close: () => socket.destroy(),
  }
}

function settle(waiting: Map<number, Waiter>, frame: AnswerFrame): void {
  const waiter = waiting.get(frame.number)
  if (waiter === undefined) return
  waiting.delete(frame.number)
  clearTimeout(waiter.timer)
  if ('failure' in frame) waiter.reject(new ForwarderError(frame.failure))
  else waiter.resolve(frame.answer as never)
}
