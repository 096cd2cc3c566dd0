// Handing out a shell in the staging instance. The shell itself is opened by nodes/terminal-door.ts.
import type { operations } from '@littoral/contract/edge-container/index'
import { Fault } from '@littoral/contract/errors'
import type { ExecRequest } from '@littoral/contract/node/stream'
import type { Handlers } from '@littoral/contract/operation'
import { workloadKey } from '../../domain/app.ts'
import { shell } from '../../domain/shell.ts'
import { stagingStatus } from '../../domain/staging-status.ts'
import * as apps from '../../store/edge-container/apps.ts'
import * as releases from '../../store/edge-container/releases.ts'
import * as rollouts from '../../store/edge-container/rollouts.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { keepTicket, newTicket } from '../stream-ticket.ts'

export const terminalHandlers: Handlers<Pick<typeof operations, 'GetEdgeContainerTerminal'>, Context> = {
  async GetEdgeContainerTerminal({ AppId }, context) {
    const { store, principal, settings } = context
    const ticket = newTicket(context)
    const found = await store.read(async (tx) => {
      await apps.get(tx, { accountId: principal.accountId, appId: AppId })
      return findInstance(tx, AppId)
    })
    if (!settings.hasTerminals) throw refusal('Terminals are switched off in this installation.')
    if (found === undefined) throw refusal('There is no running staging instance to open a terminal in.')
    const { nodeId, key, instanceId, container } = found
    const request: ExecRequest = { kind: 'exec', key, instanceId, container, command: [...shell], tty: true, columns: 80, rows: 24 }
    await store.write(async (tx) => keepTicket(tx, ticket, { kind: 'terminal', nodeId, request }, context))
    return {
      Cluster: 'littoral',
      Container: container,
      Namespace: `account-${principal.accountId}`,
      Pod: instanceId,
      SessionId: ticket.id,
      Token: ticket.token,
    }
  },
}

async function findInstance(tx: ReadTx, appId: string) {
  const key = workloadKey(appId, 'staging')
  const current = await releases.findEffective(tx, { appId, environment: 'staging' })
  const assignment = (await rollouts.listAssignments(tx, key)).find(({ version }) => version === current?.versionId)
  const node = assignment && (await nodes.find(tx, assignment.nodeId))
  const report = assignment && (await reports.find(tx, assignment.nodeId, key))
  const { phase } = stagingStatus({ isPublished: current !== undefined, isNodeOnline: node?.isOnline ?? false, assignment, report })
  const container = report?.containers[0]?.name
  if (phase !== 'Running' || assignment === undefined || report?.instanceId === undefined || container === undefined) return undefined
  return { nodeId: assignment.nodeId, key, instanceId: report.instanceId, container }
}

function refusal(detail: string): Fault {
  return new Fault('InvalidParameter', { Detail: detail })
}
