// Operations on versions. CreateEdgeContainerAppVersion is the hot path: it reads nothing that others write, so that many
// at once on one application never wait for one another.
import type { operations } from '@littoral/contract/edge-container/index'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { environments } from '../../domain/app.ts'
import { newContainers } from '../../domain/container.ts'
import { type Release, requireUnused } from '../../domain/release.ts'
import { newVersion } from '../../domain/version.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as releases from '../../store/edge-container/releases.ts'
import * as versions from '../../store/edge-container/versions.ts'
import type { Context } from '../context.ts'
import { toContainerDraft, toListing, toVersionEntry, toVersionView } from './views.ts'

type VersionOperations = Pick<
  typeof operations,
  'CreateEdgeContainerAppVersion' | 'GetEdgeContainerAppVersion' | 'ListEdgeContainerAppVersions' | 'DeleteEdgeContainerAppVersion'
>

export const versionHandlers: Handlers<VersionOperations, Context> = {
  async CreateEdgeContainerAppVersion({ AppId, Containers, Name, Remarks }, { store, principal, ids, settings, now }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const containers = newContainers(Containers.map(toContainerDraft), settings)
    const draft = { id: `ver-${ids.growing(now())}`, name: Name, remarks: Remarks ?? '', containers, ...ref }
    const version = orFault(() => newVersion(draft, settings, now()))
    await store.write(async (tx) => {
      if (version instanceof Fault) {
        // Whether there is such an application comes first; a right version need not ask, because it is refused at commit.
        await apps.peek(tx, ref)
        throw version
      }
      apps.requirePresent(tx, ref)
      versions.insert(tx, version, settings.limits.versionsPerApp)
    })
    return { VersionId: draft.id }
  },

  async GetEdgeContainerAppVersion({ AppId, VersionId }, { store, principal }) {
    const ref = { accountId: principal.accountId, appId: AppId, versionId: VersionId }
    const version = await store.read(async (tx) => {
      await apps.get(tx, ref)
      return versions.get(tx, ref)
    })
    return { Version: toVersionView(version) }
  },

  async ListEdgeContainerAppVersions({ AppId, ...input }, { store, principal }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const listing = toListing(input)
    const { versions: found, total } = await store.read(async (tx) => {
      await apps.get(tx, ref)
      return versions.list(tx, ref, listing)
    })
    return { PageNumber: listing.page, PageSize: listing.pageSize, TotalCount: total, Versions: found.map(toVersionEntry) }
  },

  async DeleteEdgeContainerAppVersion({ AppId, VersionId }, { store, principal }) {
    const ref = { accountId: principal.accountId, appId: AppId, versionId: VersionId }
    await store.write(async (tx) => {
      await apps.peek(tx, ref)
      await versions.peek(tx, ref)
      const inUse: Release[] = []
      for (const environment of environments) {
        const { current, effective, published, baseline } = await releases.findHistory(tx, { appId: AppId, environment })
        inUse.push(...[current, effective, published, baseline].filter((release) => release !== undefined))
      }
      requireUnused(VersionId, inUse)
      versions.remove(tx, ref)
    })
    return {}
  },
}

function orFault<T>(make: () => T): T | Fault {
  try {
    return make()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}
