// The server's data folder, and the note in it that tells the command line where the server listens.
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from './store/make-folder.ts'
import { StartupError } from './store/startup-error.ts'

/** Makes the folder and makes sure that it can be used; throws StartupError with one sentence. */
export async function openDataFolder(folder: string): Promise<void> {
  const probe = join(folder, `.probe-${process.pid}`)
  try {
    await makeFolder(folder)
    await fs.writeFile(probe, 'x', { mode: 0o600, flush: true })
    await fs.readdir(folder)
    await fs.rm(probe)
  } catch (error) {
    throw new StartupError(describe(folder, error as NodeJS.ErrnoException), { cause: error })
  }
}

const reasons: Readonly<Record<string, string>> = {
  EEXIST: 'something that is no folder is in its place',
  ENOTDIR: 'something on the way to it is no folder',
  ENOENT: 'nothing can be made there',
  ELOOP: 'links on the way to it lead in a circle',
}

function describe(folder: string, { code = 'unknown reason' }: NodeJS.ErrnoException): string {
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return `The disk under ${folder} is full; make room or set LITTORAL_DATA to a folder elsewhere.`
  const reason = reasons[code]
  if (reason !== undefined)
    return `The data folder ${folder} cannot be used (${code}): ${reason}; set --data or LITTORAL_DATA to another one.`
  return `The data folder ${folder} cannot be used (${code}); make it readable and writable or set LITTORAL_DATA to another one.`
}

/** Notes the address while the server runs; returns how to take the note away. */
export async function noteEndpoint(folder: string, endpoint: string): Promise<() => Promise<void>> {
  const path = join(folder, 'server.json')
  await fs.writeFile(path, `${JSON.stringify({ endpoint, pid: process.pid })}\n`, { mode: 0o600 })
  return () => fs.rm(path, { force: true })
}
