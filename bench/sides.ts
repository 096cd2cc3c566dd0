// What the sides of the release measurement have in common: the same probe, the same limits of a container, the same images,
// and what is noted of an update and of a bad version.
import type { Gaps } from './answers.ts'

/** The same for every side: a check each second, one failure counts, a second to end. */
export const probeSeconds = 1
export const graceSeconds = 1
export const cpus = 1
export const memoryBytes = 2 * 1024 ** 3
/** How often each instance is asked; a gap that is shorter may be missed, on all sides alike. */
export const askEveryMs = 100
export const patienceMs = 180_000

export type Tag = 'one' | 'two' | 'bad'
export const imageOf = (tag: Tag) => `littoral-bench/${tag}:1`
/** Where the bad version listens; nobody asks there. */
export const badPort = 'PORT=9'

/** Loopback addresses, so that all simulated nodes can have the same port. */
export const addressOf = (at: number) => `127.0.81.${at + 1}`

export interface Updated {
  /** From the call until the new version answered on all instances. */
  readonly ms: number
  readonly gaps: Gaps
}

export interface Failed {
  /** From the call until nothing of the bad version ran and the old one answered on all instances. */
  readonly ms: number
  /** From the call until the state that the peer records in the end. */
  readonly recordedMs: number
  readonly state: string
  /** Instances on which the bad version was started. */
  readonly touched: number
  readonly gaps: Gaps
}

export interface Side {
  /** `atOnce`: instances that may be unavailable at once. */
  update(tag: Tag, atOnce: number): Promise<Updated>
  fail(atOnce: number): Promise<Failed>
  close(): Promise<void>
}
