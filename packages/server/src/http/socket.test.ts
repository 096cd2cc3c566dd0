import { connect, type AddressInfo, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { testApp, toQuery, v1Query, v3Request } from './test-app.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

async function listen(options: Parameters<typeof testApp>[0] = {}) {
  const { app, lines } = testApp(options)
  await app.listen({ port: 0, host: '127.0.0.1' })
  open.push(app)
  return { port: (app.server.address() as AddressInfo).port, lines }
}

/** Everything the server says until it closes the connection. */
async function talk(port: number, say: (socket: Socket) => void): Promise<{ status: number; head: string; body: string }> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  say(socket)
  await new Promise((resolve) => socket.once('close', resolve))
  const text = Buffer.concat(chunks).toString()
  const end = text.indexOf('\r\n\r\n')
  return { status: Number(text.split(' ', 2)[1]), head: text.slice(0, end).toLowerCase(), body: text.slice(end + 4) }
}

const headLines = (headers: Record<string, string>) =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
const isEnvelope = {
  RequestId: expect.stringMatching(/^[\dA-F-]{36}$/),
  HostId: expect.any(String),
  Message: expect.any(String),
  Recommend: expect.any(String),
}

describe('over a real socket', () => {
  it('reads chunked bodies, whatever the size of the chunks', async () => {
    const { port } = await listen()
    const request = v3Request({ action: 'Echo', body: 'Name=web&Note=%E9%A9%B1', headers: { connection: 'close' } })
    const { status, body } = await talk(port, (socket) => {
      socket.write(`POST / HTTP/1.1\r\n${headLines({ ...request.headers, 'transfer-encoding': 'chunked' })}\r\n`)
      for (const char of request.body ?? '') socket.write(`1\r\n${char}\r\n`)
      socket.write('0\r\n\r\n')
    })
    expect(status).toBe(200)
    expect(body).toContain('"Note":"驱"')
  })

  it('reads the body of a GET', async () => {
    const { port } = await listen()
    const request = v3Request({ action: 'Echo', method: 'GET', body: 'Name=web', headers: { connection: 'close' } })
    const { status } = await talk(port, (socket) => {
      socket.write(`GET / HTTP/1.1\r\n${headLines({ ...request.headers, 'content-length': '8' })}\r\nName=web`)
    })
    expect(status).toBe(200)
  })

  it('sorts repeated headers before it checks their signature', async () => {
    const { port } = await listen()
    const request = v3Request({ action: 'Echo', query: [['Name', 'web']], headers: { connection: 'close', 'x-acs-extra': 'a,b' } })
    const { 'x-acs-extra': _joined, ...headers } = request.headers
    const { status } = await talk(port, (socket) => {
      socket.write(`POST ${request.url} HTTP/1.1\r\n${headLines(headers)}X-Acs-Extra:  b \r\nx-acs-extra: a\r\ncontent-length: 0\r\n\r\n`)
    })
    expect(status).toBe(200)
  })

  it('takes 200 KB of query, and answers longer ones with an envelope', async () => {
    const { port } = await listen()
    const send = (length: number) =>
      talk(port, (socket) => {
        const query = v1Query({ Action: 'Echo', Name: 'web', Note: 'n'.repeat(length) })
        socket.write(`GET /?${query} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`)
      })
    expect((await send(200_000)).status).toBe(200)
    const tooLong = await send(300_000)
    expect(tooLong.status).toBe(431)
    expect(tooLong.head).toContain('content-type: application/json;charset=utf-8')
    expect(JSON.parse(tooLong.body)).toEqual({ ...isEnvelope, Code: 'RequestHeaderTooLarge' })
  })

  it('answers malformed HTTP with an envelope', async () => {
    const { port } = await listen()
    const { status, body } = await talk(port, (socket) => socket.write('what is this\r\n\r\n'))
    expect(status).toBe(400)
    expect(JSON.parse(body)).toEqual({ ...isEnvelope, Code: 'MalformedRequest' })
  })

  it.each(['CONNECT h:80', 'FOO /', 'get /'])('answers the method of %s with an envelope', async (line) => {
    const { port } = await listen()
    const { status, body } = await talk(port, (socket) => socket.write(`${line} HTTP/1.1\r\nhost: h\r\n\r\n`))
    expect(status).toBe(400)
    expect(JSON.parse(body)).toEqual({ ...isEnvelope, Code: 'UnsupportedHTTPMethod' })
  })

  it('answers a body past the limit after reading it, and hangs up when it does not end', async () => {
    const { port } = await listen({ limits: { bodyBytes: 1000 } })
    const send = (length: number) =>
      talk(port, (socket) => {
        socket.write(`POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: ${length}\r\n\r\n`)
        socket.write('x'.repeat(Math.min(length, 10_000)))
      })
    for (const length of [2000, 10_000_000]) {
      const { status, body, head } = await send(length)
      expect(status).toBe(413)
      expect(head).toContain('connection: close')
      expect(JSON.parse(body)).toEqual({ ...isEnvelope, Code: 'RequestTooLarge' })
    }
  })

  it('goes on when a client leaves while its call is being answered', async () => {
    let arrive = (): void => {}
    let goOn = (_isFresh: boolean): void => {}
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    const claim = () => new Promise<boolean>((resolve) => ((goOn = resolve), arrive()))
    const { port, lines } = await listen({ nonces: { claim } })
    const request = v3Request({ action: 'Echo', query: [['Name', 'web']] })
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`POST ${request.url} HTTP/1.1\r\n${headLines(request.headers)}content-length: 0\r\n\r\n`),
    )
    await arrived
    await new Promise((resolve) => socket.once('close', resolve).destroy())
    goOn(true)
    const next = v3Request({ action: 'Echo', query: [['Name', 'api']], headers: { connection: 'close' } })
    const answer = talk(port, (other) => other.write(`POST ${next.url} HTTP/1.1\r\n${headLines(next.headers)}content-length: 0\r\n\r\n`))
    await vi.waitFor(() => expect(lines.filter(({ message }) => message === 'call')).toHaveLength(1))
    goOn(true)
    expect((await answer).status).toBe(200)
    expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('asks for a connection to be closed after its answer when the server stops, and only then', async () => {
    let goOn = (_isFresh: boolean): void => {}
    const held: (() => void)[] = []
    const claim = () => new Promise<boolean>((resolve) => ((goOn = resolve), held.shift()?.()))
    const { app } = testApp({ nonces: { claim } })
    await app.listen({ port: 0, host: '127.0.0.1' })
    open.push(app)
    const { port } = app.server.address() as AddressInfo
    const heads: string[] = []
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => heads.push(chunk.toString().toLowerCase()))
    for (const isStopping of [false, true]) {
      const arrived = new Promise<void>((resolve) => held.push(resolve))
      const request = v3Request({ action: 'Echo', query: [['Name', 'web']] })
      socket.write(`POST ${request.url} HTTP/1.1\r\n${headLines(request.headers)}content-length: 0\r\n\r\n`)
      await arrived
      const stopped = isStopping ? app.close() : undefined
      if (isStopping) await vi.waitFor(() => expect(app.server.listening).toBe(false))
      goOn(true)
      await vi.waitFor(() => expect(heads).toHaveLength(isStopping ? 2 : 1))
      await stopped
    }
    expect(heads[0]).toContain('connection: keep-alive')
    expect(heads[1]).toContain('connection: close')
  })

  it('answers a body that is sent too slowly', async () => {
    const { port } = await listen({ limits: { requestTimeoutMs: 100, timeoutCheckMs: 20 } })
    const { status, body } = await talk(port, (socket) => socket.write('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nabc'))
    expect(status).toBe(408)
    expect(JSON.parse(body)).toEqual({ ...isEnvelope, Code: 'RequestTimeout' })
  })

  it('gives an upload time as long as it moves', async () => {
    const mount = (scope: FastifyInstance) => {
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
      scope.put('/upload', { config: { isUpload: true } }, async ({ raw }) => {
        let size = 0
        for await (const piece of raw) size += (piece as Buffer).length
        return { size }
      })
    }
    const { port } = await listen({ limits: { requestTimeoutMs: 1000, timeoutCheckMs: 20 }, mounts: [mount] })
    const upload = (send: (socket: Socket) => void) =>
      talk(port, (socket) => {
        socket.write('PUT /upload HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 10\r\n\r\n')
        send(socket)
      })
    const moving = await upload((socket) => {
      let left = 10
      const timer = setInterval(() => (left-- > 0 ? socket.write('x') : clearInterval(timer)), 150)
      socket.once('close', () => clearInterval(timer))
    })
    expect(moving.status).toBe(200)
    expect(JSON.parse(moving.body)).toEqual({ size: 10 })
    const pausing = await upload((socket) => socket.write('xxx'))
    expect(pausing.status).toBe(408)
  })

  it('survives a client that hangs up in the middle of its body', async () => {
    const { port, lines } = await listen()
    await talk(port, (socket) => socket.end('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nabc'))
    const { status } = await talk(port, (socket) =>
      socket.write(`GET /?${toQuery([['Action', 'A']])} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`),
    )
    expect(status).toBe(400)
    expect(lines.filter((line) => line.level === 'error')).toEqual([])
  })

  it('keeps idle connections longer than clients do', async () => {
    const { port } = await listen()
    const { head } = await talk(port, (socket) => {
      socket.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n')
      socket.once('data', () => socket.end())
    })
    expect(Number(/timeout=(\d+)/.exec(head)?.[1])).toBeGreaterThan(25)
  })
})
