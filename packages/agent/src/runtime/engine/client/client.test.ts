// The thin client against a fake engine that answers as Docker and Podman do where they differ.
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { normalizeImageName, registryOf } from '@littoral/contract/node/image-name'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openEngine } from './connection.ts'
import { removeContainer } from './containers.ts'
import { EngineError, pullError } from './engine-error.ts'
import { watchEvents, type ContainerEvent } from './events.ts'
import { pullImage } from './images.ts'
import { demultiplex } from './log-frames.ts'
import { readLogs, type LogPosition } from './logs.ts'

let folder: string
let server: http.Server
let answer: (request: http.IncomingMessage, response: http.ServerResponse) => void
const asked: string[] = []
let isPodman = false

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'littoral-client-'))
  asked.length = 0
  isPodman = false
  server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (isPodman) response.setHeader('Libpod-Api-Version', '4.3.1')
    if (request.url === '/_ping') response.setHeader('Api-Version', '1.41').end('OK')
    else answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(join(folder, 'engine.sock'), resolve))
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const open = () => openEngine({ socketPath: join(folder, 'engine.sock') })

test('settles on the older of both API versions, and refuses an engine that is too old', async () => {
  expect((await open()).apiVersion).toBe('1.41')
  server.removeAllListeners('request')
  let version = '1.52'
  server.on('request', (_request, response: http.ServerResponse) => response.setHeader('Api-Version', version).end('OK'))
  expect((await open()).apiVersion).toBe('1.44')
  version = '1.39'
  await expect(open()).rejects.toThrow('offers API 1.39; at least 1.40')
})

test('an engine that is not there, or stops in the middle of an answer, is unreachable', async () => {
  await expect(openEngine({ socketPath: join(folder, 'none.sock') })).rejects.toMatchObject({ kind: 'unreachable' })
  const engine = await open()
  answer = (_request, response) => response.writeHead(200, { 'Content-Length': 100 }).write('half', () => response.destroy())
  await expect(engine.json({ path: '/info' })).rejects.toMatchObject({ kind: 'unreachable' })
})

test('a call that is not answered ends with its deadline, one that is aborted with the reason', async () => {
  const engine = await open()
  answer = () => {}
  await expect(engine.json({ path: '/info', timeoutMs: 50 })).rejects.toMatchObject({ kind: 'timedOut' })
  const ending = new AbortController()
  const asking = engine.json({ path: '/info', signal: ending.signal })
  ending.abort(new Error('no longer wanted'))
  await expect(asking).rejects.toThrow('no longer wanted')
})

test('a pull that fails inside a stream that began well is a failure', async () => {
  const engine = await open()
  answer = (_request, response) => {
    response.write('{"status":"Pulling"}\n')
    response.end('{"errorDetail":{"message":"manifest unknown: manifest unknown"},"error":"manifest unknown"}\n')
  }
  await expect(pullImage(engine, 'docker.io/library/nginx:1')).rejects.toMatchObject({ kind: 'imageMissing' })
  expect(asked.at(-1)).toBe('POST /v1.41/images/create?fromImage=docker.io%2Flibrary%2Fnginx&tag=1')
})

test.each([
  [500, 'Get "http://127.0.0.1:5001/v2/bb/manifests/1": no basic auth credentials', 'imageUnauthorized'],
  [500, 'unauthorized: authentication required', 'imageUnauthorized'],
  [
    404,
    "pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    'imageUnauthorized',
  ],
  [404, 'manifest for 127.0.0.1:5000/bb:2 not found: manifest unknown: manifest unknown', 'imageMissing'],
  [500, 'initializing source docker://x: reading manifest 1 in x: manifest unknown', 'imageMissing'],
  [500, 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', 'imageUnreachable'],
  [500, 'dial tcp: lookup registry.example: no such host', 'imageUnreachable'],
  [500, 'no space left on device', 'diskFull'],
  [500, 'something went wrong', 'unknown'],
])('a pull refused with %i and "%s" is %s', (status, message, kind) => {
  expect(pullError(status, message).kind).toBe(kind)
})

test.each([
  [409, 'Conflict. The container name "/a" is already in use by container "b"', 'conflict'],
  [500, 'creating container storage: the container name "a" is already in use by b', 'conflict'],
  [
    400,
    'OCI runtime create failed: runc create failed: unable to start container process: exec: "/no": stat /no: no such file or directory',
    'badCommand',
  ],
  [
    500,
    'crun: executable file `/no` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found',
    'badCommand',
  ],
  [500, 'driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated', 'portInUse'],
  [500, 'error gathering device information while adding custom device "/dev/ttyS9": no such file or directory', 'deviceMissing'],
  [409, 'Container 1 is not running', 'notRunning'],
  [404, 'No such container: 1', 'notFound'],
])('status %i with "%s" means %s', (status, message, kind) => {
  expect(new EngineError(status, message).kind).toBe(kind)
})

test('removing what is gone or being removed is fine', async () => {
  const engine = await open()
  answer = (_request, response) => response.writeHead(404).end('{"message":"No such container: x"}')
  await removeContainer(engine, 'x')
  answer = (_request, response) => response.writeHead(409).end('{"message":"removal of container x is already in progress"}')
  await removeContainer(engine, 'x')
  expect(asked.at(-1)).toBe('DELETE /v1.41/containers/x?force=true&v=true')
  answer = (_request, response) => response.writeHead(500).end('{"message":"driver busy"}')
  await expect(removeContainer(engine, 'x')).rejects.toThrow('driver busy')
})

test('the event stream is opened again after a loss, and the caller told to look at everything', async () => {
  const engine = await open()
  const ending = new AbortController()
  const events: ContainerEvent[] = []
  let connections = 0
  answer = (_request, response) => {
    connections += 1
    response.write('{"Action":"start","Actor":{"ID":"a","Attributes":{"littoral.node":"n"}}}\n{"Action":"di')
    response.write('ed","Actor":{"ID":"a"}}\n')
    if (connections < 3) response.end()
  }
  let looks = 0
  await new Promise<void>((resolve) => {
    const onEvent = (event: ContainerEvent) => {
      events.push(event)
      if (events.length === 6) resolve()
    }
    void watchEvents(() => Promise.resolve(engine), {
      label: 'littoral.node=n',
      onConnected: () => (looks += 1),
      onEvent,
      onLost: () => {},
      signal: ending.signal,
    })
  })
  ending.abort()
  expect(looks).toBe(3)
  expect(events.slice(0, 2)).toMatchObject([
    { action: 'start', containerId: 'a', labels: { 'littoral.node': 'n' } },
    { action: 'die', containerId: 'a', labels: {} },
  ])
})

const frame = (stream: number, text: string) => {
  const head = Buffer.alloc(8)
  head[0] = stream
  head.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([head, Buffer.from(text)])
}

test('frames come out whole however the bytes were cut', () => {
  const bytes = Buffer.concat([frame(1, 'out\n'), frame(2, 'err\n'), frame(1, '')])
  for (const size of [1, 3, 8, 100]) {
    const seen: string[] = []
    const feed = demultiplex((stream, payload) => seen.push(`${stream} ${payload.toString()}`))
    for (let at = 0; at < bytes.length; at += size) feed(bytes.subarray(at, at + size))
    expect(seen).toEqual(['stdout out\n', 'stderr err\n', 'stdout '])
  }
})

test('reading on after a time leaves out what was read before, and letters are never cut in half', async () => {
  const engine = await open()
  const [first, second] = ['2026-11-22T07:00:00.000000001Z', '2026-11-22T07:00:00.000000002Z']
  const euro = Buffer.from('€')
  answer = (_request, response) => {
    response.write(frame(1, `${first} old\n`))
    const head = frame(1, '').subarray(0, 8)
    head.writeUInt32BE(second.length + 1 + 2, 4)
    response.write(Buffer.concat([head, Buffer.from(`${second} `), euro.subarray(0, 2)]))
    head.writeUInt32BE(second.length + 1 + 2, 4)
    response.end(Buffer.concat([head, Buffer.from(`${second} `), euro.subarray(2), Buffer.from('\n')]))
  }
  let text = ''
  for await (const part of readLogs(engine, 'x', { follow: false, isTty: false, after: { time: first, pieces: 1 } })) text += part
  expect(text).toBe('€\n')
  expect(asked.at(-1)).toContain(`since=${Math.floor(Date.parse(first) / 1000)}.000000001`)
})

test('on Podman, whose times are whole seconds, the pieces of the last second are counted, and lines come whole', async () => {
  isPodman = true
  const engine = await open()
  const time = '2026-11-22T07:00:00Z'
  const written = ['one\n', 'two ', 'parts\n', 'three\n', 'four\n']
  answer = (request, response) => {
    for (const text of written) response.write(frame(1, `${time} ${text}`))
    if (request.url?.includes('follow=true') === true) response.write(frame(1, `${time} five\n`))
    response.end()
  }
  let text = ''
  let position: LogPosition | undefined
  const options = { follow: true, isTty: false, tailLines: 3, onPosition: (reached: LogPosition) => (position = reached) }
  for await (const part of readLogs(engine, 'x', options)) text += part
  expect(text).toBe('two parts\nthree\nfour\nfive\n')
  expect(position).toEqual({ time, pieces: 6 })
  expect(asked.some((call) => call.includes('tail='))).toBe(false)
})

test.each([
  ['nginx', 'docker.io/library/nginx:latest', 'docker.io'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27', 'docker.io'],
  ['index.docker.io/nginx', 'docker.io/library/nginx:latest', 'docker.io'],
  ['shop/web', 'docker.io/shop/web:latest', 'docker.io'],
  ['localhost/web', 'localhost/web:latest', 'localhost'],
  ['127.0.0.1:5000/a/b:2', '127.0.0.1:5000/a/b:2', '127.0.0.1:5000'],
  ['registry.example/a@sha256:00', 'registry.example/a@sha256:00', 'registry.example'],
])('%s is the image %s of %s', (name, full, registry) => {
  expect(normalizeImageName(name)).toBe(full)
  expect(registryOf(name)).toBe(registry)
})
