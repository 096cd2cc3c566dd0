import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import yazl from 'yazl'
import { findPackageProblem } from './package.ts'

describe('driver packages', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'littoral-package-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  let count = 0
  async function packed(entries: Record<string, { content?: Buffer; mode?: number }>): Promise<string> {
    const path = join(folder, `${(count += 1)}.zip`)
    const zip = new yazl.ZipFile()
    for (const [name, { content = Buffer.from('x'), mode = 0o100644 }] of Object.entries(entries)) zip.addBuffer(content, name, { mode })
    zip.end()
    await pipeline(zip.outputStream, createWriteStream(path))
    return path
  }
  /** yazl refuses bad names, so they are written over good ones of the same length. */
  async function renamed(from: string, to: string): Promise<string> {
    const path = await packed({ 'index.js': {}, [from]: {} })
    const bytes = await (await import('node:fs/promises')).readFile(path)
    await writeFile(path, Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1'))
    return path
  }

  it.each([
    ['nodejs8', 'index.js'],
    ['python3', 'index.py'],
    ['c', 'main'],
    ['java8', 'main.jar'],
  ] as const)('starts %s drivers from %s at the top', async (runtime, entry) => {
    expect(await findPackageProblem(await packed({ [entry]: {}, 'lib/a.txt': {} }), runtime)).toBeUndefined()
    expect(await findPackageProblem(await packed({ 'other.txt': {} }), runtime)).toContain(`${entry} is missing at the top`)
  })

  it('says so when the files are in a folder', async () => {
    expect(await findPackageProblem(await packed({ 'driver/index.js': {} }), 'nodejs8')).toContain('found as driver/index.js')
  })

  it('refuses what is no zip', async () => {
    const path = join(folder, 'text.zip')
    await writeFile(path, 'hello')
    expect(await findPackageProblem(path, 'nodejs8')).toContain('not a readable zip')
    await writeFile(path, '')
    expect(await findPackageProblem(path, 'nodejs8')).toContain('not a readable zip')
  })

  it('names the entry that leaves the package', async () => {
    expect(await findPackageProblem(await renamed('aa/evil.js', '../evil.js'), 'nodejs8')).toContain('../evil.js')
    expect(await findPackageProblem(await renamed('a/passwd', '//passwd'), 'nodejs8')).toContain('//passwd')
  })

  it('refuses links and devices', async () => {
    expect(await findPackageProblem(await packed({ 'index.js': {}, link: { mode: 0o120777 } }), 'nodejs8')).toBe(
      'entry link is neither a file nor a folder.',
    )
  })

  it('refuses what would fill the disk', async () => {
    const bomb = await packed({ 'index.js': {}, zeros: { content: Buffer.alloc(20 * 1024 * 1024) } })
    expect(await findPackageProblem(bomb, 'nodejs8')).toContain('entry zeros is compressed more than')
  })
})
