import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DesiredStore } from './desired.ts'
import { desiredState, driver, group } from './test-workloads.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'littoral-desired-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the desired state', () => {
  it('is nothing on a node that was never told anything', async () => {
    const store = await DesiredStore.open(folder)
    expect(store.state).toBeUndefined()
    expect(store.condition).toBeUndefined()
    expect(store.generation).toBe(0)
  })

  it('is there again after a restart', async () => {
    const state = desiredState(7, group(), driver())
    const store = await DesiredStore.open(folder)
    expect(await store.accept(state)).toEqual({ isAccepted: true, isNew: true })
    expect((await DesiredStore.open(folder)).state).toEqual(state)
    expect((await stat(join(folder, 'desired.json'))).mode & 0o777).toBe(0o600)
  })

  it('refuses a generation older than the one on disk', async () => {
    await (await DesiredStore.open(folder)).accept(desiredState(7))
    const store = await DesiredStore.open(folder)
    expect(await store.accept(desiredState(6, group()))).toEqual({
      isAccepted: false,
      problem: 'generation 6 is older than 7, which this node has',
    })
    expect(store.state).toEqual(desiredState(7))
  })

  it('takes the same generation again without writing it', async () => {
    const store = await DesiredStore.open(folder)
    await store.accept(desiredState(7, group()))
    const before = (await stat(join(folder, 'desired.json'))).ino
    expect(await store.accept(desiredState(7, group()))).toEqual({ isAccepted: true, isNew: false })
    expect((await stat(join(folder, 'desired.json'))).ino).toBe(before)
  })

  it.each([
    [{ generation: 'seven', workloads: [] }, 'generation must be integer'],
    [{ generation: 1 }, "message must have required property 'workloads'"],
    [{ generation: 1, workloads: [{ ...group(), graceSeconds: -1 }] }, /graceSeconds|workloads\.0/],
    [{ generation: 1, workloads: [group(), group({ version: 'ver-2' })] }, 'workloads: the key app/app-1/prod appears twice'],
    ['nonsense', 'message must be object'],
  ])('refuses what does not fit the contract: %j', async (value, problem) => {
    const store = await DesiredStore.open(folder)
    const outcome = await store.accept(value)
    expect(outcome).toEqual({
      isAccepted: false,
      problem: expect.stringMatching(problem) as string,
    })
    expect(await readdir(folder)).toEqual([])
  })

  it('falls back to the one before when its file is corrupt, says so, and keeps the file', async () => {
    const store = await DesiredStore.open(folder)
    await store.accept(desiredState(1, group()))
    await store.accept(desiredState(2, group({ version: 'ver-2' })))
    await writeFile(join(folder, 'desired.json'), '{"generation":2,"workl')
    const again = await DesiredStore.open(folder)
    expect(again.state).toEqual(desiredState(1, group()))
    expect(again.condition).toEqual({
      code: 'DesiredStateCorrupt',
      message: 'desired.json: not JSON; it was kept as desired.corrupt.json and generation 1 is used instead',
    })
    expect(await readFile(join(folder, 'desired.corrupt.json'), 'utf8')).toBe('{"generation":2,"workl')
  })

  it('is nothing rather than wrong when there is no earlier one', async () => {
    await writeFile(join(folder, 'desired.json'), '{"generation":1,"workloads":[{}]}')
    const store = await DesiredStore.open(folder)
    expect(store.state).toBeUndefined()
    expect(store.condition?.message).toContain('nothing on this node is touched')
  })

  it('that was corrupt is forgotten with the next one', async () => {
    await writeFile(join(folder, 'desired.json'), 'x')
    const store = await DesiredStore.open(folder)
    expect(await store.accept(desiredState(1))).toEqual({ isAccepted: true, isNew: true })
    expect(store.condition).toBeUndefined()
    expect((await DesiredStore.open(folder)).condition).toBeUndefined()
  })

  it('survives a second corruption without losing the fallback', async () => {
    const store = await DesiredStore.open(folder)
    await store.accept(desiredState(1))
    await store.accept(desiredState(2))
    await writeFile(join(folder, 'desired.json'), 'x')
    await DesiredStore.open(folder)
    const third = await DesiredStore.open(folder)
    expect(third.state).toEqual(desiredState(1))
    await third.accept(desiredState(3))
    expect((await DesiredStore.open(folder)).state).toEqual(desiredState(3))
  })
})
