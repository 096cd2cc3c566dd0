// The vendor's unmodified clients, pointed at a server of ours. One `call` for all of them: wire-shaped values in,
// wire-shaped answer out, so the same journey can be walked through each.
import { createRequire } from 'node:module'
import { configOf, officialSdk, toModel, toWire, type OfficialClient } from './official-sdk.ts'

const load = createRequire(import.meta.url)

export interface Key {
  readonly accessKeyId: string
  readonly accessKeySecret: string
}

export type Call = (action: string, input: Record<string, unknown>) => Promise<Record<string, unknown>>

/** The client that a product's users have: version 3 signatures, or version 1 with `signature: 'v1'`. */
export function sdkCall(packageName: string, url: string, key: Key, signature: 'v1' | 'v3' = 'v3'): Call {
  const sdk = officialSdk(packageName)
  const { host, protocol } = new URL(url)
  const config = configOf(packageName, {
    ...key,
    endpoint: host,
    protocol: protocol.replace(':', ''),
    regionId: 'cn-shanghai',
    ...(signature === 'v1' ? { signatureAlgorithm: 'v2' } : {}),
  })
  const client: OfficialClient = new sdk.Client(config)
  return async (action, input) => {
    const model = sdk.model(`${action}Request`)
    const method = client[sdk.method(action)]
    if (!method) throw new Error(`${packageName} has no ${action}`)
    const request = model ? toModel(model, input) : {}
    const { body } = await method.call(client, request)
    return toWire(body)
  }
}

/** The old core, which takes the parameters of any action; structured values have to be text already for the plain families. */
export function popCall(url: string, key: Key, version: string, method: 'GET' | 'POST' = 'POST'): Call {
  const { RPCClient } = load('@alicloud/pop-core') as {
    RPCClient: new (config: object) => { request(action: string, params: object, options: object): Promise<Record<string, unknown>> }
  }
  const client = new RPCClient({ ...key, endpoint: url, apiVersion: version })
  return (action, input) => client.request(action, input, { method, timeout: 30_000 })
}

/** Structured parameters as JSON text, the way the generated client of a plain family sends them. */
export function asJsonText(input: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, typeof value === 'object' && value !== null ? JSON.stringify(value) : value]),
  )
}

/** The code of a refusal, whichever client threw it. */
export function codeOf(error: unknown): string | undefined {
  return (error as { code?: string }).code
}
