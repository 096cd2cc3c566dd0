// Incident capsules on the disk: one JSON file each, few and small. The name says whether the server has it:
// `inc-….json` or `inc-….sent.json`.
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Incident } from '@littoral/contract/node/incident'
import { hasCode, writeAtomically } from '../files.ts'

export interface IncidentFilesLimits {
  readonly files: number
  readonly bytes: number
}

const usualLimits: IncidentFilesLimits = { files: 20, bytes: 2 * 1024 * 1024 }

interface KeptFile {
  readonly name: string
  readonly id: string
  readonly isSent: boolean
  readonly sizeBytes: number
  readonly writtenAtMs: number
}

const namePattern = /^(inc-[0-9a-f]{16})(\.sent)?\.json$/

export class IncidentFiles {
  readonly #folder: string
  readonly #limits: IncidentFilesLimits

  constructor(folder: string, limits: IncidentFilesLimits = usualLimits) {
    this.#folder = folder
    this.#limits = limits
  }

  /** Writes a capsule, and removes others until all keep within the bounds: first what the server has, the oldest first. */
  async save(incident: Incident): Promise<void> {
    await writeAtomically(join(this.#folder, `${incident.id}.json`), JSON.stringify(incident))
    const kept = await this.#list()
    let bytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    let count = kept.length
    for (const { name, id, sizeBytes } of kept.toSorted((a, b) => Number(b.isSent) - Number(a.isSent) || a.writtenAtMs - b.writtenAtMs)) {
      if (count <= this.#limits.files && bytes <= this.#limits.bytes) return
      if (id === incident.id) continue
      await rm(join(this.#folder, name), { force: true })
      count -= 1
      bytes -= sizeBytes
    }
  }

  /** Ids of what the server does not have, the oldest first. */
  async unsent(): Promise<string[]> {
    return (await this.#list()).filter(({ isSent }) => !isSent).map(({ id }) => id)
  }

  /** Everything that can be read, the oldest first. */
  async all(): Promise<Incident[]> {
    const found = await Promise.all((await this.#list()).map(({ name }) => readFile(join(this.#folder, name), 'utf8').catch(() => '')))
    return found.flatMap(parse)
  }

  /** The text of a capsule that was not sent; undefined when it is gone or no capsule. */
  async read(id: string): Promise<string | undefined> {
    const text = await readFile(join(this.#folder, `${id}.json`), 'utf8').catch(() => '')
    return parse(text).length > 0 ? text : undefined
  }

  async markSent(id: string): Promise<void> {
    await rename(join(this.#folder, `${id}.json`), join(this.#folder, `${id}.sent.json`)).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error
    })
  }

  async #list(): Promise<KeptFile[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const files = await Promise.all(
      names.map(async (name) => {
        const [, id, sent] = namePattern.exec(name) ?? []
        const found = id === undefined ? undefined : await stat(join(this.#folder, name)).catch(() => undefined)
        if (id === undefined || found === undefined) return []
        return [{ name, id, isSent: sent !== undefined, sizeBytes: found.size, writtenAtMs: found.mtimeMs }]
      }),
    )
    return files.flat().toSorted((a, b) => a.writtenAtMs - b.writtenAtMs)
  }
}

function parse(text: string): Incident[] {
  try {
    const incident = JSON.parse(text) as Incident | null
    return typeof incident?.id === 'string' && typeof incident.key === 'string' ? [incident] : []
  } catch {
    return []
  }
}
