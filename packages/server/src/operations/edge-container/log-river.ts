// Operations on log rivers: they keep what is to be collected.
import type { operations } from '@littoral/contract/edge-container/index'
import type { Handlers } from '@littoral/contract/operation'
import { changedLogRiver, type LogRiver } from '../../domain/log-river.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as logRivers from '../../store/edge-container/log-rivers.ts'
import type { Context } from '../context.ts'

type LogRiverOperations = Pick<typeof operations, 'GetEdgeContainerAppLogRiver' | 'UpdateEdgeContainerAppLogRiver'>

export const logRiverHandlers: Handlers<LogRiverOperations, Context> = {
  async GetEdgeContainerAppLogRiver({ AppId }, { store, principal }) {
    const river = await store.read(async (tx) => {
      await apps.get(tx, { accountId: principal.accountId, appId: AppId })
      return logRivers.get(tx, AppId)
    })
    return toLogRiverView(river)
  },

  async UpdateEdgeContainerAppLogRiver({ AppId, Path, Stdout }, { store, principal, now }) {
    const ref = { accountId: principal.accountId, appId: AppId }
    const change = { ...(Path !== undefined && { path: Path }), ...(Stdout !== undefined && { isStdout: Stdout }) }
    const changed = await store.write(async (tx) => {
      await apps.peek(tx, ref)
      const after = changedLogRiver(await logRivers.get(tx, AppId), change)
      apps.requirePresent(tx, ref)
      logRivers.update(tx, ref, after, now())
      return after
    })
    return toLogRiverView(changed)
  },
}

function toLogRiverView({ isStdout, path }: LogRiver) {
  return { Path: path, Stdout: isStdout }
}
