// Handing out a shell in any running container of any node. The shell itself is opened by nodes/terminal-door.ts.
import { Fault } from '@littoral/contract/errors'
import type { operations } from '@littoral/contract/littoral/index'
import type { ExecRequest } from '@littoral/contract/node/stream'
import type { Handlers } from '@littoral/contract/operation'
import { shell } from '../../domain/shell.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'
import type { Context } from '../context.ts'
import { keepTicket, newTicket } from '../stream-ticket.ts'
import { locate } from './logs.ts'
import { toTime } from './views.ts'

export const terminalHandlers: Handlers<Pick<typeof operations, 'OpenTerminal'>, Context> = {
  async OpenTerminal(input, context) {
    if (!context.settings.hasTerminals) throw new Fault('Stream.TerminalsOff')
    const { nodeId, request: where } = await locate(input, context)
    const running = await findRunning(context, { nodeId, key: where.key, container: where.container })
    const ticket = newTicket(context)
    const request: ExecRequest = { kind: 'exec', key: where.key, ...running, command: [...shell], tty: true, columns: 80, rows: 24 }
    await context.store.write(async (tx) => keepTicket(tx, ticket, { kind: 'terminal', nodeId, request }, context))
    return {
      NodeId: nodeId,
      Key: where.key,
      InstanceId: running.instanceId,
      Container: running.container,
      SessionId: ticket.id,
      Token: ticket.token,
      Path: `/terminal?SessionId=${ticket.id}&Token=${ticket.token}`,
      ExpiresAt: toTime(ticket.expiresAtMs),
    }
  },
}

interface Wanted {
  readonly nodeId: string
  readonly key: string
  readonly container: string | undefined
}

/** By what the node said last; whether it is still so, the node itself says when the shell is opened. */
async function findRunning({ store }: Context, { nodeId, key, container }: Wanted): Promise<{ instanceId: string; container: string }> {
  const { node, report } = await store.read(async (tx) => {
    return { node: await nodes.find(tx, nodeId), report: await reports.find(tx, nodeId, key) }
  })
  if (node?.isOnline !== true) throw new Fault('Stream.NodeUnreachable', { Detail: `The node ${nodeId} is away.` })
  const wanted = report?.containers.find(({ name }) => container === undefined || name === container)
  if (report?.instanceId === undefined || wanted?.state !== 'running') {
    throw new Fault('Stream.WorkloadNotFound', { Key: `${key} with a running container${container === undefined ? '' : ` ${container}`}` })
  }
  return { instanceId: report.instanceId, container: wanted.name }
}
