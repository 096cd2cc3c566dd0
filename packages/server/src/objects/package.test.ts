import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostilePackages } from '../../../../test/hostile-packages.ts'
import { pack, type PackedFile } from '../../../agent/src/test-packages.ts'
import { findPackageProblem } from './package.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-package-'))
})
afterAll(() => rm(folder, { recursive: true }))

let count = 0
async function stored(bytes: Buffer): Promise<string> {
  const path = join(folder, `${(count += 1)}.zip`)
  await writeFile(path, bytes)
  return path
}
const packed = (files: Record<string, string | Omit<PackedFile, 'name'>>) => stored(pack(files))

/** The beginning of a program, as a compiler writes it. */
function program(machine: number, { is64 = false, flags = 0, isBig = false } = {}): Buffer {
  const head = Buffer.alloc(200)
  head.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isBig ? 2 : 1, 1])
  if (isBig) head.writeUInt16BE(machine, 18)
  else head.writeUInt16LE(machine, 18)
  if (!is64) head.writeUInt32LE(flags, 36)
  return head
}
const programs: Record<string, Buffer> = {
  armv7: program(40, { flags: 0x5000200 }),
  'armv7-hf': program(40, { flags: 0x5000400 }),
  aarch64: program(183, { is64: true }),
  'x86-64': program(62, { is64: true }),
  x86: program(3),
}
const executable = (content: Buffer | string) => ({ content, mode: 0o100755 })

describe('a driver package', () => {
  it.each([
    ['nodejs8', 'index.js'],
    ['python3', 'index.py'],
    ['c', 'main'],
    ['java8', 'main.jar'],
  ] as const)('of the runtime %s starts from %s at its top', async (runtime, entry) => {
    const code = executable('#!/bin/sh\n')
    expect(await findPackageProblem(await packed({ [entry]: code, 'lib/a.txt': '' }), { runtime })).toBeUndefined()
    expect(await findPackageProblem(await packed({ 'other.txt': '' }), { runtime })).toContain(`${entry} is missing at the top`)
    expect(await findPackageProblem(await packed({ [`driver/${entry}`]: code }), { runtime })).toContain(`found as driver/${entry}`)
    expect(await findPackageProblem(await packed({ [`${entry}/`]: { mode: 0o040755 } }), { runtime })).toContain('missing at the top')
  })

  it.each(Object.keys(programs))('that is compiled for %s is taken for that processor and for no other', async (cpuArch) => {
    const path = await packed({ main: executable(programs[cpuArch]!) })
    expect(await findPackageProblem(path, { runtime: 'c', cpuArch })).toBeUndefined()
    for (const other of Object.keys(programs).filter((name) => name !== cpuArch)) {
      expect(await findPackageProblem(path, { runtime: 'c', cpuArch: other })).toMatch(/^entry "main" is compiled for .* the driver is for/)
    }
  })

  it('is refused for any library of another processor, in every language that names one', async () => {
    const path = await packed({ 'index.js': '', 'node_modules/x/build/x.node': { content: programs.armv7! } })
    const refusal = 'entry "node_modules/x/build/x.node" is compiled for arm, 32 bit, the driver is for aarch64.'
    expect(await findPackageProblem(path, { runtime: 'nodejs8', cpuArch: 'aarch64' })).toBe(refusal)
    expect(await findPackageProblem(path, { runtime: 'nodejs8' })).toBeUndefined()
  })

  it('may bring programs nobody runs, and libraries for every processor to choose from', async () => {
    const files = {
      'index.js': '',
      'node_modules/put/test/c/ftoi': executable(programs.x86!),
      'node_modules/y/prebuilds/linux-arm64/y.node': { content: programs.aarch64! },
    }
    const driver = { runtime: 'nodejs8', cpuArch: 'x86-64' } as const
    expect(await findPackageProblem(await packed(files), driver)).toBeUndefined()
    const withLibrary = await packed({ ...files, 'lib/libz.so.1.2': { content: programs.aarch64! } })
    expect(await findPackageProblem(withLibrary, driver)).toContain('entry "lib/libz.so.1.2" is compiled for aarch64')
    const inC = await packed({ main: executable(programs['x86-64']!), tool: executable(programs.aarch64!) })
    expect(await findPackageProblem(inC, { runtime: 'c', cpuArch: 'x86-64' })).toContain('entry "tool" is compiled for aarch64')
  })

  it.each([
    ['for big-endian machines', program(8, { isBig: true }), 'is compiled for mips (big-endian), 32 bit, the driver is for x86-64'],
    ['cut off in its head', programs['x86-64']!.subarray(0, 20), 'ends within its first bytes'],
    ['no program', Buffer.from('hello'), 'is neither a compiled program nor a script'],
  ])('whose main is %s is refused', async (_, content, says) => {
    expect(await findPackageProblem(await packed({ main: executable(content) }), { runtime: 'c', cpuArch: 'x86-64' })).toContain(says)
  })

  it('whose main may not be executed is refused', async () => {
    const path = await packed({ main: { content: programs['x86-64']! } })
    expect(await findPackageProblem(path, { runtime: 'c', cpuArch: 'x86-64' })).toContain('entry "main" has no execute permission')
  })

  it.each(hostilePackages.map((one) => [one.what, one] as const))('that %s is refused', async (_, { bytes, names }) => {
    expect(await findPackageProblem(await stored(bytes), { runtime: 'nodejs8' })).toMatch(names)
  })

  it('is looked through one at a time, also after one that cannot be read', async () => {
    const good = await packed({ 'index.js': '' })
    const found = await Promise.all([join(folder, 'none.zip'), good, good].map((path) => findPackageProblem(path, { runtime: 'nodejs8' })))
    expect(found).toEqual([expect.stringContaining('not a readable zip'), undefined, undefined])
  })
})
