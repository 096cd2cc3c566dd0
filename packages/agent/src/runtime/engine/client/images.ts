// Images of the engine: look one up, pull one, load one from an archive.
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { registryOf } from '@littoral/contract/node/image-name'
import type { Engine } from './connection.ts'
import { EngineError, isEngineError, pullError } from './engine-error.ts'
import { PullTracker, type PullProgress } from './pull-progress.ts'

export interface ImageDetails {
  Id: string
  RepoTags?: string[] | null
  RepoDigests?: string[] | null
  Architecture?: string
  Size?: number
}

export interface RegistryCredential {
  username: string
  password: string
}

/** The longest a pull may make no progress, and the longest it may take at all. */
const pullIdleMs = 120_000
const pullTotalMs = 60 * 60_000

/** The image as the engine has it, or undefined when it is not on the node. No registry is contacted. */
export async function findImage(engine: Engine, name: string, signal?: AbortSignal): Promise<ImageDetails | undefined> {
  try {
    return await engine.json<ImageDetails>({ path: `/images/${encodeName(name)}/json`, signal })
  } catch (error) {
    if (isEngineError(error) && (error.status === 404 || error.kind === 'notFound')) return undefined
    throw error
  }
}

export interface PullOptions {
  credential?: RegistryCredential | undefined
  signal?: AbortSignal
  /** Told with every piece of news: hundreds of times a second, at worst. */
  onProgress?: (progress: PullProgress) => void
}

/** Pulls an image; `name` must be normalised. Throws EngineError imageUnauthorized, imageMissing, imageUnreachable or diskFull. */
export async function pullImage(engine: Engine, name: string, { credential, signal, onProgress }: PullOptions = {}): Promise<void> {
  const { repository, tag } = splitName(name)
  const headers: Record<string, string> = {}
  if (credential !== undefined) headers['X-Registry-Auth'] = registryAuth(credential, name)
  const deadline = AbortSignal.timeout(pullTotalMs)
  const both = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
  let progress: Readable
  try {
    const query = { fromImage: repository, tag }
    progress = await engine.stream({ method: 'POST', path: '/images/create', query, headers, timeoutMs: pullIdleMs, signal: both })
  } catch (error) {
    throw isEngineError(error) && error.status > 0 ? pullError(error.status, error.message) : error
  }
  const tracker = new PullTracker(engine.isPodman)
  const failure = await readProgress(progress, both, (entry) => {
    if (onProgress && tracker.take(entry)) onProgress(tracker.now())
  })
  if (failure !== undefined) throw pullError(200, failure)
  if ((await findImage(engine, name, signal)) === undefined) throw pullError(404, `${name} was pulled but is not there`)
}

/** Reads the stream of progress objects to its end; a failure arrives inside it as an `error` object. */
async function readProgress(
  progress: Readable,
  signal: AbortSignal,
  onEntry: (entry: unknown) => void = () => {},
): Promise<string | undefined> {
  let rest = ''
  let failure: string | undefined
  let idle: NodeJS.Timeout | undefined
  const rearm = () => {
    clearTimeout(idle)
    idle = setTimeout(
      () => progress.destroy(new EngineError(0, `the pull made no progress for ${pullIdleMs} ms`, 'imageUnreachable')),
      pullIdleMs,
    )
  }
  rearm()
  try {
    for await (const chunk of progress) {
      rearm()
      const lines = (rest + String(chunk)).split('\n')
      rest = (lines.pop() ?? '').slice(0, 1_000_000)
      for (const line of lines) failure = readEntry(line, onEntry) ?? failure
    }
    signal.throwIfAborted()
    return readEntry(rest, onEntry) ?? failure
  } finally {
    clearTimeout(idle)
  }
}

function readEntry(line: string, onEntry: (entry: unknown) => void): string | undefined {
  if (line.trim() === '') return undefined
  try {
    const entry = JSON.parse(line) as { error?: string; errorDetail?: { message?: string } } | null
    onEntry(entry)
    return entry?.errorDetail?.message ?? entry?.error
  } catch {
    return undefined
  }
}

/** Loads images from an archive as `docker save` writes it. */
export async function loadImage(engine: Engine, archive: Buffer, signal?: AbortSignal): Promise<void> {
  const answer = await engine.stream({
    method: 'POST',
    path: '/images/load',
    query: { quiet: true },
    body: archive,
    timeoutMs: 120_000,
    signal,
  })
  const failure = await readProgress(answer, signal ?? AbortSignal.timeout(120_000))
  if (failure !== undefined) throw new EngineError(200, failure)
}

export async function tagImage(engine: Engine, name: string, newName: string): Promise<void> {
  const { repository, tag } = splitName(newName)
  await engine.json({ method: 'POST', path: `/images/${encodeName(name)}/tag`, query: { repo: repository, tag } })
}

/** Pushes an image; throws what the registry said. */
export async function pushImage(engine: Engine, name: string, credential?: RegistryCredential): Promise<void> {
  const { repository, tag } = splitName(name)
  const headers = { 'X-Registry-Auth': registryAuth(credential ?? { username: '', password: '' }, name) }
  const call = { method: 'POST' as const, path: `/images/${encodeName(repository)}/push`, query: { tag }, headers, timeoutMs: 120_000 }
  const progress = await engine.stream(call)
  const failure = await readProgress(progress, AbortSignal.timeout(600_000))
  if (failure !== undefined) throw pullError(200, failure)
}

/** `force: false`: fails where a container, perhaps another's, was made from it. */
export async function removeImage(engine: Engine, name: string, { force = true, signal }: { force?: boolean; signal?: AbortSignal } = {}) {
  const answer = await engine.stream({
    method: 'DELETE',
    path: `/images/${encodeName(name)}`,
    query: { force },
    timeoutMs: 120_000,
    signal,
  })
  answer.resume()
  await once(answer, 'close')
}

function splitName(name: string): { repository: string; tag: string } {
  const at = name.indexOf('@')
  if (at > 0) return { repository: name.slice(0, at), tag: name.slice(at + 1) }
  const colon = name.lastIndexOf(':')
  return colon > name.lastIndexOf('/')
    ? { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
    : { repository: name, tag: 'latest' }
}

function registryAuth(credential: RegistryCredential, name: string): string {
  const registry = registryOf(name)
  const serveraddress = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry
  const text = Buffer.from(JSON.stringify({ ...credential, serveraddress })).toString('base64')
  // URL-safe but padded: Docker 20.10 takes an unpadded value for no credentials at all.
  return text.replaceAll('+', '-').replaceAll('/', '_')
}

const encodeName = (name: string) => encodeURI(name).replaceAll('?', '%3F').replaceAll('#', '%23')
