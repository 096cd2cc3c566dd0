// What is known of the images of a version.
import type { operations } from '@littoral/contract/littoral/index'
import type { Handlers } from '@littoral/contract/operation'
import * as apps from '../../store/edge-container/apps.ts'
import * as versions from '../../store/edge-container/versions.ts'
import * as pins from '../../store/image-pins.ts'
import type { Context } from '../context.ts'
import { toTime } from './views.ts'

export const imageHandlers: Handlers<Pick<typeof operations, 'GetVersionImages'>, Context> = {
  async GetVersionImages({ AppId, VersionId }, { store, principal: { accountId } }) {
    const ref = { accountId, appId: AppId, versionId: VersionId }
    const found = await store.read(async (tx) => {
      await apps.get(tx, ref)
      await versions.get(tx, ref)
      return pins.listByVersion(tx, VersionId)
    })
    return {
      Images: found.map(({ image, state, digest, platforms, reason, attempts, updatedAtMs, nextAtMs }) => ({
        Image: image,
        State: state,
        ...(digest === undefined ? {} : { Digest: digest }),
        Platforms: Object.entries(platforms).map(([Platform, Digest]) => ({ Platform, Digest })),
        ...(reason === undefined ? {} : { Reason: reason }),
        ...(attempts === 0 ? {} : { CheckedAt: toTime(updatedAtMs) }),
        ...(state === 'unreachable' ? { NextAt: toTime(nextAtMs) } : {}),
      })),
    }
  },
}
