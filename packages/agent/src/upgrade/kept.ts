// What the node remembers of its own versions, in `<data>/upgrade/`: `state.json` and one file per version, named by digest.
//
// 1. Which version runs is decided by `confirmed` alone, and that is replaced in one step, after the new agent has confirmed.
//    So whatever dies in the middle of an upgrade, the next start takes the confirmed version.
// 2. Only the agent in charge writes here, never the one on trial.
import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfPresent, writeAtomically } from '../files.ts'

export interface KeptVersion {
  readonly version: string
  readonly sha256: string
}

export interface Failure {
  /** Of the attempt, as the server named it. */
  readonly id: string
  readonly code: string
  readonly message: string
}

export interface KeptState {
  /** Absent: the version that was installed. */
  readonly confirmed?: KeptVersion
  /** The one before. */
  readonly previous?: KeptVersion
  /** The attempt under way, and how often it was begun. */
  readonly trying?: { readonly id: string; readonly count: number }
  readonly failures: readonly Failure[]
}

const mostFailures = 20

export function upgradeFolder(dataDir: string): string {
  return join(dataDir, 'upgrade')
}

export function versionPath(dataDir: string, sha256: string): string {
  return join(upgradeFolder(dataDir), `${sha256}.mjs`)
}

/** What cannot be read counts as nothing known: the installed version runs then. */
export async function readKept(dataDir: string): Promise<KeptState> {
  try {
    const value = JSON.parse((await readIfPresent(statePath(dataDir))) ?? '{}') as Record<string, unknown> | null
    const failures = Array.isArray(value?.['failures']) ? value['failures'].filter(isFailure) : []
    const { confirmed, previous, trying } = value ?? {}
    return {
      failures,
      ...(isVersion(confirmed) ? { confirmed } : {}),
      ...(isVersion(previous) ? { previous } : {}),
      ...(isTrying(trying) ? { trying } : {}),
    }
  } catch {
    return { failures: [] }
  }
}

export async function writeKept(dataDir: string, state: KeptState): Promise<void> {
  const bounded = { ...state, failures: state.failures.slice(-mostFailures) }
  await writeAtomically(statePath(dataDir), JSON.stringify(bounded))
}

/** Whether the version's file is here and has not a byte changed. */
export async function isIntact(dataDir: string, { sha256 }: KeptVersion): Promise<boolean> {
  return (await digestOf(versionPath(dataDir, sha256))) === sha256
}

/** The SHA-256 of a file, or undefined where it cannot be read. */
export async function digestOf(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined)
  return bytes && createHash('sha256').update(bytes).digest('hex')
}

/** Removes the files of versions that are neither confirmed nor the one before, and what is left of downloads. */
export async function tidyVersions(dataDir: string, state: KeptState): Promise<void> {
  const keep = new Set([state.confirmed, state.previous].flatMap((kept) => (kept ? [`${kept.sha256}.mjs`] : [])))
  for (const name of await readdir(upgradeFolder(dataDir)).catch(() => [])) {
    if (/\.mjs(\.part)?$/.test(name) && !keep.has(name)) await rm(join(upgradeFolder(dataDir), name), { force: true })
  }
}

function statePath(dataDir: string): string {
  return join(upgradeFolder(dataDir), 'state.json')
}

function isVersion(value: unknown): value is KeptVersion {
  const { version, sha256 } = (value ?? {}) as Record<string, unknown>
  return typeof version === 'string' && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)
}

function isTrying(value: unknown): value is NonNullable<KeptState['trying']> {
  const { id, count } = (value ?? {}) as Record<string, unknown>
  return typeof id === 'string' && Number.isInteger(count)
}

function isFailure(value: unknown): value is Failure {
  const { id, code, message } = (value ?? {}) as Record<string, unknown>
  return typeof id === 'string' && typeof code === 'string' && typeof message === 'string'
}
