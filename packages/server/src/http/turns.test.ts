// Calls with large bodies go a few at a time; the others never wait.
import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

const turnOfTheLoop = () => new Promise((resolve) => setImmediate(resolve))

test('lets a small call go at once', () => {
  expect(createTurns().wait(1024)).toBeUndefined()
})

test('lets large calls go in the order they came, a few in one turn of the event loop', async () => {
  const turns = createTurns()
  const gone: number[] = []
  const all = Array.from({ length: 40 }, async (_, index) => {
    await turns.wait(5000)
    gone.push(index)
  })
  let before = 0
  let loops = 0
  for (; gone.length < 40; loops += 1) {
    await turnOfTheLoop()
    expect(gone.length - before).toBeLessThanOrEqual(4)
    before = gone.length
    expect(loops).toBeLessThan(100)
  }
  await Promise.all(all)
  expect(gone).toEqual(Array.from({ length: 40 }, (_, index) => index))
  expect(loops).toBeGreaterThanOrEqual(10)
})

test('goes on after it has been idle', async () => {
  const turns = createTurns()
  for (let round = 0; round < 3; round += 1) {
    await turns.wait(5000)
    await turnOfTheLoop()
  }
  expect(await turns.wait(5000)).toBeUndefined()
})
