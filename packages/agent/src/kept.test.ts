import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Checked, Kept, seal, unseal } from './kept.ts'

let folder: string
let notes: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-kept-'))
  notes = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const check = (value: unknown): Checked<string> =>
  typeof value === 'string' ? { isValid: true, value } : { isValid: false, problem: 'not a text' }
const disk = { failed: (what: string) => void notes.push(`failed ${what}`), succeeded: (what: string) => void notes.push(`wrote ${what}`) }
const open = (copy: 'earlier' | 'same', name = 'thing.json') =>
  Kept.open({ path: join(folder, name), what: 'the thing', check, copy, disk })

describe('a sealed text', () => {
  it('is JSON, and gives back what was sealed', () => {
    const value = { a: [1, 2.5, 'ü'], b: null }
    expect(JSON.parse(seal(value))).toMatchObject({ content: value })
    expect(unseal(seal(value))).toEqual({ isValid: true, value })
  })

  it('is known to be damaged wherever a byte of it is lost or turned', () => {
    const text = seal({ nodeId: 'node-1', list: [1, 2, 3] })
    for (let at = 0; at < text.length; at++) {
      expect(unseal(text.slice(0, at)).isValid).toBe(false)
      const turned = `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ 1)}${text.slice(at + 1)}`
      const opened = unseal(turned)
      // A turned byte in the first name leaves JSON that is not what was sealed; its reader refuses it.
      if (opened.isValid) expect(opened.value).not.toEqual({ nodeId: 'node-1', list: [1, 2, 3] })
    }
  })

  it('of an agent before checksums is taken as it is', () => {
    expect(unseal('"plain"')).toEqual({ isValid: true, value: 'plain' })
  })
})

describe('a kept value', () => {
  it('is there again, and says nothing of damage', async () => {
    await (await open('same')).set('one')
    const again = await open('same')
    expect([again.value, again.damage]).toEqual(['one', undefined])
    expect(notes).toEqual(['wrote the thing'])
  })

  it.each([
    ['same', 'two'],
    ['earlier', 'one'],
  ] as const)('whose file is torn comes from the copy that is %s', async (copy, expected) => {
    const kept = await open(copy)
    await kept.set('one')
    await kept.set('two')
    await truncate(join(folder, 'thing.json'), 20)
    const again = await open(copy)
    expect(again.value).toBe(expected)
    expect(again.damage).toBe('thing.json: its checksum is wrong; it was kept as thing.corrupt.json')
    expect(await readdir(folder)).toContain('thing.corrupt.json')
  })

  it('whose file is missing comes from the copy, and that is said', async () => {
    await (await open('same')).set('one')
    await rm(join(folder, 'thing.json'))
    const again = await open('same')
    expect([again.value, again.damage]).toEqual(['one', 'thing.json: it is missing'])
  })

  it('does not put a damaged file in the place of a good copy', async () => {
    const kept = await open('earlier')
    await kept.set('one')
    await kept.set('two')
    await writeFile(join(folder, 'thing.json'), '')
    await kept.set('three')
    expect(unseal(await readFile(join(folder, 'thing.previous.json'), 'utf8'))).toEqual({ isValid: true, value: 'one' })
  })

  it('counts though it cannot be written, and is written later', async () => {
    await writeFile(join(folder, 'blocked'), '')
    const kept = await open('same', 'blocked/thing.json')
    await kept.set('one')
    expect(kept.value).toBe('one')
    expect(notes).toEqual(['failed the thing'])
    await rm(join(folder, 'blocked'))
    await kept.retry()
    expect(notes).toEqual(['failed the thing', 'wrote the thing'])
    expect((await open('same', 'blocked/thing.json')).value).toBe('one')
  })
})
