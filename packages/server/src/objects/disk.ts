// Blobs in a folder, one file each under its digest: written elsewhere, synced, and then renamed. Opened by object-store.ts.
import { createReadStream, promises as fs } from 'node:fs'
import { join } from 'node:path'
import { type Blobs, isDigest } from './blobs.ts'
import { openDrafts } from './drafts.ts'

/** Opens the folder, creating it; removes what unfinished uploads left behind. */
export async function openDisk(folder: string): Promise<Blobs> {
  const drafts = await openDrafts(join(folder, 'drafts'))
  const find = async (sha256: string) => {
    const path = pathOf(folder, sha256)
    const stat = isDigest(sha256) ? await fs.stat(path).catch(() => undefined) : undefined
    return stat?.isFile() === true ? { path, sizeBytes: stat.size } : undefined
  }
  return {
    store: (content, expected) =>
      drafts.write(content, expected, async (draft, stored) => {
        await keepDraft(draft, folder, stored.sha256)
        return stored
      }),
    async find(sha256) {
      const found = await find(sha256)
      return found && { sizeBytes: found.sizeBytes }
    },
    async open(sha256, range) {
      const found = await find(sha256)
      return found && createReadStream(found.path, range)
    },
    async lend(sha256, use) {
      const found = await find(sha256)
      return found && use(found.path)
    },
    async remove(sha256) {
      if (!isDigest(sha256)) return
      await fs.rm(pathOf(folder, sha256), { force: true })
    },
    list: () => listDigests(folder),
    close() {},
  }
}

async function* listDigests(folder: string): AsyncGenerator<string> {
  for (const part of await fs.readdir(folder)) {
    if (!/^[0-9a-f]{2}$/.test(part)) continue
    for (const name of await fs.readdir(join(folder, part))) if (isDigest(name)) yield name
  }
}

function pathOf(folder: string, sha256: string): string {
  return join(folder, sha256.slice(0, 2), sha256)
}

async function keepDraft(draft: string, folder: string, sha256: string): Promise<void> {
  const path = pathOf(folder, sha256)
  const parent = join(folder, sha256.slice(0, 2))
  await fs.mkdir(parent, { recursive: true, mode: 0o700 })
  await fs.rename(draft, path)
  for (const changed of [parent, folder]) await syncFolder(changed)
}

/** A rename is durable once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await fs.open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
