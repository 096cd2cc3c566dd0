// Handing out a shell in the staging instance. The shell itself is opened by nodes/terminal-door.ts.
import type { operations } from '@littoral/contract/edge-container/index'
import { Fault } from '@littoral/contract/errors'
import type { ExecRequest } from '@littoral/contract/node/stream'
import type { Handlers } from '@littoral/contract/operation'
import type { App } from '../../domain/app.ts'
import { shell } from '../../domain/shell.ts'
import * as apps from '../../store/edge-container/apps.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { keepTicket, newTicket } from '../stream-ticket.ts'
import { awayText, findStaging } from './staging-instance.ts'

export const terminalHandlers: Handlers<Pick<typeof operations, 'GetEdgeContainerTerminal'>, Context> = {
  async GetEdgeContainerTerminal({ AppId }, context) {
    const { store, principal, settings } = context
    const ticket = newTicket(context)
    const found = await store.read(async (tx) => {
      const app = await apps.get(tx, { accountId: principal.accountId, appId: AppId })
      return findInstance(tx, app)
    })
    if (!settings.hasTerminals) throw refusal('Terminals are switched off in this installation.')
    if ('refusal' in found) throw refusal(found.refusal)
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

async function findInstance(tx: ReadTx, app: App) {
  const { status, key, nodeId, away, report } = await findStaging(tx, app)
  const container = report?.containers[0]?.name
  if (away !== undefined) return { refusal: awayText(away) }
  if (status.phase !== 'Running' || nodeId === undefined || report?.instanceId === undefined || container === undefined) {
    return { refusal: 'There is no running staging instance to open a terminal in.' }
  }
  return { nodeId, key, instanceId: report.instanceId, container }
}

function refusal(detail: string): Fault {
  return new Fault('InvalidParameter', { Detail: detail })
}
