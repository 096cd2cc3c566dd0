// The loop that finds out which digests the tags of new versions stand for. A release waits for it, but only for a moment
// (loops/rollouts.ts): one that comes first runs the tag, and later nodes the digest. A registry that does not answer is left alone for a while, whatever asks for it.
import type { Container } from '../domain/container.ts'
import {
  type ImagePin,
  newPins,
  notPinned,
  passedOver,
  pinned,
  questionOf,
  RegistryRefusal,
  type ResolveImage,
} from '../domain/image-pin.ts'
import * as pins from '../store/image-pins.ts'
import { type Loop, loop, type LoopServices } from './loop.ts'

const versionsAtOnce = 100
const askedAtOnce = 8
const hostPauseMs = 30_000
/** After a start, versions of the last day are looked at; those before were looked at then. */
const lookBackMs = 24 * 3600_000
/** Clocks of several server processes may differ by this much. */
const skewMs = 60_000

export interface ImageSources {
  readonly resolve: ResolveImage
  /** What the registry wants to see, for images of this app. */
  readonly credentialFor?: (pin: ImagePin, host: string) => Promise<{ username: string; password: string } | undefined>
}

export function images(sources: ImageSources): Loop {
  const silentUntil = new Map<string, number>()
  let sinceMs: number | undefined
  return loop({
    name: 'images',
    wakeOn: ['versions'],
    everyMs: 10_000,
    async pass(services, signal) {
      const { store, now } = services
      sinceMs ??= now() - lookBackMs
      for (const [host, untilMs] of silentUntil) if (untilMs <= now()) silentUntil.delete(host)
      const seen = await takeVersions(services, sinceMs, silentUntil)
      sinceMs = seen.untilMs ?? sinceMs
      const due = await store.read((tx) => pins.listDue(tx, { nowMs: now(), exceptHosts: [...silentUntil.keys()], limit: versionsAtOnce }))
      for (let from = 0; from < due.length; from += askedAtOnce) {
        signal.throwIfAborted()
        const some = due.slice(from, from + askedAtOnce)
        const asked = some.filter(({ host }) => !silentUntil.has(host))
        const left = some.filter(({ host }) => silentUntil.has(host)).map((pin) => passedOver(pin, silentUntil.get(pin.host) ?? now()))
        const found = await Promise.all(asked.map((pin) => ask(pin, sources, services, signal)))
        for (const { pin, isSilent } of found) if (isSilent) silentUntil.set(pin.host, now() + hostPauseMs)
        await store.write(async (tx) => [...left, ...found.map(({ pin }) => pin)].forEach((pin) => pins.put(tx, pin)))
      }
      return due.length
    },
  })
}

async function takeVersions(
  { store, settings, now }: LoopServices,
  sinceMs: number,
  silentUntil: ReadonlyMap<string, number>,
): Promise<{ untilMs?: number }> {
  const unseen = await store.read((tx) => pins.listUnseen(tx, sinceMs - skewMs, versionsAtOnce))
  const fresh = unseen.flatMap((version) => {
    const containers = JSON.parse(version.containers) as Container[]
    const made = newPins({ ...version, containers }, settings.defaultRegistry, now())
    return made.map((pin) => (silentUntil.has(pin.host) ? passedOver(pin, silentUntil.get(pin.host) ?? now()) : pin))
  })
  if (fresh.length > 0) await store.write(async (tx) => fresh.forEach((pin) => pins.put(tx, pin)))
  const last = unseen.at(-1)
  return last === undefined ? {} : { untilMs: last.createdAtMs }
}

interface Asked {
  readonly pin: ImagePin
  /** The registry could not be reached at all. */
  readonly isSilent: boolean
}

async function ask(
  pin: ImagePin,
  { resolve, credentialFor }: ImageSources,
  { now, log }: LoopServices,
  signal: AbortSignal,
): Promise<Asked> {
  try {
    const question = questionOf(pin)
    const credential = await credentialFor?.(pin, question.host)
    const found = pinned(pin, await resolve({ ...question, credential }, signal), now())
    log.info({ versionId: pin.versionId, image: pin.image, digest: found.digest }, 'a tag was resolved')
    return { pin: found, isSilent: false }
  } catch (error) {
    const isSilent = !(error instanceof RegistryRefusal)
    return { pin: notPinned(pin, isSilent ? `the registry cannot be reached: ${causeOf(error)}` : error.message, now()), isSilent }
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}
