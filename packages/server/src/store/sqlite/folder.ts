// The folder of a database: made when absent, and checked before anything is opened in it. Called by sqlite/open.ts.
import { constants, promises as fs } from 'node:fs'
import { makeFolder } from '../make-folder.ts'
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
