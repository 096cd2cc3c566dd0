import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pack, packEntries, type PackedFile } from '../test-packages.ts'
import { unpack, unpackLimits } from './unpack.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-unpack-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const never = new AbortController().signal

async function unpackAll(archive: Buffer, limits = unpackLimits): Promise<string> {
  await writeFile(join(folder, 'package.zip'), archive)
  await unpack(join(folder, 'package.zip'), join(folder, 'out'), never, limits)
  return join(folder, 'out')
}

describe('an honest package', () => {
  it('is unpacked with its folders and execute permissions', async () => {
    const out = await unpackAll(pack({ 'index.js': 'code', 'lib/deep/a.so': 'binary', main: { content: 'program', mode: 0o100755 } }))
    expect(await readFile(join(out, 'index.js'), 'utf8')).toBe('code')
    expect(await readFile(join(out, 'lib/deep/a.so'), 'utf8')).toBe('binary')
    expect((await stat(join(out, 'main'))).mode & 0o777).toBe(0o755)
    expect((await stat(join(out, 'index.js'))).mode & 0o777).toBe(0o644)
  })

  it('keeps neither the set-user-id bit nor write permission for all', async () => {
    const out = await unpackAll(pack({ main: { content: 'program', mode: 0o104777 } }))
    expect((await stat(join(out, 'main'))).mode & 0o7777).toBe(0o755)
  })

  it('may be unpacked over the remains of an attempt that was cut off', async () => {
    await mkdir(join(folder, 'out.unpacking'))
    await writeFile(join(folder, 'out.unpacking', 'rest'), 'x')
    const out = await unpackAll(pack({ 'index.js': 'code' }))
    expect(await readdir(out)).toEqual(['index.js'])
  })
})

const hostile: Record<string, { entries: readonly PackedFile[]; says: RegExp; limits?: Partial<typeof unpackLimits> }> = {
  'leads out of its folder': { entries: [{ name: 'ok' }, { name: '../evil', content: 'x' }], says: /\.\.\/evil/ },
  'leads out of its folder on a detour': { entries: [{ name: 'a/../../evil', content: 'x' }], says: /a\/\.\.\/\.\.\/evil/ },
  'has an absolute path': { entries: [{ name: '/etc/evil', content: 'x' }], says: /\/etc\/evil/ },
  'has a path with a drive letter': { entries: [{ name: 'C:/evil', content: 'x' }], says: /C:\/evil/ },
  'leads out with backslashes': { entries: [{ name: '..\\evil', content: 'x' }], says: /evil/ },
  'contains a link': { entries: [{ name: 'link', content: '/etc/passwd', mode: 0o120777 }], says: /"link" is a link/ },
  'contains a device': { entries: [{ name: 'disk', mode: 0o060666 }], says: /"disk" is a device/ },
  'contains a pipe': { entries: [{ name: 'pipe', mode: 0o010666 }], says: /"pipe" is a device, a pipe/ },
  'is encrypted': { entries: [{ name: 'secret', content: 'x', isEncrypted: true }], says: /"secret" is encrypted/ },
  'has one file twice': {
    entries: [
      { name: 'a', content: '1' },
      { name: './a', content: '2' },
    ],
    says: /"\.\/a" appears twice/,
  },
  'has a file inside a file': {
    entries: [
      { name: 'a', content: '1' },
      { name: 'a/b', content: '2' },
    ],
    says: /"a\/b" lies inside a file/,
  },
  'has a file where a folder was': {
    entries: [
      { name: 'a/b', content: '1' },
      { name: 'a', content: '2' },
    ],
    says: /"a" appears twice/,
  },
  'has too many entries': { entries: [{ name: 'a' }, { name: 'b' }, { name: 'c' }], says: /at most 2/, limits: { maxEntries: 2 } },
  'makes too many folders': { entries: [{ name: 'a/b/c/d/e' }], says: /more than 3/, limits: { maxEntries: 3 } },
  'grows too large': {
    entries: [
      { name: 'a', content: 'x'.repeat(60) },
      { name: 'b', content: 'x'.repeat(60) },
    ],
    says: /"b" brings/,
    limits: { maxBytes: 100 },
  },
  'is a bomb': { entries: [{ name: 'zeros', content: Buffer.alloc(4 << 20) }], says: /"zeros" grows \d+ times/ },
  'is larger than it says': { entries: [{ name: 'liar', content: 'x'.repeat(5000), claimedSize: 10 }], says: /.+/ },
  'has a name that no file system takes': { entries: [{ name: 'n'.repeat(300), content: 'x' }], says: /longer than 255 bytes/ },
}

describe('a package that', () => {
  for (const [what, { entries, says, limits }] of Object.entries(hostile)) {
    it(`${what} is refused and leaves nothing behind`, async () => {
      const attempt = unpackAll(packEntries(entries), { ...unpackLimits, ...limits })
      await expect(attempt).rejects.toMatchObject({
        code: 'PackageRejected',
        isStalled: true,
        message: expect.stringMatching(says) as string,
      })
      expect(await readdir(folder)).toEqual(['package.zip'])
    })
  }

  it('is no zip archive is refused', async () => {
    await expect(unpackAll(Buffer.from('not a zip'))).rejects.toMatchObject({ code: 'PackageRejected' })
    expect(await readdir(folder)).toEqual(['package.zip'])
  })

  it('is cut off in the middle is refused', async () => {
    const whole = pack({ 'index.js': 'code'.repeat(1000) })
    await expect(unpackAll(whole.subarray(0, whole.length - 30))).rejects.toMatchObject({ code: 'PackageRejected' })
  })
})
