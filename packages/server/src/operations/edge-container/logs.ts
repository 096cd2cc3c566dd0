// Reading what the staging instance wrote, from the node that runs it.
import type { operations } from '@littoral/contract/edge-container/index'
import { Fault } from '@littoral/contract/errors'
import type { Handlers } from '@littoral/contract/operation'
import { workloadKey } from '../../domain/app.ts'
import { isLost } from '../../domain/placement.ts'
import * as assignments from '../../store/assignments.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as nodeRecords from '../../store/nodes.ts'
import type { Context } from '../context.ts'
import { awayText } from './staging-instance.ts'

/** A caller gets an answer within a few seconds, also when the node does not give one. */
const timeoutMs = 2500

export const logHandlers: Handlers<Pick<typeof operations, 'GetEdgeContainerLogs'>, Context> = {
  async GetEdgeContainerLogs({ AppId, Lines }, { store, principal, nodes, now }) {
    const key = workloadKey(AppId, 'staging')
    const { assignment, node } = await store.read(async (tx) => {
      await apps.get(tx, { accountId: principal.accountId, appId: AppId })
      const [assignment] = await assignments.listByKey(tx, key)
      return { assignment, node: assignment && (await nodeRecords.find(tx, assignment.nodeId)) }
    })
    if (assignment === undefined) return { Items: [] }
    // Clients repeat a 5xx for minutes, so only what may pass within moments is one (contract: esa-edge-container §8).
    if (node !== undefined && isLost(node, now())) throw new Fault('InvalidParameter', { Detail: awayText(node) })
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
