import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Probe } from '@littoral/contract/node/desired-state'
import { afterEach, expect, test } from 'vitest'
import { checkHttp, checkTcp } from './checks.ts'
import { runProbe, type ProbeRun } from './run-probe.ts'

const never = new AbortController().signal
const base: Probe = {
  type: 'tcpSocket',
  initialDelaySeconds: 0,
  timeoutSeconds: 1,
  periodSeconds: 1,
  successThreshold: 1,
  failureThreshold: 2,
}
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function serve(answer: http.RequestListener): Promise<{ port: number; server: http.Server }> {
  const server = http.createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  return { port: (server.address() as AddressInfo).port, server }
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const end = Date.now() + 8000; !isTrue(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() > end) throw new Error('waited 8 s in vain')
  }
}

function run(probe: Probe, exec?: () => Promise<{ isSuccess: boolean; message: string }>): ProbeRun {
  const probing = runProbe({
    probe,
    address: () => '127.0.0.1',
    exec: exec ?? (() => Promise.reject(new Error('no exec here'))),
    onChange: () => {},
  })
  closers.push(() => probing.stop())
  return probing
}

test('an HTTP check passes on 200 to 399 and names any other status', async () => {
  let status = 200
  const { port } = await serve((_request, answer) => answer.writeHead(status, { Location: '/elsewhere' }).end())
  const probe: Probe = { ...base, type: 'httpGet', port, path: '/health' }
  for (status of [200, 204, 302, 399]) expect((await checkHttp(probe, '127.0.0.1', never)).isSuccess).toBe(true)
  for (status of [400, 404, 500]) {
    expect(await checkHttp(probe, '127.0.0.1', never)).toEqual({
      isSuccess: false,
      message: `http://127.0.0.1:${port}/health answered ${status}`,
    })
  }
})

test('an HTTP check sends its headers, Host among them, and its path', async () => {
  let seen: { url?: string | undefined; headers: http.IncomingHttpHeaders } | undefined
  const { port } = await serve((request, answer) => {
    seen = request
    answer.end()
  })
  const headers = [
    { name: 'Host', value: 'shop.example' },
    { name: 'X-Probe', value: 'a' },
    { name: 'x-probe', value: 'b' },
  ]
  await checkHttp({ ...base, type: 'httpGet', port, path: 'a b?x=1', headers }, '127.0.0.1', never)
  expect(seen?.url).toBe('/a%20b?x=1')
  expect(seen?.headers.host).toBe('shop.example')
  expect(seen?.headers['x-probe']).toBe('a, b')
})

test('an HTTPS check accepts any certificate', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'littoral-probe-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=x', '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  })
  const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, answer) => answer.end())
  rmSync(folder, { recursive: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  )
  const port = (server.address() as AddressInfo).port
  expect(await checkHttp({ ...base, type: 'httpGet', scheme: 'https', port }, '127.0.0.1', never)).toMatchObject({
    isSuccess: true,
    message: '',
  })
})

test('a check ends at its timeout', async () => {
  const { port } = await serve(() => {})
  const startedAt = performance.now()
  const result = await checkHttp({ ...base, type: 'httpGet', port }, '127.0.0.1', never)
  expect(result.message).toContain('no answer within 1 s')
  expect(performance.now() - startedAt).toBeLessThan(2500)
})

test('a TCP check passes only while something listens', async () => {
  const { port, server } = await serve(() => {})
  expect((await checkTcp({ ...base, port }, '127.0.0.1', never)).isSuccess).toBe(true)
  await new Promise((resolve) => server.close(resolve))
  expect((await checkTcp({ ...base, port }, '127.0.0.1', never)).message).toContain('ECONNREFUSED')
})

test('a container that answers soon is ready long before its first period is over', async () => {
  let isUp = false
  const { port } = await serve((_request, answer) => answer.writeHead(isUp ? 200 : 503).end())
  const startedAt = performance.now()
  const probing = run({ ...base, type: 'httpGet', port, periodSeconds: 10 })
  await until(() => probing.failures > 1)
  expect(probing.isReady).toBe(false)
  isUp = true
  await until(() => probing.isReady)
  expect(performance.now() - startedAt).toBeLessThan(2000)
})

test('readiness is lost after the failures the threshold allows, and comes back', async () => {
  let isUp = true
  const { port } = await serve((_request, answer) => answer.writeHead(isUp ? 200 : 503).end())
  const probing = run({ ...base, type: 'httpGet', port })
  await until(() => probing.isReady)
  isUp = false
  await until(() => probing.failures === 1)
  expect(probing.isReady).toBe(true)
  await until(() => !probing.isReady)
  expect(probing.message).toContain('answered 503')
  isUp = true
  await until(() => probing.isReady)
})

test('an exec check that throws counts as failed and checks never overlap', async () => {
  let running = 0
  let most = 0
  let calls = 0
  const probing = run({ ...base, type: 'exec', command: ['true'] }, async () => {
    running += 1
    calls += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setTimeout(resolve, 30))
    running -= 1
    if (calls < 4) throw new Error('no such container')
    return { isSuccess: true, message: '' }
  })
  await until(() => probing.failures === 2)
  expect(probing.message).toBe('no such container')
  await until(() => probing.isReady)
  expect(most).toBe(1)
})
