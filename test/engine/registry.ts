// A real registry for tests (Debian's docker-registry), open or with basic auth. On loopback, where engines accept plain HTTP.
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Registry {
  /** `127.0.0.1:PORT` */
  host: string
  stop(): void
}

export const account = { username: 'agent', password: 's3cret' }

/** Without a login, with one of `account`, or with tokens from the server that `auth` names. */
export async function startRegistry(hasAuth: boolean | { readonly auth: string }): Promise<Registry> {
  if (!existsSync('/usr/bin/docker-registry')) throw new Error('docker-registry is not installed (apt-get install docker-registry)')
  const folder = mkdtempSync(join(tmpdir(), 'littoral-registry-'))
  const port = await freePort()
  const htpasswd = hasAuth === true ? `auth: {htpasswd: {realm: test, path: ${folder}/htpasswd}}\n` : ''
  const auth = typeof hasAuth === 'object' ? hasAuth.auth : htpasswd
  if (hasAuth === true) writeFileSync(join(folder, 'htpasswd'), `${account.username}:${bcrypt(account.password)}\n`)
  writeFileSync(
    join(folder, 'config.yml'),
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/storage}}\nhttp: {addr: '127.0.0.1:${port}', secret: test}\n${auth}`,
  )
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  const stop = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  for (const end = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const status = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === (hasAuth === false ? 200 : 401)) return { host: `127.0.0.1:${port}`, stop }
    if (Date.now() < end) continue
    stop()
    throw new Error(`docker-registry did not answer on port ${port}`)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** The C library's crypt() knows bcrypt, and perl is part of every Debian. */
function bcrypt(password: string): string {
  const salt = `$2b$05$${randomBytes(16)
    .toString('base64')
    .replace(/[^A-Za-z0-9]/g, 'x')
    .slice(0, 21)}.`
  return execFileSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, salt], { encoding: 'utf8' })
}
