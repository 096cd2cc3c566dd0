// The name under which this agent owns what it starts (labels of containers). Made once per data folder and kept, because
// the node's id is known only after the server was reached, and containers may have to start before.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { readIfPresent, writeAtomically } from './files.ts'

export async function readOwner(dataDir: string): Promise<string> {
  const path = join(dataDir, 'owner')
  const kept = (await readIfPresent(path))?.trim()
  if (kept !== undefined && /^[0-9a-f]{16}$/.test(kept)) return kept
  const owner = randomBytes(8).toString('hex')
  await writeAtomically(path, owner)
  return owner
}
