import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Chunk } from './spool.ts'
import { Spool, type SpoolOptions } from './spool.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-spool-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = (options: Partial<SpoolOptions> = {}) => Spool.open({ folder, mostBytes: 1 << 20, ...options })
const origin = { app: 'app-1', environment: 'prod', version: 'ver-1', instance: 'i-1', container: 'web' }
const line = (text: string) => ({ time: '2026-01-05T08:00:00Z', stream: 'stdout' as const, text })
const add = (spool: Spool, position: number, ...texts: string[]) =>
  spool.append({ source: 'out:1', position, origin, lines: texts.map(line) })
const texts = (chunk: Chunk | undefined) => chunk?.records.map(({ text }) => text)

async function drain(spool: Spool): Promise<string[]> {
  const all: string[] = []
  for (let chunk = await spool.read(); chunk !== undefined; chunk = await spool.read()) {
    all.push(...(texts(chunk) ?? []))
    await spool.acknowledge(chunk)
  }
  return all
}

describe('a spool', () => {
  it('gives out what came first until the sink has it, with where it came from', async () => {
    const spool = await open()
    expect(await spool.read()).toBeUndefined()
    await add(spool, 1, 'one', 'two')
    const first = await spool.read()
    expect(first?.records).toEqual([
      { ...line('one'), origin },
      { ...line('two'), origin },
    ])
    await add(spool, 2, 'three')
    expect((await spool.read())?.id).not.toBe(first?.id)
    await spool.acknowledge(first!)
    expect(texts(await spool.read())).toEqual(['three'])
    expect(spool.waiting).toBe(1)
    await spool.close()
  })

  it('goes on after a restart where the sink was, and knows how far each source was read', async () => {
    const before = await open()
    await add(before, 1, 'one')
    await before.acknowledge((await before.read())!)
    await add(before, 2, 'two')
    await before.close()
    const after = await open()
    expect(after.position('out:1')).toBe(2)
    expect(await drain(after)).toEqual(['two'])
    await after.close()
    const third = await open()
    expect([third.position('out:1'), await drain(third)]).toEqual([2, []])
    await third.close()
  })

  it('after a crash has every whole line, and the position that belongs to it', async () => {
    const before = await open()
    await add(before, 1, 'one')
    await add(before, 2, 'two')
    await add(before, 3, 'three')
    // No close: nothing but the lines themselves is on disk. The last one is torn, as a power cut leaves it.
    const [file] = (await readdir(folder)).filter((name) => name.endsWith('.ndjson'))
    const path = join(folder, file!)
    await truncate(path, (await readFile(path)).length - 5)
    const after = await open()
    expect(after.position('out:1')).toBe(2)
    await add(after, 3, 'three')
    expect(await drain(after)).toEqual(['one', 'two', 'three'])
    await Promise.all([before.close(), after.close()])
  })

  it('makes room by dropping the oldest, and counts every record it drops until the sink was told', async () => {
    const said: number[] = []
    const spool = await open({ mostBytes: 4000, segmentBytes: 1000, onDropped: (count) => said.push(count) })
    for (let number = 0; number < 100; number++) await add(spool, number, `line ${number}`)
    const dropped = spool.dropped
    expect(dropped).toBeGreaterThan(50)
    expect(said.reduce((sum, count) => sum + count, 0)).toBe(dropped)
    expect(dropped + spool.waiting).toBe(100)
    await spool.close()
    const after = await open({ mostBytes: 4000, segmentBytes: 1000 })
    expect(after.dropped).toBe(dropped)
    const first = await after.read()
    expect(first?.dropped).toBe(dropped)
    expect(texts(first)?.[0]).toBe(`line ${dropped}`)
    await after.acknowledge(first!)
    expect(after.dropped).toBe(0)
    expect((await drain(after)).at(-1)).toBe('line 99')
    expect((await readdir(folder)).filter((name) => name.endsWith('.ndjson')).length).toBe(1)
    await after.close()
  })

  it('does not count what arrived although it had made room meanwhile', async () => {
    const spool = await open({ mostBytes: 2000, segmentBytes: 500 })
    await add(spool, 0, 'on its way')
    const chunk = await spool.read()
    for (let number = 1; number <= 50; number++) await add(spool, number, `line ${number}`)
    const dropped = spool.dropped
    await spool.acknowledge(chunk!)
    expect(spool.dropped).toBe(dropped - 1)
    await spool.close()
  })

  it('begins anew with a state that cannot be read, without losing what was collected', async () => {
    const before = await open()
    await add(before, 7, 'one')
    await before.close()
    await writeFile(join(folder, 'state.json'), '{"segment":"many"')
    const after = await open()
    expect([after.position('out:1'), await drain(after)]).toEqual([7, ['one']])
    await after.close()
  })

  it('takes a line that is longer than a batch', async () => {
    const spool = await open()
    const long = 'ü'.repeat(300_000)
    await add(spool, 1, long)
    await add(spool, 2, 'short')
    expect(await drain(spool)).toEqual([long, 'short'])
    await spool.close()
  })
})
