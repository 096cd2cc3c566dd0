// Logs of any node: found here, read or followed through nodes/.
import { Fault } from '@littoral/contract/errors'
import type { operations } from '@littoral/contract/littoral/index'
import type { LogsRequest } from '@littoral/contract/node/stream'
import type { Handlers, Input } from '@littoral/contract/operation'
import { workloadKey } from '../../domain/app.ts'
import * as assignments from '../../store/assignments.ts'
import * as nodes from '../../store/nodes.ts'
import * as reports from '../../store/reports.ts'
import type { ReadTx } from '../../store/store.ts'
import type { Context } from '../context.ts'
import { keepTicket, newTicket } from '../stream-ticket.ts'
import { toTime } from './views.ts'

const timeoutMs = 5000
/** Named in a refusal; more would make it unreadable. */
const namedNodes = 10

type LogOperations = Pick<typeof operations, 'ReadLogs' | 'OpenLogStream'>
type Where = Omit<Input<typeof operations.ReadLogs>, 'TailLines'>

export const logHandlers: Handlers<LogOperations, Context> = {
  async ReadLogs(input, context) {
    const { nodeId, request } = await locate(input, context)
    const asked = { ...request, tailLines: input.TailLines ?? 100, follow: false }
    try {
      return { NodeId: nodeId, Key: request.key, Lines: await context.nodes.readLogs(nodeId, asked, timeoutMs) }
    } catch (error) {
      throw toFault(error, request.key)
    }
  },

  async OpenLogStream(input, context) {
    const { nodeId, request } = await locate(input, context)
    const ticket = newTicket(context)
    const opens = { kind: 'logs', nodeId, request: { ...request, tailLines: input.TailLines ?? 10, follow: true } } as const
    await context.store.write(async (tx) => keepTicket(tx, ticket, opens, context))
    const { id: StreamId, token: Token } = ticket
    const Path = `/logs/follow?StreamId=${StreamId}&Token=${Token}`
    return { NodeId: nodeId, Key: request.key, StreamId, Token, Path, ExpiresAt: toTime(ticket.expiresAtMs) }
  },
}

type Located = { nodeId: string; request: Pick<LogsRequest, 'kind' | 'key' | 'container' | 'sinceMs'> }

/** The node and the workload that are meant; also for terminals. */
export async function locate(input: Where, { store, principal: { accountId } }: Context): Promise<Located> {
  const key = toKey(input)
  const nodeId = await store.read(async (tx) => {
    if (input.NodeId === undefined) return findOnly(tx, accountId, key)
    const node = await nodes.find(tx, input.NodeId)
    if (node === undefined || node.accountId !== accountId) throw new Fault('Node.NotFound', { NodeId: input.NodeId })
    return node.id
  })
  const sinceMs = input.SinceTime === undefined ? undefined : Date.parse(input.SinceTime)
  if (Number.isNaN(sinceMs)) throw invalid('SinceTime: there is no such time.')
  return {
    nodeId,
    request: {
      ...{ kind: 'logs', key },
      ...(input.Container === undefined ? {} : { container: input.Container }),
      ...(sinceMs === undefined ? {} : { sinceMs }),
    },
  }
}

function toKey({ Key, AppId, Environment }: Where): string {
  if ((Key === undefined) === (AppId === undefined)) throw invalid('Key: name the workload by either Key or AppId.')
  if (Key !== undefined && Environment !== undefined) throw invalid('Environment: it belongs to AppId, a Key says it itself.')
  return Key ?? workloadKey(AppId ?? '', Environment ?? 'prod')
}

/** The one node of the account that has the workload, by what it should run or by what it says it runs. */
async function findOnly(tx: ReadTx, accountId: string, key: string): Promise<string> {
  const own = new Set((await nodes.list(tx, { accountId })).map(({ id }) => id))
  const assigned = (await assignments.listByKey(tx, key)).map(({ nodeId }) => nodeId)
  const reported = assigned.length > 0 ? [] : (await reports.listByKey(tx, key)).map(({ nodeId }) => nodeId)
  const [only, ...more] = [...new Set([...assigned, ...reported])].filter((nodeId) => own.has(nodeId))
  if (only === undefined) throw new Fault('Stream.WorkloadNotFound', { Key: key })
  if (more.length > 0) throw new Fault('Stream.NodeRequired', { Key: key, Nodes: [only, ...more].slice(0, namedNodes).join(', ') })
  return only
}

/** What a node says no to is the caller's to correct; that it says nothing is not. */
function toFault(error: unknown, key: string): Fault {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  const message = error instanceof Error ? error.message : String(error)
  if (code === 'NotFound') return new Fault('Stream.WorkloadNotFound', { Key: `${key} (${message})` }, { cause: error })
  if (code === 'Unsupported') return invalid(`SinceTime: ${message}.`)
  return new Fault('Stream.NodeUnreachable', { Detail: message }, { cause: error })
}

function invalid(detail: string): Fault {
  return new Fault('Node.InvalidParameter', { Detail: detail })
}
