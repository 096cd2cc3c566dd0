// Files that survive a power cut at any moment: either the old content or the new one is there, never a part.
// Used for the identity, the desired state and what the runtimes keep beside their instances. At the end the small files in
// which the kernel tells of processes and control groups.
import { randomBytes } from 'node:crypto'
import { constants, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Replaces the file's content; makes missing folders. */
export async function writeAtomically(path: string, content: string, mode = 0o600): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/**
 * Makes a folder with all that is missing above it; for paths that somebody else has named. A recursive mkdir of Node 20 never
 * returns below a folder that answers ENOENT for new entries, as /proc does: it takes that for a parent that is missing, finds
 * the parent, and begins again.
 */
export async function makeFolder(folder: string, mode = 0o700): Promise<void> {
  const look = (path: string) => stat(path).catch(() => undefined)
  const parent = dirname(folder)
  if (parent !== folder && (await look(parent)) === undefined) await makeFolder(parent, mode)
  try {
    await mkdir(folder, { mode })
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if ((await look(folder))?.isDirectory() !== true) throw error
  }
}

/** The file's text, or undefined when there is no such file. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Makes a rename last: without it the folder's entry may still be lost with the power. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Brings every file and folder below a folder to the disk, one after the other; ends early when it is of no use any more. */
export async function syncTree(folder: string, isOver: () => boolean): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (isOver()) return
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path, isOver)
    // A driver may have taken a file of its own away meanwhile, or put something there that is none, such as a socket.
    else if (entry.isFile()) await syncFile(path).catch(ignoreOthers)
  }
  await syncFolder(folder)
}

/** Neither follows a link nor waits for a pipe that came in the file's place. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

const gone = ['ENOENT', 'ELOOP', 'ENXIO', 'EINVAL', 'ENOTDIR']

function ignoreOthers(error: unknown): void {
  if (!gone.some((code) => hasCode(error, code))) throw error
}

/** Whether an error is a system error with this code, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

export type DiskCode = 'DiskFull' | 'DataFolderReadOnly' | 'DiskFailed'

const diskCodes: Readonly<Record<string, { readonly code: DiskCode; readonly text: string }>> = {
  ENOSPC: { code: 'DiskFull', text: 'no space is left on the disk' },
  EDQUOT: { code: 'DiskFull', text: 'the disk quota is used up' },
  EROFS: { code: 'DataFolderReadOnly', text: 'the disk can only be read' },
  EIO: { code: 'DiskFailed', text: 'the disk does not work' },
}

/** The named state behind an error of the file system, where it is the disk's fault. */
export function diskReason(error: unknown): { readonly code: DiskCode; readonly message: string } | undefined {
  const known = error instanceof Error && 'code' in error ? diskCodes[String(error.code)] : undefined
  if (known === undefined) return undefined
  const path = (error as NodeJS.ErrnoException).path
  return { code: known.code, message: path === undefined ? known.text : `${known.text} (${path})` }
}

/** Replaces a file that is of use but not needed; false when the disk does not take it. */
export function replaceIfPossible(path: string, content: string): boolean {
  const temporary = `${path}.new`
  return triedOnDisk(() => {
    try {
      writeFileSync(temporary, content, { mode: 0o600 })
      renameSync(temporary, path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
  })
}

export function makeFolderIfPossible(path: string): boolean {
  return triedOnDisk(() => mkdirSync(path, { recursive: true, mode: 0o700 }))
}

function triedOnDisk(work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (diskReason(error) === undefined) throw error
    return false
  }
}

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** Work on files that must not overlap: each begins when the one before it is over, however that ended. */
export function oneAfterAnother(): InTurn {
  let before: Promise<unknown> = Promise.resolve()
  return (work) => {
    const done = before.then(work)
    before = done.catch(() => undefined)
    return done
  }
}

export interface KernelFolders {
  readonly proc: string
  readonly cgroup: string
}

export const kernelFolders: KernelFolders = { proc: '/proc', cgroup: '/sys/fs/cgroup' }

/**
 * Undefined where there is no such file, or no longer. Read at once: no disk is behind these files, the kernel makes the texts in
 * memory, and a way through the thread pool costs ten times as much as the reading.
 */
export function kernelText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** A number out of lines of names and numbers. */
export function numberOf(text: string | undefined, name: string): number | undefined {
  const value = text === undefined ? undefined : new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]
  return value === undefined ? undefined : Number(value)
}

/**
 * What `stat` says of a process behind its name, which may hold anything: state, parent, process group and so on, so the field
 * that the kernel counts as third is the first. Undefined when there is no such process, or the system does not say.
 */
export function statFields(pid: number, proc: string = kernelFolders.proc): string[] | undefined {
  const stat = kernelText(join(proc, String(pid), 'stat'))
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}
