import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hostilePackages } from '../../../../test/hostile-packages.ts'
import { pack } from '../test-packages.ts'
import { packageLimits } from '@littoral/contract/node/driver-package'
import { unpack } from './unpack.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-unpack-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const never = new AbortController().signal

/** Small packages come from memory, others from a file. */
let isHeld = false

async function unpackAll(archive: Buffer, limits = packageLimits): Promise<string> {
  await writeFile(join(folder, 'package.zip'), archive)
  await unpack(isHeld ? archive : join(folder, 'package.zip'), join(folder, 'out'), never, limits)
  return join(folder, 'out')
}

describe.each(['a file', 'memory'])('from %s', (source) => {
  beforeEach(() => void (isHeld = source === 'memory'))

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

  describe('a package that', () => {
    it.each(hostilePackages.map((one) => [one.what, one] as const))(
      '%s is refused and leaves nothing behind',
      async (_, { bytes, names }) => {
        const message = expect.stringMatching(names) as string
        await expect(unpackAll(bytes)).rejects.toMatchObject({ code: 'PackageRejected', isStalled: true, message })
        expect(await readdir(folder)).toEqual(['package.zip'])
      },
    )

    it('keeps to no bound of its own is held to the given one', async () => {
      const lettered = (...names: string[]) => pack(Object.fromEntries(names.map((name) => [name, 'x'.repeat(60)])))
      const tight = { ...packageLimits, maxEntries: 3, maxBytes: 100 }
      await expect(unpackAll(lettered('a', 'b'), tight)).rejects.toThrow('"b" brings the unpacked size above 100 bytes')
      await expect(unpackAll(lettered('a/b/c/d/e'), tight)).rejects.toThrow('more than 3 files and folders')
      expect(await readdir(folder)).toEqual(['package.zip'])
    })
  })
})
