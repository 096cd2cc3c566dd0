import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openObjects } from '../objects.ts'
import type { Progress } from '@littoral/contract/node/report'
import { TestObjects } from '../test-packages.ts'
import { sha256 } from '../test-workloads.ts'
import { download } from './download.ts'

let folder: string
let objects: TestObjects
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-download-'))
  objects = new TestObjects()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const content = Buffer.from('0123456789'.repeat(1000))

function fetchObject(overrides: { sha256?: string; sizeBytes?: number } = {}, signal = new AbortController().signal) {
  const target = join(folder, 'object')
  return download({ ...objects.add(content), subject: 'meter', target, ...overrides }, objects.open, signal, () => {}).then(() =>
    readFile(target),
  )
}

describe('a download', () => {
  it('arrives whole, and is not made again', async () => {
    expect(await fetchObject()).toEqual(content)
    expect(await fetchObject()).toEqual(content)
    expect(objects.opened).toHaveLength(1)
  })

  it('goes on where it was cut off', async () => {
    objects.cuts.push(4000)
    await expect(fetchObject()).rejects.toMatchObject({ code: 'DownloadFailed', isStalled: false })
    expect(await fetchObject()).toEqual(content)
    expect(objects.opened.map(({ fromByte }) => fromByte)).toEqual([0, 4000])
  })

  it('of other bytes than announced is thrown away', async () => {
    await expect(fetchObject({ sha256: 'a'.repeat(64) })).rejects.toMatchObject({ code: 'DownloadCorrupt' })
    expect(await readdir(folder)).toEqual([])
  })

  it('of more bytes than announced is thrown away', async () => {
    await expect(fetchObject({ sizeBytes: 5000 })).rejects.toMatchObject({ code: 'DownloadCorrupt' })
    expect(await readdir(folder)).toEqual([])
  })

  it('does not build on a part that is not its own', async () => {
    await writeFile(join(folder, 'object.part'), 'something else')
    await expect(fetchObject()).rejects.toMatchObject({ code: 'DownloadCorrupt' })
    expect(await fetchObject()).toEqual(content)
  })

  it('over a line that is cut again and again arrives whole all the same, each byte once', async () => {
    const large = Buffer.alloc(600_000, 'abcdefg')
    const ranges: (string | undefined)[] = []
    const server = createServer((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      ranges.push(request.headers.range)
      const range = from > 0 ? { 'content-range': `bytes ${from}-${large.length - 1}/${large.length}` } : {}
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': large.length - from, ...range })
      const part = large.subarray(from, ranges.length < 3 ? from + 200_000 : undefined)
      response.write(part, () => (ranges.length < 3 ? setImmediate(() => response.destroy()) : response.end()))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const open = openObjects({ server: new URL(`http://127.0.0.1:${port}`), authorization: () => 'LittoralNode a:b' })
    const what = {
      subject: 'meter',
      path: '/node/v1/objects/x',
      sha256: sha256(large),
      sizeBytes: large.length,
      target: join(folder, 'large'),
    }
    const news: (Progress | undefined)[] = []
    const attempt = () => download(what, open, AbortSignal.timeout(20_000), (_message, progress) => news.push(progress))
    for (const _ of [1, 2]) await expect(attempt()).rejects.toMatchObject({ code: 'DownloadFailed' })
    await attempt()
    expect((await readFile(what.target)).equals(large)).toBe(true)
    const starts = ranges.map((range) => Number(/\d+/.exec(range ?? '0')?.[0]))
    expect(starts).toHaveLength(3)
    expect(starts).toEqual(starts.toSorted((a, b) => a - b))
    expect(starts[2]).toBeGreaterThan(0)
    expect(news.at(-1)).toEqual({ subject: 'meter', doneBytes: large.length, totalBytes: large.length })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
