// Where a driver finds its bus. The vendor's libraries look at one fixed path, so where the machine allows it (root, Linux)
// each driver process gets a view of the files of its own, in which its own folder lies there: drivers cannot reach each other's
// bus, and several gateways fit on one machine. Elsewhere all drivers of the machine share the socket at that path.
import { execFile } from 'node:child_process'
import { lstat, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { busFolder, joinWords, lastWords, type Way } from '../packages/local-door.ts'

const run = promisify(execFile)
const probeTimeoutMs = 10_000
/**
 * "$1" lies at "$2" for what the rest starts, which is in the control groups up to `--`; the shell is replaced, so signals and
 * exit codes are the driver's own. What the machine mounts later is seen inside as well (`slave`), such as a stick with data.
 */
const script = `mount --bind "$1" "$2" || exit 125; shift 2; ${joinWords}`

function inside(folder: string, command: readonly string[], { joins, isWaiting }: Way): string[] {
  const places = [folder, busFolder, ...joins]
  const shell = ['/bin/sh', '-c', `${script}${lastWords(isWaiting)}`, 'littoral-launch']
  return ['--mount', '--propagation', 'slave', '--', ...shell, ...places, '--', ...command]
}

/** Runs a command with the folder at the path where drivers look for it. */
export function enclosed(line: readonly string[], folder: string, way: Way): string[] {
  return ['unshare', ...inside(folder, line, way)]
}

/** Why processes cannot have views of their own here; undefined when they can. */
export async function enclosureProblem(folder: string): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'the agent is not root on Linux'
  try {
    await ownBusFolder()
    await run('unshare', inside(folder, ['true'], { joins: [], isWaiting: false }), { timeout: probeTimeoutMs })
    return undefined
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? 'unknown') : String(error)
  }
}

/**
 * Makes the folder at the fixed path. It is under /tmp, where anybody could have made it first and could later put something else
 * there, so each part has to be ours. Throws an Error that names the part.
 */
export async function ownBusFolder(): Promise<void> {
  const parts: string[] = []
  for (let path = busFolder; path !== '/tmp'; path = dirname(path)) parts.unshift(path)
  for (const path of parts) {
    await mkdir(path, { mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    const found = await lstat(path)
    const isOurs = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0
    if (!isOurs) throw new Error(`${path} is not a folder of this agent's user that nobody else may write to`)
  }
}
