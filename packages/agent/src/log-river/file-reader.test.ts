// Following files below a root that belongs to somebody else, on the real file system.
import { execFileSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileReader } from './file-reader.ts'
import { findFiles } from './rooted.ts'
import { Spool } from './spool.ts'

let folder: string
let root: string
let spool: Spool
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-files-'))
  root = join(folder, 'root')
  await mkdir(join(root, 'app', 'logs'), { recursive: true })
  spool = await Spool.open({ folder: join(folder, 'spool'), mostBytes: 1 << 24 })
})
afterEach(async () => {
  await spool.close()
  await rm(folder, { recursive: true, force: true })
})

const at = (path: string) => join(root, path)
const place = (isStill = true) => ({ folder: root, isStill: () => Promise.resolve(isStill) })
const origin = { app: 'app-1', environment: 'prod', version: 'ver-1', instance: 'i-1', container: 'web' }
const reader = (pattern = '/app/logs/*.log', isFromStart = true) =>
  new FileReader({ prefix: 'file:c1:', pattern, origin, spool, isFromStart, now: () => 0 })

async function spooled(): Promise<string[]> {
  const all: string[] = []
  for (let chunk = await spool.read(); chunk !== undefined; chunk = await spool.read()) {
    all.push(...chunk.records.map(({ text }) => text))
    await spool.acknowledge(chunk)
  }
  return all
}

async function found(pattern: string): Promise<string[]> {
  const files = (await findFiles(place(), pattern, 10)) ?? []
  for (const { file } of files) await file.close()
  return files.map(({ path }) => path)
}

describe('files of a container', () => {
  it('are read line by line as they grow, and a line is told when it is whole', async () => {
    const files = reader()
    await writeFile(at('app/logs/a.log'), 'one\r\ntwo\nthr')
    await writeFile(at('app/logs/b.txt'), 'no\n')
    await files.read(place(), false)
    expect(await spooled()).toEqual(['one', 'two'])
    await appendFile(at('app/logs/a.log'), 'ee\nfour')
    await files.read(place(), false)
    expect(await spooled()).toEqual(['three'])
    await files.read(undefined, true)
    expect(await spooled()).toEqual(['four'])
    await files.close()
  })

  it('go on where they were when another agent takes over, also under another name', async () => {
    const first = reader('/app/logs/*')
    await writeFile(at('app/logs/a.log'), 'one\n')
    await first.read(place(), false)
    await first.close()
    await appendFile(at('app/logs/a.log'), 'two\n')
    await rename(at('app/logs/a.log'), at('app/logs/a.log.1'))
    await writeFile(at('app/logs/a.log'), 'three\n')
    const second = reader('/app/logs/*')
    await second.read(place(), false)
    expect((await spooled()).toSorted()).toEqual(['one', 'three', 'two'])
    await second.close()
  })

  it('that are renamed out of the pattern are read to their end first', async () => {
    const files = reader()
    await writeFile(at('app/logs/a.log'), 'one\n')
    await files.read(place(), false)
    await appendFile(at('app/logs/a.log'), 'two\nthree')
    await rename(at('app/logs/a.log'), at('app/logs/a.old'))
    await writeFile(at('app/logs/a.log'), 'four\n')
    await files.read(place(), false)
    expect((await spooled()).toSorted()).toEqual(['four', 'one', 'three', 'two'])
    await files.close()
  })

  it('begin anew when they are emptied or filled with something else', async () => {
    const files = reader()
    await writeFile(at('app/logs/a.log'), 'one\ntwo\n')
    await files.read(place(), false)
    await truncate(at('app/logs/a.log'), 0)
    await appendFile(at('app/logs/a.log'), 'new\n')
    await files.read(place(), false)
    await writeFile(at('app/logs/a.log'), 'quite another beginning\n')
    await files.read(place(), false)
    expect(await spooled()).toEqual(['one', 'two', 'new', 'quite another beginning'])
    await files.close()
  })

  it('that were there before anybody wished to collect them are read from now on', async () => {
    const files = reader('/app/logs/*.log', false)
    await writeFile(at('app/logs/a.log'), 'past\nhalf of a ')
    await files.read(place(), false)
    await appendFile(at('app/logs/a.log'), 'line\nnow\n')
    await writeFile(at('app/logs/b.log'), 'a new file\n')
    await files.read(place(), false)
    expect((await spooled()).toSorted()).toEqual(['a new file', 'half of a line', 'now'])
    await files.close()
  })

  it('with lines without an end are cut', async () => {
    const files = reader()
    await writeFile(at('app/logs/a.log'), `${'x'.repeat(150_000)}\nend\n`)
    await files.read(place(), false)
    const lines = await spooled()
    expect(lines.map(({ length }) => length)).toEqual([65_536, 65_536, 18_928, 3])
    await files.close()
  })
})

describe('a root that is not ours', () => {
  it('is looked at by pattern: stars and marks within a step, hidden names only when named', async () => {
    for (const path of ['app/logs/a.log', 'app/logs/b1.log', 'app/logs/.hidden.log', 'app/logs/c.txt']) await writeFile(at(path), '')
    await mkdir(at('app/more'), { recursive: true })
    await writeFile(at('app/more/d.log'), '')
    expect(await found('/app/logs/*.log')).toEqual(['/app/logs/a.log', '/app/logs/b1.log'])
    expect(await found('/app/*/?.log')).toEqual(['/app/logs/a.log', '/app/more/d.log'])
    expect(await found('/app/logs/.*.log')).toEqual(['/app/logs/.hidden.log'])
    expect(await found('/app/logs/c.txt')).toEqual(['/app/logs/c.txt'])
    expect(await found('/none/*.log')).toEqual([])
  })

  it('does not lead out of itself: links mean places within it', async () => {
    await writeFile(join(folder, 'outside.log'), 'secret\n')
    await mkdir(at('etc'), { recursive: true })
    await writeFile(at('etc/inside.log'), 'inside\n')
    await symlink(join(folder, 'outside.log'), at('app/logs/absolute.log'))
    await symlink('../../../outside.log', at('app/logs/relative.log'))
    await symlink('/etc/inside.log', at('app/logs/good.log'))
    await symlink('/etc', at('app/link'))
    await symlink('/app/logs/loop.log', at('app/logs/loop.log'))
    const files = reader()
    await files.read(place(), false)
    expect(await spooled()).toEqual(['inside'])
    await files.close()
    expect(await found('/app/link/*.log')).toEqual(['/app/link/inside.log'])
    expect(await found('/app/link/../../../../etc/*.log')).toEqual(['/app/link/../../../../etc/inside.log'])
  })

  it('may hold pipes and sockets, which are left alone', async () => {
    execFileSync('mkfifo', [at('app/logs/pipe.log')])
    expect(await found('/app/logs/*.log')).toEqual([])
  })

  it('that belongs to somebody else by now is not looked into', async () => {
    await writeFile(at('app/logs/a.log'), 'of another\n')
    const files = reader()
    await files.read(place(false), false)
    expect(await spooled()).toEqual([])
    await files.close()
  })
})
