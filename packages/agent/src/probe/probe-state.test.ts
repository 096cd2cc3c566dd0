import { expect, test } from 'vitest'
import { firstProbeState, nextProbeState, probePauseMs, type ProbeState } from './probe-state.ts'

const thresholds = { successThreshold: 1, failureThreshold: 3 }
const run = (results: string, probe = thresholds, from: ProbeState = firstProbeState) =>
  Array.from(results).reduce((state, letter) => nextProbeState(state, letter === '+', probe), from)

test('is ready after as many successes in a row as the threshold asks for', () => {
  expect(run('-+').isReady).toBe(true)
  const three = { ...thresholds, successThreshold: 3 }
  expect(run('++-++', three).isReady).toBe(false)
  expect(run('++-+++', three).isReady).toBe(true)
})

test('stays ready until as many failures in a row as the threshold asks for', () => {
  expect(run('+--+--').isReady).toBe(true)
  expect(run('+---').isReady).toBe(false)
  expect(run('+---+').isReady).toBe(true)
})

test('checks often before the first success and by the period after it', () => {
  const probe = { periodSeconds: 10 }
  const pauses = ['-', '--', '---', '-----', '-'.repeat(12), '-'.repeat(30)].map((results) =>
    Math.round(probePauseMs(run(results), probe, 1)),
  )
  expect(pauses).toEqual([50, 70, 98, 192, 2025, 10_000])
  expect(probePauseMs(run('--+'), probe, 100)).toBe(9900)
  expect(probePauseMs(run('+---'), probe, 0)).toBe(10_000)
  expect(probePauseMs(run('+', { ...thresholds, successThreshold: 2 }), probe, 0)).toBe(10_000)
})

test('a slow check is not repeated back to back', () => {
  expect(probePauseMs(run('-'), { periodSeconds: 10 }, 700)).toBe(700)
})
