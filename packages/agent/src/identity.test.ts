// What the node keeps of itself on the disk, over starts and damage.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSealed, sealTo } from '@littoral/contract/wire/sealed'
import { IdentityStore, type JoinCredential } from './identity.ts'
import { copyOf } from './kept.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'littoral-identity-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

const token: JoinCredential = { kind: 'token', token: 'ljt_a' }
const file = () => join(folder, 'identity.json')

it('makes the key that secrets are sealed to at the first start, for its own eyes only, and keeps it', async () => {
  const first = await IdentityStore.open(folder, token)
  expect((await stat(file())).mode & 0o777).toBe(0o600)
  await first.save({ nodeId: 'node-1', nodeSecret: 'lns_1' })
  const second = await IdentityStore.open(folder, undefined)
  expect(second.nodeHeader()).toBe('LittoralNode node-1:lns_1')
  expect(second.sealKey).toEqual(first.sealKey)
  expect(openSealed(second.sealKey, sealTo(first.sealKey.publicKey, 'x', 'p'), 'p')).toBe('x')
})

it('gives a node of an earlier agent a key, and leaves it who it is', async () => {
  await writeFile(file(), JSON.stringify({ nodeId: 'node-1', nodeSecret: 'lns_1' }))
  const { sealKey } = await IdentityStore.open(folder, undefined)
  const again = await IdentityStore.open(folder, undefined)
  expect(again.sealKey).toEqual(sealKey)
  expect(again.nodeId).toBe('node-1')
})

it('keeps a damaged key by its copy, and makes a new one when both are damaged', async () => {
  const { sealKey } = await IdentityStore.open(folder, token)
  const text = await readFile(file(), 'utf8')
  const damaged = text.replace(sealKey.privateKey, 'A'.repeat(43))
  await writeFile(file(), damaged)
  expect((await IdentityStore.open(folder, token)).sealKey).toEqual(sealKey)
  await writeFile(file(), damaged)
  await writeFile(copyOf(file()), damaged)
  const mended = await IdentityStore.open(folder, token)
  expect(mended.sealKey.publicKey).not.toBe(sealKey.publicKey)
  await writeFile(file(), text.slice(0, 20))
  expect((await IdentityStore.open(folder, token)).canConnect).toBe(true)
})

it('writes nothing where nothing says how to join', async () => {
  expect((await IdentityStore.open(folder, undefined)).canConnect).toBe(false)
  await expect(stat(file())).rejects.toThrow('ENOENT')
})
