// Looks for files below a folder that somebody else fills: the root of a container. A symbolic link in there means a place in the
// container, but the kernel would follow it to that place of this machine. So every step of a path is opened by itself, from the
// folder before it, and never through a link; links are read and followed here, within the root. Linux only.
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, readlink } from 'node:fs/promises'
import { hasCode } from '../files.ts'
import type { OutputRoot } from '../runtime/runtime.ts'

/** O_PATH, which Node has no name for: names a file without opening it, so that a device or a pipe is left alone. */
const nameOnly = 0o10000000
const mostLinks = 16
/** Entries of one folder that are looked at. */
const mostEntries = 5000

export interface FoundFile {
  /** As the container knows it. */
  readonly path: string
  /** The caller closes it. */
  readonly file: FileHandle
  readonly inode: string
  readonly sizeBytes: number
}

/**
 * Regular files below the root that match the pattern, at most so many, each once however many names it has. Undefined: the root is
 * not there any more.
 */
export async function findFiles({ folder, isStill }: OutputRoot, pattern: string, limit: number): Promise<FoundFile[] | undefined> {
  const found = new Map<string, FoundFile>()
  const steps = pattern.split('/').filter((step) => step !== '' && step !== '.')
  const base = await openFolder(folder)
  if (base === undefined) return undefined
  try {
    if (!(await isStill())) return undefined
    for (const path of await expand({ base, steps }, [], limit)) {
      if (found.size >= limit) break
      const one = await openFound(base, path)
      if (one === undefined) continue
      if (found.has(one.inode)) await one.file.close()
      else found.set(one.inode, one)
    }
  } finally {
    await base.close()
  }
  return [...found.values()]
}

interface Search {
  readonly base: FileHandle
  readonly steps: readonly string[]
}

/** The names that match, as steps from the root; nothing of them is opened for good. */
async function expand(search: Search, done: readonly string[], limit: number): Promise<string[][]> {
  const { base, steps } = search
  const step = steps[done.length]
  if (step === undefined) return [[...done]]
  if (!/[*?]/.test(step)) return expand(search, [...done, step], limit)
  const folder = await walk(base, done)
  if (folder === undefined) return []
  let names: string[]
  try {
    names = (await readdir(viaFd(folder))).slice(0, mostEntries)
  } catch {
    return []
  } finally {
    await folder.close()
  }
  const wanted = matcher(step)
  const found: string[][] = []
  for (const name of names.toSorted()) {
    if (found.length >= limit) break
    if (wanted.test(name)) found.push(...(await expand(search, [...done, name], limit - found.length)))
  }
  return found
}

/** `*` and `?` within one step; a leading dot has to be named. */
function matcher(step: string): RegExp {
  const body = step
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${step.startsWith('.') ? '' : '(?!\\.)'}${body}$`, 's')
}

async function openFound(base: FileHandle, steps: readonly string[]): Promise<FoundFile | undefined> {
  const named = await walk(base, steps)
  if (named === undefined) return undefined
  try {
    const stat = await named.stat({ bigint: true })
    if (!stat.isFile()) return undefined
    const file = await open(viaFd(named), constants.O_RDONLY)
    return { path: `/${steps.join('/')}`, file, inode: String(stat.ino), sizeBytes: Number(stat.size) }
  } catch {
    return undefined
  } finally {
    await named.close()
  }
}

/** Opens what the steps lead to from the root, links resolved within it; undefined where that is nothing, or no file and no folder. */
async function walk(base: FileHandle, path: readonly string[]): Promise<FileHandle | undefined> {
  const left = [...path]
  let at: string[] = []
  let folder = await openFolder(viaFd(base))
  for (let links = 0; folder !== undefined;) {
    const step = left.shift()
    if (step === undefined) return folder
    if (step === '' || step === '.') continue
    const isUp = step === '..'
    const next: FileHandle | string | undefined = isUp ? '' : await openStep(folder, step)
    await folder.close()
    if (next === undefined) return undefined
    if (typeof next !== 'string') {
      at.push(step)
      if (left.length === 0) return next
      folder = next
      continue
    }
    if (isUp) at = at.slice(0, -1)
    else if (++links > mostLinks) return undefined
    else if (next.startsWith('/')) at = []
    // Begun anew from the root: every folder on the way is opened again without following anything.
    left.unshift(...at, ...next.split('/'))
    at = []
    folder = await openFolder(viaFd(base))
  }
  return undefined
}

/** What has the name in the folder, or where it leads if it is a link. One that becomes a link just now is refused. */
async function openStep(folder: FileHandle, name: string): Promise<FileHandle | string | undefined> {
  const path = `${viaFd(folder)}/${name}`
  const target = await readlink(path).catch((error: unknown) => (hasCode(error, 'EINVAL') ? undefined : false))
  if (target === false) return undefined
  if (target !== undefined) return target
  const named = await open(path, nameOnly | constants.O_NOFOLLOW).catch(() => undefined)
  if (named === undefined || !(await named.stat()).isSymbolicLink()) return named
  await named.close()
  return undefined
}

function openFolder(path: string): Promise<FileHandle | undefined> {
  return open(path, nameOnly | constants.O_DIRECTORY).catch(() => undefined)
}

const viaFd = ({ fd }: FileHandle) => `/proc/self/fd/${fd}`
