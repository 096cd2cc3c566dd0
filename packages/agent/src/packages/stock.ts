// Packages and files of drivers on the disk, as a stock: what can be downloaded again. Instances have copies of their own, so
// nothing here is in use.
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stock, StockItem } from '../runtime/runtime.ts'

const digest = /^[0-9a-f]{64}$/

/** `folder`: with `objects` and `unpacked` in it, see driver-packages.ts. */
export function packageStock(folder: string): Stock {
  return {
    needs(workload) {
      if (workload.kind !== 'driver') return []
      const content = workload.package?.sha256
      const own = content === undefined ? [] : [`unpacked/${content}`, `objects/${content}`]
      return [...own, ...workload.files.map(({ sha256 }) => `objects/${sha256}`)]
    },
    async list(signal) {
      const items: StockItem[] = []
      for (const kind of ['objects', 'unpacked'] as const) {
        for (const name of await readdir(join(folder, kind)).catch(() => [])) {
          signal.throwIfAborted()
          if (!digest.test(name)) continue
          const what = kind === 'unpacked' ? 'package' : 'file'
          const sizeBytes = await sizeOf(join(folder, kind, name))
          items.push({ id: `${kind}/${name}`, name: `${what} ${name.slice(0, 12)}`, sizeBytes, isInUse: false })
        }
      }
      return items
    },
    async discard(id) {
      const [kind = '', name = ''] = id.split('/')
      if (!['objects', 'unpacked'].includes(kind) || !digest.test(name)) throw new Error(`${id} is not in the stock`)
      await rm(join(folder, kind, name), { recursive: true, force: true })
    },
    folders: async () => [folder],
  }
}

/** What a file or everything in a folder takes; what vanishes meanwhile counts nothing. */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return 0
  if (!found.isDirectory()) return found.size
  let sizeBytes = 0
  for (const entry of await readdir(path, { withFileTypes: true, recursive: true }).catch(() => [])) {
    if (entry.isFile()) sizeBytes += (await stat(join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0
  }
  return sizeBytes
}
