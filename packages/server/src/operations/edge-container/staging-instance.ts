// The one instance of staging: what is shown of it, and what terminals are opened in, so that the two never tell different stories.
import { type App, workloadKey } from '../../domain/app.ts'
import { type StagingStatus, stagingStatus } from '../../domain/staging-status.ts'
import * as assignments from '../../store/assignments.ts'
import * as releases from '../../store/edge-container/releases.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'
import type { ReadTx } from '../../store/store.ts'
import { toTime } from './views.ts'

export interface StagingInstance {
  readonly status: StagingStatus
  readonly key: string
  /** The node it was given to. */
  readonly nodeId?: string
  /** That node, when it cannot be asked. */
  readonly away?: Pick<nodes.NodeRecord, 'id' | 'lastSeenAtMs'>
  /** What that node said of it last, unless that was about an instance before it. */
  readonly report?: reports.StoredReport
}

export async function findStaging(tx: ReadTx, { id: appId, status: appStatus }: Pick<App, 'id' | 'status'>): Promise<StagingInstance> {
  const key = workloadKey(appId, 'staging')
  const current = await releases.findEffective(tx, { appId, environment: 'staging' })
  const assignment = (await assignments.listByKey(tx, key)).find(({ version }) => version === current?.versionId)
  const node = assignment && (await nodes.find(tx, assignment.nodeId))
  const said = assignment && (await reports.find(tx, assignment.nodeId, key))
  const token = assignment?.workload.kind === 'group' ? assignment.workload.restartToken : undefined
  // Until the node was told, and has spoken since, what it reported is about the instance that is being replaced.
  const isRebuilding = assignment !== undefined && current?.restartToken !== token
  const isOld = token !== undefined && said !== undefined && said.receivedAtMs < (assignment?.assignedAtMs ?? 0)
  const report = isRebuilding || isOld ? undefined : said
  const isPublished = current !== undefined && appStatus === 'created'
  const status = stagingStatus({ isPublished, isNodeOnline: node?.isOnline ?? false, assignment, report })
  const away = node?.isOnline === false ? { away: node } : {}
  return { status, key, ...(assignment && { nodeId: assignment.nodeId }), ...away, ...(report && { report }) }
}

/** Why a staging instance cannot be asked. */
export function awayText({ id, lastSeenAtMs }: Pick<nodes.NodeRecord, 'id' | 'lastSeenAtMs'>): string {
  const since = lastSeenAtMs === undefined ? '' : ` since ${toTime(lastSeenAtMs)}`
  return `There is no running staging instance to ask: its node ${id} is away${since}.`
}
