// Success and error envelopes, in JSON and XML. Every byte that leaves an RPC call is written here (contract:
// pop-gateway §9 and §10). A fault becomes its envelope; everything unknown becomes InternalError.
import { Fault } from '@littoral/contract/errors'
import type { JsonSchema } from '@littoral/contract/wire/schema'
import type { Format } from './incoming.ts'
import type { ServedOperation } from './registry.ts'
import { toXml } from './xml.ts'

export interface Answer {
  readonly status: number
  /** The code of the fault, or empty. */
  readonly code: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Where an answer goes to. */
export interface Envelope {
  readonly requestId: string
  readonly format: Format
  readonly origin: string
}

// Clients compare the second one as text: any other spelling is parsed as JSON and fails.
const contentTypes: Readonly<Record<Format, string>> = { json: 'application/json;charset=utf-8', xml: 'text/xml;charset=utf-8' }

export function success({ family, operation }: ServedOperation, output: object, envelope: Envelope): Answer {
  const { requestId: RequestId } = envelope
  const fields = family.envelope === 'iot' ? { RequestId, Success: true, Code: 'Success', ...output } : { RequestId, ...output }
  return answer(envelope, { status: 200, root: `${operation.action}Response`, fields, schema: operation.output as JsonSchema })
}

/** `served` is absent when the request did not get as far as to an operation. */
export function failure(error: unknown, envelope: Envelope, served?: ServedOperation): Answer {
  const fault = error instanceof Fault ? error : new Fault('InternalError', {}, { cause: error })
  const { code, message, status } = fault
  const { requestId: RequestId } = envelope
  if (status === 200 && served?.family.envelope === 'iot') {
    const fields = { RequestId, Success: false, Code: code, ErrorMessage: message }
    return answer(envelope, { status, root: `${served.operation.action}Response`, fields, code })
  }
  const fields = {
    RequestId,
    Message: message,
    HostId: envelope.origin.replace(/^\w+:\/\//, ''),
    Code: code,
    Recommend: `${envelope.origin}/errors/${encodeURIComponent(code)}`,
    AccessDeniedDetail: accessDeniedDetail(fault),
  }
  // pop-core never looks at the status, everyone else does: a failure outside an iot envelope is never a 200.
  return answer(envelope, { status: status === 200 ? 400 : status, root: 'Error', fields, code, fault })
}

function accessDeniedDetail(fault: Fault): object | undefined {
  if (fault.fault !== 'NoPermission') return undefined
  const { Action = '', PrincipalType = '', OwnerId = '', DisplayName = OwnerId } = fault.params
  return {
    AuthAction: Action,
    AuthPrincipalType: PrincipalType,
    AuthPrincipalOwnerId: OwnerId,
    AuthPrincipalDisplayName: DisplayName,
    NoPermissionType: 'ImplicitDeny',
    PolicyType: 'AccountLevelIdentityBasedPolicy',
  }
}

interface Written {
  readonly status: number
  readonly root: string
  readonly fields: object
  readonly schema?: JsonSchema
  readonly code?: string
  readonly fault?: Fault
}

function answer({ requestId, format }: Envelope, { status, root, fields, schema, code = '', fault }: Written): Answer {
  const body = format === 'xml' ? toXml(root, fields, schema) : JSON.stringify(fields)
  const headers: Record<string, string> = { 'content-type': contentTypes[format], ...commonHeaders(requestId) }
  // Clients repeat on any failure that has this header, so nothing but throttling may send it.
  const retryAfterMs = fault?.params['RetryAfterMs']
  if (retryAfterMs !== undefined && code.startsWith('Throttling')) headers['x-acs-retry-after'] = retryAfterMs
  return { status, code, headers, body }
}

/** On every answer, whatever became of the request. The trace id is the request id in the vendor's other spelling. */
export function commonHeaders(requestId: string): Record<string, string> {
  return {
    'x-acs-request-id': requestId,
    'x-acs-trace-id': requestId.replaceAll('-', '').toLowerCase(),
    'access-control-allow-origin': '*',
    'access-control-expose-headers': '*',
  }
}
