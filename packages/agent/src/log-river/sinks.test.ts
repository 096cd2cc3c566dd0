// The sender with real sinks: an HTTP receiver that the test scripts, and a file.
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parseLogSink, parseSinkHeaders, sinkName } from '@littoral/contract/node/log-sink'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openFileSink } from './file-sink.ts'
import { nanoseconds } from './otlp.ts'
import { Sender } from './sender.ts'
import { openSink } from './open-sink.ts'
import { Spool } from './spool.ts'

let folder: string
let receiver: Server
let got: { headers: IncomingHttpHeaders; url: string; body: string }[]
let answer: (number: number, body: string) => { status: number; headers?: Record<string, string>; body?: string }
let closers: (() => Promise<unknown>)[]
let said: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-sink-'))
  got = []
  said = []
  closers = []
  answer = () => ({ status: 200 })
  receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = gunzipSync(Buffer.concat(chunks)).toString()
    got.push({ headers: request.headers, url: request.url ?? '', body })
    const { status, headers = {}, body: text = '' } = answer(got.length, body)
    response.writeHead(status, headers).end(text)
  }).listen(0, '127.0.0.1')
  await once(receiver, 'listening')
})
afterEach(async () => {
  for (const close of closers.toReversed()) await close()
  receiver.closeAllConnections()
  receiver.close()
  await rm(folder, { recursive: true, force: true })
})

const node = { name: 'node-1', region: 'zhejiang' }
const origin = { app: 'app-1', environment: 'prod', version: 'ver-1', instance: 'i-1', container: 'web' }
const base = () => `127.0.0.1:${(receiver.address() as AddressInfo).port}`

async function openSpool(): Promise<Spool> {
  const spool = await Spool.open({ folder: join(folder, 'spool'), mostBytes: 1 << 20 })
  closers.push(() => spool.close())
  return spool
}

async function send(spool: Spool, address: string, headers = ''): Promise<Sender> {
  const sink = await openSink(parseLogSink(address), { node, headers: headers === '' ? {} : parseSinkHeaders(headers) })
  const options = { spool, sink, sinkName: sinkName(parseLogSink(address)), log: (line: string) => said.push(line) }
  const sender = new Sender({ ...options, gatherMs: 10, firstPauseMs: 10 })
  closers.push(() => sender.close())
  return sender
}

const add = (spool: Spool, ...texts: string[]) =>
  spool.append({
    source: 'out:1',
    position: texts.length,
    origin,
    lines: texts.map((text) => ({ time: '2026-01-05T08:00:00.123456789Z', stream: 'stdout' as const, text })),
  })
const received = () => got.flatMap(({ body }) => body.trim().split('\n')).map((line) => (JSON.parse(line) as { text: string }).text)
const isSent = (spool: Spool) => vi.waitUntil(() => spool.waiting === 0, { timeout: 5000, interval: 5 })

describe('a sink behind HTTP', () => {
  it('gets lines of JSON that say where each came from, with the headers of the operator and an id', async () => {
    const spool = await openSpool()
    await add(spool, 'one', 'two')
    await send(spool, `http://user:p%40ss@${base()}/in?q=1`, 'X-Team=edge%2Cwest')
    await isSent(spool)
    expect(got[0]).toMatchObject({
      url: '/in?q=1',
      headers: {
        'content-type': 'application/x-ndjson',
        authorization: `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
        'x-team': 'edge,west',
        'littoral-batch': expect.stringMatching(/^[0-9a-f-]{36}-1-0-\d+$/) as string,
      },
    })
    expect(got[0]?.body.split('\n')[0]).toBe(
      JSON.stringify({
        time: '2026-01-05T08:00:00.123456789Z',
        node: 'node-1',
        region: 'zhejiang',
        ...origin,
        stream: 'stdout',
        text: 'one',
      }),
    )
  })

  it('that is down for a while gets everything afterwards, in order, each batch under one id', async () => {
    const spool = await openSpool()
    answer = (number) => ({ status: number <= 3 ? 503 : 204 })
    await send(spool, `http://${base()}/`)
    for (let number = 0; number < 20; number++) await add(spool, `line ${number}`)
    await isSent(spool)
    const [first] = got
    expect(got.slice(0, 4).map(({ headers }) => headers['littoral-batch'])).toEqual(Array(4).fill(first?.headers['littoral-batch']))
    got.splice(0, 3)
    expect(received()).toEqual(Array.from({ length: 20 }, (_, number) => `line ${number}`))
    expect(said).toEqual([
      `the log sink http://${base()}/ takes nothing: HTTP status 503`,
      `the log sink http://${base()}/ takes records again`,
    ])
  })

  it('is told how many records it will never get', async () => {
    const spool = await openSpool()
    spool.refuse(41)
    await add(spool, 'one')
    await send(spool, `http://${base()}/`)
    await isSent(spool)
    expect(JSON.parse(got[0]!.body.split('\n')[0]!)).toMatchObject({ stream: 'littoral', dropped: 41, node: 'node-1' })
    expect(spool.dropped).toBe(0)
  })

  it('that refuses a batch for good is not asked again, and what it refused is counted', async () => {
    const spool = await openSpool()
    answer = (number) => ({ status: number === 1 ? 400 : 200, body: 'no such field' })
    await add(spool, 'bad', 'worse')
    await send(spool, `http://${base()}/`)
    await isSent(spool)
    expect(said[0]).toContain('refuses 2 records: HTTP status 400: no such field')
    await add(spool, 'good')
    await isSent(spool)
    expect(got.at(-1)?.body).toContain('"dropped":2')
  })

  it('that finds a batch too large gets it in pieces, and only a single record too large is given up', async () => {
    const spool = await openSpool()
    answer = (_number, body) => ({ status: body.length > 500 ? 413 : 200 })
    await add(spool, 'a'.repeat(100), 'b'.repeat(1000), 'c'.repeat(100), 'd'.repeat(100))
    await send(spool, `http://${base()}/`)
    await isSent(spool)
    const taken = got.filter(({ body }) => body.length <= 500).map(({ body }) => (JSON.parse(body.trim()) as { text: string }).text[0])
    expect(taken).toEqual(['a', 'c', 'd'])
    expect(spool.dropped).toBe(1)
  })

  it('gets one batch again at most when the agent ends in the middle', async () => {
    const spool = await openSpool()
    answer = () => ({ status: 500 })
    const sender = await send(spool, `http://${base()}/`)
    await add(spool, 'one')
    await vi.waitUntil(() => got.length > 0, { timeout: 5000 })
    await sender.close()
    answer = () => ({ status: 200 })
    await send(spool, `http://${base()}/`)
    await isSent(spool)
    expect(new Set(got.map(({ headers }) => headers['littoral-batch'])).size).toBe(1)
  })

  it('speaks OTLP where the address says so: records grouped by container, times to the nanosecond', async () => {
    const spool = await openSpool()
    answer = () => ({ status: 200, body: JSON.stringify({ partialSuccess: { rejectedLogRecords: '1', errorMessage: 'too old' } }) })
    await add(spool, 'one', 'two')
    await send(spool, `otlp+http://${base()}`)
    await isSent(spool)
    expect(got[0]).toMatchObject({ url: '/v1/logs', headers: { 'content-type': 'application/json' } })
    const { resourceLogs } = JSON.parse(got[0]!.body) as { resourceLogs: { resource: { attributes: object[] }; scopeLogs: object[] }[] }
    expect(resourceLogs).toHaveLength(1)
    expect(resourceLogs[0]?.resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'app-1' } })
    expect(resourceLogs[0]?.scopeLogs[0]).toMatchObject({
      logRecords: [
        {
          timeUnixNano: '1767600000123456789',
          body: { stringValue: 'one' },
          attributes: [{ key: 'log.iostream', value: { stringValue: 'stdout' } }],
        },
        { body: { stringValue: 'two' } },
      ],
    })
    expect(said[0]).toContain('refuses 1 records: too old')
    expect(nanoseconds('2026-01-05T08:00:00Z')).toBe('1767600000000000000')
  })
})

describe('a sink that is a file', () => {
  it('gets lines at its end, and makes room when it is full', async () => {
    const path = join(folder, 'out', 'river.ndjson')
    const sink = openFileSink(path, { node }, 300)
    for (let number = 0; number < 8; number++) {
      const record = { time: '2026-01-05T08:00:00Z', origin, stream: 'file' as const, text: `line ${number}` }
      expect(await sink.deliver({ id: String(number), records: [record] }, new AbortController().signal)).toEqual({
        kind: 'taken',
        refused: 0,
      })
    }
    const names = (await readdir(join(folder, 'out'))).toSorted()
    expect(names).toEqual(['river.ndjson.1', 'river.ndjson.2', 'river.ndjson.3'])
    expect(await readFile(`${path}.1`, 'utf8')).toContain('line 7')
  })

  it('that cannot be written is tried again', async () => {
    const blocked = join(folder, 'file')
    await writeFile(blocked, '')
    const sink = openFileSink(join(blocked, 'river.ndjson'), { node })
    expect(await sink.deliver({ id: '1', records: [] }, new AbortController().signal)).toMatchObject({ kind: 'later' })
  })
})

describe('the address of a sink', () => {
  it.each(['file:/var/log/l.ndjson', 'file:///var/log/l.ndjson', 'https://logs.example/in', 'otlp+http://127.0.0.1:4318'])(
    '%s is one',
    (text) => {
      expect(() => parseLogSink(text)).not.toThrow()
    },
  )

  it.each(['file:relative', 'file:/a/../b', 'ftp://a', 'otlp+file:/a', 'nonsense', 'http://a%zz@b'])('%s is none', (text) => {
    expect(() => parseLogSink(text)).toThrow(/^must /)
  })

  it('is shown without what may be secret', () => {
    expect(sinkName(parseLogSink('https://u:secret@logs.example/in?token=secret'))).toBe('https://logs.example/in')
  })

  it.each(['X', 'A b=1', '=1', 'X=%zz', 'X=a%0d%0ab'])('headers are not %j', (text) => {
    expect(() => parseSinkHeaders(text)).toThrow(/^must be a list/)
  })
})
