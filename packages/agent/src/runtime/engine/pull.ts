// Brings images onto the node. What is here already is used as it is: no registry is contacted, so a node without network
// starts what it has.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { StepError } from '../runtime.ts'
import type { Engine } from './client/connection.ts'
import { isEngineError, type EngineErrorKind } from './client/engine-error.ts'
import { findImage, normalizeImageName, pullImage, removeImage, type RegistryCredential } from './client/images.ts'

export interface Puller {
  /** Throws StepError ImageUnauthorized, ImageNotFound, RegistryUnreachable or ImagePullFailed. */
  ensure(engine: Engine, image: string, signal: AbortSignal, onProgress: (message: string) => void): Promise<void>
  /** Removes images that were pulled by this agent and that nobody in `keep` needs. */
  removeUnused(engine: Engine, keep: ReadonlySet<string>): Promise<void>
}

export interface PullerOptions {
  /** Where to remember which images we pulled; others' images are never removed. */
  file: string
  credentialFor: (image: string) => RegistryCredential | undefined
}

const codes: Partial<Record<EngineErrorKind, string>> = {
  imageUnauthorized: 'ImageUnauthorized',
  imageMissing: 'ImageNotFound',
  imageUnreachable: 'RegistryUnreachable',
  timedOut: 'RegistryUnreachable',
}

export function openPuller(options: PullerOptions): Puller {
  const pulled = new Set(readList(options.file))
  const remember = () => {
    mkdirSync(dirname(options.file), { recursive: true, mode: 0o700 })
    writeFileSync(`${options.file}.new`, JSON.stringify([...pulled]), { mode: 0o600 })
    renameSync(`${options.file}.new`, options.file)
  }
  return {
    async ensure(engine, image, signal, onProgress) {
      const name = normalizeImageName(image)
      if ((await findImage(engine, name, signal)) !== undefined) return
      onProgress(`pulling ${image}`)
      try {
        await pullImage(engine, name, options.credentialFor(name), signal)
      } catch (error) {
        throw pullStepError(image, error, signal)
      }
      pulled.add(name)
      remember()
    },
    async removeUnused(engine, keep) {
      for (const name of pulled) {
        if (keep.has(name)) continue
        await removeImage(engine, name).catch(() => {})
        pulled.delete(name)
      }
      remember()
    },
  }
}

/** A missing tag may be pushed and a login be made later, so none of these is final; but asking every second helps nobody. */
function pullStepError(image: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || !isEngineError(error) || error.kind === 'unreachable') return error
  const isStalled = error.kind === 'imageUnauthorized' || error.kind === 'imageMissing'
  return new StepError(codes[error.kind] ?? 'ImagePullFailed', `${image}: ${error.message}`, { isStalled, cause: error })
}

function readList(file: string): string[] {
  try {
    const list = JSON.parse(readFileSync(file, 'utf8')) as unknown
    return Array.isArray(list) ? list.filter((name): name is string => typeof name === 'string') : []
  } catch {
    return []
  }
}
