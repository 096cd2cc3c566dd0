// Reading what the staging instance wrote, from the node that runs it.
import type { operations } from '@littoral/contract/edge-container/index'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { workloadKey } from '../../domain/app.ts'
import * as assignments from '../../store/assignments.ts'
import * as apps from '../../store/edge-container/apps.ts'
import type { Context } from '../context.ts'

/** A caller gets an answer within a few seconds, also when the node does not give one. */
const timeoutMs = 2500

export const logHandlers: Handlers<Pick<typeof operations, 'GetEdgeContainerLogs'>, Context> = {
  async GetEdgeContainerLogs({ AppId, Lines }, { store, principal, nodes }) {
    const key = workloadKey(AppId, 'staging')
    const [assignment] = await store.read(async (tx) => {
      await apps.get(tx, { accountId: principal.accountId, appId: AppId })
      return assignments.listByKey(tx, key)
    })
    if (assignment === undefined) return { Items: [] }
    const { nodeId, workload } = assignment
    // With one container its lines stay as they were written; with several the node says which one wrote what.
    const only = workload.kind === 'group' && workload.containers.length === 1 ? workload.containers[0] : undefined
    const request = { kind: 'logs', key, tailLines: Lines, follow: false, ...(only && { container: only.name }) } as const
    try {
      return { Items: await nodes.readLogs(nodeId, request, timeoutMs) }
    } catch (error) {
      // The node answered that it has no instance (yet), which is a truthful "nothing was written".
      if (codeOf(error) === 'NotFound') return { Items: [] }
      const detail = error instanceof Error ? error.message : String(error)
      throw new Fault('StagingUnreachable', { Detail: `${nodeId}: ${detail}` }, { cause: error })
    }
  },
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
