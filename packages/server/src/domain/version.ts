// A version: an immutable container group of an application (contract: esa-edge-container §4.2, §6.2). Pure.
import { Fault } from '@littoral/contract/errors'
import { type Container, requireUniqueNames } from './container.ts'
import type { Settings } from './settings.ts'

export interface Version {
  readonly id: string
  readonly accountId: string
  readonly appId: string
  readonly name: string
  readonly remarks: string
  /** Versions are created at once: an image that cannot be pulled shows on the nodes, which know it, not here. */
  readonly status: 'created'
  readonly containers: readonly Container[]
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly firstPublishedAtMs?: number
  readonly lastPublishedAtMs?: number
}

export type VersionDraft = Pick<Version, 'id' | 'accountId' | 'appId' | 'name' | 'remarks' | 'containers'>

/** Throws ParameterAlreadyExist for a repeated container name, and InternalException for too many containers. */
export function newVersion(draft: VersionDraft, settings: Pick<Settings, 'limits'>, nowMs: number): Version {
  requireUniqueNames(draft.containers)
  const limit = settings.limits.containersPerVersion
  if (draft.containers.length > limit) {
    throw new Fault('InternalException', { Detail: `Containers: a version has at most ${limit} containers here.` })
  }
  return { status: 'created', createdAtMs: nowMs, updatedAtMs: nowMs, ...draft }
}
