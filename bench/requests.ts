// Signed requests, whole and ready to be written to a socket: CreateEdgeContainerAppVersion with a 4 KB spec in a form
// of about 7 KB, as the official clients send it, and GetEdgeContainerAppVersion.
import { randomBytes, randomUUID } from 'node:crypto'
import { encodeForm } from '@littoral/contract/wire/encode'
import { encode } from '@littoral/contract/wire/canonical'
import { signV3 } from '@littoral/contract/wire/signature'

export interface Target {
  readonly port: number
  readonly key: { readonly accessKeyId: string; readonly secret: string }
}

const version = '2024-09-10'

/** Two containers whose settings, as JSON, take 4 KB; quotes and commas make 7 KB of that in a form. */
export const containers = ['web', 'sidecar'].map((name) => ({
  Name: name,
  Image: `registry.example.com/team-a/${name}:1.4.2`,
  IsACRImage: false,
  Spec: '1C2G',
  Storage: '0.5G',
  Command: 'serve',
  Args: '--listen 0.0.0.0:8080 --verbose',
  EnvVariables: Array.from({ length: 62 }, (_, index) => `FEATURE_${index}=value ${index} "x"`).join(','),
  ProbeType: 'httpGet',
  ProbeContent: { Path: '/healthz', Port: 8080, PeriodSeconds: 5, InitialDelaySeconds: 1 },
}))
const containersField = encode(JSON.stringify(containers))

/** One new version; every call makes another, with a signature and a nonce of its own. */
export function createVersionRequest(target: Target, appId: string): Buffer {
  const body = `AppId=${appId}&Containers=${containersField}&Name=version-${randomBytes(8).toString('hex')}&Remarks=bench`
  return request(target, { action: 'CreateEdgeContainerAppVersion', rawQuery: '', body })
}

export function getVersionRequest(target: Target, appId: string, versionId: string): Buffer {
  const rawQuery = encodeForm({ AppId: appId, VersionId: versionId }, 'shrink')
    .map(([name, value]) => `${name}=${encode(value)}`)
    .join('&')
  return request(target, { action: 'GetEdgeContainerAppVersion', rawQuery, body: '' })
}

interface Draft {
  readonly action: string
  readonly rawQuery: string
  readonly body: string
}

function request({ port, key }: Target, { action, rawQuery, body }: Draft): Buffer {
  const method = body === '' ? 'GET' : 'POST'
  const unsigned = {
    host: `127.0.0.1:${port}`,
    'x-acs-action': action,
    'x-acs-version': version,
    'x-acs-date': new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    'x-acs-signature-nonce': randomUUID(),
    ...(body === '' ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
  }
  const query = rawQuery === '' ? [] : rawQuery.split('&').map((pair) => pair.split('=') as [string, string])
  const headers = signV3({ method, path: '/', rawQuery, query, headers: unsigned, body }, key)
  const lines = Object.entries({ ...headers, 'content-length': String(body.length) }).map(([name, value]) => `${name}: ${String(value)}`)
  return Buffer.from(`${method} /${rawQuery === '' ? '' : `?${rawQuery}`} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1')
}
