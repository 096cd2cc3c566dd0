// Brings images onto the node. What is here already is used as it is: no registry is contacted, so a node without network
// starts what it has.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { normalizeImageName, registryOf } from '@littoral/contract/node/image-name'
import { StepError } from '../runtime.ts'
import type { Engine } from './client/connection.ts'
import { isEngineError, type EngineErrorKind } from './client/engine-error.ts'
import { findImage, pullImage, removeImage, type RegistryCredential } from './client/images.ts'

/**
 * Asks for what a registry wants to see when this workload is pulled; it is held in memory for one pull and never written
 * down. Throws when it cannot be asked for.
 */
export type SecretSource = (workloadKey: string, registry: string, signal: AbortSignal) => Promise<RegistryCredential | undefined>

export interface Pull {
  /** The workload that the image is for. */
  key: string
  signal: AbortSignal
  onProgress: (message: string) => void
}

export interface Puller {
  /** Throws StepError ImageUnauthorized, ImageNotFound, RegistryUnreachable or ImagePullFailed. */
  ensure(engine: Engine, image: string, pull: Pull): Promise<void>
  /** Removes images that were pulled by this agent and that nobody in `keep` needs. */
  removeUnused(engine: Engine, keep: ReadonlySet<string>): Promise<void>
}

export interface PullerOptions {
  /** Where to remember which images we pulled; others' images are never removed. */
  file: string
  credentialFor: (image: string) => RegistryCredential | undefined
  /** Asked first. */
  secretFor?: SecretSource
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
    async ensure(engine, image, { key, signal, onProgress }) {
      const name = normalizeImageName(image)
      if ((await findImage(engine, name, signal)) !== undefined) return
      onProgress(`pulling ${image}`)
      const login = await findLogin(options, name, { key, signal })
      try {
        await pullImage(engine, name, login.credential, signal)
      } catch (error) {
        throw pullStepError(image, error, { signal, doubt: login.doubt })
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

interface Login {
  credential: RegistryCredential | undefined
  /** Why there may be a secret that we do not know of. */
  doubt: string | undefined
}

/** A server out of reach is no reason not to try: the image may be public, or this machine be logged in itself. */
async function findLogin(options: PullerOptions, name: string, { key, signal }: Pick<Pull, 'key' | 'signal'>): Promise<Login> {
  let doubt: string | undefined
  try {
    const secret = await options.secretFor?.(key, registryOf(name), signal)
    if (secret !== undefined) return { credential: secret, doubt }
  } catch (error) {
    if (signal.aborted) throw error
    doubt = error instanceof Error ? error.message : String(error)
  }
  return { credential: options.credentialFor(name), doubt }
}

/** A missing tag may be pushed and a login be made later, so none of these is final; but asking every second helps nobody. */
function pullStepError(image: string, error: unknown, { signal, doubt }: { signal: AbortSignal; doubt: string | undefined }): unknown {
  if (signal.aborted || !isEngineError(error) || error.kind === 'unreachable') return error
  const isUnauthorized = error.kind === 'imageUnauthorized'
  const unasked = isUnauthorized && doubt !== undefined ? `; the server could not be asked for an image secret: ${doubt}` : ''
  const isStalled = (isUnauthorized && unasked === '') || error.kind === 'imageMissing'
  return new StepError(codes[error.kind] ?? 'ImagePullFailed', `${image}: ${error.message}${unasked}`, { isStalled, cause: error })
}

function readList(file: string): string[] {
  try {
    const list = JSON.parse(readFileSync(file, 'utf8')) as unknown
    return Array.isArray(list) ? list.filter((name): name is string => typeof name === 'string') : []
  } catch {
    return []
  }
}
