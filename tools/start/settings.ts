// What `npm start` was asked for, and the checks that can be made before anything runs: folder, disk, port. Every finding
// is one sentence that says what to do.
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, statfsSync, writeFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface StartSettings {
  /** Walk the journey, verify, clean up, end. */
  readonly isOnce: boolean
  readonly dataFolder: string
  /** The folder is ours to remove at the end. */
  readonly isFolderOurs: boolean
  readonly host: string
  readonly port: number
  /** Why the port is not the usual one. */
  readonly portNote?: string
}

const usualPort = 8080
const freeBytesNeeded = 300 * 1024 * 1024

export async function readSettings(args: readonly string[], root: string): Promise<StartSettings> {
  const isOnce = args.includes('--once')
  const unknown = args.find((arg) => !['--once', '--dev'].includes(arg))
  if (unknown) throw new Error(`npm start knows no ${unknown}; it takes --once.`)
  const address = await chooseAddress(isOnce)
  const { folder, isOurs } = dataFolder(isOnce, root)
  checkFolder(folder)
  return { isOnce, dataFolder: folder, isFolderOurs: isOurs, ...address }
}

function dataFolder(isOnce: boolean, root: string): { folder: string; isOurs: boolean } {
  const named = process.env['LITTORAL_DATA']
  if (named) return { folder: resolve(named), isOurs: isOnce && isAbsentOrEmpty(resolve(named)) }
  // A single walk must not disturb what an earlier `npm start` keeps in the clone.
  if (isOnce) return { folder: mkdtempSync(join(tmpdir(), 'littoral-once-')), isOurs: true }
  return { folder: join(root, '.littoral'), isOurs: false }
}

function isAbsentOrEmpty(folder: string): boolean {
  if (!existsSync(folder)) return true
  try {
    return readdirSync(folder).length === 0
  } catch {
    return false
  }
}

function checkFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    const probe = join(folder, `.probe-${process.pid}`)
    writeFileSync(probe, 'x')
    rmSync(probe)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOSPC') throw new Error(`The disk under ${folder} is full; make room or set LITTORAL_DATA to a folder elsewhere.`)
    throw new Error(
      `The data folder ${folder} cannot be used (${code}); make it readable and writable or set LITTORAL_DATA to another one.`,
    )
  }
  const disk = statfsSync(folder)
  const freeBytes = disk.bavail * disk.bsize
  if (freeBytes < freeBytesNeeded) {
    const megabytes = Math.round(freeBytes / 1024 / 1024)
    throw new Error(
      `Only ${megabytes} MB are free under ${folder}, and 300 MB are needed; make room or set LITTORAL_DATA to a folder elsewhere.`,
    )
  }
}

async function chooseAddress(isOnce: boolean): Promise<{ host: string; port: number; portNote?: string }> {
  const named = process.env['LITTORAL_LISTEN']
  if (named) {
    const match = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(named)
    const [host, port] = [match?.[1] ?? '', Number(match?.[2])]
    if (!host || !(port <= 65535)) throw new Error(`LITTORAL_LISTEN must be host:port such as 127.0.0.1:8080, not ${named}.`)
    if (port === 0) return { host, port: await freePort(host) }
    if (await isFree(host, port)) return { host, port }
    throw new Error(`Port ${port} on ${host} is busy; stop what listens there or set LITTORAL_LISTEN to another address.`)
  }
  const host = '127.0.0.1'
  if (!isOnce && (await isFree(host, usualPort))) return { host, port: usualPort }
  const port = await freePort(host)
  if (isOnce) return { host, port }
  return { host, port, portNote: `Port ${usualPort} is busy, so the server listens on ${port}; LITTORAL_LISTEN chooses another one.` }
}

export function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((answer) => {
    const probe = createServer()
    probe.once('error', () => answer(false))
    probe.listen(port, host, () => probe.close(() => answer(true)))
  })
}

export function freePort(host: string): Promise<number> {
  return new Promise((answer, fail) => {
    const probe = createServer()
    probe.once('error', fail)
    probe.listen(0, host, () => {
      const address = probe.address()
      probe.close(() => answer(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
