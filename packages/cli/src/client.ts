// Calls operations of a server: form body, V3 signature, and the family's envelope turned into a value or an error.
import { randomUUID } from 'node:crypto'
import type { AnyOperation, Input, Output } from '@littoral/contract/operation'
import { encodeForm } from '@littoral/contract/wire/encode'
import { signV3 } from '@littoral/contract/wire/signature'
import { findOperation, type Found } from './families.ts'
import type { Profile } from './profile.ts'

/** The server said no; `code` and `requestId` are its words. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: string
  readonly requestId: string

  constructor(code: string, message: string, requestId: string) {
    super(message)
    this.code = code
    this.requestId = requestId
  }
}

export interface Client {
  call<Op extends AnyOperation>(operation: Op, input: Input<Op>): Promise<Output<Op> & { RequestId: string }>
}

const timeoutMs = 60_000
const bodyType = 'application/x-www-form-urlencoded'

export function createClient(profile: Profile): Client {
  return {
    async call(operation, input) {
      const found = findOperation(operation.action)
      if (found === undefined) throw new Error(`${operation.action} belongs to no family`)
      return (await send(profile, found, input as Record<string, unknown>)) as never
    },
  }
}

async function send(profile: Profile, { family, operation }: Found, input: Record<string, unknown>): Promise<object> {
  const pairs = encodeForm(input, family.envelope === 'iot' ? 'repeat' : 'shrink')
  const body = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value])).toString()
  // fetch writes the host header itself, from the same address.
  const { host: _host, ...headers } = signV3(
    {
      method: 'POST',
      path: '/',
      rawQuery: '',
      query: [],
      headers: {
        host: new URL(profile.endpoint).host,
        accept: 'application/json',
        'content-type': bodyType,
        'x-acs-action': operation.action,
        'x-acs-version': family.version,
        'x-acs-date': new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
        'x-acs-signature-nonce': randomUUID(),
      },
      body,
    },
    { accessKeyId: profile.accessKeyId, secret: profile.accessKeySecret },
  )
  let response: Response
  try {
    response = await fetch(profile.endpoint, { method: 'POST', headers, body, signal: AbortSignal.timeout(timeoutMs) })
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).message
    throw new CallError('Unreachable', `No server answers at ${profile.endpoint} (${cause}).`, '')
  }
  return unwrap(response.status, await response.text(), profile.endpoint)
}

/** Said in fewer words than the server's, which are for programs. */
const ours: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch: 'The access key secret is not the right one, or a proxy on the way changes the request or its Host.',
}

function unwrap(status: number, text: string, endpoint: string): object {
  let answer: Record<string, unknown>
  try {
    answer = JSON.parse(text) as Record<string, unknown>
  } catch {
    throw new CallError(`Http${status}`, `What answers at ${endpoint} is not a Littoral server.`, '')
  }
  const isFailure = status >= 400 || answer['Success'] === false
  if (!isFailure) return answer
  const word = (...names: string[]) => names.map((name) => answer[name]).find((value) => typeof value === 'string') ?? ''
  const code = word('Code', 'code')
  throw new CallError(code, ours[code] ?? word('Message', 'ErrorMessage', 'message'), word('RequestId'))
}
