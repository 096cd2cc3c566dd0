// One call, from its bytes to its answer: seven steps in this order (contract: pop-gateway §8) and nowhere else.
import { Fault } from '@littoral/contract/errors'
import type { Principal, Services } from '../operations/context.ts'
import { authenticate, type Gatekeeper } from './authenticate.ts'
import { authorize } from './authorize.ts'
import type { CallLog, Progress } from './call-log.ts'
import { type Call, type Format, formatOf, type Incoming, likelyFormat, readCall } from './incoming.ts'
import type { Registry, ServedOperation } from './registry.ts'
import { type Answer, failure, success } from './reply.ts'
import type { Throttle } from './throttle.ts'

export interface Rpc extends Gatekeeper {
  readonly registry: Registry
  readonly services: Services
  readonly throttle: Throttle
  readonly callLog: CallLog
  /** The store as this caller sees it: server.ts adds an audit row to everything that is written through it. */
  readonly storeFor: (principal: Principal, call: { requestId: string; action: string }) => Services['store']
  /** True outside production: an answer that breaks its own schema is an InternalError. */
  readonly isOutputChecked: boolean
}

/** Never throws: whatever happens has an envelope. */
export async function answerCall(incoming: Incoming, rpc: Rpc): Promise<Answer> {
  const startedAt = performance.now()
  // While the call waits for the store nothing is kept of what it was read from: that would only cost collecting it later.
  const { requestId, origin, method } = incoming
  const progress: Progress = {}
  let format: Format = 'json'
  let answer: Answer
  try {
    const call = readCall(incoming)
    progress.call = { action: call.action, scheme: call.scheme }
    format = likelyFormat(call)
    const served = (progress.served = rpc.registry.find(call.version, call.action))
    format = formatOf(call, 'Format' in (served.operation.input as { properties: object }).properties)
    const output = await perform(call, served, rpc, progress)
    answer = success(served, output, { requestId, origin, format })
  } catch (error) {
    answer = failure(error, { requestId, origin, format }, progress.served)
    rpc.callLog.fault(error, requestId, progress)
  }
  rpc.callLog.call({ requestId, method }, progress, answer, performance.now() - startedAt)
  return answer
}

async function perform(call: Call, served: ServedOperation, rpc: Rpc, progress: Progress): Promise<object> {
  const { action, incoming } = call
  const { requestId, origin } = incoming
  const { principal, fields } = await authenticate(call, rpc)
  progress.principal = principal
  rpc.throttle.take(principal.accountId, served.operation)
  authorize(principal, served)
  const { input, unknown } = served.decode(fields)
  rpc.callLog.unknown(served, unknown)
  const fault = served.check(input)
  if (fault !== undefined) throw fault
  const store = rpc.storeFor(principal, { requestId, action })
  const output = await served.handle(input, Object.assign({}, rpc.services, { store, principal, requestId, origin }))
  const wrong = rpc.isOutputChecked ? served.checkOutput(output) : undefined
  if (wrong !== undefined) throw new Fault('InternalError', {}, { cause: new Error(`${action} answered against its schema: ${wrong}`) })
  return output
}
