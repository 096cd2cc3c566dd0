import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { holderProgram } from './holder-image.ts'
import { imageArchive } from './image-archive.ts'
import { tarArchive } from './tar.ts'

const folder = mkdtempSync(join(tmpdir(), 'littoral-archive-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('tar itself reads what we write', () => {
  const long = `${'folder/'.repeat(20)}file`
  const archive = tarArchive([
    { path: 'bin/' },
    { path: 'bin/run', content: Buffer.from('#!/bin/sh\n'), mode: 0o755 },
    { path: 'bin/link', linkTo: 'run' },
    { path: long, content: Buffer.alloc(1000, 'x') },
  ])
  const result = spawnSync('tar', ['-x', '-C', folder], { input: archive })
  expect(result.stderr.toString()).toBe('')
  expect(readFileSync(join(folder, 'bin/link'), 'utf8')).toBe('#!/bin/sh\n')
  expect(statSync(join(folder, 'bin/run')).mode & 0o777).toBe(0o755)
  expect(statSync(join(folder, long)).size).toBe(1000)
  expect(() => tarArchive([{ path: 'x'.repeat(200) }])).toThrow('too long')
})

test('equal recipes give equal images', () => {
  const recipe = { tags: ['a:1'], files: [{ path: 'a', content: Buffer.from('1') }], architecture: 'amd64' as const }
  expect(imageArchive(recipe)).toEqual(imageArchive({ ...recipe }))
  expect(imageArchive(recipe)).not.toEqual(imageArchive({ ...recipe, entrypoint: ['/a'] }))
})

test('the holder waits, and ends with 0 on TERM', async () => {
  const path = join(folder, 'holder')
  writeFileSync(path, holderProgram(process.arch === 'arm64' ? 'arm64' : 'amd64'))
  chmodSync(path, 0o755)
  const child = spawn(path)
  const ended = new Promise<[number | null, string | null]>((resolve) => child.once('exit', (code, signal) => resolve([code, signal])))
  await new Promise((resolve) => child.once('spawn', resolve))
  // Blocked signals show in the kernel's own table: HUP, INT and TERM.
  const blocked = () => /SigBlk:\s*([0-9a-f]+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
  for (const end = Date.now() + 5000; !blocked()?.endsWith('4003') && Date.now() < end;)
    await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

test('both holders are well-formed ELF files of their machine', () => {
  for (const [architecture, machine] of [
    ['amd64', 62],
    ['arm64', 183],
  ] as const) {
    const program = holderProgram(architecture)
    expect(program.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
    expect(program.readUInt16LE(18)).toBe(machine)
    expect(program.readBigUInt64LE(64 + 32)).toBe(BigInt(program.length))
  }
})
