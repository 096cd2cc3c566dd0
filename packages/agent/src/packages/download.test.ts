import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestObjects } from '../test-packages.ts'
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
})
