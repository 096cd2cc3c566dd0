// When the river begins and ends to collect, with containers that the test scripts and a real spool.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { OutputContainer, OutputPiece, OutputPort } from '../runtime/runtime.ts'
import { LogRiver } from './river.ts'
import { Spool } from './spool.ts'

/** Containers that write a numbered line when they are told to; a position is the number. */
class ScriptedPort implements OutputPort {
  readonly present = new Map<string, OutputContainer>()
  readonly lines: { id: string; number: number; atMs: number }[] = []
  reads = 0
  endsAtOnce = false

  add(id: string, changes: Partial<OutputContainer> = {}): void {
    const names = { instanceId: `i-${id}`, key: 'app/1/prod', app: 'app-1', environment: 'prod', version: 'ver-1', container: 'web' }
    this.present.set(id, { containerId: id, ...names, createdAtMs: 0, isRunning: true, run: '1', ...changes })
  }

  write(id: string, atMs: number): void {
    this.lines.push({ id, number: this.lines.length + 1, atMs })
  }

  async containers(): Promise<OutputContainer[]> {
    return [...this.present.values()]
  }

  async *read(id: string, { after, sinceMs = 0, signal }: Parameters<OutputPort['read']>[1]): AsyncGenerator<OutputPiece[]> {
    this.reads += 1
    let next = Number(after ?? 0)
    while (!signal.aborted) {
      const found = this.lines.filter((line) => line.id === id && line.number > next && (after !== undefined || line.atMs >= sinceMs))
      for (const { number } of found) {
        next = number
        yield [{ stream: 'stdout', time: '2026-01-05T08:00:00Z', bytes: Buffer.from(`line ${number}\n`), position: number }]
      }
      if (this.endsAtOnce || this.present.get(id)?.isRunning !== true) return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

let folder: string
let port: ScriptedPort
let spool: Spool
let river: LogRiver
let nowMs: number
const seen: string[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-river-'))
  port = new ScriptedPort()
  nowMs = 1000
  seen.length = 0
  await open()
})
afterEach(async () => {
  await river.close()
  await rm(folder, { recursive: true, force: true })
})

async function open(): Promise<void> {
  spool = await Spool.open({ folder, mostBytes: 1 << 20 })
  river = new LogRiver({ port, spool, node: { name: 'n', region: 'r' }, log: () => {}, now: () => nowMs, everyMs: 5 })
}

const key = 'app/1/prod'
const collect = (sinceMs: number) => river.want(new Map([[key, { isStdout: true, path: '' }]]), new Set([key]), sinceMs)
const collectNothing = (...present: string[]) => river.want(new Map(), new Set(present), nowMs)

async function drain(): Promise<string[]> {
  for (let chunk = await spool.read(); chunk !== undefined; chunk = await spool.read()) {
    seen.push(...chunk.records.map(({ text }) => text))
    await spool.acknowledge(chunk)
  }
  return seen
}
const until = (text: string) => vi.waitUntil(async () => (await drain()).includes(text), { timeout: 5000, interval: 5 })

describe('a river', () => {
  it('reads a container from its first line that was made after the wish, and another one from the wish on', async () => {
    port.add('new', { createdAtMs: 600 })
    port.add('old', { createdAtMs: 100 })
    port.write('old', 400)
    port.write('new', 600)
    port.write('old', 700)
    await collect(500)
    await until('line 3')
    expect(await drain()).toEqual(expect.not.arrayContaining(['line 1']) as string[])
    expect((await drain()).toSorted()).toEqual(['line 2', 'line 3'])
  })

  it('never sends what was written while nobody wished it, also not after a restart of the agent', async () => {
    port.add('c', { createdAtMs: 600 })
    port.write('c', 600)
    await collect(500)
    await until('line 1')
    const reads = port.reads
    await collectNothing(key)
    await vi.waitUntil(() => spool.position('out:c') === undefined)
    port.write('c', 1500)
    await river.close()
    await open()
    nowMs = 2000
    await collect(2000)
    await vi.waitUntil(() => port.reads > reads)
    port.write('c', 2500)
    await until('line 3')
    expect(await drain()).toEqual(['line 1', 'line 3'])
  })

  it('still reads what the node is not to run any more, until it is gone', async () => {
    port.add('c', { createdAtMs: 600 })
    await collect(500)
    await vi.waitUntil(() => port.reads > 0)
    await collectNothing()
    port.write('c', 900)
    await until('line 1')
    port.write('c', 950)
    port.add('c', { createdAtMs: 600, isRunning: false, run: '1/end' })
    await river.settle('i-c')
    port.present.delete('c')
    nowMs = 20_000
    expect(await drain()).toEqual(['line 1', 'line 2'])
    await vi.waitUntil(() => spool.sources().length === 0, { timeout: 5000 })
  })

  it('goes on with a container that runs again', async () => {
    port.add('c', { createdAtMs: 600 })
    port.write('c', 700)
    await collect(500)
    await until('line 1')
    port.add('c', { createdAtMs: 600, isRunning: false, run: '1/end' })
    river.wake()
    port.write('c', 800)
    port.add('c', { createdAtMs: 600, run: '2' })
    nowMs = 3000
    river.wake()
    await until('line 2')
    expect(await drain()).toEqual(['line 1', 'line 2'])
  })

  it('does not ask a log that ends at once again and again without a pause', async () => {
    port.endsAtOnce = true
    port.add('c', { createdAtMs: 600 })
    await collect(500)
    await vi.waitUntil(() => port.reads > 0)
    for (let look = 0; look < 20; look++) {
      river.wake()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await river.settle('i-none')
    expect(port.reads).toBe(1)
    nowMs += 1000
    await vi.waitUntil(() => port.reads === 2)
  })
})
