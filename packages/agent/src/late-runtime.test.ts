import { expect, it } from 'vitest'
import { lateRuntime } from './late-runtime.ts'
import { MemoryRuntime } from './runtime/memory.ts'
import { group } from './test-workloads.ts'

const never = () => new AbortController().signal

function late() {
  let finish: (runtime: MemoryRuntime) => void = () => {}
  let count = 0
  const openIt = () => {
    count += 1
    return new Promise<MemoryRuntime>((resolve) => (finish = resolve))
  }
  const made = lateRuntime('memory', openIt, ({ kind }) => kind === 'group')
  return { ...made, finish: () => finish(new MemoryRuntime()), opened: () => count }
}

it('cannot be asked until it is open, and says then that something has changed', async () => {
  const { runtime, open, finish } = late()
  expect(runtime.supports(group())).toBe(true)
  await expect(runtime.observe(never())).rejects.toThrow('it is being opened')
  expect(runtime.stock).toBeUndefined()
  expect(await runtime.usage(never())).toEqual([])
  let changes = 0
  const unsubscribe = runtime.events(() => (changes += 1))
  const opening = open()
  finish()
  await opening
  expect(changes).toBe(1)
  expect(await runtime.observe(never())).toEqual([])
  await runtime.prepare(group(), never(), () => {})
  await runtime.start(group(), never())
  expect(await runtime.observe(never())).toMatchObject([{ key: 'app/app-1/prod' }])
  expect(changes).toBeGreaterThan(1)
  unsubscribe()
  await runtime.close()
})

it('is opened once, whoever asks, and what waits for it goes on then', async () => {
  const { runtime, open, finish, opened } = late()
  const opening = [open(), open()]
  const facts = runtime.capabilities()
  finish()
  await Promise.all(opening)
  expect(opened()).toBe(1)
  expect(await facts).toMatchObject({ name: 'memory', isAvailable: true })
})

it('says why it cannot be opened, and is closed without having been open', async () => {
  const { runtime, open } = lateRuntime(
    'process',
    () => Promise.reject(new Error('no folder')),
    () => true,
  )
  await expect(open()).rejects.toThrow('no folder')
  await expect(runtime.capabilities()).rejects.toThrow('no folder')
  await runtime.close()
  const unopened = late()
  await unopened.runtime.close()
  await expect(unopened.runtime.capabilities()).rejects.toThrow('was not opened')
})
