// The versions of the agent that this server can hand out: the one that was built with it, and those that an operator put
// into the data folder. A bundle says its version in its first line, so a renamed file cannot lie by accident.
import { createHash } from 'node:crypto'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentBundle, AgentBundles } from '../operations/context.ts'

/** Where a node fetches one, by digest. */
export const bundlePath = (sha256: string) => `/node/v1/agent/${sha256}`

const mostBundles = 100
const mostBytes = 64 * 1024 * 1024
const firstLine = /^\/\/ littoral-agent ([0-9A-Za-z][0-9A-Za-z.+-]{0,63})\r?\n/

export interface BundlePlaces {
  /** The file that npm run build makes; it may be missing. */
  readonly own: string
  /** Folder of the operator's; it may be missing. */
  readonly folder: string
}

type FoundBundle = Omit<AgentBundle, 'isOwn'>

interface Kept {
  readonly stamp: string
  readonly bundle: FoundBundle | undefined
}

/** Files are read again only when they have changed. */
export function openAgentBundles({ own, folder }: BundlePlaces): AgentBundles {
  let kept = new Map<string, Kept>()
  return {
    async list() {
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.mjs')).sort()
      const paths = [...names.slice(0, mostBundles).map((name) => join(folder, name)), own]
      const seen = new Map<string, Kept>()
      for (const path of paths) {
        const found = await look(path, kept.get(path))
        if (found !== undefined) seen.set(path, found)
      }
      kept = seen
      const byVersion = new Map<string, AgentBundle>()
      const ownVersion = seen.get(own)?.bundle?.version
      // The operator's come first: one of the own version is there on purpose.
      for (const { bundle } of seen.values()) {
        if (bundle && !byVersion.has(bundle.version)) byVersion.set(bundle.version, { ...bundle, isOwn: bundle.version === ownVersion })
      }
      return [...byVersion.values()].sort(newestFirst)
    },
  }
}

async function look(path: string, known: Kept | undefined): Promise<Kept | undefined> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile() || found.size === 0 || found.size > mostBytes) return undefined
  const stamp = `${found.ino} ${found.size} ${found.mtimeMs}`
  if (known?.stamp === stamp) return known
  return { stamp, bundle: await read(path) }
}

async function read(path: string): Promise<FoundBundle | undefined> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(128), 0, 128, 0)
    const version = firstLine.exec(buffer.toString('utf8', 0, bytesRead))?.[1]
    if (version === undefined) return undefined
    const bytes = await readFile(path)
    return { version, sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length, path }
  } finally {
    await file.close()
  }
}

function newestFirst(one: AgentBundle, other: AgentBundle): number {
  return other.version.localeCompare(one.version, 'en', { numeric: true })
}
