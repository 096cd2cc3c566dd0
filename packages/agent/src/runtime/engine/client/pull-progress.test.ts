// Progress of pulls from what engines really send.
import { expect, it } from 'vitest'
import { PullTracker } from './pull-progress.ts'

const say = (tracker: PullTracker, id: string, status: string, detail: { current?: number; total?: number } = {}) =>
  tracker.take({ id, status, progressDetail: detail })

it('counts layers and bytes, and knows the whole only when it knows every layer', () => {
  const tracker = new PullTracker(false)
  say(tracker, '1.0', 'Pulling from shop/web')
  for (const id of ['a', 'b', 'c']) say(tracker, id, 'Pulling fs layer')
  expect(tracker.now()).toEqual({ layersDone: 0, layersTotal: 3, doneBytes: 0, totalBytes: undefined })
  say(tracker, 'a', 'Already exists')
  say(tracker, 'b', 'Downloading', { current: 10, total: 100 })
  expect(tracker.now()).toEqual({ layersDone: 1, layersTotal: 3, doneBytes: 10, totalBytes: undefined })
  say(tracker, 'c', 'Downloading', { current: 5, total: 50 })
  expect(tracker.now()).toEqual({ layersDone: 1, layersTotal: 3, doneBytes: 15, totalBytes: 150 })
  say(tracker, 'b', 'Download complete')
  say(tracker, 'b', 'Extracting', { current: 1, total: 2 })
  expect(tracker.now()).toEqual({ layersDone: 1, layersTotal: 3, doneBytes: 105, totalBytes: 150 })
  for (const id of ['b', 'c']) say(tracker, id, 'Pull complete')
  expect(tracker.now()).toEqual({ layersDone: 3, layersTotal: 3, doneBytes: 150, totalBytes: 150 })
})

it('takes a layer of Podman for done when it is downloaded', () => {
  const tracker = new PullTracker(true)
  say(tracker, 'a', 'Pulling fs layer')
  say(tracker, 'a', 'Downloading', { current: 10, total: 10 })
  expect(tracker.now()).toMatchObject({ layersDone: 0, layersTotal: 1 })
  say(tracker, 'a', 'Download complete')
  expect(tracker.now()).toEqual({ layersDone: 1, layersTotal: 1, doneBytes: 10, totalBytes: 10 })
})

it('believes nothing that makes no sense, and keeps no more than an image can have', () => {
  const tracker = new PullTracker(false)
  for (const entry of [null, 7, {}, { id: 1, status: 'Downloading' }, { id: 'a', status: 'Digest: sha256:x' }])
    expect(tracker.take(entry)).toBe(false)
  say(tracker, 'a', 'Downloading', { current: -5, total: Number.NaN })
  say(tracker, 'b', 'Downloading', { current: 200, total: 100 })
  expect(tracker.now()).toEqual({ layersDone: 0, layersTotal: 2, doneBytes: 100, totalBytes: undefined })
  for (let at = 0; at < 5000; at++) say(tracker, `layer-${at}`, 'Waiting')
  expect(tracker.now().layersTotal).toBe(1000)
})
