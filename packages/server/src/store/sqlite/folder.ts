// The folder of a database: made when absent, and checked before anything is opened in it. Called by sqlite/open.ts.
import { constants, promises as fs } from 'node:fs'
import path from 'node:path'
import { StartupError } from '../startup-error.ts'
import { codeOf, messageOf } from './errors.ts'

/** Below this no start: a database that cannot even checkpoint would fail every request. */
const minFreeBytes = 8 * 1024 * 1024

/** Throws StartupError with one sentence when the folder cannot hold a database. */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder)
    await fs.access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new StartupError(describe(folder, error), { cause: error })
  }
  const { bavail, bsize } = await fs.statfs(folder)
  if (bavail * bsize < minFreeBytes) throw new StartupError(`The disk that holds the data folder ${folder} is full.`)
}

/** Like a recursive mkdir, which on Node 20 never returns below a folder that allows no new entries, such as /proc. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await fs.mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await fs.stat(folder)).isDirectory()) return
    const parent = path.dirname(folder)
    if (codeOf(error) !== 'ENOENT' || parent === folder || (await exists(parent))) throw error
    await makeFolder(parent)
    await fs.mkdir(folder, { mode: 0o700 })
  }
}

async function exists(folder: string): Promise<boolean> {
  return fs.stat(folder).then(
    () => true,
    () => false,
  )
}

function describe(folder: string, error: unknown): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return `The data folder ${folder} may not be read and written by this user.`
    case 'EROFS':
      return `The data folder ${folder} is on a read-only file system.`
    case 'ENOTDIR':
    case 'EEXIST':
      return `The data folder ${folder} cannot be made because a file is in its place.`
    case 'ENOSPC':
      return `The disk that holds the data folder ${folder} is full.`
    default:
      return `The data folder ${folder} cannot be used: ${messageOf(error)}.`
  }
}
