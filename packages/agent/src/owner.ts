// The name under which this agent owns what it starts (labels of containers). Made once per data folder and kept, because
// the node's id is known only after the server was reached, and containers may have to start before.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Conditions } from './conditions.ts'
import { readIfPresent } from './files.ts'
import { type DiskNotes, Kept } from './kept.ts'

const isOwner = (text: unknown): text is string => typeof text === 'string' && /^[0-9a-f]{16}$/.test(text)

interface OwnerSurroundings {
  readonly disk?: DiskNotes
  readonly conditions?: Conditions
}

/** Kept twice: under another name this agent would not know its own containers any more. */
export async function readOwner(dataDir: string, { disk, conditions }: OwnerSurroundings = {}): Promise<string> {
  const path = join(dataDir, 'owner.json')
  const check = (value: unknown) =>
    isOwner(value) ? { isValid: true as const, value } : { isValid: false as const, problem: 'not a name' }
  const kept = await Kept.open({ path, what: "the owner's name", check, copy: 'same', disk })
  if (kept.value !== undefined && kept.damage === undefined) return kept.value
  const earlier = (await readIfPresent(join(dataDir, 'owner')))?.trim()
  const owner = kept.value ?? (isOwner(earlier) ? earlier : randomBytes(8).toString('hex'))
  if (kept.damage !== undefined) {
    const instead = kept.value === undefined ? 'containers of the old name are strangers now' : 'its copy is used'
    conditions?.set('owner', 'RecordCorrupt', `${kept.damage}; ${instead}`)
  }
  await kept.set(owner)
  return owner
}
