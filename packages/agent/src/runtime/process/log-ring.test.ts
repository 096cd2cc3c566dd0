import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LogRing, readLines } from './log-ring.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-ring-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const never = new AbortController().signal

async function read(ring: LogRing, tailLines: number): Promise<string> {
  let text = ''
  for await (const chunk of readLines(ring, { tailLines, follow: false }, never)) text += chunk
  return text
}

function append(ring: LogRing, text: string): void {
  ring.append(Buffer.from(text))
}

describe('a log ring', () => {
  it('gives the newest lines', async () => {
    const ring = new LogRing(folder)
    append(ring, 'one\ntwo\nthree\n')
    expect(await read(ring, 2)).toBe('two\nthree\n')
    expect(await read(ring, 10)).toBe('one\ntwo\nthree\n')
    expect(await read(ring, 0)).toBe('')
  })

  it('ends a line that its writer did not end', async () => {
    const ring = new LogRing(folder)
    append(ring, 'one\ntw')
    append(ring, 'o')
    expect(await read(ring, 1)).toBe('two\n')
  })

  it('never takes more than twice its size, and keeps the newest', async () => {
    const ring = new LogRing(folder, 1000)
    for (let i = 0; i < 1000; i++) append(ring, `line ${i}\n`)
    const bytes = (await stat(join(folder, 'current.log'))).size + (await stat(join(folder, 'older.log'))).size
    expect(bytes).toBeLessThanOrEqual(2000)
    expect((await read(ring, 150)).split('\n').slice(0, -1)).toEqual(Array.from({ length: 150 }, (_, i) => `line ${850 + i}`).slice(-150))
  })

  it('keeps the end of a chunk larger than itself', async () => {
    const ring = new LogRing(folder, 100)
    append(ring, `${'x'.repeat(500)}\nthe end\n`)
    expect(await read(ring, 1)).toBe('the end\n')
  })

  it('is there again after a restart of the agent', async () => {
    const first = new LogRing(folder, 100)
    for (let i = 0; i < 30; i++) append(first, `line ${i}\n`)
    first.close()
    const second = new LogRing(folder, 100)
    append(second, 'new\n')
    expect(await read(second, 3)).toBe('line 28\nline 29\nnew\n')
  })

  it('is followed across its turns, and skips what a slow reader missed', async () => {
    const ring = new LogRing(folder, 1000)
    const abort = new AbortController()
    const lines = readLines(ring, { tailLines: 0, follow: true }, abort.signal)
    const first = lines.next()
    append(ring, 'first\n')
    expect((await first).value).toBe('first\n')
    for (let i = 0; i < 1000; i++) append(ring, `line ${i}\n`)
    let text = ''
    while (!text.endsWith('line 999\n')) text += (await lines.next()).value as string
    expect(text.length).toBeLessThanOrEqual(2000)
    abort.abort()
    expect((await lines.next()).done).toBe(true)
  })
})
