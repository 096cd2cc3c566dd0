// Makes a folder with all that is missing above it. Called for the data folder, which somebody else has named.
import { promises as fs } from 'node:fs'
import path from 'node:path'

/**
 * A recursive mkdir of Node 20 never returns below a folder that answers ENOENT for new entries, as /proc does: it takes that
 * for a parent that is missing, finds the parent, and begins again.
 */
export async function makeFolder(folder: string): Promise<void> {
  const parent = path.dirname(folder)
  if (parent !== folder && (await look(parent)) === undefined) await makeFolder(parent)
  try {
    await fs.mkdir(folder, { mode: 0o700 })
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if ((await look(folder))?.isDirectory() !== true) throw error
  }
}

function look(at: string) {
  return fs.stat(at).catch(() => undefined)
}
