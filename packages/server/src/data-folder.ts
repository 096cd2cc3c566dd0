// The server's data folder, and the note in it that tells the command line where the server listens.
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { StartupError } from './store/startup-error.ts'

/** Makes the folder and makes sure that it can be used; throws StartupError with one sentence. */
export async function openDataFolder(folder: string): Promise<void> {
  const probe = join(folder, `.probe-${process.pid}`)
  try {
    await fs.mkdir(folder, { recursive: true, mode: 0o700 })
    await fs.writeFile(probe, 'x', { mode: 0o600, flush: true })
    await fs.readdir(folder)
    await fs.rm(probe)
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException
    const isFull = code === 'ENOSPC' || code === 'EDQUOT'
    if (isFull)
      throw new StartupError(`The disk under ${folder} is full; make room or set LITTORAL_DATA to a folder elsewhere.`, { cause: error })
    const sentence = `The data folder ${folder} cannot be used (${code}); make it readable and writable or set LITTORAL_DATA to another one.`
    throw new StartupError(sentence, { cause: error })
  }
}

/** Notes the address while the server runs; returns how to take the note away. */
export async function noteEndpoint(folder: string, endpoint: string): Promise<() => Promise<void>> {
  const path = join(folder, 'server.json')
  await fs.writeFile(path, `${JSON.stringify({ endpoint, pid: process.pid })}\n`, { mode: 0o600 })
  return () => fs.rm(path, { force: true })
}
