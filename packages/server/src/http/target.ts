// Where a request goes to and how its sender reached us, read from its first line and headers. Used by app.ts and calls.ts.
import type { IncomingMessage } from 'node:http'

/** Path and query; a client that believes it speaks to a proxy sends the whole address, which every server has to take. */
export function targetOf(url = '/'): string {
  const target = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '')
  return target.startsWith('?') || target === '' ? `/${target}` : target
}

export function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/'
}

/** scheme://host:port as the sender has it; a proxy that ends TLS says so. */
export function originOf({ headers, socket }: IncomingMessage): string {
  const isEncrypted = 'encrypted' in socket || headers['x-forwarded-proto'] === 'https'
  return `${isEncrypted ? 'https' : 'http'}://${headers.host ?? ''}`
}
