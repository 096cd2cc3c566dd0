// A token server for a registry that wants Bearer tokens: what Debian's docker-registry asks about with `auth: token`. Tokens are
// signed with a key made for the test; who may read what is decided by a table of passwords.
import { execFileSync } from 'node:child_process'
import { createPrivateKey, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface TokenServer {
  /** The `auth` section of the registry's configuration. */
  readonly auth: string
  /** Queries that asked for a token, with the user where one was named. */
  readonly asked: { readonly user: string; readonly scope: string; readonly service: string }[]
  /** How long tokens are good from now on; below zero they have run out when they are given. */
  lifeSeconds: number
  /** What is answered in place of a token. */
  breakdown: { readonly status: number; readonly body: string } | undefined
  stop(): void
}

const service = 'littoral-test-registry'
const issuer = 'littoral-test'

/** `users`: name → password; repositories below `public/` are for everybody. */
export async function startTokenServer(folder: string, users: Readonly<Record<string, string>>): Promise<TokenServer> {
  const [key, certificate] = [join(folder, 'token.key'), join(folder, 'token.crt')]
  const subject = ['-subj', '/CN=littoral-test', '-days', '2', '-nodes']
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-keyout',
    key,
    '-out',
    certificate,
    ...subject,
  ]
  execFileSync('openssl', made, { stdio: 'ignore' })
  const state = { asked: [] as { user: string; scope: string; service: string }[], lifeSeconds: 300, breakdown: undefined }
  const server = createServer((request, response) => {
    const self: TokenServer = tokenServer
    const url = new URL(request.url ?? '/', 'http://localhost')
    const scope = url.searchParams.get('scope') ?? ''
    const user = userOf(request, users)
    self.asked.push({ user: user ?? '', scope, service: url.searchParams.get('service') ?? '' })
    if (self.breakdown !== undefined) return void response.writeHead(self.breakdown.status).end(self.breakdown.body)
    if (user === undefined) return void response.writeHead(401).end('{}')
    const token = tokenOf({ scope, user, lifeSeconds: self.lifeSeconds }, { key, certificate })
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token, access_token: token, expires_in: 60 }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  const auth = `auth: {token: {realm: '${realm}', service: ${service}, issuer: ${issuer}, rootcertbundle: ${certificate}}}\n`
  const tokenServer: TokenServer = Object.assign(state, {
    auth,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  })
  return tokenServer
}

/** Empty without a login, undefined with a wrong one. */
function userOf({ headers }: IncomingMessage, users: Readonly<Record<string, string>>): string | undefined {
  if (headers.authorization === undefined) return ''
  const [user = '', password = ''] = Buffer.from(headers.authorization.replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':')
  return users[user] === password ? user : undefined
}

interface Grant {
  readonly scope: string
  readonly user: string
  readonly lifeSeconds: number
}

function tokenOf({ scope, user, lifeSeconds }: Grant, files: { key: string; certificate: string }): string {
  const [type = '', name = '', actions = ''] = scope.split(':')
  const mayPass = user !== '' || name.startsWith('public/')
  const nowSeconds = Math.floor(Date.now() / 1000)
  const claims = {
    ...{ iss: issuer, sub: user, aud: service, jti: randomUUID() },
    ...{ iat: nowSeconds - 600, nbf: nowSeconds - 600, exp: nowSeconds + lifeSeconds },
    access: mayPass && type !== '' ? [{ type, name, actions: actions.split(',') }] : [],
  }
  const chain = [readFileSync(files.certificate, 'utf8').replace(/-----[^-]+-----|\s/g, '')]
  const packed = [{ typ: 'JWT', alg: 'ES256', x5c: chain }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const text = packed.join('.')
  const signature = sign('sha256', Buffer.from(text), { key: createPrivateKey(readFileSync(files.key)), dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}
