// What is kept of calls: one log line each, the reason of failures, and which unknown parameters clients send. Neither
// values of parameters nor what was signed ever gets here. Called by rpc.ts.
import { Fault } from '@littoral/contract/errors'
import type { Log, Principal } from '../operations/context.ts'
import type { Call, Incoming } from './incoming.ts'
import type { ServedOperation } from './registry.ts'
import type { Answer } from './reply.ts'

/** Where a call has got to, for the log when it goes no further. */
export interface Progress {
  call?: Pick<Call, 'action' | 'scheme'>
  served?: ServedOperation
  principal?: Principal
}

export interface CallLog {
  call(incoming: Pick<Incoming, 'requestId' | 'method'>, progress: Progress, answer: Answer, tookMs: number): void
  fault(error: unknown, requestId: string, progress: Progress): void
  unknown(served: ServedOperation, names: readonly string[]): void
  /** How often each unknown parameter came, by `Action.Parameter`. */
  readonly unknownCounts: ReadonlyMap<string, number>
}

/** Clients add these to every request, unasked; an operation that has one of them as its own gets it all the same. */
const protocolNames = new Set([
  'Action',
  'Version',
  'Format',
  'AccessKeyId',
  'Signature',
  'SignatureMethod',
  'SignatureVersion',
  'SignatureNonce',
  'SignatureType',
  'Timestamp',
  'SecurityToken',
  'BearerToken',
  'RegionId',
  'AcceptLanguage',
  'SourceIp',
  'SecureTransport',
])
const maxCounted = 1000
const maxNameLength = 64

export function createCallLog(log: Log): CallLog {
  const unknownCounts = new Map<string, number>()
  const toldOf = new Set<string>()
  return {
    unknownCounts,
    call({ requestId, method }, { call, served, principal }, { status, code }, tookMs) {
      const action = served?.operation.action ?? call?.action.slice(0, maxNameLength)
      const who = { accountId: principal?.accountId, accessKeyId: principal?.accessKeyId }
      log.info({ requestId, action, status, code, method, scheme: call?.scheme, ...who, tookMs: Math.round(tookMs * 100) / 100 }, 'call')
    },
    fault(error, requestId, { served }) {
      const action = served?.operation.action
      if (!(error instanceof Fault) || error.status >= 500) log.error({ requestId, action, error: describe(error) }, 'call failed')
      else if (served !== undefined && !served.mayAnswer(error.fault)) {
        log.warn({ requestId, action, fault: error.fault }, 'the operation does not declare this fault')
      }
    },
    unknown({ operation: { action } }, names) {
      const strangers = names.filter((name) => !protocolNames.has(name)).map((name) => name.slice(0, maxNameLength))
      for (const name of strangers) {
        const key = `${action}.${name}`
        const count = unknownCounts.get(key) ?? 0
        if (count > 0 || unknownCounts.size < maxCounted) unknownCounts.set(key, count + 1)
      }
      if (strangers.length === 0 || toldOf.has(action)) return
      toldOf.add(action)
      log.warn({ action, parameters: strangers.slice(0, 20) }, 'unknown parameters are ignored; told once per operation')
    },
  }
}

/** Stacks of an error and its causes. A fault's own message is left out: it can hold what the caller sent. */
function describe(error: unknown): string {
  if (error instanceof Fault) return `${error.fault}${error.cause === undefined ? '' : ` because of ${describe(error.cause)}`}`
  if (!(error instanceof Error)) return `not an Error: ${typeof error}`
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
