// Who ended a container, told from what engines say of it, early, late or never: a fake engine that answers as Docker and Podman do.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Engine, openEngine } from './client/connection.ts'
import type { ContainerDetails } from './client/containers.ts'
import { recallEvents } from './client/events.ts'
import type { ConnectedEngine } from './link.ts'
import { countMemoryKills, type Killed, wasOutOfMemory } from './memory-kills.ts'

let folder: string
let server: http.Server
let engine: Engine | undefined
/** What the engine gives for its events, and whether it then listens on until it is hung up on. */
let told: { events: object[]; staysOpen?: boolean } | 'nothing'
const asked: URL[] = []
let isPodman = false

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'littoral-kills-'))
  asked.length = 0
  isPodman = false
  told = { events: [] }
  server = http.createServer((request, response) => {
    if (isPodman) response.setHeader('Libpod-Api-Version', '4.3.1')
    if (request.url === '/_ping') return void response.setHeader('Api-Version', '1.41').end('OK')
    asked.push(new URL(request.url ?? '', 'http://engine'))
    if (told === 'nothing') return
    response.write(told.events.map((event) => `${JSON.stringify(event)}\n`).join(''))
    if (told.staysOpen !== true) response.end()
  })
  await new Promise<void>((resolve) => server.listen(join(folder, 'engine.sock'), resolve))
})
afterEach(() => {
  engine?.close()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function connect(version = '20.10.24'): Promise<ConnectedEngine> {
  engine = await openEngine({ socketPath: join(folder, 'engine.sock') })
  return { engine, info: { ServerVersion: version } as ConnectedEngine['info'] }
}

interface Exit {
  exitCode?: number
  isFlagged?: boolean
  memoryBytes?: number
  ranMs?: number
  endedAgoMs?: number
}

/** It has ended long ago unless told otherwise, so that nothing is waited for. */
function killed(exit: Exit = {}, counts: Partial<Killed> = {}): Killed {
  const { exitCode = 137, isFlagged = false, memoryBytes = 1 << 24, ranMs = 60_000, endedAgoMs = 60_000 } = exit
  const finishedAt = Date.now() - endedAgoMs
  const State = {
    ExitCode: exitCode,
    OOMKilled: isFlagged,
    StartedAt: new Date(finishedAt - ranMs).toISOString().replace('Z', '000789Z'),
    FinishedAt: new Date(finishedAt).toISOString(),
  }
  const details = { Id: 'c1', State, HostConfig: { Memory: memoryBytes } } as ContainerDetails
  return { details, killsBefore: 5, killsNow: 5, ...counts }
}

const event = (action: string, attributes: Record<string, string> = {}, atMs = 0) => ({
  Type: 'container',
  Action: action,
  Actor: { ID: 'c1', Attributes: attributes },
  time: Math.floor(atMs / 1000),
  timeNano: atMs * 1e6,
})

test('what exited with another code, or had no limit, is not asked about', async () => {
  const connected = await connect()
  expect(await wasOutOfMemory(connected, killed({ exitCode: 1 }, { killsNow: 9 }))).toBe(false)
  expect(await wasOutOfMemory(connected, killed({ exitCode: 1, isFlagged: true }))).toBe(true)
  expect(await wasOutOfMemory(connected, killed({ memoryBytes: 0 }, { killsNow: 9 }))).toBe(false)
  expect(asked).toEqual([])
})

test('a kill for memory that the engine heard of after the exit is found in the events of this run', async () => {
  told = { events: [event('oom')] }
  const one = killed()
  expect(await wasOutOfMemory(await connect(), one)).toBe(true)
  const { searchParams } = asked[0] as URL
  expect(JSON.parse(searchParams.get('filters') ?? '')).toEqual({ type: ['container'], container: ['c1'], event: ['oom', 'kill'] })
  const { StartedAt } = one.details.State
  const nanoseconds = `${StartedAt.slice(20, 23)}000789`
  expect(searchParams.get('since')).toBe(`${Math.floor(Date.parse(StartedAt) / 1000)}.${nanoseconds}`)
})

test('of what ended just now the cause is waited for, and no longer than until it comes', async () => {
  told = { events: [event('oom')], staysOpen: true }
  expect(await wasOutOfMemory(await connect(), killed({ endedAgoMs: 0 }))).toBe(true)
  expect(Number(asked[0]?.searchParams.get('until')) * 1000).toBeGreaterThan(Date.now() - 30_000)
})

test('the one whom the engine was asked to kill did not die of its memory, whatever else is said', async () => {
  const connected = await connect()
  for (const signal of ['9', 'KILL', 'SIGKILL']) {
    told = { events: [event('kill', { signal })] }
    expect(await wasOutOfMemory(connected, killed({ ranMs: 10 }, { killsNow: 9 }))).toBe(false)
  }
  told = { events: [event('oom'), event('kill', { signal: '9' })] }
  expect(await wasOutOfMemory(connected, killed({ isFlagged: true }))).toBe(false)
  told = { events: [event('kill', { signal: '15' })] }
  expect(await wasOutOfMemory(connected, killed({ isFlagged: true }))).toBe(true)
})

test('a kill right after the start that the engine did not hear of is known by the count of the kernel', async () => {
  const connected = await connect()
  expect(await wasOutOfMemory(connected, killed({ ranMs: 40 }, { killsNow: 6 }))).toBe(true)
  expect(await wasOutOfMemory(connected, killed({ ranMs: 40 }))).toBe(false)
  expect(await wasOutOfMemory(connected, killed({ ranMs: 60_000 }, { killsNow: 6 }))).toBe(false)
  expect(await wasOutOfMemory(connected, killed({ ranMs: 40 }, { killsBefore: undefined }))).toBe(false)
})

test('Podman 4, which flags nothing, is taken at its word only when it was asked for no kill and the kernel ended somebody', async () => {
  isPodman = true
  const connected = await connect('4.3.1')
  const one = killed({}, { killsNow: 6 })
  expect(await wasOutOfMemory(connected, one)).toBe(true)
  expect(await wasOutOfMemory(connected, killed())).toBe(false)
  expect(await wasOutOfMemory(connected, killed({}, { killsNow: undefined }))).toBe(true)
  const finishedAtMs = Date.parse(one.details.State.FinishedAt)
  told = { events: [event('kill', {}, finishedAtMs - 5)] }
  expect(await wasOutOfMemory(connected, one)).toBe(false)
  told = { events: [event('kill', {}, finishedAtMs - 30_000)] }
  expect(await wasOutOfMemory(connected, one)).toBe(true)
})

test('an engine that refuses, or does not answer in time, leaves what is known without it', async () => {
  const connected = await connect()
  told = 'nothing'
  const recall = { containerId: 'c1', actions: ['oom'], since: new Date().toISOString(), untilMs: Date.now(), isLast: () => false }
  expect(await recallEvents(connected.engine, recall).catch((error: Error) => error.name)).toEqual([])
  server.close()
  server.closeAllConnections()
  rmSync(join(folder, 'engine.sock'), { force: true })
  expect(await wasOutOfMemory(connected, killed({ isFlagged: true }))).toBe(true)
  expect(await wasOutOfMemory(connected, killed())).toBe(false)
})

test('the count of the kernel is read where there is one', () => {
  writeFileSync(join(folder, 'vmstat'), 'nr_free_pages 7\noom_kill 42\ndrop_pagecache 0\n')
  expect(countMemoryKills(folder)).toBe(42)
  expect(countMemoryKills(join(folder, 'nowhere'))).toBeUndefined()
})
