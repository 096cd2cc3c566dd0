// Brings images onto the node. What is here already is used as it is: no registry is contacted, so a node without network
// starts what it has. Which images were pulled by this agent is remembered: no other is ever removed.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { normalizeImageName, registryOf } from '@littoral/contract/node/image-name'
import { type OnProgress, StepError } from '../runtime.ts'
import type { Engine } from './client/connection.ts'
import { isEngineError, type EngineErrorKind } from './client/engine-error.ts'
import { findImage, pullImage, removeImage, type RegistryCredential } from './client/images.ts'
import type { PullProgress } from './client/pull-progress.ts'

/**
 * Asks for what a registry wants to see when this workload is pulled; it is held in memory for one pull and never written
 * down. Throws when it cannot be asked for.
 */
export type SecretSource = (workloadKey: string, registry: string, signal: AbortSignal) => Promise<RegistryCredential | undefined>

export interface Pull {
  /** The workload that the image is for. */
  key: string
  /** The container that the image is for, in the words of the report. */
  subject: string
  signal: AbortSignal
  onProgress: OnProgress
}

export interface PulledImage {
  readonly name: string
  readonly sizeBytes: number
}

export interface Puller {
  /** Throws StepError ImageUnauthorized, ImageNotFound, RegistryUnreachable, DiskFull or ImagePullFailed. */
  ensure(engine: Engine, image: string, pull: Pull): Promise<void>
  /** Images that were pulled by this agent and have not been replaced or removed by somebody else since. */
  list(engine: Engine, signal: AbortSignal): Promise<PulledImage[]>
  /** Throws when it is not one of those, or a container of whomever was made from it. */
  remove(engine: Engine, name: string, signal: AbortSignal): Promise<void>
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
  diskFull: 'DiskFull',
  timedOut: 'RegistryUnreachable',
}

/** No more often than this is anybody told of progress. */
const progressEveryMs = 200

export function openPuller(options: PullerOptions): Puller {
  const pulled = openPulled(options.file)
  return {
    async ensure(engine, image, { key, subject, signal, onProgress }) {
      const name = normalizeImageName(image)
      if ((await findImage(engine, name, signal)) !== undefined) return
      onProgress(`pulling ${image}`, { subject, image: name.slice(0, 1024), doneBytes: 0 })
      const { credential, doubt } = await findLogin(options, name, { key, signal })
      try {
        await pullImage(engine, name, { credential, signal, onProgress: paced((progress) => onProgress(...told(subject, name, progress))) })
      } catch (error) {
        throw pullStepError(image, error, { signal, doubt })
      }
      pulled.add(name, (await findImage(engine, name, signal))?.Id)
    },
    async list(engine, signal) {
      const found: PulledImage[] = []
      for (const [name, id] of pulled.all()) {
        const details = await findImage(engine, name, signal)
        if (details === undefined || (id !== undefined && details.Id !== id)) pulled.remove(name)
        else found.push({ name, sizeBytes: details.Size ?? 0 })
      }
      return found
    },
    async remove(engine, name, signal) {
      if (!pulled.has(name)) throw new Error(`${name} was not pulled by this agent`)
      await removeImage(engine, name, { force: false, signal })
      pulled.remove(name)
    },
  }
}

function paced(tell: (progress: PullProgress) => void): (progress: PullProgress) => void {
  let toldMs = Number.NEGATIVE_INFINITY
  let layersDone = 0
  return (progress) => {
    if (performance.now() - toldMs < progressEveryMs && progress.layersDone === layersDone) return
    toldMs = performance.now()
    layersDone = progress.layersDone
    tell(progress)
  }
}

/** `pulling web: 3 of 7 layers, 41 of 120 MB`, and the same in numbers. */
function told(subject: string, image: string, { totalBytes, ...progress }: PullProgress): Parameters<OnProgress> {
  const { layersDone, layersTotal, doneBytes } = progress
  const size = totalBytes === undefined ? `${megabytes(doneBytes)} MB so far` : `${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB`
  const numbers = { subject, image: image.slice(0, 1024), ...progress, ...(totalBytes === undefined ? {} : { totalBytes }) }
  return [`pulling ${subject}: ${layersDone} of ${layersTotal} layers, ${size}`, numbers]
}

const megabytes = (bytes: number) => (bytes < 10_000_000 ? (bytes / 1e6).toFixed(1) : String(Math.round(bytes / 1e6)))

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

/** Which images were pulled here, with their ids: a name that means another image now is no longer ours. */
function openPulled(file: string) {
  const images = readPulled(file)
  const save = () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(`${file}.new`, JSON.stringify([...images].map(([name, id]) => ({ name, id }))), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  return {
    has: (name: string) => images.has(name),
    all: () => [...images],
    add(name: string, id: string | undefined) {
      images.set(name, id)
      save()
    },
    remove(name: string) {
      images.delete(name)
      save()
    },
  }
}

/** Earlier agents wrote names only. */
function readPulled(file: string): Map<string, string | undefined> {
  const images = new Map<string, string | undefined>()
  try {
    const list = JSON.parse(readFileSync(file, 'utf8')) as unknown
    for (const entry of Array.isArray(list) ? (list as unknown[]) : []) {
      if (typeof entry === 'string') images.set(entry, undefined)
      const { name, id } = (entry ?? {}) as { name?: unknown; id?: unknown }
      if (typeof name === 'string') images.set(name, typeof id === 'string' ? id : undefined)
    }
  } catch {
    // Absent or cut short: what was pulled before counts as somebody else's from now on, and stays.
  }
  return images
}
