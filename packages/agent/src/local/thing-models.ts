// Thing models that drivers ask for: from the server when it can be asked, else as they were the last time.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfPresent, writeAtomically } from '../files.ts'
import type { OpenObject } from '../objects.ts'

export interface ThingModels {
  /** The text of a product's model; undefined where it has none, or none was ever seen here. */
  find(productKey: string): Promise<string | undefined>
}

/** Drivers wait eight seconds for their config store. */
const askTimeoutMs = 3000
const longestAnswer = 1024 * 1024
const plainKey = /^[A-Za-z0-9_-]{1,64}$/

export function openThingModels(folder: string, openObject: OpenObject, log: (line: string) => void): ThingModels {
  return {
    async find(productKey) {
      if (!plainKey.test(productKey)) return undefined
      const kept = join(folder, `${productKey}.json`)
      try {
        const model = await ask(productKey, openObject)
        if (model === undefined) await rm(kept, { force: true })
        else await writeAtomically(kept, model)
        return model
      } catch (error) {
        log(`the thing model of ${productKey} is the one seen last, if any: ${error instanceof Error ? error.message : String(error)}`)
        return readIfPresent(kept)
      }
    },
  }
}

async function ask(productKey: string, openObject: OpenObject): Promise<string | undefined> {
  const path = `/node/v1/thing-models?${new URLSearchParams({ productKey }).toString()}`
  const { body } = await openObject(path, 0, AbortSignal.timeout(askTimeoutMs))
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of body) {
      sizeBytes += chunk.byteLength
      if (sizeBytes > longestAnswer) throw new Error('the answer is too long')
      chunks.push(chunk)
    }
  } finally {
    body.destroy()
  }
  const { model } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { model?: unknown }
  return typeof model === 'string' ? model : undefined
}
