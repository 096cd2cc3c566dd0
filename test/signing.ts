// A version 1 signature made by hand, for requests that have to be bent or sent twice.
import { createHmac, randomUUID } from 'node:crypto'
import type { Key } from '../tools/official-clients.ts'

const encode = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** The parameters as query or form, complete and signed for the method they will be sent with. */
export function signV1(key: Key, fields: Readonly<Record<string, string>>, method: 'GET' | 'POST' = 'GET'): string {
  const all = {
    AccessKeyId: key.accessKeyId,
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    SignatureNonce: randomUUID(),
    Timestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    ...fields,
  }
  const canonical = Object.entries(all)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const signature = createHmac('sha1', `${key.accessKeySecret}&`)
    .update(`${method}&%2F&${encode(canonical)}`)
    .digest('base64')
  return `${canonical}&Signature=${encode(signature)}`
}
