// The credentials a node can show in its Authorization header, and how they are compared. Pure; the header's three forms
// are: `Bearer <joinToken>`, `LittoralNode <nodeId>:<nodeSecret>`, `LittoralGateway <productKey>/<deviceName>:<timestampMs>:<hmac>`.
import { createHmac, timingSafeEqual } from 'node:crypto'

export type NodeCredential =
  | { readonly kind: 'join'; readonly token: string }
  | { readonly kind: 'node'; readonly nodeId: string; readonly secret: string }
  | {
      readonly kind: 'gateway'
      readonly productKey: string
      readonly deviceName: string
      readonly timestampMs: number
      readonly hmac: string
    }

/** A gateway's clock may be off by this much. */
const gatewaySkewMs = 15 * 60_000
const longestHeader = 1024

/** The credential in an Authorization header, or undefined when it is none of ours. */
export function parseCredential(header: string | undefined): NodeCredential | undefined {
  if (header === undefined || header.length > longestHeader) return undefined
  const join = /^Bearer (ljt_\w+)$/.exec(header)
  if (join?.[1]) return { kind: 'join', token: join[1] }
  const node = /^LittoralNode ([\w-]+):([\w-]+)$/.exec(header)
  if (node?.[1] && node[2]) return { kind: 'node', nodeId: node[1], secret: node[2] }
  const gateway = /^LittoralGateway ([^/\s]+)\/([^\s]+):(\d{1,15}):([0-9a-f]{64})$/.exec(header)
  if (!gateway?.[1] || !gateway[2] || !gateway[4]) return undefined
  return { kind: 'gateway', productKey: gateway[1], deviceName: gateway[2], timestampMs: Number(gateway[3]), hmac: gateway[4] }
}

/** Compares in a time that does not tell where the texts differ. */
export function isSameSecret(left: string, right: string): boolean {
  const a = Buffer.from(left)
  const b = Buffer.from(right)
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Whether a gateway's message was made with its device secret, and recently. */
export function isGatewayProof(credential: NodeCredential & { kind: 'gateway' }, deviceSecret: string, nowMs: number): boolean {
  if (Math.abs(nowMs - credential.timestampMs) > gatewaySkewMs) return false
  const text = `${credential.productKey}/${credential.deviceName}\n${credential.timestampMs}`
  return isSameSecret(createHmac('sha256', deviceSecret).update(text).digest('hex'), credential.hmac)
}
