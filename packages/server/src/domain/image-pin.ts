// Which digest the tag of an image stood for: found once, then kept, so that what runs does not change when the tag is moved.
// Pure, but for the type of the function that asks a registry.
import { normalizeImageName } from '@littoral/contract/node/image-name'
import type { Container } from './container.ts'
import { hostOf, imageOf } from './image-reference.ts'

/** pending: not asked yet · pinned · unreachable: asked in vain, and asked again · unpinned: there is nobody to ask. */
export type PinState = 'pending' | 'pinned' | 'unreachable' | 'unpinned'

export interface ImagePin {
  readonly accountId: string
  readonly appId: string
  readonly versionId: string
  /** As the version names it. */
  readonly image: string
  /** Empty where the name says no registry. */
  readonly host: string
  readonly state: PinState
  readonly digest?: string
  /** Platform → digest of its own manifest, where the registry keeps several. */
  readonly platforms: Readonly<Record<string, string>>
  readonly reason?: string
  readonly attempts: number
  readonly nextAtMs: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export interface ImageQuestion {
  readonly host: string
  readonly repository: string
  readonly tag: string
  readonly credential?: { readonly username: string; readonly password: string } | undefined
}

export interface ResolvedImage {
  readonly digest: string
  readonly platforms: Readonly<Record<string, string>>
}

/** The registry answered, and says no: it is there for other images. */
export class RegistryRefusal extends Error {
  override readonly name = 'RegistryRefusal'
}

/** Throws RegistryRefusal, or another Error where the registry cannot be asked; the message is one sentence. */
export type ResolveImage = (question: ImageQuestion, signal: AbortSignal) => Promise<ResolvedImage>

const firstPauseMs = 10_000
const longestPauseMs = 3600_000

export interface PinnedVersion {
  readonly id: string
  readonly accountId: string
  readonly appId: string
  readonly containers: readonly Container[]
}

/**
 * What there is to find out about a version, an entry per image. A name without a registry is one of docker.io, as it is for every
 * engine, unless the operator set none: then it may be an image of the node, and a stranger's of the same name must not take its
 * place. `localhost/…` always is an image of the node.
 */
export function newPins(
  { id, accountId, appId, containers }: PinnedVersion,
  defaultRegistry: string | undefined,
  nowMs: number,
): ImagePin[] {
  return [...new Set(containers.map(imageOf))].map((image) => {
    const named = hostOf(image)
    const host = named === 'localhost' ? '' : named === '' && defaultRegistry !== undefined ? 'docker.io' : named
    const open = {
      accountId,
      appId,
      versionId: id,
      image,
      host,
      platforms: {},
      attempts: 0,
      nextAtMs: nowMs,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    }
    if (host !== '') return { ...open, state: 'pending' }
    const what =
      named === '' ? 'its name says no registry, so each node runs what it has or gets under the name' : 'it is an image of the node'
    return { ...open, state: 'unpinned', reason: what }
  })
}

/** Not asked about, because its registry was silent just now; nobody should wait for it. */
export function passedOver(pin: ImagePin, untilMs: number): ImagePin {
  return { ...pin, state: 'unreachable', reason: 'the registry could not be reached a moment ago', nextAtMs: untilMs }
}

export function questionOf({ image }: Pick<ImagePin, 'image'>): ImageQuestion {
  const full = normalizeImageName(image)
  const slash = full.indexOf('/')
  const colon = full.lastIndexOf(':')
  return { host: full.slice(0, slash), repository: full.slice(slash + 1, colon), tag: full.slice(colon + 1) }
}

export function pinned(pin: ImagePin, { digest, platforms }: ResolvedImage, nowMs: number): ImagePin {
  const { reason: _reason, ...rest } = pin
  return { ...rest, state: 'pinned', digest, platforms, attempts: pin.attempts + 1, updatedAtMs: nowMs }
}

/** Asked again after a pause that doubles, from ten seconds to an hour. */
export function notPinned(pin: ImagePin, reason: string, nowMs: number): ImagePin {
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(pin.attempts, 16))
  return {
    ...pin,
    state: 'unreachable',
    reason: reason.slice(0, 500),
    attempts: pin.attempts + 1,
    nextAtMs: nowMs + pauseMs,
    updatedAtMs: nowMs,
  }
}

/** The containers with the digests that are known. */
export function withDigests(containers: readonly Container[], pins: readonly Pick<ImagePin, 'image' | 'digest'>[]): Container[] {
  const digests = new Map(pins.map(({ image, digest }) => [image, digest]))
  return containers.map((container) => {
    const imageDigest = digests.get(imageOf(container))
    return imageDigest === undefined ? container : { ...container, imageDigest }
  })
}
